"""What sources and sinks are tested with before a runtime is around them: records, bound values, and an inlet that keeps what it is given."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from attrs import Factory, define

from statefun import json_type
from statefun.batch import ProtocolVersion
from statefun.runtime.egress.sink import OutgoingRecord, Sink
from statefun.runtime.ingress.source import Record, Rejected

T = TypeVar("T")


@define
class Alert:
    """A record with a column of each common kind."""

    name: str
    level: int = 0
    ratio: float | None = None
    open: bool = False
    tags: list[str] = Factory(list)
    raw: bytes = b""


ALERT = json_type("test/alert", Alert)


def outgoing(sink: Sink, *transactions: Iterable[tuple[str, bytes]], first: int = 1) -> list[OutgoingRecord]:
    """Records as a runtime hands them over: each transaction's share one sequence number, and what `encode` made is kept."""
    return [
        OutgoingRecord(sequence, place, sink.encode(typename, value))
        for sequence, values in enumerate(transactions, first)
        for place, (typename, value) in enumerate(values)
    ]


def alert(name: str, **fields: Any) -> tuple[str, bytes]:
    """An Alert as it leaves a function."""
    return ALERT.typename, ALERT.v3.encode(Alert(name, **fields))


def wait(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine in a loop of its own."""
    return asyncio.run(coroutine)


class Kept:
    """The receipt of what is on disk already."""

    async def committed(self) -> bool:
        """It is."""
        return True


class ListInlet:
    """Keeps what is put, and where.

    Args:
        position: Where an earlier run left off.
        limit: The most records that one `put` should hold.
    """

    def __init__(
        self, position: str | None = None, limit: int = 1000, protocol: ProtocolVersion = ProtocolVersion.V3
    ) -> None:
        self.protocol = protocol
        self.position = position
        self.limit = limit
        self.records: list[Record] = []
        self.rejected: list[Rejected] = []
        self.positions: list[str | None] = []
        self.changed = asyncio.Condition()

    async def put(
        self, records: Sequence[Record | Rejected], position: str | None = None, *, key: str | None = None
    ) -> Kept:
        """Keeps them."""
        del key
        assert len(records) <= self.limit
        async with self.changed:
            for each in records:
                if isinstance(each, Record):
                    self.records.append(each)
                else:
                    self.rejected.append(each)
            self.positions.append(position)
            if position is not None:
                self.position = position
            self.changed.notify_all()
        return Kept()

    def room(self, target: str, id: str) -> bool:
        """There is."""
        del target, id
        return True

    async def until(self, count: int) -> None:
        """Waits for that many records."""
        async with self.changed:
            await self.changed.wait_for(lambda: len(self.records) >= count)
