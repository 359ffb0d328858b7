"""Time as a parameter: `Clock`, the system's, and a virtual one that jumps instead of waiting."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

__all__ = ["Clock", "SystemClock", "VirtualClock"]

_SLICE = 0.05


class Clock(Protocol):
    """What a runtime knows of time."""

    def now(self) -> int:
        """Nanoseconds since 1970."""
        ...

    def wait_until(self, due: int, stopped: Callable[[], bool]) -> None:
        """Returns at `due`, in nanoseconds since 1970, or soon after `stopped` says so."""
        ...


class SystemClock:
    """The time of this machine."""

    def now(self) -> int:
        """Nanoseconds since 1970."""
        return time.time_ns()

    def wait_until(self, due: int, stopped: Callable[[], bool]) -> None:
        """Sleeps in short slices: a signal handler that asks to stop may wake nobody."""
        while not stopped() and (left := due - time.time_ns()) > 0:
            time.sleep(min(left / 1e9, _SLICE))


class VirtualClock:
    """A time that stands still until something waits for it.

    >>> clock = VirtualClock()
    >>> clock.wait_until(5_000_000, lambda: False)
    >>> clock.now()
    5000000
    """

    def __init__(self, now: int = 0) -> None:
        self._now = now

    def now(self) -> int:
        """Nanoseconds since 1970."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Lets time pass."""
        self._now += round(seconds * 1_000_000_000)

    def wait_until(self, due: int, stopped: Callable[[], bool]) -> None:
        """Makes it that time at once."""
        if not stopped():
            self._now = max(self._now, due)
