"""Messages at set times as an ingress.

The position is the last time that was due, in milliseconds since 1970. It is committed with what its message caused, so that a restart
neither repeats a message nor forgets that time passed meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from statefun.batch import ProtocolVersion
from statefun.errors import BindingError, IngressError
from statefun.model import BoundIngress, RowEncoder, ScheduleIngress
from statefun.runtime.ingress.source import Inlet, Record

__all__ = ["DueTimes", "ScheduleSource", "SystemTime", "WallClock"]

_SLICE: Final = 30.0
"""Seconds; the clock is looked at so often, since it may be set, and a machine may sleep, while a process waits."""

_MILLISECOND: Final = timedelta(milliseconds=1)
_DAY: Final = 86_400_000
_WINDOWS: Final = (3_600_000, _DAY, 32 * _DAY, 366 * _DAY, 100 * 366 * _DAY)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class WallClock(Protocol):
    """The time of day, and a way to let it pass."""

    def now(self) -> int:
        """Milliseconds since 1970."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Lets about so much time pass."""
        ...


class SystemTime:
    """The time of this machine."""

    def now(self) -> int:
        """Milliseconds since 1970, rounded down: what is due is never early."""
        return time.time_ns() // 1_000_000

    async def sleep(self, seconds: float) -> None:
        """Lets about so much time pass."""
        await asyncio.sleep(seconds)


class DueTimes:
    """The times at which an ingress is due, all in milliseconds since 1970.

    Args:
        ingress: The ingress.

    Raises:
        BindingError: the cron expression or the time zone is none.

    >>> times = DueTimes(ScheduleIngress(id="a/b", cron="30 2 * * *", timezone="Europe/Berlin", targets=["a/b"], key="k", message=""))
    >>> datetime.fromtimestamp(times.first(0) / 1000, UTC).isoformat()
    '1970-01-01T01:30:00+00:00'
    """

    def __init__(self, ingress: ScheduleIngress) -> None:
        self._every: int | None = None
        if ingress.every is not None:
            self._every = every = ingress.every // _MILLISECOND
            self._behind: Callable[[int], Iterator[int]] = lambda after: _multiples(every, after)
            return
        cron = ingress.cron or ""
        try:
            zone = ZoneInfo(ingress.timezone)
        except (
            ZoneInfoNotFoundError,
            OSError,
            ValueError,
        ) as error:  # unknown, a path elsewhere, a file that is no zone
            raise BindingError(
                f"ScheduleIngress {ingress.id!r} has timezone={ingress.timezone!r:.80}",
                hint="give a name of the IANA database, such as Europe/Berlin; pip install tzdata where the system has none",
            ) from error
        try:
            never = next(CronSim(cron, _EPOCH.astimezone(zone)), None) is None
        except CronSimError as error:
            raise BindingError(
                f"ScheduleIngress {ingress.id!r} has cron={cron!r:.80}: {error}",
                hint="give five fields, minute hour day month weekday, or six with the second before them",
            ) from error
        if never:
            raise BindingError(
                f"ScheduleIngress {ingress.id!r} has cron={cron!r:.80}, which is never due",
                hint="no day of any year is all that it asks for",
            )
        self._behind = lambda after: _cron_times(cron, zone, after)

    def behind(self, after: int) -> Iterator[int]:
        """Those behind a time, in order; they end where the calendar has no more."""
        return self._behind(after)

    def first(self, after: int) -> int | None:
        """The first of them."""
        return next(self._behind(after), None)

    def newest(self, after: int, now: int) -> int | None:
        """The last of them that is not behind `now`."""
        first = self.first(after)
        if first is None or first > now:
            return None
        if self._every is not None:
            return now - now % self._every
        # From near the end first, then from farther away: there may be millions of them.
        for window in _WINDOWS:
            newest: int | None = None
            for due in self._behind(max(after, now - window)):
                if due > now:
                    break
                newest = due
            if newest is not None:
                return newest
        return first


def _multiples(every: int, after: int) -> Iterator[int]:
    due = after - after % every
    while True:
        due += every
        yield due


def _cron_times(cron: str, zone: ZoneInfo, after: int) -> Iterator[int]:
    last = after
    for each in CronSim(cron, (_EPOCH + after * _MILLISECOND).astimezone(zone)):
        due = (each - _EPOCH) // _MILLISECOND
        # A time that summer time leaves out comes at the end of the gap, where another may be due already.
        if due > last:
            last = due
            yield due


class ScheduleSource:
    """Puts a message at each time that is due.

    Args:
        bound: The ingress.
        clock: The time.

    Raises:
        BindingError: the cron expression or the time zone is none.
    """

    def __init__(
        self,
        bound: BoundIngress,
        *,
        clock: WallClock | None = None,
    ) -> None:
        self._bound: Final = bound
        self._ingress: Final[ScheduleIngress] = bound.ingress
        self._encode: RowEncoder = bound.encoders[ProtocolVersion.V3]
        self._times: Final = DueTimes(self._ingress)
        self._clock: Final[WallClock] = SystemTime() if clock is None else clock

    @property
    def id(self) -> str:
        """The id of the ingress."""
        return self._ingress.id

    async def run(self, inlet: Inlet) -> None:
        """Puts messages until it is cancelled, or until no further time is due.

        Raises:
            IngressError: the function that makes a message raised.
        """
        self._encode = self._bound.encoders[inlet.protocol]
        now = self._clock.now()
        if inlet.position is None:
            # From now on there is a time since which something may be missed.
            await inlet.put([], str(now))
            last = now
        else:
            last = await self._make_up(inlet, int(inlet.position), now)
        while (due := self._times.first(last)) is not None:
            while (left := due - self._clock.now()) > 0:
                await self._clock.sleep(min(left / 1000, _SLICE))
            if self._ingress.missed != "all":
                # The machine may have slept, or the runtime had no room: what is late by more than its successor is left out.
                due = self._times.newest(due, self._clock.now()) or due
            await inlet.put([self._record(due)], str(due))
            last = due

    async def _make_up(self, inlet: Inlet, last: int, now: int) -> int:
        """Does with the times that were missed what the ingress says, and gives the time behind which to go on."""
        if self._ingress.missed == "all":
            return await self._make_up_all(inlet, last, now)
        newest = self._times.newest(last, now)
        if newest is None:
            return last
        await inlet.put([self._record(newest)] if self._ingress.missed == "one" else [], str(newest))
        return newest

    async def _make_up_all(self, inlet: Inlet, last: int, now: int) -> int:
        records: list[Record] = []
        for due in self._times.behind(last):
            if due > now:
                break
            records.append(self._record(due))
            last = due
            if len(records) == inlet.limit:
                await inlet.put(records, str(last))
                records = []
        if records:
            await inlet.put(records, str(last))
        return last

    def _record(self, due: int) -> Record:
        try:
            typename, value = self._encode(_EPOCH + due * _MILLISECOND)
        except Exception as error:  # a user's function may raise anything
            raise IngressError(
                f"the message of {self.id!r} for {_EPOCH + due * _MILLISECOND:%Y-%m-%dT%H:%M:%SZ} cannot be made: "
                f"{type(error).__name__}: {error}",
                hint="mend the function that its `message=` is: it gets the time, as a datetime, and gives a value",
            ) from error
        return Record(self._bound.targets, self._ingress.key, typename, value)
