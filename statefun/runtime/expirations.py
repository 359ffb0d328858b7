"""`Expirations`: when the states of each function expire, as the store knows it, and what was registered otherwise since."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from statefun.runtime.changes import ExpirationRow
from statefun.runtime.entries import Function

__all__ = ["Expirations"]


class Expirations:
    """The expirations of a store, so that whoever comes later can tell whether a function still has those.

    Args:
        stored: What the store knows.
    """

    def __init__(self, stored: Iterable[ExpirationRow]) -> None:
        self._known: Final = {(each.function, each.state): each for each in stored}
        self._new: list[ExpirationRow] = []

    def note(self, function: Function) -> None:
        """Takes note of the states that a function has registered."""
        for name, state in function.declared.items():
            row = ExpirationRow(function.typename, name)
            if state.expiration is not None:
                row = row._replace(mode=state.expiration.mode.value, milliseconds=state.expiration.milliseconds)
            if self._known.get((row.function, row.state)) != row:
                self._known[row.function, row.state] = row
                self._new.append(row)

    def collect(self) -> list[ExpirationRow]:
        """What is new since it was asked last."""
        new, self._new = self._new, []
        return new
