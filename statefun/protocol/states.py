"""The states of a request: a mapping that takes apart only what is touched.

An engine sends the states of one function type in one order, request after request. So the names are read once, as the bytes
that an entry begins with, and later requests are only compared with them: 64 states cost 64 comparisons, no parsing.
"""

from __future__ import annotations

from collections.abc import Iterator, KeysView, Mapping, Sequence
from typing import Any, Final

from google.protobuf.message import DecodeError

from statefun.errors import MalformedRequestError
from statefun.protocol._generated import v3
from statefun.wire import delimited, text

__all__ = ["StateEntries", "StateLayout", "encode_entry", "state_entries"]

_parse_entry: Final[Any] = v3.ToFunction.PersistedValue.FromString  # the same bytes in both protocols


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

    def fits(self, entries: Sequence[bytes]) -> bool:
        """Whether the entries are those of this layout."""
        return len(entries) == len(self.prefixes) and all(map(bytes.startswith, entries, self.prefixes))


class StateEntries(Mapping[str, bytes]):
    """State values by name, each still serialized as the protocol has it; empty bytes for an absent one."""

    __slots__ = ("_entries", "layout")

    def __init__(self, entries: Sequence[bytes], layout: StateLayout) -> None:
        self._entries = entries
        self.layout = layout

    def __getitem__(self, name: str) -> bytes:
        entry = self._entries[self.layout.positions[name]]
        try:
            value: bytes = _parse_entry(entry).state_value
        except DecodeError as error:
            raise MalformedRequestError(f"the {len(entry)} bytes of state {name!r} are malformed: {error}") from error
        return value

    def keys(self) -> KeysView[str]:
        return self.layout.positions.keys()

    def __contains__(self, name: object) -> bool:
        return name in self.layout.positions

    def __iter__(self) -> Iterator[str]:
        return iter(self.layout.positions)

    def __len__(self) -> int:
        return len(self.layout.positions)

    def __repr__(self) -> str:
        return f"StateEntries({dict(self)!r})"


_MOST_LAYOUTS: Final = 1024
_layouts: Final[dict[tuple[str, str], StateLayout]] = {}


def state_entries(namespace: str, name: str, entries: Sequence[bytes]) -> StateEntries:
    """The states of a request for a function type.

    Raises:
        MalformedRequestError: an entry is no PersistedValue.
    """
    layout = _layouts.get((namespace, name))
    if layout is None or not layout.fits(entries):
        try:
            layout = StateLayout([_parse_entry(entry).state_name for entry in entries])
        except DecodeError as error:
            raise MalformedRequestError(f"the states of {namespace}/{name} are malformed: {error}") from error
        if len(_layouts) >= _MOST_LAYOUTS:  # function types that nobody registered here, most likely
            _layouts.clear()
        if layout.fits(entries):  # not so when an entry is written in an unusual way
            _layouts[namespace, name] = layout
    return StateEntries(entries, layout)


def encode_entry(name: str, value: bytes) -> bytes:
    """A state as an engine sends it: its name and its serialized value, empty when absent."""
    return text(b"\x0a", name) + (delimited(b"\x12", value) if value else b"")
