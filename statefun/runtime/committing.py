"""`Committer`: writes the transactions of a run, beside its event loop where sources go on meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from statefun.runtime.changes import Changes
from statefun.runtime.store import Store

__all__ = ["Committer"]


class Committer:
    """Writes transactions, one after the other.

    Args:
        store: What is written to.
        crash_point: Is told before and behind each.
        overlaps: Whether sources and sinks go on while the disk writes; whoever made the changes waits all the same.
    """

    def __init__(self, store: Store, crash_point: Callable[[str], None], *, overlaps: bool) -> None:
        self._store: Final = store
        self._crash_point: Final = crash_point
        self._overlaps: Final = overlaps

    async def commit(self, changes: Changes) -> None:
        """Writes a transaction, and returns when it is on the disk.

        Raises:
            StoreError: it failed, and nothing of it took effect.
        """
        if not self._overlaps:
            self.commit_here(changes)
            return
        self._crash_point("before commit")
        writing = asyncio.ensure_future(asyncio.to_thread(self._store.commit, changes))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            while not writing.done():  # it cannot be taken back, and whoever closes the store must find it over
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait([writing])
            raise
        self._crash_point("after commit")

    def commit_here(self, changes: Changes) -> None:
        """The same for a transaction that is too small to go on beside it; the event loop waits.

        Raises:
            StoreError: it failed, and nothing of it took effect.
        """
        self._crash_point("before commit")
        self._store.commit(changes)
        self._crash_point("after commit")
