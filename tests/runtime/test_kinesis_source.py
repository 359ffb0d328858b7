"""The Kinesis ingress: every record once and in order, whatever becomes of the shards, the iterators and the quotas."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import json
import logging
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from statefun.errors import BindingError, IngressError, PositionError, RecordError, RecordKeyError
from statefun.model import AwsProfile, AwsRegion, KinesisIngress, StartFrom, StartFromDate
from statefun.protocol.kinesis import BUNDLE_MAGIC, hash_of
from statefun.runtime.ingress.source import Record, Rejected
from statefun.wire import delimited, text, varint
from tests.runtime.kinesis_fake import CREDENTIALS, FIRST, Failing, FakeKinesis, fake_kinesis
from tests.runtime.kinesis_rig import PACE, STRING, FakeInlet, ingress, reading, run, source

EARLIEST = StartFrom.EARLIEST
SHARD = "shardId-000000000000"


def filled(kinesis: FakeKinesis, count: int, stream: str = "s", first: int = 0) -> list[bytes]:
    values = [b"%d" % number for number in range(first, first + count)]
    for value in values:
        kinesis.put(stream, f"key-{int(value) % 5}", value)
    return values


def bundle(*records: tuple[str, bytes], keys: list[str] | None = None, hash: int | None = None) -> bytes:
    """As the producer library writes it: a table of keys, then records that refer to it."""
    table = list(dict.fromkeys(key for key, _ in records)) if keys is None else keys
    inside = b"".join(delimited(b"\x0a", key.encode()) for key in table)
    explicit = b"" if hash is None else text(b"\x12", str(hash))
    for key, data in records:
        index = b"\x08" + varint(table.index(key) if key in table else 99)
        index += b"" if hash is None else b"\x10\x00"
        inside += delimited(b"\x1a", index + delimited(b"\x1a", data))
    return BUNDLE_MAGIC + inside + explicit + hashlib.md5(inside + explicit).digest()


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
                    await _turn()
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
                    await _turn()
                kinesis.now += 400
                kinesis.expire_iterators()
                expected = filled(kinesis, 3, first=50)
                await inlet.until(lambda: len(inlet.records) == 3)
            assert inlet.values == expected

    run(test())


async def _turn() -> None:
    await asyncio.sleep(0)


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


# --- resharding ----------------------------------------------------------------------------------------------------


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


# --- what goes wrong, and passes ---------------------------------------------------------------------------------------


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
                    await _turn()
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
                    await _turn()
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


# --- records that are no messages, and bundles ---------------------------------------------------------------------------


def test_a_bundle_of_the_producer_library_becomes_its_records_in_one_put() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            kinesis.put("s", "a", bundle(("bob", b"1"), ("eve", b"2"), ("bob", b"3")))
            kinesis.put("s", "bob", b"4")
            inlet = FakeInlet(limit=1)
            async with reading(ingress(kinesis, startup=EARLIEST), inlet):
                await inlet.until(lambda: len(inlet.records) == 4)
            found = [(record.id, record.value) for record in inlet.records if isinstance(record, Record)]
            assert found == [("bob", b"1"), ("eve", b"2"), ("bob", b"3"), ("bob", b"4")]
            assert [len(records) for records, _ in inlet.puts if records] == [3, 1]

    run(test())


def test_what_a_bundle_holds_for_another_shard_is_left_to_that_shard() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s", shards=2)
            keys = sorted((f"key-{number}" for number in range(20)), key=hash_of)
            low = [key for key in keys if hash_of(key) < 2**127]
            assert 0 < len(low) < 20
            kinesis.put("s", "a", bundle(*((key, key.encode()) for key in keys)), hash=0)
            kinesis.put("s", "a", bundle(("far", b"by its explicit hash"), hash=5), hash=0)
            kinesis.put("s", "z", b"last", hash=0)
            inlet = FakeInlet()
            async with reading(ingress(kinesis, startup=EARLIEST), inlet):
                await inlet.until(lambda: b"last" in inlet.values)
            assert inlet.values == [*(key.encode() for key in low), b"by its explicit hash", b"last"]

    run(test())


def test_a_record_that_begins_as_a_bundle_and_is_none_is_a_record() -> None:
    data = [BUNDLE_MAGIC, BUNDLE_MAGIC + b"x" * 40, bundle(("bob", b"1"))[:-1]]

    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            for each in data:
                kinesis.put("s", "bob", each)
            inlet = FakeInlet()
            async with reading(ingress(kinesis, startup=EARLIEST), inlet):
                await inlet.until(lambda: len(inlet.records) == 3)
            assert inlet.values == data

    run(test())


def test_what_cannot_become_a_message_is_rejected_with_its_place_and_the_next_record_goes_on() -> None:
    damaged = b"\x0a\x03abc\x1a\x7f"
    wrong = [
        BUNDLE_MAGIC + damaged + hashlib.md5(damaged).digest(),
        bundle(("bob", b"1"), keys=["eve"]),
        BUNDLE_MAGIC + b"\x08\x01" + hashlib.md5(b"\x08\x01").digest(),
    ]

    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            places = [kinesis.put("s", "bob", each) for each in wrong]
            places.append(kinesis.put("s", "x", bundle(("", b"no key"), ("bob", b"a key"))))
            inlet = FakeInlet()
            async with reading(ingress(kinesis, startup=EARLIEST), inlet):
                await inlet.until(lambda: len(inlet.records) == 5)
            *bad, keyless, good = inlet.records
            assert good == Record(("demo/one", "demo/two"), "bob", STRING, b"a key")
            assert isinstance(keyless, Rejected)
            assert isinstance(keyless.error, RecordKeyError)
            assert keyless.value == b"no key"
            for record, data, place in zip(bad, wrong, places, strict=False):
                assert isinstance(record, Rejected)
                assert type(record.error) is RecordError
                assert record.value == data
                assert f"record {place} of the shard {SHARD} of the stream 's'" in str(record.error)

    run(test())


# --- errors that end the run -----------------------------------------------------------------------------------------


def failed(made: KinesisIngress, position: str | None = None) -> Exception:
    """The error that a run ends with."""

    async def test() -> None:
        async with asyncio.timeout(30):
            await source(made).run(FakeInlet(position))

    with pytest.raises(IngressError) as caught:
        asyncio.run(test())
    return caught.value


def test_a_stream_that_does_not_exist_ends_the_run_and_is_named() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            inlet = FakeInlet()
            with pytest.raises(IngressError, match=r"'demo/in' reads the stream 'nowhere', which does not exist"):
                await source(ingress(kinesis, "s", "nowhere")).run(inlet)

    run(test())


@pytest.mark.parametrize("operation", ["ListShards", "GetShardIterator", "GetRecords"])
def test_a_refusal_ends_the_run_without_a_secret_in_its_error(operation: str) -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            kinesis.fail(operation, Failing("AccessDeniedException", text="User: x is not authorized"))
            with pytest.raises(IngressError, match="is not authorized") as caught:
                await source(ingress(kinesis, startup=EARLIEST)).run(FakeInlet())
            assert "'demo/in'" in str(caught.value)
            assert CREDENTIALS.secret_access_key not in repr(caught.value) + str(caught.value)

    run(test())


def test_a_stream_that_was_made_anew_is_not_taken_for_the_old_one() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            for place in ("17", "end"):
                inlet = FakeInlet(json.dumps({"s": {SHARD: place}}))
                with pytest.raises(PositionError, match="made anew"):
                    await source(ingress(kinesis)).run(inlet)

    run(test())


def test_a_stream_that_is_deleted_while_it_is_read_ends_the_run() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            filled(kinesis, 3)
            inlet = FakeInlet()
            running = asyncio.create_task(source(ingress(kinesis, startup=EARLIEST)).run(inlet))
            await inlet.until(lambda: len(inlet.records) == 3)
            del kinesis.streams["s"]
            with pytest.raises(IngressError, match="'s', which does not exist"):
                await running
            assert inlet.last["s"][SHARD] != "end"

    run(test())


@pytest.mark.parametrize("position", ["17", "[]", '{"s": 3}', '{"s": {"a": 3}}', '{"s": {"a": "x"}}', "{"])
def test_a_position_of_another_kind_is_refused(position: str) -> None:
    kinesis = FakeKinesis()
    kinesis.url = "http://127.0.0.1:9"
    assert isinstance(failed(ingress(kinesis), position), PositionError)


def test_a_region_that_nothing_names_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", f"{tmp_path}/none")
    error = failed(ingress(FakeKinesis(), region=None))
    assert "names no region" in str(error)


def test_an_unknown_profile_is_told(tmp_path: object) -> None:
    error = failed(ingress(FakeKinesis(), credentials=AwsProfile(name="nobody", path=f"{tmp_path}/none"), region=None))
    assert "nobody" in str(error)


def test_an_endpoint_that_is_no_url_is_told() -> None:
    error = failed(ingress(FakeKinesis(), region=AwsRegion(id="eu-central-1", endpoint="not a url")))
    assert "not a url" in str(error)


@pytest.mark.parametrize(
    ("properties", "expected"), [({"ProxyHost": "x"}, "'ProxyHost'"), ({"SocketTimeout": "soon"}, "no whole number")]
)
def test_a_property_that_the_client_does_not_have_is_told(properties: dict[str, str], expected: str) -> None:
    with pytest.raises(BindingError, match=expected):
        asyncio.run(source(ingress(FakeKinesis(), properties=properties)).run(FakeInlet()))


def test_properties_of_the_engines_clients_are_taken_in_either_spelling() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            expected = filled(kinesis, 1)
            properties = {"SocketTimeout": "9999", "maxConnections": "4", "ThreadingModel": "POOLED"}
            inlet = FakeInlet()
            async with reading(ingress(kinesis, startup=EARLIEST, properties=properties), inlet):
                await inlet.until(lambda: len(inlet.records) == 1)
            assert inlet.values == expected

    run(test())


def test_the_shares_of_a_quota_are_kept_by_default() -> None:
    pace = type(PACE)()
    assert pace.behind >= 0.2
    assert pace.waiting >= 0.2
