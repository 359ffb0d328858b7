"""`Addresses`: what is in memory of the addresses of a store, found by the bytes that name them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from statefun.batch import ProtocolVersion, StateDeclaration
from statefun.errors import MalformedRequestError, MalformedResponseError
from statefun.protocol.transit import from_stored
from statefun.protocol.values import decode_address, encode_address
from statefun.runtime.entries import IDLE, Cell, Entry, Function, Lane, state_field
from statefun.runtime.packing import unpack_states
from statefun.wire import text

__all__ = ["Addresses"]

_ALIASES: Final = 4096


class Addresses:
    """The addresses that are in memory, within a bound, and the functions that are known.

    Args:
        protocol: The protocol that functions are called with.
        load: Gives the packed states of an address and when they may be reclaimed; None for an address without states.
        lane_of: Gives the lane of a function type.
        states: The states of the functions that do not tell them.
    """

    def __init__(
        self,
        protocol: ProtocolVersion,
        load: Callable[[bytes], tuple[int | None, bytes] | None],
        lane_of: Callable[[str], Lane],
        states: Mapping[str, Sequence[StateDeclaration]],
    ) -> None:
        self._protocol: Final = protocol
        self._load: Final = load
        self._lane_of: Final = lane_of
        self.functions: Final = {name: Function(name, lane_of(name), declared) for name, declared in states.items()}
        """The functions that are known, by typename."""
        self.entries: Final[dict[bytes, Entry]] = {}
        """The addresses in memory, by their bytes as we write them."""
        self._by_head: Final[dict[bytes, Function]] = {}
        self._aliases: Final[dict[bytes, Entry]] = {}

    def entry(self, target: bytes) -> Entry:
        """The address that these bytes mean, which need not be written as we write it.

        Raises:
            ProtocolError: they mean none.
        """
        if (known := self._aliases.get(target)) is not None:
            return known
        key, function = target, self._function_of(target)
        if function is None:
            try:
                address = decode_address(target)
            except MalformedRequestError as error:  # it came in an answer, whatever it is a part of elsewhere
                raise MalformedResponseError(f"a message goes to no address: {error.message}") from error
            if address is None or not all(address):
                raise MalformedResponseError(
                    f"a message goes to {address and '/'.join(address)!r}, which is no address",
                    hint="an address has a namespace, a type and an id",
                )
            key = encode_address(address)
            typename = f"{address.namespace}/{address.type}"
            function = self.functions.get(typename)
            if function is None:
                function = self.functions[typename] = Function(typename, self._lane_of(typename))
            # All that stands before the id: by it the function's next addresses are known without taking them apart.
            self._by_head[encode_address(address._replace(id=""))] = function
        entry = self.entries.get(key)
        if entry is None:
            entry = self.entries[key] = Entry(key, function)
        if key != target:
            if len(self._aliases) >= _ALIASES:
                self._aliases.clear()
            self._aliases[target] = entry
        return entry

    def _function_of(self, target: bytes) -> Function | None:
        """The function of an address that is written as we write it; None when that cannot be told at a glance."""
        # 0a <namespace> 12 <type> 1a <id>, each behind its length: here those that are shorter than 128 bytes.
        try:
            end = 2 + target[1]
            end += 2 + target[end + 1]
            size = target[end + 1]
        except IndexError:
            return None
        if target[end] != 0x1A or not 0 < size < 128 or len(target) != end + 2 + size or not target.isascii():
            return None
        return self._by_head.get(target[:end])

    def load_cells(self, entry: Entry) -> dict[str, Cell]:
        """The states of an address, from the store."""
        cells: dict[str, Cell] = {}
        row = self._load(entry.key)
        if row is not None:
            entry.reclaim, data = row
            names = entry.function.names
            for name, expires, stored in unpack_states(data):
                value = from_stored(stored, self._protocol)
                field = names.get(name) or text(b"\x0a", name)
                cells[name] = (state_field(field, value), expires, value)
        entry.cells = cells
        return cells

    def evict(self, most: int, group: int) -> None:
        """Lets idle addresses go, those first that were not used of late, until a tenth of the bound is free.

        Args:
            most: The bound.
            group: The present group: what it has used stays the longest.
        """
        self._aliases.clear()
        entries = self.entries
        goal = len(entries) - most * 9 // 10
        for key in list(entries):
            entry = entries[key]
            if goal <= 0:
                break
            if entry.status != IDLE or entry.inbox:
                continue
            if entry.used == group:
                entries[key] = entries.pop(key)  # to the end, where it stays the longest
            else:
                del entries[key]
                goal -= 1
