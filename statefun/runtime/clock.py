"""Time as a parameter: `Clock`, the system's, and a virtual one that jumps instead of waiting."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Final, Protocol

from statefun.arguments import check, number, whole

__all__ = ["Clock", "SystemClock", "VirtualClock"]

_TURNS: Final = 20
"""How often other tasks get their turn before a virtual clock takes it that none of them will do anything."""


class Clock(Protocol):
    """What a runtime knows of time."""

    def now(self) -> int:
        """Nanoseconds since 1970."""
        ...

    async def wait(self, event: asyncio.Event, due: int | None) -> None:
        """Returns when the event is set, or at `due`, in nanoseconds since 1970."""
        ...


class SystemClock:
    """The time of this machine."""

    def now(self) -> int:
        """Nanoseconds since 1970."""
        return time.time_ns()

    async def wait(self, event: asyncio.Event, due: int | None) -> None:
        """Returns when the event is set, or at `due`."""
        seconds = None if due is None else max(0.0, (due - time.time_ns()) / 1e9)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()


class VirtualClock:
    """A time that stands still until everything waits for it.

    >>> clock = VirtualClock()
    >>> asyncio.run(clock.wait(asyncio.Event(), 5_000_000))
    >>> clock.now()
    5000000
    """

    def __init__(self, now: int = 0) -> None:
        check("a VirtualClock", "now", now, whole(0))
        self._now = now

    def now(self) -> int:
        """Nanoseconds since 1970."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Lets time pass."""
        check("VirtualClock.advance", "seconds", seconds, number())
        self._now += round(seconds * 1_000_000_000)

    async def wait(self, event: asyncio.Event, due: int | None) -> None:
        """Makes it that time, unless the event is set before, or some other task has something to do first."""
        if due is None:
            await event.wait()
            return
        for _ in range(_TURNS):
            if event.is_set():
                return
            await asyncio.sleep(0)
        self._now = max(self._now, due)
