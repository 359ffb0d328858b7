"""What goes wrong with Kinesis and passes, and the gaps that it leaves: calls are repeated, and what is lost is told."""

from __future__ import annotations

import functools
import logging

import attrs
import pytest

from statefun.model import AwsRegion
from tests.runtime.kinesis_fake import FIRST, Failing, fake_kinesis
from tests.runtime.kinesis_rig import (
    EARLIEST,
    SHARD,
    FakeInlet,
    filled,
    ingress,
    reading,
    run,
    turn,
)

PASSING = [
    Failing("ProvisionedThroughputExceededException"),
    Failing("LimitExceededException"),
    Failing("InternalFailure", 500),
    Failing("ServiceUnavailable", 503),
    Failing("SomethingNew", 502),
]


@pytest.mark.parametrize("operation", ["GetRecords", "GetShardIterator", "ListShards"])
def test_a_call_that_fails_for_now_is_repeated_and_nothing_is_lost(operation: str) -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            expected = filled(kinesis, 20)
            kinesis.fail(operation, *PASSING)
            inlet = FakeInlet()
            async with reading(ingress(kinesis, startup=EARLIEST), inlet):
                await inlet.until(lambda: len(inlet.records) == 20)
                assert not kinesis.fail_next[operation]
                expected += filled(kinesis, 5, first=50)
                kinesis.fail(operation, *PASSING)
                kinesis.expire_iterators()
                await inlet.until(lambda: len(inlet.records) == 25)
            assert inlet.values == expected

    run(test())


def test_an_iterator_that_expired_is_asked_for_again_at_the_last_record() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            expected: list[bytes] = []
            inlet = FakeInlet()
            async with reading(ingress(kinesis, startup=EARLIEST), inlet):
                for turn in range(4):
                    kinesis.expire_iterators()
                    expected += filled(kinesis, 5, first=100 * turn)
                    await inlet.until(functools.partial(inlet.holds, len(expected)))
            assert inlet.values == expected

    run(test())


def test_an_endpoint_that_nobody_answers_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            expected = filled(kinesis, 3)
            inlet = FakeInlet()
            made = ingress(kinesis, startup=EARLIEST)
            unreachable = attrs.evolve(made, region=AwsRegion(id="eu-central-1", endpoint="http://127.0.0.1:9"))
            async with reading(unreachable, inlet):
                while not caplog.records:
                    await turn()
            async with reading(made, inlet):
                await inlet.until(lambda: len(inlet.records) == 3)
            assert inlet.values == expected

    run(test())
    assert "the shards of the stream 's' are asked for again after a pause" in caplog.text
    assert "127.0.0.1:9" in caplog.text


def test_a_full_runtime_stops_the_reading() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            expected = filled(kinesis, 10)
            inlet = FakeInlet(limit=10)
            async with reading(ingress(kinesis, startup=EARLIEST), inlet):
                await inlet.until(lambda: len(inlet.records) == 10)
                inlet.open.clear()
                expected += filled(kinesis, 10, first=100)
                await inlet.until(lambda: inlet.waiting == 1)
                asked = len(kinesis.asked("GetRecords"))
                expected += filled(kinesis, 10, first=200)
                for _ in range(50):
                    await turn()
                assert len(kinesis.asked("GetRecords")) == asked
                inlet.open.set()
                await inlet.until(lambda: len(inlet.records) == 30)
            assert inlet.values == expected

    run(test())


# --- gaps ----------------------------------------------------------------------------------------------------------


def test_records_that_kinesis_dropped_while_the_runtime_was_down_are_told(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            filled(kinesis, 10)
            first = FakeInlet(limit=5)
            async with reading(ingress(kinesis, startup=EARLIEST), first):
                await first.until(lambda: len(first.records) >= 5)
            position = first.puts[1][1]
            kinesis.drop_records("s", SHARD, 8)
            second = FakeInlet(position)
            async with reading(ingress(kinesis, startup=EARLIEST), second):
                await second.until(lambda: len(second.records) == 2)
            assert second.values == [b"8", b"9"]

    run(test())
    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    told = warning.getMessage()
    assert f"a gap in the shard {SHARD} of the stream 's'" in told
    assert f"'demo/in' stopped at the record {FIRST + 7 * 5}" in told
    assert f"goes on at {FIRST + 7 * 9} of 2026-11-24T09:30:00+00:00" in told


def test_no_gap_is_told_of_where_the_record_at_the_position_is_still_there(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            filled(kinesis, 10)
            first = FakeInlet(limit=5)
            async with reading(ingress(kinesis, startup=EARLIEST), first):
                await first.until(lambda: len(first.records) >= 5)
            kinesis.drop_records("s", SHARD, 4)
            second = FakeInlet(first.puts[1][1])
            async with reading(ingress(kinesis, startup=EARLIEST), second):
                await second.until(lambda: len(second.records) == 5)
            assert second.values == [b"5", b"6", b"7", b"8", b"9"]

    run(test())
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_records_that_are_dropped_before_a_reader_who_is_far_behind_are_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            kinesis.behind = 23 * 3_600_000
            filled(kinesis, 5)
            inlet = FakeInlet()
            async with reading(ingress(kinesis, startup=EARLIEST), inlet):
                await inlet.until(lambda: len(inlet.records) == 5)
                filled(kinesis, 5, first=50)
                kinesis.drop_records("s", SHARD, 7)
                await inlet.until(lambda: len(inlet.records) == 8)

    run(test())
    assert "a gap in the shard" in caplog.text


def test_a_shard_that_is_gone_with_unread_records_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            filled(kinesis, 10)
            first = FakeInlet()
            async with reading(ingress(kinesis, startup=EARLIEST), first):
                await first.until(lambda: len(first.records) == 10)
            kinesis.split("s", SHARD)
            kinesis.drop_shard("s", SHARD)
            expected = filled(kinesis, 10, first=100)
            second = FakeInlet(first.puts[-1][1])
            async with reading(ingress(kinesis, startup=EARLIEST), second):
                await second.until(lambda: len(second.records) == 10)
            assert sorted(second.values) == sorted(expected)
            assert SHARD not in second.last["s"]

    run(test())
    assert f"a gap in the stream 's': its shard {SHARD}" in caplog.text


def test_a_closed_shard_whose_last_records_were_dropped_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            filled(kinesis, 10)
            first = FakeInlet(limit=5)
            async with reading(ingress(kinesis, startup=EARLIEST), first):
                await first.until(lambda: len(first.records) >= 5)
            kinesis.split("s", SHARD)
            kinesis.drop_records("s", SHARD, 10)
            second = FakeInlet(first.puts[1][1])
            async with reading(ingress(kinesis, startup=EARLIEST), second):
                await second.until(lambda: second.puts != [] and second.last["s"][SHARD] == "end")

    run(test())
    assert "goes on at its end, where nothing is left" in caplog.text
