"""Delayed messages: ordered by their due time, fired never early, replaced and taken back by their sender's token.

A sender is an address; a token belongs to it, and arming a token again replaces what it armed before. Only so many timers are
kept in memory, those that are due first; the others wait in the store behind `horizon`, and cancelling one of them needs no look-up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heappush
from typing import Final, NamedTuple, TypeVar

__all__ = ["Timer", "TimerChanges", "Timers", "due_within"]


T = TypeVar("T")


class Timer:
    """A message that waits for its time.

    Attributes:
        due: Milliseconds since 1970.
        sequence: Its place among those of one due time, and its key in the store.
        sender: The address that armed it, as the caller's field of a request.
        token: What it can be cancelled by; empty for none.
        target: The serialized address that it goes to.
        argument: Its value, as the protocol carries it.
        live: Neither fired nor taken back.
        stored: Whether the store holds it.
    """

    __slots__ = ("argument", "due", "live", "sender", "sequence", "stored", "target", "token")

    def __init__(
        self,
        due: int,
        sequence: int,
        sender: bytes,
        token: str,
        target: bytes,
        argument: bytes,
        stored: bool = False,
    ) -> None:
        self.due = due
        self.sequence = sequence
        self.sender = sender
        self.token = token
        self.target = target
        self.argument = argument
        self.live = True
        self.stored = stored


class TimerChanges(NamedTuple):
    """What a transaction does to the stored timers, in this order."""

    cancelled: list[tuple[bytes, str]]
    removed: list[int]
    armed: list[Timer]


class Timers:
    """The timers of a store, those that are due first in memory.

    Args:
        limit: About how many are kept in memory.
        next_sequence: The first sequence number that no stored timer has.
    """

    def __init__(self, limit: int, next_sequence: int) -> None:
        self._limit: Final = limit
        self._sequence = next_sequence
        self._heap: list[tuple[int, int, Timer]] = []
        self._by_token: dict[tuple[bytes, str], Timer] = {}
        self.horizon: tuple[int, int] | None = (-1, -1)
        """Timers from here on are in the store only; None when all are in memory."""
        self._armed: list[Timer] = []
        self._removed: list[int] = []
        self._cancelled: list[tuple[bytes, str]] = []

    def arm(self, due: int, sender: bytes, token: str, target: bytes, argument: bytes) -> None:
        """Adds a timer; one that the sender armed with the same token before is replaced."""
        timer = Timer(due, self._sequence, sender, token, target, argument)
        self._sequence += 1
        if token:
            self.cancel(sender, token)
            self._by_token[(sender, token)] = timer
        self._armed.append(timer)
        if self._in_memory(timer):
            heappush(self._heap, (due, timer.sequence, timer))

    def cancel(self, sender: bytes, token: str) -> None:
        """Takes a timer back; nothing happens where there is none."""
        timer = self._by_token.pop((sender, token), None)
        if timer is not None:
            timer.live = False
            if timer.stored:
                self._removed.append(timer.sequence)
        elif self.horizon is not None:
            self._cancelled.append((sender, token))

    def fire(self, now: int) -> list[Timer]:
        """Takes out the timers in memory that are due, in order of due time and then of arming."""
        fired: list[Timer] = []
        heap = self._heap
        while heap and heap[0][0] <= now:
            timer = heappop(heap)[2]
            if timer.live:
                timer.live = False
                if timer.token:
                    del self._by_token[(timer.sender, timer.token)]
                if timer.stored:
                    self._removed.append(timer.sequence)
                fired.append(timer)
        return fired

    def next_due(self) -> int | None:
        """When the next timer is due, in milliseconds since 1970; None when there is none."""
        heap = self._heap
        while heap and not heap[0][2].live:
            heappop(heap)
        if heap:
            return heap[0][0]
        return None if self.horizon is None else max(self.horizon[0], 0)

    def uncancellable(self, first: int, bound: int) -> tuple[int, int]:
        """Up to when timers may fire together with one that is due at `first`, at `bound` at most, and when the last of them is due.

        A timer with a token ends that span: what fires before it may yet take it back.
        """
        waiting = [(due, timer.token) for due, timer in due_within(self._heap, bound) if timer.live and due > first]
        ends = [due for due, token in waiting if token]
        if self.horizon is not None and self.horizon[0] > first:
            ends.append(self.horizon[0])
        end = min([bound, *(each - 1 for each in ends)])
        return end, max((due for due, _ in waiting if due <= end), default=first)

    def collect(self) -> TimerChanges:
        """What happened since the last commit."""
        return TimerChanges(self._cancelled, self._removed, [each for each in self._armed if each.live])

    def committed(self) -> None:
        """The changes are in the store."""
        for timer in self._armed:
            timer.stored = True
            if timer.live and timer.token and not self._in_memory(timer):
                del self._by_token[(timer.sender, timer.token)]
        self._armed, self._removed, self._cancelled = [], [], []
        if len(self._heap) > 2 * self._limit:
            self._shrink()

    @property
    def wants_more(self) -> bool:
        """Whether the next timers are in the store only; to be asked, and answered by `refill`, after a commit only."""
        return self.horizon is not None and not self._heap

    def refill(self, stored: Sequence[Timer]) -> None:
        """Takes the next timers from the store, from `horizon` on: `limit` of them, or all that are left."""
        for timer in stored:
            heappush(self._heap, (timer.due, timer.sequence, timer))
            if timer.token:
                self._by_token[(timer.sender, timer.token)] = timer
        last = stored[-1] if len(stored) >= self._limit else None
        self.horizon = None if last is None else (last.due, last.sequence + 1)

    @property
    def limit(self) -> int:
        """About how many timers are kept in memory."""
        return self._limit

    def _in_memory(self, timer: Timer) -> bool:
        return self.horizon is None or (timer.due, timer.sequence) < self.horizon

    def _shrink(self) -> None:
        ordered = sorted(each for each in self._heap if each[2].live)
        dropped = ordered[self._limit :]
        if dropped:
            self.horizon = dropped[0][:2]
            for _, _, timer in dropped:
                if timer.token:
                    del self._by_token[(timer.sender, timer.token)]
        self._heap = ordered[: self._limit]
        heapify(self._heap)


def due_within(heap: Sequence[tuple[int, int, T]], bound: int) -> Iterator[tuple[int, T]]:
    """What is due at a bound or before, in no order, looking at little more of a heap than that.

    >>> sorted(due_within([(1, 1, "a"), (9, 2, "b"), (4, 3, "c")], 5))
    [(1, 'a'), (4, 'c')]
    """
    places = [0]
    while places:
        place = places.pop()
        if place < len(heap) and heap[place][0] <= bound:
            yield heap[place][0], heap[place][2]
            places += (2 * place + 1, 2 * place + 2)
