"""`Memo` and `MemoBySize`: what was made before, kept within a bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

__all__ = ["KEPT_BELOW", "LONGEST_NAME", "Memo", "MemoBySize"]

K = TypeVar("K")
V = TypeVar("V")


class Memo(dict[K, V]):
    """A dict that makes what is not there yet, and forgets all of it when it becomes too much.

    A look-up of what is there costs what it costs in a dict; a cache that counts uses would cost three times that.

    >>> squares = Memo(lambda number: number * number, limit=2)
    >>> [squares[number] for number in (3, 4, 5)], len(squares)
    ([9, 16, 25], 1)
    """

    __slots__ = ("_limit", "_make")

    def __init__(self, make: Callable[[K], V], limit: int = 4096) -> None:
        super().__init__()
        self._make: Final = make
        self._limit: Final = limit

    def __missing__(self, key: K) -> V:
        if isinstance(key, str | bytes) and len(key) > LONGEST_NAME:
            return self._make(key)
        if len(self) >= self._limit:
            self.clear()
        made = self[key] = self._make(key)
        return made


LONGEST_NAME: Final = 256
"""Characters or bytes: a name beyond that is no program's, but some sender's, and a few thousand of them could fill the memory."""

KEPT_BELOW: Final = 1024
"""Bytes: what belongs to a size from here on is made anew each time, since there would be too many of them to keep."""


class MemoBySize(dict[int, V]):
    """The same for what belongs to a size: kept for the small ones, each of which comes again and again.

    >>> zeros = MemoBySize(bytes)
    >>> len(zeros[7]), len(zeros[5000]), len(zeros)
    (7, 5000, 1)
    """

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[int], V]) -> None:
        super().__init__()
        self._make: Final = make

    def __missing__(self, size: int) -> V:
        made = self._make(size)
        if size < KEPT_BELOW:
            self[size] = made
        return made
