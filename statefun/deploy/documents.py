"""Mappings to YAML: in the order that they are written in, and with texts of several lines as blocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

__all__ = ["documents"]


class _Dumper(yaml.SafeDumper):
    """Writes lists with an indentation, and a value that is used twice twice."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        return super().increase_indent(flow, False)

    def ignore_aliases(self, data: object) -> bool:
        return True


def _represent_text(_dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)


def documents(parts: Iterable[Mapping[str, Any]]) -> str:
    """A stream of YAML documents.

    >>> print(documents([{"kind": "a", "data": {"on": "no"}}, {"kind": "b"}]), end="")
    kind: a
    data:
      'on': 'no'
    ---
    kind: b
    """
    return "---\n".join(
        yaml.dump(dict(each), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1 << 30) for each in parts
    )
