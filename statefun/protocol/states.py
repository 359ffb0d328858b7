"""The states of a request, of which only what is touched is taken apart.

An engine sends the states of one function type in one order, request after request. So the names are read once, as the bytes
that an entry begins with, and later requests are only compared with them: 64 states cost 64 comparisons, no parsing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from google.protobuf.message import DecodeError

from statefun.errors import MalformedRequestError
from statefun.protocol._generated import v2, v3
from statefun.wire import LENGTH_DELIMITED, delimited, text, unknown_fields

__all__ = ["StateLayout", "encode_entry", "entry_value_v2", "entry_value_v3", "layout_of", "split_entry"]

_parse_v2: Final[Any] = v2.ToFunction.PersistedValue.FromString
_parse_v3: Final[Any] = v3.ToFunction.PersistedValue.FromString


class StateLayout:
    """The names of the states that a function's requests carry, in the order that its engine sends them.

    Attributes:
        positions: The position of each state by its name.
        prefixes: What each entry begins with: its name, as field 1.
    """

    __slots__ = ("positions", "prefixes")

    def __init__(self, names: Sequence[str]) -> None:
        self.positions: Final = {name: position for position, name in enumerate(names)}
        self.prefixes: Final = [text(b"\x0a", name) for name in names]


_MOST_LAYOUTS: Final = 1024
_layouts: Final[dict[tuple[str, str], StateLayout]] = {}
_starts_with: Final = bytes.startswith


def layout_of(namespace: str, name: str, entries: Sequence[bytes]) -> StateLayout:
    """The layout of the states of a request for a function type.

    Raises:
        MalformedRequestError: an entry is no PersistedValue.
    """
    layout = _layouts.get((namespace, name))
    if layout is not None:
        prefixes = layout.prefixes
        if len(prefixes) == len(entries) and all(map(_starts_with, entries, prefixes)):
            return layout
    try:
        layout = StateLayout([_parse_v3(entry).state_name for entry in entries])
    except DecodeError as error:
        raise MalformedRequestError(f"a state of {namespace}/{name} is malformed: {error}") from error
    if not all(layout.prefixes):  # everything begins with the nothing that a state without a name begins with
        return layout
    if len(_layouts) >= _MOST_LAYOUTS:  # function types that nobody registered here, most likely
        _layouts.clear()
    _layouts[namespace, name] = layout
    return layout


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
