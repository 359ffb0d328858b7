"""`Deliveries`: the sinks of a run with their outlets, from the outbox of a transaction to what has arrived for certain."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from itertools import count
from typing import Final

from statefun.errors import BindingError, EgressUnavailableError, StatefunError
from statefun.runtime.changes import Changes
from statefun.runtime.egress.sink import Sink
from statefun.runtime.outlets import Outlet, named
from statefun.runtime.store import Store

__all__ = ["Deliveries"]

_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0
"""Seconds between two attempts to open a sink."""
_LOG: Final = logging.getLogger("statefun.runtime")


class Deliveries:
    """What goes out.

    Args:
        sinks: Where records go, by id.
        store: What knows what has arrived.
        crash_point: Is told where a delivery stands.
        jitter: Gives numbers in [0, 1) that spread pauses.
        wake: Is called when something has arrived, or cannot be delivered.
    """

    def __init__(
        self,
        sinks: Mapping[str, Sink],
        store: Store,
        crash_point: Callable[[str], None],
        jitter: Callable[[], float],
        wake: Callable[[], None],
    ) -> None:
        self._sinks: Final = sinks
        self._store: Final = store
        self._crash_point: Final = crash_point
        self._jitter: Final = jitter
        self._wake: Final = wake
        self._outlets: Final[dict[str, Outlet]] = {}

    async def open(self, given_up: Callable[[], bool]) -> None:
        """Opens the sinks, and hands them what the last run left to deliver. One that is not there now is waited for.

        Args:
            given_up: Whether nobody waits for them any more.

        Raises:
            EgressError: a sink cannot be opened.
            BindingError: the store holds records for an egress that is not there.
        """
        store = self._store
        positions = store.egress_positions()
        first = Changes()
        for id, sink in self._sinks.items():
            try:
                await self._open(sink, store.name, positions.get(id), given_up)
                self._outlets[id] = Outlet(sink, self._crash_point, self._wake, self._jitter, _tell)
                if id not in positions:
                    # Where it begins is committed before anything is delivered: a file is cut back to that.
                    begun = await sink.confirm()
                    first.delivered[id] = (0, "" if begun is None else begun.position)
            except (StatefunError, ModuleNotFoundError):  # the command line tells which extra brings a module
                raise
            except Exception as error:
                raise named(id, error) from error
        if first:
            self._crash_point("before commit")
            store.commit(first)
            self._crash_point("after commit")
        for sequence, egress, records in store.undelivered():
            owner = self._outlets.get(egress)
            if owner is None:
                raise BindingError(
                    f"the store holds records for the egress {egress!r}, which is not registered",
                    hint="register it again, so that they can be delivered",
                )
            await owner.hand_over(sequence, records)

    async def _open(self, sink: Sink, store: str, position: str | None, given_up: Callable[[], bool]) -> None:
        pauses = (min(_PAUSE * 2**each, _LONGEST_PAUSE) for each in count())
        for pause in pauses:
            try:
                await sink.open(store, position)
                return
            except EgressUnavailableError as error:
                if given_up():
                    raise
                pause *= 1 + self._jitter() / 2
                _tell(sink.id, error, pause)
                await asyncio.sleep(pause)

    async def close(self) -> None:
        """Ends all deliveries, and closes the sinks. One that cannot be closed keeps no other open, nor what ended the run from sight."""
        for sink in self._sinks.values():
            outlet = self._outlets.pop(sink.id, None)
            try:
                await (sink.close() if outlet is None else outlet.close())
            except Exception as error:  # noqa: BLE001  what has arrived is known already: nothing is lost by it
                _LOG.warning("the egress %s cannot be closed: %s: %s", sink.id, type(error).__name__, error)

    @property
    def undelivered(self) -> int:
        """Records that are not confirmed."""
        return sum(each.undelivered for each in self._outlets.values())

    @property
    def settled(self) -> bool:
        """Whether every record was delivered, and what can be confirmed of them is."""
        return all(each.settled for each in self._outlets.values())

    def look(self) -> None:
        """Raises what ended a delivery."""
        for outlet in self._outlets.values():
            if outlet.failure is not None:
                raise outlet.failure

    async def hand_over(self, changes: Changes) -> None:
        """Delivers what was committed."""
        for sequence, egress, records in changes.outbox:
            await self._outlets[egress].hand_over(sequence, records)

    async def confirm_much(self) -> None:
        """Confirms where so much was delivered that the outbox had better be emptied."""
        for outlet in self._outlets.values():
            if outlet.wants_confirmation:
                await outlet.confirm()

    async def confirm(self, *, last: bool = False) -> None:
        """Confirms what was delivered.

        Args:
            last: Ask also what has been fetched of the records that a sink holds.
        """
        for outlet in self._outlets.values():
            await outlet.confirm(last=last)

    def note(self, changes: Changes) -> None:
        """Puts what has arrived into a transaction."""
        for id, outlet in self._outlets.items():
            if (confirmed := outlet.take()) is not None:
                changes.delivered[id] = (confirmed.sequence, confirmed.position)

    async def finish(self, seconds: float, note: Callable[[], object], wake: asyncio.Event) -> None:
        """Waits until every record is delivered and confirmed, for so many seconds at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.confirm(last=True)
                while True:
                    wake.clear()
                    await self.confirm()
                    self.look()
                    note()
                    if self.settled:
                        return
                    await wake.wait()


def _tell(egress: str, error: StatefunError, pause: float) -> None:
    _LOG.warning("the egress %s waits %.1f s: %s", egress, pause, error)
