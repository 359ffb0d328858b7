"""The Kinesis ingress while shards split and merge: a parent before its children, and nothing lost or repeated in between."""

from __future__ import annotations

import functools

from statefun.runtime.ingress.source import Record
from tests.runtime.kinesis_fake import fake_kinesis
from tests.runtime.kinesis_rig import (
    EARLIEST,
    SHARD,
    FakeInlet,
    filled,
    ingress,
    reading,
    run,
)


def test_the_children_of_a_split_are_read_when_their_parent_is_through() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            before = filled(kinesis, 30)
            kinesis.split("s", SHARD)
            after = filled(kinesis, 30, first=100)
            inlet = FakeInlet(limit=4)
            async with reading(ingress(kinesis, startup=EARLIEST), inlet):
                await inlet.until(lambda: len(inlet.records) == 60)
            assert inlet.values[:30] == before
            assert sorted(inlet.values[30:]) == sorted(after)
            assert inlet.last["s"][SHARD] == "end"

    run(test())


def test_the_child_of_a_merge_is_read_when_both_parents_are_through_and_shards_may_split_while_they_are_read() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            inlet = FakeInlet()
            expected: list[bytes] = []
            per_key: dict[str, list[int]] = {}
            async with reading(ingress(kinesis, startup=EARLIEST), inlet):
                ids = [SHARD]
                for turn in range(6):
                    expected += filled(kinesis, 20, first=1000 * turn)
                    ids = kinesis.split("s", ids[0]) if turn % 2 == 0 else [kinesis.merge("s", *ids)]
                    expected += filled(kinesis, 20, first=1000 * turn + 500)
                    if turn % 3 == 2:
                        await inlet.until(functools.partial(inlet.holds, len(expected)))
                await inlet.until(lambda: len(inlet.records) == len(expected))
            assert sorted(inlet.values) == sorted(expected)
            for record in inlet.records:
                assert isinstance(record, Record)
                per_key.setdefault(record.id, []).append(int(record.value))
            assert len(per_key) == 5
            assert all(numbers == sorted(numbers) for numbers in per_key.values())

    run(test())


def test_a_stop_between_a_parent_and_its_children_loses_and_repeats_nothing() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            before = filled(kinesis, 10)
            kinesis.split("s", SHARD)
            after = filled(kinesis, 10, first=100)
            whole = FakeInlet(limit=2)
            async with reading(ingress(kinesis, startup=EARLIEST), whole):
                await whole.until(lambda: len(whole.records) == 20)
            assert len(whole.puts) > 10
            for stop in range(len(whole.puts)):
                seen = [record.value for records, _ in whole.puts[: stop + 1] for record in records]
                inlet = FakeInlet(whole.puts[stop][1])
                async with reading(ingress(kinesis, startup=EARLIEST), inlet):
                    await inlet.until(functools.partial(inlet.holds, 20 - len(seen)))
                assert sorted(seen + inlet.values) == sorted(before + after)

    run(test())


def test_a_reshard_while_the_runtime_is_down_is_read_whole_from_the_latest_start_too() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            first = FakeInlet()
            async with reading(ingress(kinesis), first):
                await first.until(lambda: bool(first.puts))
            expected = filled(kinesis, 5)
            kinesis.split("s", SHARD)
            expected += filled(kinesis, 20, first=50)
            second = FakeInlet(first.puts[-1][1])
            async with reading(ingress(kinesis), second):
                await second.until(lambda: len(second.records) == len(expected))
            assert sorted(second.values) == sorted(expected)

    run(test())


def test_more_shards_than_one_answer_lists_and_than_are_read_at_a_time() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s", shards=25)
            kinesis.page = 4
            expected = [b"%d" % number for number in range(200)]
            for value in expected:
                kinesis.put("s", value.decode(), value)
            inlet = FakeInlet()
            async with reading(ingress(kinesis, startup=EARLIEST), inlet):
                await inlet.until(lambda: len(inlet.records) == 200)
            assert sorted(inlet.values) == sorted(expected)

    run(test())
