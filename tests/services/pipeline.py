"""From Kafka to Kafka through a store that is one SQLite file: a process that tests kill with -9, wherever it is.

    python -m tests.services.pipeline ADDRESS FROM TO STORE [forget]

It is the smallest runtime that a source and a sink can be proved with: one transaction holds the position, a count for each id and the record that tells
it; the records are delivered after the commit, and leave the store with their confirmation. With `forget` the sink does not read back what was
delivered, which must be noticed.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from attrs import frozen

from statefun.egress import KAFKA_RECORD
from statefun.errors import EgressUnavailableError
from statefun.model import Delivery, KafkaEgress, KafkaIngress, Route, StartFrom
from statefun.records import KafkaRecord
from statefun.runtime.egress.kafka import KafkaSink
from statefun.runtime.egress.kafka_transactions import TransactionalDelivery, _Delivered
from statefun.runtime.egress.sink import OutgoingRecord
from statefun.runtime.ingress.kafka import KafkaSource
from statefun.runtime.ingress.source import Record, Rejected

TABLES = """
CREATE TABLE IF NOT EXISTS counts (id TEXT PRIMARY KEY, count INTEGER);
CREATE TABLE IF NOT EXISTS positions (name TEXT PRIMARY KEY, position TEXT);
CREATE TABLE IF NOT EXISTS outbox (sequence INTEGER, place INTEGER, data BLOB, PRIMARY KEY (sequence, place));
CREATE TABLE IF NOT EXISTS numbers (last INTEGER);
INSERT INTO numbers SELECT 0 WHERE NOT EXISTS (SELECT * FROM numbers);
"""


@frozen
class Bound:
    ingress: KafkaIngress
    egress: KafkaEgress


class Store:
    """The inlet of the source and the outbox of the sink."""

    limit = 20

    def __init__(self, path: str, sink: KafkaSink, to: str) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.executescript(TABLES)
        self._sink = sink
        self._to = to
        self.committed_some = asyncio.Event()

    def place(self, name: str) -> str | None:
        row = self._database.execute("SELECT position FROM positions WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    @property
    def position(self) -> str | None:
        return self.place("in")

    async def put(
        self, records: Sequence[Record | Rejected], position: str | None = None, *, key: str | None = None
    ) -> Store:
        execute = self._database.execute
        execute("BEGIN IMMEDIATE")
        [sequence] = execute("UPDATE numbers SET last = last + 1 RETURNING last").fetchone()
        for place, record in enumerate(records):
            assert isinstance(record, Record)
            [count] = execute(
                "INSERT INTO counts VALUES (?, 1) ON CONFLICT DO UPDATE SET count = count + 1 RETURNING count",
                (record.id,),
            ).fetchone()
            told = KAFKA_RECORD.v3.encode(KafkaRecord(topic=self._to, key=record.id, value=f"{record.id} {count}"))
            execute(
                "INSERT INTO outbox VALUES (?, ?, ?)",
                (sequence, place, self._sink.encode(KAFKA_RECORD.v3.typename, told)),
            )
        execute("INSERT OR REPLACE INTO positions VALUES ('in', ?)", (position,))
        execute("COMMIT")
        self.committed_some.set()
        return self

    async def committed(self) -> bool:
        return True

    def room(self, target: str, id: str) -> bool:
        return True

    def waiting(self, after: int) -> list[OutgoingRecord]:
        rows = self._database.execute(
            "SELECT sequence, place, data FROM outbox WHERE sequence > ? AND sequence <= ? + 3 ORDER BY sequence, place",
            (after, after),
        )
        return [OutgoingRecord(*row) for row in rows]

    def confirmed(self, sequence: int, position: str) -> None:
        execute = self._database.execute
        execute("BEGIN IMMEDIATE")
        execute("DELETE FROM outbox WHERE sequence <= ?", (sequence,))
        execute("INSERT OR REPLACE INTO positions VALUES ('out', ?)", (position,))
        execute("COMMIT")

    def last(self) -> int:
        return int(self._database.execute("SELECT last FROM numbers").fetchone()[0])


async def deliver(store: Store, sink: KafkaSink) -> None:
    """Delivers what is committed, up to three numbers in one transaction, and confirms each fourth."""
    delivered = int(store.place("out") or 0)
    unconfirmed = 0
    while True:
        store.committed_some.clear()
        if delivered >= store.last():
            await store.committed_some.wait()
        records = store.waiting(delivered)
        upto = min(delivered + 3, store.last()) if not records else records[-1].sequence
        if records:
            while True:
                try:
                    await sink.deliver(records)
                    break
                except EgressUnavailableError:
                    continue
            unconfirmed += 1
            if unconfirmed == 4:
                unconfirmed = 0
                confirmed = await sink.confirm()
                assert confirmed is not None
                store.confirmed(*confirmed)
        delivered = upto
        print(delivered, flush=True)


async def main(address: str, origin: str, to: str, path: str, forget: str = "") -> None:
    if forget:
        TransactionalDelivery._delivered = lambda self, topic: _Delivered(-1, "")  # type: ignore[method-assign]
    route = Route(name=origin, value_type="io.statefun.types/string", targets=["demo/count"])
    bound: Any = Bound(
        KafkaIngress(id="demo/in", address=address, topics=[route], startup=StartFrom.EARLIEST),
        KafkaEgress(
            id="demo/out", address=address, delivery=Delivery.EXACTLY_ONCE, transaction_timeout=timedelta(minutes=1)
        ),
    )
    sink = KafkaSink(bound)
    store = Store(path, sink, to)
    await sink.open(path, store.place("out"))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(KafkaSource(bound).run(store))
        tasks.create_task(deliver(store, sink))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
