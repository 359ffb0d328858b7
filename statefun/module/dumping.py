"""How YAML is written, of a module and of what is deployed with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from statefun.extras import extra
from statefun.module.scalars import reads_as

with extra("module"):
    import yaml

__all__ = ["dump"]


class _Dumper(yaml.SafeDumper):
    """Writes lists with an indentation, texts in quotes where any parser may read something else, and no aliases."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        return super().increase_indent(flow, False)

    def ignore_aliases(self, data: object) -> bool:
        return True


class _BlockDumper(_Dumper):
    """Writes texts of several lines as blocks, for people to read."""


def _represent_text(_dumper: _Dumper, text: str) -> yaml.ScalarNode:
    # In double quotes a character that is a line break to some parsers, or too much for others, is written as an escape.
    plain = reads_as(text) is None and text.isprintable() and max(text, default="") <= "\uffff"
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, style=None if plain else '"')


def _represent_block(dumper: _BlockDumper, text: str) -> yaml.ScalarNode:
    if "\n" not in text:
        return _represent_text(dumper, text)
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, style="|")


_Dumper.add_representer(str, _represent_text)
_BlockDumper.add_representer(str, _represent_block)


def dump(documents: Iterable[Mapping[str, Any]], *, blocks: bool = False) -> str:
    """A stream of YAML documents, in the order of their keys.

    Args:
        documents: Each a mapping of texts, numbers, lists and mappings.
        blocks: Whether texts of several lines are written as blocks.

    >>> print(dump([{"kind": "a", "data": {"on": "no"}}, {"kind": "b"}]), end="")
    kind: a
    data:
      "on": "no"
    ---
    kind: b
    """
    dumper = _BlockDumper if blocks else _Dumper
    return "---\n".join(
        yaml.dump(
            dict(each),
            Dumper=dumper,
            sort_keys=False,
            allow_unicode=True,
            default_flow_style=False,
            width=1 << 30,
        )
        for each in documents
    )
