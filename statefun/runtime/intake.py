"""`Intake`: the sources of a run with their inlets, from what they put to what a group takes in, and what they are told of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from statefun.batch import TypedBytes
from statefun.errors import IngressError, StatefunError
from statefun.errors.showing import shown_exception
from statefun.protocol.values import wrap
from statefun.runtime.changes import Changes
from statefun.runtime.core import Core
from statefun.runtime.ingress.source import Rejected, Source
from statefun.runtime.inlets import Put, RuntimeInlet
from statefun.runtime.options import Options
from statefun.runtime.places import Places
from statefun.runtime.replies import Replies
from statefun.runtime.store import Store

__all__ = ["Intake"]

_LOG: Final = logging.getLogger("statefun.runtime")
_FORGET: Final = 60_000
"""Milliseconds: keys are forgotten that often at the most."""


class Intake:
    """What comes in.

    Args:
        sources: Where records come from.
        core: Where their messages go.
        store: What knows their positions and keys.
        options: How the runtime works.
        places: What knows which functions there are.
        replies: Who waits for replies.
        wake: Is called when there is something to take, or a source has ended.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        core: Core,
        store: Store,
        options: Options,
        places: Places,
        replies: Replies,
        wake: Callable[[], None],
    ) -> None:
        self._sources: Final = sources
        self._core: Final = core
        self._store: Final = store
        self._options: Final = options
        self._places: Final = places
        self._replies: Final = replies
        self._wake: Final = wake
        self._next_forgotten = store.next_forgotten()
        self._inlets: list[RuntimeInlet] = []
        self._readers: list[asyncio.Task[None]] = []
        self._turns: list[RuntimeInlet] = []
        self._in_hand: list[Put] = []
        self._taken: list[tuple[RuntimeInlet, Put]] = []
        self._repeated: list[Put] = []
        self._keys: set[tuple[str, str]] = set()

    # --- from start to end --------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Lets the sources begin where they were."""
        core, options = self._core, self._options
        positions = self._store.positions()
        ids = {source.id for source in self._sources}
        if (gone := positions.keys() - ids) and (new := ids - positions.keys()):
            _LOG.warning(
                "the store has positions of ingresses that are not there any more (%s), and none of %s, which begins anew: "
                "what a renamed ingress took in takes effect once more",
                ", ".join(sorted(gone)),
                ", ".join(sorted(new)),
            )
        self._inlets = [
            RuntimeInlet(
                source.id,
                options.protocol,
                positions.get(source.id),
                min(options.max_group, options.max_pending),
                lambda key: core.pending < options.max_pending and core.waiting_at(key) < options.max_inbox,
                self._places.knows,
                self._replies,
                self._wake,
            )
            for source in self._sources
        ]
        self._turns = list(self._inlets)
        for source, inlet in zip(self._sources, self._inlets, strict=True):
            reader = asyncio.ensure_future(source.run(inlet))
            reader.add_done_callback(lambda _task: self._wake())
            self._readers.append(reader)

    def close(self, error: StatefunError) -> None:
        """Takes no more; who put something that was not taken is told the error."""
        for inlet in self._inlets:
            inlet.close(error)

    async def end(self) -> None:
        """Cancels the sources, and waits for them."""
        readers, self._readers = self._readers, []
        for reader in readers:
            reader.cancel()
        if readers:
            await asyncio.wait(readers)

    # --- what there is ------------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> bool:
        """Whether there is something to take."""
        return any(each.waiting for each in self._inlets)

    @property
    def ended(self) -> bool:
        """Whether every source has come to its end, and what it put is taken."""
        return all(each.done() for each in self._readers) and not self.waiting

    def failure(self) -> StatefunError | None:
        """What the first source failed with of which everything is taken that it had put before.

        Raises:
            BaseException: what no source may catch.
        """
        for source, inlet, reader in zip(self._sources, self._inlets, self._readers, strict=True):
            if not reader.done() or inlet.waiting:
                continue
            if reader.cancelled():  # not by `end`, which comes later
                return IngressError(f"the ingress {source.id!r} ended in a cancellation of its own")
            error = reader.exception()
            if error is None:
                continue
            if isinstance(error, StatefunError):
                return error
            if not isinstance(error, Exception):
                raise error
            named = IngressError(f"the ingress {source.id!r} raised {shown_exception(error)}")
            named.__cause__ = error
            return named
        return None

    @property
    def records(self) -> int:
        """Records that were taken in."""
        return sum(each.records for each in self._inlets)

    @property
    def left_out(self) -> int:
        """Records that the sources left out."""
        return sum(each.left_out for each in self._inlets)

    @property
    def first_left_out(self) -> StatefunError | None:
        """What was wrong with the first of them."""
        return next((each.first_left_out for each in self._inlets if each.first_left_out is not None), None)

    # --- one group ----------------------------------------------------------------------------------------------------

    def take(self, room: Callable[[], int], now: int) -> bool:
        """Takes in what the sources have put.

        Args:
            room: How many more records may be taken in.
            now: The time, nanoseconds since 1970.

        Returns:
            Whether a source has got on.
        """
        for inlet in tuple(self._turns):
            if not inlet.waiting or not (puts := inlet.take(room())):
                continue
            # Where there is little room, whoever got some of it comes last the next time.
            self._turns.remove(inlet)
            self._turns.append(inlet)
            self._in_hand += puts
            for put in puts:
                if put.key is not None:
                    if self._is_known(inlet, put.key, now):
                        # What came first under the key may be in this very group: it is told of after the commit.
                        self._repeated.append(put)
                        continue
                    self._keys.add((inlet.id, put.key))
                self._send(inlet, put, now)
                self._taken.append((inlet, put))
        return any(put.position is not None for _, put in self._taken)

    def note(self, changes: Changes, now: int) -> None:
        """Puts the positions and keys of what was taken into a transaction.

        Args:
            changes: The transaction.
            now: The time, milliseconds since 1970.
        """
        changes.positions = {inlet.id: put.position for inlet, put in self._taken if put.position is not None}
        expires = now + self._options.keep_keys
        changes.keys = [(inlet.id, put.key, expires) for inlet, put in self._taken if put.key is not None]
        if changes.keys and self._next_forgotten is None:
            self._next_forgotten = expires
        if self._next_forgotten is not None and self._next_forgotten <= now:
            changes.forgotten = now
            self._next_forgotten = now + min(_FORGET, self._options.keep_keys)

    def settle(self, error: StatefunError | None = None) -> None:
        """Tells who put what was taken that it is on disk, or that this is not known."""
        for put in self._repeated:
            put.receipt.settle(False if error is None else error)
        for put in self._in_hand:
            put.receipt.settle(True if error is None else error)
        self._in_hand, self._taken, self._repeated = [], [], []
        self._keys.clear()

    # --- inside -------------------------------------------------------------------------------------------------------

    def _send(self, inlet: RuntimeInlet, put: Put, now: int) -> None:
        send, sender = self._core.send, put.sender
        for target, argument in inlet.messages(put):
            send(target, sender, argument)
        for record in put.records:
            if isinstance(record, Rejected):
                value = wrap(TypedBytes(record.typename, record.value), self._options.protocol)
                for each in record.targets:
                    self._core.reject(inlet.head(each), value, record.error, now)

    def _is_known(self, inlet: RuntimeInlet, key: str, now: int) -> bool:
        return (inlet.id, key) in self._keys or self._store.has_key(inlet.id, key, now=now // 1_000_000)
