"""Words of a server in an error or a log: one short line that is safe for a terminal."""

from __future__ import annotations

from typing import Final

__all__ = ["LONGEST", "quoted"]

LONGEST: Final = 300
"""The most characters of what a server says that are shown."""


def quoted(text: str) -> str:
    r"""Text of a server with what does not print escaped, cut off where it is long.

    >>> quoted("\x1b[31mred\n")
    '\\x1b[31mred\\n'
    """
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text[:LONGEST])[:LONGEST]
