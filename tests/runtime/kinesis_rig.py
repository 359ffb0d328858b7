"""What the tests of the Kinesis ingress and egress share: an inlet that remembers what was put, and a source that runs meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

from statefun.batch import ProtocolVersion
from statefun.model import KinesisEgress, KinesisIngress, Route, StartFrom
from statefun.protocol.records import KINESIS_RECORD
from statefun.records import KinesisRecord
from statefun.runtime.egress.kinesis import KinesisSink
from statefun.runtime.egress.sink import OutgoingRecord
from statefun.runtime.ingress.kinesis import KinesisSource
from statefun.runtime.ingress.kinesis_shard import Pace
from statefun.runtime.ingress.source import Receipt, Record, Rejected
from tests.runtime.kinesis_fake import CREDENTIALS, FakeKinesis

EARLIEST = StartFrom.EARLIEST
SHARD = "shardId-000000000000"
"""The first shard of a stream."""
STRING = "io.statefun.types/string"
PACE = Pace(behind=0, waiting=0.005, retry=0.005, longest=0.02, jitter=lambda: 0.5)
PATIENCE = 30
"""Seconds after which a test that waits in vain fails."""


class Committed:
    async def committed(self) -> bool:
        return True


class FakeInlet:
    """Remembers what was put; `closed` makes a source wait, as a full inbox does."""

    def __init__(self, position: str | None = None, limit: int = 500) -> None:
        self.position = position
        self.limit = limit
        self.puts: list[tuple[list[Record | Rejected], str | None]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.waiting = 0
        self._more = asyncio.Event()

    async def put(
        self, records: Sequence[Record | Rejected], position: str | None = None, *, key: str | None = None
    ) -> Receipt:
        self.waiting += 1
        self._more.set()
        await asyncio.sleep(0)  # others have their turn, as with the runtime's
        await self.open.wait()
        self.waiting -= 1
        self.puts.append((list(records), position))
        self._more.set()
        return Committed()

    def room(self, target: str, id: str) -> bool:
        return self.open.is_set()

    @property
    def records(self) -> list[Record | Rejected]:
        return [record for records, _ in self.puts for record in records]

    @property
    def values(self) -> list[bytes]:
        return [record.value for record in self.records]

    @property
    def last(self) -> Any:
        """The last position that was put."""
        return json.loads(next(position for _, position in reversed(self.puts) if position is not None))

    def holds(self, count: int) -> bool:
        return len(self.records) >= count

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                self._more.clear()
                await self._more.wait()


def ingress(kinesis: FakeKinesis, *streams: str, **arguments: Any) -> KinesisIngress:
    routes = [Route(name=each, value_type=STRING, targets=["demo/one", "demo/two"]) for each in streams or ("s",)]
    return KinesisIngress(
        **{
            "id": "demo/in",
            "streams": routes,
            "region": kinesis.region,
            "credentials": CREDENTIALS,
            **arguments,
        }
    )


def source(made: KinesisIngress, pace: Pace = PACE) -> KinesisSource:
    return KinesisSource(SimpleNamespace(ingress=made), pace=pace)


@asynccontextmanager
async def reading(made: KinesisIngress, inlet: FakeInlet, pace: Pace = PACE) -> AsyncIterator[None]:
    """A source runs meanwhile; it is stopped as the runtime stops it, and its error is the test's."""
    task = asyncio.create_task(source(made, pace).run(inlet))
    body = asyncio.current_task()
    if body is None:
        raise RuntimeError("outside of a task")

    def ended(done: asyncio.Task[None]) -> None:
        if not done.cancelled():
            body.cancel()

    task.add_done_callback(ended)
    try:
        yield
    except asyncio.CancelledError:
        if task.done() and not task.cancelled():
            body.uncancel()
            task.result()
            raise AssertionError("the source returned") from None
        raise
    finally:
        task.remove_done_callback(ended)
        task.cancel()
        await asyncio.wait([task])


def sink(made: KinesisEgress) -> KinesisSink:
    return KinesisSink(SimpleNamespace(egress=made), pause=0.001)


@asynccontextmanager
async def opened(made: KinesisEgress) -> AsyncIterator[KinesisSink]:
    one = sink(made)
    try:
        await one.open("store", None)
        yield one
    finally:
        await one.close()


def encoded(one: KinesisSink, record: KinesisRecord, protocol: ProtocolVersion = ProtocolVersion.V3) -> bytes:
    encoding = KINESIS_RECORD.encoding(protocol)
    return one.encode(encoding.typename, encoding.encode(record))


def outgoing(one: KinesisSink, *records: tuple[str, bytes], stream: str = "s", first: int = 1) -> list[OutgoingRecord]:
    """Records as the store gives them, two to a transaction."""
    return [
        OutgoingRecord(
            first + number // 2, number % 2, encoded(one, KinesisRecord(stream=stream, partition_key=key, value=value))
        )
        for number, (key, value) in enumerate(records)
    ]


def run(test: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(2 * PATIENCE):
            await test

    asyncio.run(bounded())


def filled(kinesis: FakeKinesis, count: int, stream: str = "s", first: int = 0) -> list[bytes]:
    values = [b"%d" % number for number in range(first, first + count)]
    for value in values:
        kinesis.put(stream, f"key-{int(value) % 5}", value)
    return values


async def turn() -> None:
    """Lets the others run."""
    await asyncio.sleep(0)
