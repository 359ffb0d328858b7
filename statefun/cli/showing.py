"""How a store's values are shown to a person: decoded where their type is known, never with a control character that a terminal obeys."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from google.protobuf.message import DecodeError

from statefun.batch import ProtocolVersion, Target, TypedBytes
from statefun.primitives import BOOL, BYTES, DOUBLE, FLOAT, INT, LONG, STRING
from statefun.wire import TYPE_URL_PREFIX

__all__ = [
    "address",
    "counted",
    "described",
    "escaped",
    "known",
    "print_json",
    "print_table",
    "timestamp",
    "value_json",
]

_PREFIX: Final = 32
_WIDE: Final = 200
_KNOWN: Final = {
    encoding.typename: encoding
    for each in (BOOL, INT, LONG, FLOAT, DOUBLE, STRING, BYTES)
    for encoding in (each.encoding(ProtocolVersion.V2), each.encoding(ProtocolVersion.V3))
}
# Control, format (which turns text around), surrogate, unassigned and private; separators of lines and paragraphs.
_HIDDEN: Final = {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"}


def escaped(text: str) -> str:
    r"""A text whose characters all take a place of their own on a terminal and do nothing to it.

    >>> print(escaped("red \x1b[31m \u202e"))
    red \x1b[31m \u202e
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        each.encode("unicode_escape").decode() if unicodedata.category(each) in _HIDDEN else each for each in text
    )


def known(value: TypedBytes) -> tuple[bool, Any]:
    """Whether a value's type is one that can be decoded here, a primitive or JSON; and what it is.

    >>> known(TypedBytes("shop/order", b'{"id":7}'))
    (True, {'id': 7})
    >>> known(TypedBytes("type.googleapis.com/shop.Order", b"7"))
    (False, None)
    """
    encoding = _KNOWN.get(value.typename)
    try:
        if encoding is not None:
            decoded = encoding.decode(value.value)
            return (False, None) if isinstance(decoded, bytes) else (True, decoded)
        if value.value[:1] in (b"{", b"[") and not value.typename.startswith(TYPE_URL_PREFIX):
            return True, json.loads(value.value)
    except (ValueError, DecodeError, RecursionError):
        pass  # bytes that are not of the type that they name
    return False, None


def described(value: TypedBytes, payload: bool) -> str:
    """A value in a cell of a table: its content, or its size when that is not asked for."""
    size = len(value.value)
    if not payload:
        return f"({size} bytes)"
    decodable, content = known(value)
    if decodable:
        return escaped(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False))
    return f"({size} bytes) {value.value[:_PREFIX].hex()}{'…' if size > _PREFIX else ''}"


def value_json(value: TypedBytes, payload: bool) -> dict[str, Any]:
    """A value for a machine: `type`, `size`, and when it is asked for `value` where that is known, else `hex`, whole."""
    told: dict[str, Any] = {"type": value.typename, "size": len(value.value)}
    if payload:
        decodable, content = known(value)
        told |= {"value": content} if decodable else {"hex": value.value.hex()}
    return told


def counted(number: int, thing: str) -> str:
    """A number of things, of which one has no plural.

    >>> counted(1, "transaction"), counted(2000, "record")
    ('1 transaction', '2,000 records')
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def address(target: Target | None) -> str:
    """An address as text; `-` for none."""
    return "-" if target is None else escaped("/".join(target))


def timestamp(milliseconds: int) -> str:
    """A time of the store, in UTC.

    >>> timestamp(1500)
    '1970-01-01T00:00:01.500Z'
    """
    try:
        moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return f"{milliseconds} ms"
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def print_json(value: Any) -> None:
    """Prints a value as one line of JSON in ASCII."""
    print(json.dumps(value, separators=(",", ":")).replace("\x7f", "\\u007f"))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Prints a table whose cells are taken as they are, no markup in them."""
    from rich.box import SIMPLE_HEAD  # of the extra `cli`; here, so that --help needs only click
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*[Text(cell) for cell in row])
    console.print(table)
