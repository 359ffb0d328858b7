"""What becomes of a request that failed: the pause before it is made again, the dead letter that a message ends as, and who is told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import heappop, heappush
from typing import Final

from statefun.batch import ProtocolVersion
from statefun.errors import EndpointError, EndpointRejectedError, MalformedResponseError, ProtocolError, StatefunError
from statefun.errors.raised import raised_at
from statefun.errors.showing import shown_exception
from statefun.protocol.transit import to_stored
from statefun.protocol.values import decode_address
from statefun.runtime.changes import DeadLetter
from statefun.runtime.entries import BLOCKED, Entry
from statefun.runtime.timers import due_within

__all__ = ["DeadLetterLog", "FailingProgramError", "Retries", "dead_letter", "described", "failing_program", "is_final"]

_LOG: Final = logging.getLogger("statefun.runtime")
_LONGEST_ERROR: Final = 10_000
"""Characters of an error's text that are kept."""


class FailingProgramError(StatefunError):
    """So many messages in a row were given up that the program must be what fails."""

    code = "failing-program"
    default_hint = "mend the functions, `statefun dead retry --all --store DIR`, and run again; `--max-consecutive-dead 0` goes on anyway"


class Retries:
    """The addresses that wait before their next request, by the time at which they may go on.

    Args:
        backoff: Milliseconds of the first pause; each further one is twice as long.
        longest: The longest pause, in milliseconds.
        jitter: Gives numbers in [0, 1) that spread the pauses by up to a half.
    """

    def __init__(self, backoff: int, longest: int, jitter: Callable[[], float]) -> None:
        self._backoff: Final = backoff
        self._longest: Final = longest
        self._jitter: Final = jitter
        self._heap: Final[list[tuple[int, int, Entry]]] = []
        self._sequence = 0

    def __len__(self) -> int:
        """How many there are."""
        return len(self._heap)

    def put(self, entry: Entry, failures: int, now: int) -> None:
        """Lets an address wait, longer with each failure; `now` is in nanoseconds since 1970."""
        pause = min(self._backoff << min(failures - 1, 32), self._longest)
        due = -(-now // 1_000_000) + pause + int(pause * self._jitter() / 2)
        entry.status = BLOCKED
        self._sequence += 1
        heappush(self._heap, (due, self._sequence, entry))

    def due(self, now: int) -> Iterator[Entry]:
        """Takes out the addresses that may go on; `now` is in milliseconds since 1970."""
        while self._heap and self._heap[0][0] <= now:
            yield heappop(self._heap)[2]

    def next_due(self) -> int | None:
        """When the next one may go on, milliseconds since 1970; None where none waits."""
        return self._heap[0][0] if self._heap else None

    def within(self, bound: int) -> Iterator[int]:
        """When those may go on that may at that time, or before it."""
        return (due for due, _ in due_within(self._heap, bound))


class DeadLetterLog:
    """Tells the log of dead letters while they are made: a run without an end would tell of them only when it is stopped.

    It tells of the first, of the second, of the fourth and so on: however many there are, they fill no disk.
    """

    def __init__(self) -> None:
        self._count = 0
        self._told = 0

    def note(self, letters: Sequence[DeadLetter]) -> None:
        """Takes those of a transaction, which is written."""
        self._count += len(letters)
        if self._count < 2 * self._told or not letters:
            return
        self._told = self._count
        last = letters[-1]
        _LOG.warning(
            "dead letters of this run: %s; the last, for %s: %s", f"{self._count:,}", _named(last.target), last.error
        )


def dead_letter(entry: Entry, error: BaseException, protocol: ProtocolVersion, now: int) -> DeadLetter:
    """The first message of an inbox as it is kept when it is given up; `now` is in nanoseconds since 1970."""
    sender, argument = entry.inbox[0]
    return DeadLetter(
        now // 1_000_000,
        entry.key,
        _field_value(sender),
        to_stored(argument, protocol),
        entry.attempts,
        # Nobody keeps the traceback. That of a request over HTTP tells of its client alone.
        described(
            error, () if isinstance(error, EndpointError) else [*getattr(error, "__notes__", ()), *raised_at(error)]
        ),
        error.code if isinstance(error, StatefunError) else "",
    )


def is_final(error: BaseException) -> bool:
    """Whether no repetition can help. An answer that is none may be that of a server which is about to be mended."""
    return isinstance(error, EndpointRejectedError) or (
        isinstance(error, ProtocolError) and not isinstance(error, MalformedResponseError)
    )


def described(error: BaseException, more: Iterable[str] = ()) -> str:
    """What a store keeps of an error, whose text may come from anywhere: not all of a huge one, and nothing that is no UTF-8."""
    text = str(error) if isinstance(error, StatefunError) else shown_exception(error)
    if len(text) > _LONGEST_ERROR:
        text = f"{text[:_LONGEST_ERROR]}… ({len(text):,} characters)"
    return "; ".join([text, *more]).encode("utf-8", "backslashreplace").decode()


def _field_value(field: bytes) -> bytes:
    """What is in a length-delimited field."""
    if not field:
        return b""
    start = 1
    while field[start] & 0x80:
        start += 1
    return field[start + 1 :]


def failing_program(count: int, last: DeadLetter | None) -> FailingProgramError:
    """The error of a program that gave up so many messages in a row, the last of them as it is kept."""
    return FailingProgramError(
        f"{count} messages in a row were given up"
        + ("" if last is None else f", the last of {_named(last.target)}: {last.error}")
    )


def _named(target: bytes) -> str:
    return "/".join(decode_address(target) or ())
