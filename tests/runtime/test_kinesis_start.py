"""Where the Kinesis ingress starts and goes on: every record once and in order, whatever it begins with and wherever it stops."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta

from statefun.model import StartFromDate
from statefun.runtime.ingress.source import Record
from tests.runtime.kinesis_fake import fake_kinesis
from tests.runtime.kinesis_rig import (
    EARLIEST,
    STRING,
    FakeInlet,
    filled,
    ingress,
    reading,
    run,
    turn,
)


def test_the_partition_key_is_the_id_and_the_data_goes_to_every_target_of_the_stream() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s", shards=3)
            kinesis.put("s", "bob", b"home")
            inlet = FakeInlet()
            async with reading(ingress(kinesis, startup=EARLIEST), inlet):
                await inlet.until(lambda: len(inlet.records) == 1)
            assert inlet.records == [Record(("demo/one", "demo/two"), "bob", STRING, b"home")]

    run(test())


def test_what_was_put_before_a_stop_is_not_put_again_and_nothing_is_left_out() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s", shards=3)
            kinesis.make("t")
            expected = filled(kinesis, 40) + filled(kinesis, 10, "t", first=100)
            position: str | None = None
            seen: list[bytes] = []
            stops = 0
            while len(seen) < len(expected):
                inlet = FakeInlet(position, limit=3)
                enough = min(9, len(expected) - len(seen))
                async with reading(ingress(kinesis, "s", "t", startup=EARLIEST), inlet):
                    await inlet.until(functools.partial(inlet.holds, enough))
                # Of three puts the last is lost with its transaction, and its records come again.
                kept = inlet.puts[: 3 if stops < 5 else None]
                seen += [record.value for records, _ in kept for record in records]
                position = kept[-1][1]
                stops += 1
            assert sorted(seen) == sorted(expected)
            assert stops > 5

    run(test())


def test_the_records_of_a_shard_keep_their_order_and_no_put_is_larger_than_the_limit() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            expected = filled(kinesis, 100)
            inlet = FakeInlet(limit=7)
            async with reading(ingress(kinesis, startup=EARLIEST), inlet):
                await inlet.until(lambda: len(inlet.records) == 100)
            assert inlet.values == expected
            assert max(len(records) for records, _ in inlet.puts) == 7

    run(test())


def test_the_latest_start_leaves_out_what_is_there_and_takes_in_what_comes_while_the_runtime_is_down() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s", shards=2)
            filled(kinesis, 5)
            kinesis.now += 60
            first = FakeInlet()
            async with reading(ingress(kinesis), first):
                await first.until(lambda: bool(first.puts))
            assert first.records == []
            kinesis.now += 60
            expected = filled(kinesis, 5, first=50)
            second = FakeInlet(first.puts[-1][1])
            async with reading(ingress(kinesis), second):
                await second.until(lambda: len(second.records) == 5)
            assert sorted(second.values) == sorted(expected)

    run(test())


def test_the_latest_start_takes_in_what_comes_while_it_runs() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            filled(kinesis, 5)
            inlet = FakeInlet()
            async with reading(ingress(kinesis), inlet):
                # In the same second as the records that are there: their arrival alone would not tell them apart.
                while not kinesis.asked("GetRecords"):
                    await turn()
                expected = filled(kinesis, 3, first=50)
                await inlet.until(lambda: len(inlet.records) == 3)
            assert inlet.values == expected

    run(test())


def test_the_latest_start_leaves_nothing_out_when_its_iterator_expires_before_the_first_record() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            filled(kinesis, 5)
            kinesis.now += 60
            inlet = FakeInlet()
            async with reading(ingress(kinesis), inlet):
                while not kinesis.asked("GetRecords"):
                    await turn()
                kinesis.now += 400
                kinesis.expire_iterators()
                expected = filled(kinesis, 3, first=50)
                await inlet.until(lambda: len(inlet.records) == 3)
            assert inlet.values == expected

    run(test())


def test_a_start_from_a_date_takes_in_what_is_not_older() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            filled(kinesis, 5)
            kinesis.now += 60
            expected = filled(kinesis, 5, first=50)
            startup = StartFromDate(datetime.fromtimestamp(kinesis.now, UTC) - timedelta(seconds=1))
            inlet = FakeInlet()
            async with reading(ingress(kinesis, startup=startup), inlet):
                await inlet.until(lambda: len(inlet.records) == 5)
            assert inlet.values == expected

    run(test())


def test_a_stream_that_an_ingress_gains_begins_at_its_start_and_the_others_go_on() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            kinesis.make("t")
            filled(kinesis, 3)
            first = FakeInlet()
            async with reading(ingress(kinesis, startup=EARLIEST), first):
                await first.until(lambda: len(first.records) == 3)
            expected = filled(kinesis, 2, "t", first=70)
            second = FakeInlet(first.puts[-1][1])
            async with reading(ingress(kinesis, "s", "t", startup=EARLIEST), second):
                await second.until(lambda: len(second.records) == 2)
            assert second.values == expected
            assert set(second.last) == {"s", "t"}

    run(test())
