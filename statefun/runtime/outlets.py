"""What stands between the outbox of a runtime and a sink: `Outlet`, which delivers in order, again after a pause, and confirms."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from statefun.errors import EgressError, EgressUnavailableError, StatefunError
from statefun.errors.showing import shown_exception
from statefun.runtime.egress.sink import Confirmed, OutgoingRecord, Sink

__all__ = ["Outlet", "named"]

_CONFIRM_AFTER: Final = 1 << 20
"""Bytes that were delivered after which the outbox had better be emptied."""
_MOST: Final = 1000
"""About how many records one `deliver` gets."""
_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 30.0
_LOOK_AGAIN: Final = 1.0
"""Seconds after which a sink that holds records is asked again what has been fetched of them."""


class Outlet:
    """Delivers the records of one egress.

    Args:
        sink: Where they go; it is open.
        crash_point: Is told where a delivery stands, by name.
        wake: Is called when something was confirmed, or cannot be.
        jitter: Gives numbers in [0, 1) that spread pauses.
        unavailable: Is told each time that a sink cannot be reached.
    """

    def __init__(
        self,
        sink: Sink,
        crash_point: Callable[[str], None],
        wake: Callable[[], None],
        jitter: Callable[[], float],
        unavailable: Callable[[str, StatefunError, float], None],
    ) -> None:
        self.sink: Final = sink
        self._crash_point: Final = crash_point
        self._wake: Final = wake
        self._jitter: Final = jitter
        self._unavailable: Final = unavailable
        self._queue: deque[tuple[int, list[OutgoingRecord]]] = deque()
        self._delivered = 0
        self._confirmed = 0
        self._told: Confirmed | None = None
        self._unconfirmed_bytes = 0
        self._counts: deque[tuple[int, int]] = deque()
        self._failures = 0
        self._more: Final = asyncio.Event()
        self._asked = False
        self._task: asyncio.Task[None] | None = None
        self.undelivered = 0
        """Records that are not confirmed."""
        self.confirmed: Confirmed | None = None
        """What is to be committed of what has arrived."""
        self.failure: BaseException | None = None
        """What ended it."""

    # --- the runtime's side -------------------------------------------------------------------------------------------

    async def hand_over(self, sequence: int, records: Sequence[bytes]) -> None:
        """Takes records that are committed. A sink that is prompt has them when this returns, any other gets them by and by."""
        made = [OutgoingRecord(sequence, place, data) for place, data in enumerate(records)]
        self.undelivered += len(made)
        self._counts.append((sequence, len(made)))
        if self.sink.prompt:
            await self._deliver(made)
            return
        self._queue.append((sequence, made))
        self._more.set()
        if self._task is None:
            self._task = asyncio.ensure_future(self._work())

    @property
    def wants_confirmation(self) -> bool:
        """Whether so much was delivered that the outbox had better be emptied."""
        return self._unconfirmed_bytes >= _CONFIRM_AFTER

    @property
    def settled(self) -> bool:
        """Whether every record was delivered, and what can be confirmed of them is."""
        return (
            not self._queue and self._confirmed >= self._delivered and self.confirmed is None and not self._asked
        ) or self.failure is not None

    async def confirm(self, *, last: bool = False) -> None:
        """Finds out what has arrived; a sink that is prompt has told when this returns, any other tells by and by.

        Args:
            last: Ask also when nothing was delivered since: records that a sink holds may have been fetched.
        """
        if self.failure is not None or (self._confirmed >= self._delivered and not (last and self._holds)):
            return
        if self.sink.prompt:
            await self._confirm()
        else:
            self._asked = True
            self._more.set()

    def take(self) -> Confirmed | None:
        """What is to be committed of what has arrived, once."""
        confirmed, self.confirmed = self.confirmed, None
        return confirmed

    async def close(self) -> None:
        """Ends it, and closes the sink."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self.sink.close()

    @property
    def _holds(self) -> bool:
        """Whether the sink holds records until they are fetched."""
        return self._told is not None and self._told.sequence < self._confirmed

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _deliver(self, records: list[OutgoingRecord]) -> None:
        self._crash_point("before egress write")
        await self.sink.deliver(records)
        self._crash_point("after egress write")
        self._delivered = records[-1].sequence
        self._unconfirmed_bytes += sum(len(each.data) for each in records)

    async def _confirm(self) -> None:
        self._crash_point("before egress fsync")
        delivered = self._delivered
        found = await self.sink.confirm()
        self._crash_point("after egress fsync")
        confirmed = Confirmed(delivered) if found is None else found
        # A sink that holds records until they are fetched confirms less than it was given; it is asked again later.
        self._confirmed = delivered
        self._unconfirmed_bytes = 0
        while self._counts and self._counts[0][0] <= confirmed.sequence:
            self.undelivered -= self._counts.popleft()[1]
        if confirmed != self._told:
            self._told = self.confirmed = confirmed

    async def _work(self) -> None:
        """Delivers what is queued, as often as it takes."""
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_AGAIN if self._holds else None):
                        await self._more.wait()
                self._more.clear()
                while self._queue:
                    count, records = self._next()
                    await self._again(partial(self._deliver, records))
                    for _ in range(count):
                        self._queue.popleft()
                if self._confirmed < self._delivered or self._asked or self._holds:
                    await self._again(self._confirm)
                    self._asked = False
                    self._wake()
        except BaseException as error:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
            self.failure = named(self.sink.id, error)  # it ends the run, which raises it
            self._wake()

    def _next(self) -> tuple[int, list[OutgoingRecord]]:
        """The next records to deliver, and how many places of the queue they are: whole sequence numbers, about as many as are good."""
        records: list[OutgoingRecord] = []
        count = 0
        for _, each in self._queue:
            if records and len(records) + len(each) > _MOST:
                break
            records += each
            count += 1
        return count, records

    async def _again(self, act: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await act()
            except EgressUnavailableError as error:
                pause = min(_PAUSE * 2 ** min(self._failures, 16), _LONGEST_PAUSE) * (1 + self._jitter() / 2)
                self._failures += 1
                self._unavailable(self.sink.id, error, pause)
                await asyncio.sleep(pause)
            else:
                self._failures = 0
                return


def named(id: str, error: BaseException) -> BaseException:
    """An error that says whose it is: what is no error of ours came from the sink itself."""
    if isinstance(error, StatefunError) or not isinstance(error, Exception | asyncio.CancelledError):
        return error
    made = EgressError(f"the egress {id!r} raised {shown_exception(error)}")
    made.__cause__ = error
    return made
