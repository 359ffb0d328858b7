"""What a YAML parser may take a text without quotes for: a boolean, a number, a date, nothing at all.

YAML 1.1, which the engines' parsers follow in part, and YAML 1.2 disagree on many of these, and the parsers with both. So a
name that looks like one of them has to stand in quotes: Flink reads `no` as false and `010` as 8.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["is_plain_setting", "is_whole_number", "reads_as"]

_BOOLEANS: Final = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n"})
_KINDS: Final = (
    ("nothing", re.compile(r"(?:~|null)?", re.IGNORECASE)),
    ("a merge key", re.compile(r"<<|=")),
    (
        "a number",
        re.compile(
            r"[-+]?(?:0x[0-9a-f_]+|0b[01_]+|0o[0-7_]+"
            r"|\.(?:inf|nan)|[0-9][0-9_]*(?::[0-9_]+)+(?:\.[0-9_]*)?|[0-9][0-9_,]*(?:\.[0-9_]*)?(?:e[-+]?[0-9_]+)?"
            r"|\.[0-9][0-9_]*(?:e[-+]?[0-9_]+)?)",
            re.IGNORECASE,
        ),
    ),
    ("a date", re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?", re.DOTALL)),
)
_WHOLE: Final = re.compile(r"0|-?[1-9][0-9]{0,18}")
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,6})\.(?:0|[0-9]{0,5}[1-9])")


def reads_as(text: str) -> str | None:
    """Tells what else than text a parser may read, None where there is nothing else.

    >>> [reads_as(text) for text in ("no", "010", "1:30", "~", "2020-02-01", "example/greeter")]
    ['a boolean', 'a number', 'a number', 'nothing', 'a date', None]
    """
    if text.lower() in _BOOLEANS:
        return "a boolean"
    return next((kind for kind, pattern in _KINDS if pattern.fullmatch(text)), None)


def is_whole_number(text: str) -> bool:
    """Whether this is a whole number of 64 bits, or nearly, that every parser reads alike.

    >>> [is_whole_number(text) for text in ("500", "0", "-1", "010", "1_000", "+5", "5.0")]
    [True, True, True, False, False, False, False]
    """
    return _WHOLE.fullmatch(text) is not None


def is_plain_setting(text: str) -> bool:
    """Whether a boolean or a number comes out of every parser as the text that went in.

    >>> [is_plain_setting(text) for text in ("false", "500", "0.8", "no", "010", "0.80", "1e3")]
    [True, True, True, False, False, False, False]
    """
    return text in ("true", "false") or is_whole_number(text) or _DECIMAL.fullmatch(text) is not None
