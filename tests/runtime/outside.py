"""What sources and sinks are tested with before a runtime is around them: records and how they leave a function."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from attrs import Factory, define

from statefun import json_type
from statefun.runtime.egress.sink import OutgoingRecord, Sink

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
