"""The states of a request, of which only what is touched is taken apart.

An engine sends the states of one function type in one order, request after request. So the names are read once, as the bytes
that an entry begins with, and later requests are only compared with them: 64 states cost 64 comparisons, no parsing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from google.protobuf.message import DecodeError

from statefun.errors import MalformedRequestError
from statefun.protocol._generated import v2, v3
from statefun.wire import LENGTH_DELIMITED, delimited, text, unknown_fields

__all__ = ["StateLayout", "encode_entry", "entry_value_v2", "entry_value_v3", "split_entry"]

_parse_v2: Final[Any] = v2.ToFunction.PersistedValue.FromString
_parse_v3: Final[Any] = v3.ToFunction.PersistedValue.FromString


class StateLayout:
    """The names of the states that a function's requests carry, in the order that its engine sends them.

    Args:
        entries: The states of one request, each a serialized PersistedValue.
        declared: The names of the states that the function declares.

    Attributes:
        positions: The position of each state by its name.
        missing: The declared names that are not among them, in the order of their declaration.

    Raises:
        MalformedRequestError: an entry is no PersistedValue.
    """

    __slots__ = ("_prefixes", "_usual", "missing", "positions")

    def __init__(self, entries: Sequence[bytes], declared: Iterable[str]) -> None:
        try:
            names = [_parse_v3(entry).state_name for entry in entries]
        except DecodeError as error:
            raise MalformedRequestError(f"the states of a request are malformed: {error}") from error
        self.positions: Final = {name: position for position, name in enumerate(names)}
        self.missing: Final = tuple(name for name in declared if name not in self.positions)
        self._prefixes: Final = [text(b"\x0a", name) for name in names]
        # An entry that does not begin with its name, which no engine writes, is not recognized again.
        self._usual: Final = all(names) and all(map(_starts_with, entries, self._prefixes))

    def fits(self, entries: Sequence[bytes]) -> bool:
        """Whether the states of another request are these, in this order."""
        prefixes = self._prefixes
        return len(prefixes) == len(entries) and self._usual and all(map(_starts_with, entries, prefixes))


_starts_with: Final = bytes.startswith


def entry_value_v3(entry: bytes) -> tuple[str, bytes] | None:
    """The typename and bytes of a state of a 3.x request; None when it is absent.

    Raises:
        MalformedRequestError: the entry is malformed.
    """
    try:
        value = _parse_v3(entry).state_value
    except DecodeError as error:
        raise MalformedRequestError(f"the {len(entry)} bytes of a state are malformed: {error}") from error
    return (value.typename, value.value) if value.has_value else None


def entry_value_v2(entry: bytes) -> tuple[str, bytes] | None:
    """The type URL and bytes of a state of a 2.2 request; None when it is absent.

    Raises:
        MalformedRequestError: the entry is malformed.
    """
    try:
        value = _parse_v2(entry).state_value
    except DecodeError as error:
        raise MalformedRequestError(f"the {len(entry)} bytes of a state are malformed: {error}") from error
    typename = value.typename
    return (typename, value.value) if typename else None


def split_entry(entry: bytes) -> tuple[str, bytes]:
    """The name of a state and its value, still serialized; empty bytes when absent.

    Raises:
        MalformedRequestError: the entry is malformed.
    """
    try:
        fields = {number: raw for number, wire_type, raw in unknown_fields(entry) if wire_type == LENGTH_DELIMITED}
        return fields.get(1, b"").decode(), fields.get(2, b"")
    except (DecodeError, UnicodeDecodeError) as error:
        raise MalformedRequestError(f"the {len(entry)} bytes of a state are malformed: {error}") from error


def encode_entry(name: str, value: bytes) -> bytes:
    """A state as an engine sends it: its name and its serialized value, empty when absent."""
    return text(b"\x0a", name) + (delimited(b"\x12", value) if value else b"")
