"""`Made`: what was made before, kept within a bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

__all__ = ["Made"]

K = TypeVar("K")
V = TypeVar("V")


class Made(dict[K, V]):
    """A dict that makes what is not there yet, and forgets all of it when it becomes too much.

    A look-up of what is there costs what it costs in a dict; a cache that counts uses would cost three times that.

    >>> squares = Made(lambda number: number * number, limit=2)
    >>> [squares[number] for number in (3, 4, 5)], len(squares)
    ([9, 16, 25], 1)
    """

    __slots__ = ("_limit", "_make")

    def __init__(self, make: Callable[[K], V], limit: int = 4096) -> None:
        super().__init__()
        self._make: Final = make
        self._limit: Final = limit

    def __missing__(self, key: K) -> V:
        if len(self) >= self._limit:
            self.clear()
        made = self[key] = self._make(key)
        return made
