"""An `Inlet` without a runtime: what is put is kept in memory, and told at once to be on disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from statefun.batch import ProtocolVersion
from statefun.runtime.ingress.source import Inlet, Record, Rejected, Source


class Kept:
    """What was put, in order. A source that runs again goes on from `position`."""

    def __init__(
        self, position: str | None = None, limit: int = 100, protocol: ProtocolVersion = ProtocolVersion.V3
    ) -> None:
        self.protocol = protocol
        self._position = position
        self._limit = limit
        self._changed = asyncio.Event()
        self.items: list[Record | Rejected] = []
        self.positions: list[str] = []
        self.puts = 0
        """How often something was put."""
        self.opened = asyncio.Event()
        """While it is not set a `put` waits."""
        self.opened.set()

    @property
    def position(self) -> str | None:
        return self._position

    @property
    def limit(self) -> int:
        return self._limit

    async def put(
        self, records: Sequence[Record | Rejected], position: str | None = None, *, key: str | None = None
    ) -> Kept:
        await self.opened.wait()
        assert key is None
        assert len(records) <= self._limit
        self.items += records
        self.puts += 1
        if position is not None:
            self._position = position
            self.positions.append(position)
        self._changed.set()
        return self

    async def committed(self) -> bool:
        return True

    def room(self, target: str, id: str) -> bool:
        return True

    async def until(self, condition: Callable[[], bool]) -> None:
        """Waits for a `put` after which it holds."""
        async with asyncio.timeout(60):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def holds(self, count: int) -> list[Record | Rejected]:
        """Waits until so many records were put, and gives all of them."""
        await self.until(lambda: len(self.items) >= count)
        return self.items

    @property
    def values(self) -> list[str]:
        """The values that became messages."""
        return [each.value.decode() for each in self.records]

    @property
    def records(self) -> list[Record]:
        return [each for each in self.items if isinstance(each, Record)]

    @property
    def rejected(self) -> list[Rejected]:
        return [each for each in self.items if isinstance(each, Rejected)]


@asynccontextmanager
async def running(source: Source, inlet: Inlet) -> AsyncIterator[asyncio.Task[None]]:
    """Runs a source meanwhile; an error of its own is raised here."""
    task = asyncio.get_running_loop().create_task(source.run(inlet))
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
