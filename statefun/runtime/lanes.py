"""`Lane`: the addresses of functions that are called in one place, in the order of their turns, and how many requests go there at once.

A place that is slow or absent holds up its own lane; every other goes on.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from statefun.runtime.entries import Entry

__all__ = ["Lane"]


class Lane:
    """What waits to be called in one place.

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
