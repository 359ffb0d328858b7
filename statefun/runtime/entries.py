"""What the core keeps in memory: `Lane`, where functions are called; `Function`, what is known of a type; `Entry`, one address."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

from statefun.batch import StateDeclaration
from statefun.expiration import ExpirationMode
from statefun.wire import delimited, text

__all__ = ["BLOCKED", "IDLE", "READY", "RUNNING", "Cell", "Chunk", "Entry", "Function", "Lane", "state_field"]

IDLE: Final = 0
READY: Final = 1
RUNNING: Final = 2
BLOCKED: Final = 3

_NEVER: Final = 0

Cell = tuple[bytes, int, bytes]
"""A state value: its field in a request, when it expires (ms since 1970, 0 for never), its value in the protocol's form."""


def state_field(name: bytes, value: bytes) -> bytes:
    r"""A state as a field of a request.

    >>> state_field(b"\x0a\x01n", b"").hex()
    '12030a016e'
    """
    return delimited(b"\x12", name + delimited(b"\x12", value) if value else name)


class Lane:
    """What waits to be called in one place. A place that is slow or absent holds up its own lane; every other goes on.

    Args:
        batch: The most messages in one request.
        slots: The most requests that run at once.
    """

    __slots__ = ("batch", "ready", "slots")

    def __init__(self, batch: int = 1000, slots: int = 1) -> None:
        self.batch: Final = batch
        self.slots = slots
        """How many more requests may run."""
        self.ready: Final[deque[Entry]] = deque()
        """The addresses that have messages and none of them running, whose turn it is first to last."""


class Function:
    """A function type, with the states that it has registered.

    Attributes:
        typename: `<namespace>/<name>`.
        lane: Where it is called.
        declared: Its states by name, in the order of their registration.
        absent: For each of them the field of a request that says that it has no value.
        expiring: Whether any of them expires.
    """

    __slots__ = ("absent", "declared", "expiring", "lane", "names", "refreshed", "time_to_live", "typename")

    def __init__(self, typename: str, lane: Lane, declared: Iterable[StateDeclaration] = ()) -> None:
        self.typename: Final = typename
        self.lane: Final = lane
        self.declared: dict[str, StateDeclaration] = {}
        self.absent: dict[str, bytes] = {}
        self.names: dict[str, bytes] = {}
        self.time_to_live: dict[str, int] = {}
        self.refreshed: dict[str, int] = {}
        self.expiring = False
        self.register(declared)

    def register(self, declared: Iterable[StateDeclaration]) -> None:
        """Adds states; those that are registered stay what they are."""
        for each in declared:
            if each.name in self.declared:
                continue
            self.declared[each.name] = each
            name = self.names[each.name] = text(b"\x0a", each.name)
            self.absent[each.name] = state_field(name, b"")
            life = 0 if each.expiration is None else each.expiration.milliseconds
            self.time_to_live[each.name] = life
            if each.expiration is not None:
                self.expiring = True
                if each.expiration.mode is ExpirationMode.AFTER_CALL:
                    self.refreshed[each.name] = life


class Chunk:
    """Messages of an inbox that the store holds in one row.

    Attributes:
        sequence: The key of the row.
        remaining: How many of its messages are not consumed; they are the oldest of the inbox.
        changed: Whether the row holds more than that.
    """

    __slots__ = ("changed", "remaining", "sequence")

    def __init__(self, sequence: int, remaining: int) -> None:
        self.sequence = sequence
        self.remaining = remaining
        self.changed = False


class Entry:
    """One address.

    Attributes:
        key: The serialized address.
        head: The same as a field of number 1: the target of a request and the caller of an invocation alike.
        function: What is known of its type.
        inbox: The messages that it did not consume yet, the oldest first: sender (as the caller's field) and value.
        status: IDLE, READY (it waits for its turn), RUNNING or BLOCKED (it waits for a retry).
        cells: Its states by name; None until they are loaded.
        touched: Whether the current group may have changed it.
        dirty: Whether its states differ from the store's.
        reclaim: What the store's row says of when something in it may be reclaimed; None for never, -1 for no row.
        chunks: The part of the inbox that is in the store.
        alone: How many of the next messages run in a batch of their own, since they were in one that failed.
        attempts: How often the first message failed on its own.
        refused: How often in a row nobody took its request.
        used: The group that used it last.
    """

    __slots__ = (
        "alone",
        "attempts",
        "cells",
        "chunks",
        "dirty",
        "function",
        "head",
        "inbox",
        "key",
        "reclaim",
        "refused",
        "status",
        "touched",
        "used",
    )

    def __init__(self, key: bytes, function: Function) -> None:
        self.key: Final = key
        self.head: Final = delimited(b"\x0a", key)
        self.function: Final = function
        self.inbox: list[tuple[bytes, bytes]] = []
        self.status = IDLE
        self.cells: dict[str, Cell] | None = None
        self.touched = False
        self.dirty = False
        self.reclaim: int | None = -1
        self.chunks: list[Chunk] = []
        self.alone = 0
        self.attempts = 0
        self.refused = 0
        self.used = 0

    def queue(self) -> None:
        """Gives it a turn, behind those that wait for theirs."""
        self.status = READY
        self.function.lane.ready.append(self)

    def queue_first(self) -> None:
        """Gives it the next turn."""
        self.status = READY
        self.function.lane.ready.appendleft(self)

    def mutate(self, mutations: Iterable[tuple[str, bytes | None]], now: int) -> None:
        """Changes its states as a batch asked, and puts off the expiration of those that each call puts off.

        Args:
            mutations: For each state its name, which the function has declared, and its value, None to delete it.
            now: The time, milliseconds since 1970.
        """
        function = self.function
        cells = self.cells
        if cells is None:
            cells = self.cells = {}
        for name, life in function.refreshed.items():
            cell = cells.get(name)
            if cell is not None:
                cells[name] = (cell[0], now + life, cell[2])
                self.dirty = True
        for name, value in mutations:
            if value is None:
                cells.pop(name, None)
            else:
                life = function.time_to_live[name]
                cells[name] = (state_field(function.names[name], value), now + life if life else _NEVER, value)
            self.dirty = True

    def expire(self, cells: dict[str, Cell], now: int) -> None:
        """Drops what has expired of its states by now, milliseconds since 1970."""
        for name in [name for name, cell in cells.items() if cell[1] and cell[1] <= now]:
            del cells[name]
            self.dirty = True

    def consume(self, count: int) -> None:
        """Takes the oldest messages out of the inbox; with others behind them it waits for its turn again."""
        inbox = self.inbox
        if count == len(inbox):
            inbox.clear()
        else:
            del inbox[:count]
        self.attempts = 0
        self.refused = 0
        if self.alone:
            self.alone -= count
        left = count
        for chunk in self.chunks:
            if not left:
                break
            taken = min(left, chunk.remaining)
            chunk.remaining -= taken
            chunk.changed = True
            left -= taken
        if inbox:
            self.queue()
        else:
            self.status = IDLE
