"""The Kafka ingress on a real broker: where it starts and goes on, what it rejects, and what it does when topics or brokers change."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from statefun.errors import IngressError, RecordError, RecordKeyError
from statefun.model import (
    BoundIngress,
    KafkaIngress,
    PartitionOffset,
    Route,
    StartFrom,
    StartFromDate,
    StartFromOffsets,
)
from statefun.runtime.ingress.kafka import KafkaSource
from statefun.runtime.ingress.source import Record
from tests.runtime.inlet import Kept, running
from tests.services.broker import Broker

pytestmark = pytest.mark.anyio

STRING = "io.statefun.types/string"


def source(broker: Broker, *topics: str, **named: Any) -> KafkaSource:
    named.setdefault("startup", StartFrom.EARLIEST)
    routes = [Route(name=each, value_type=STRING, targets=["demo/a", "demo/b"]) for each in topics]
    return KafkaSource(BoundIngress(KafkaIngress(id="demo/in", address=broker.address, topics=routes, **named)))


def make_topic(broker: Broker, partitions: int = 1) -> str:
    return broker.create_topic(f"t-{uuid.uuid4().hex}", partitions)


def produce(broker: Broker, topic: str, values: Iterable[str | None], **named: Any) -> None:
    producer = Producer({"bootstrap.servers": broker.address, "log_level": 0})
    for value in values:
        producer.produce(topic, value, **{"key": b"bob", "partition": 0, **named})
    assert producer.flush(60) == 0


def position(**topics: Iterable[int]) -> str:
    return json.dumps({name: {str(index): next for index, next in enumerate(each)} for name, each in topics.items()})


async def read(from_source: KafkaSource, count: int, position: str | None = None) -> Kept:
    inlet = Kept(position)
    async with running(from_source, inlet):
        await inlet.holds(count)
    return inlet


# --- records ----------------------------------------------------------------------------------------------------------


async def test_a_record_becomes_a_message_to_each_target_with_its_key_as_the_id(broker: Broker) -> None:
    topic = make_topic(broker)
    produce(broker, topic, ["home"], key="böb")
    inlet = await read(source(broker, topic), 1)
    assert inlet.items == [Record(("demo/a", "demo/b"), "böb", STRING, b"home")]
    assert inlet.position == position(**{topic: [1]})


async def test_records_without_a_usable_key_and_tombstones_are_kept_aside_and_what_is_behind_goes_on(
    broker: Broker,
) -> None:
    topic = make_topic(broker)
    produce(broker, topic, ["first"])
    produce(broker, topic, ["no key"], key=None)
    produce(broker, topic, ["empty key"], key=b"")
    produce(broker, topic, ["no text"], key=b"\xff")
    produce(broker, topic, [None])
    produce(broker, topic, ["", "last"])
    inlet = await read(source(broker, topic), 7)
    assert inlet.values == ["first", "", "last"]
    keys, tombstone = inlet.rejected[:3], inlet.rejected[3]
    assert [type(each.error) for each in keys] == [RecordKeyError] * 3
    assert [each.error.message for each in keys] == [
        f"{topic}[0] at offset 1: the record has no key",
        f"{topic}[0] at offset 2: the record has an empty key",
        f"{topic}[0] at offset 3: the record's key is no UTF-8",
    ]
    assert [each.value for each in keys] == [b"no key", b"empty key", b"no text"]
    assert type(tombstone.error) is RecordError
    assert tombstone.error.message == f"{topic}[0] at offset 4: the record with the key 'bob' has no value"
    assert (tombstone.targets, tombstone.typename, tombstone.value) == (("demo/a", "demo/b"), STRING, b"")
    assert inlet.position == position(**{topic: [7]})


async def test_records_of_an_aborted_transaction_are_never_seen(broker: Broker) -> None:
    topic = make_topic(broker)
    producer = Producer({"bootstrap.servers": broker.address, "log_level": 0, "transactional.id": topic})
    producer.init_transactions(60)
    for value, end in (("aborted", producer.abort_transaction), ("committed", producer.commit_transaction)):
        producer.begin_transaction()
        producer.produce(topic, value, key="bob")
        assert producer.flush(60) == 0
        end(60)
    inlet = await read(source(broker, topic), 1)
    assert inlet.values == ["committed"]
    uncommitted = await read(source(broker, topic, properties={"isolation.level": "read_uncommitted"}), 2)
    assert uncommitted.values == ["aborted", "committed"]


# --- where it starts and goes on --------------------------------------------------------------------------------------


async def test_it_goes_on_at_its_position_whatever_the_startup_says(broker: Broker) -> None:
    one, two = make_topic(broker, 2), make_topic(broker)
    for partition in (0, 1):
        produce(broker, one, [f"{partition}{index}" for index in range(4)], partition=partition)
    produce(broker, two, ["x", "y"])
    inlet = await read(source(broker, one, two, startup=StartFrom.LATEST), 4, position(**{one: [3, 2], two: [1]}))
    assert sorted(inlet.values) == ["03", "12", "13", "y"]
    assert json.loads(inlet.position or "") == json.loads(position(**{one: [4, 4], two: [2]}))


async def test_the_latest_is_what_comes_after_the_first_start_even_when_that_was_killed(broker: Broker) -> None:
    topic = make_topic(broker)
    produce(broker, topic, ["before"])
    inlet = Kept()
    async with running(source(broker, topic, startup=StartFrom.LATEST), inlet):
        await inlet.until(lambda: inlet.position is not None)
    assert inlet.position == position(**{topic: [1]})
    produce(broker, topic, ["meanwhile"])
    assert (await read(source(broker, topic, startup=StartFrom.LATEST), 1, inlet.position)).values == ["meanwhile"]


def commit(broker: Broker, group: str, topic: str, offset: int) -> None:
    with Consumer({"bootstrap.servers": broker.address, "group.id": group, "log_level": 0}) as consumer:
        consumer.commit(offsets=[TopicPartition(topic, 0, offset)], asynchronous=False)


@pytest.mark.parametrize(
    ("auto_reset", "start", "values"), [(StartFrom.EARLIEST, [2, 0], ["c", "other"]), (StartFrom.LATEST, [2, 1], ["c"])]
)
async def test_the_offsets_of_a_group_are_where_it_starts(
    broker: Broker, auto_reset: StartFrom, start: list[int], values: list[str]
) -> None:
    topic = make_topic(broker, 2)
    produce(broker, topic, ["a", "b", "c"])
    produce(broker, topic, ["other"], partition=1)
    commit(broker, topic, topic, 2)
    named: dict[str, Any] = {"startup": StartFrom.GROUP_OFFSETS, "consumer_group": topic, "auto_reset": auto_reset}
    inlet = await read(source(broker, topic, **named), len(values))
    assert sorted(inlet.values) == values
    assert inlet.positions[0] == position(**{topic: start})


async def test_given_offsets_are_where_it_starts_and_other_partitions_where_their_group_was(broker: Broker) -> None:
    topic = make_topic(broker, 3)
    for partition in range(3):
        produce(broker, topic, [f"{partition}{index}" for index in range(3)], partition=partition)
    commit(broker, topic, topic, 2)
    start = StartFromOffsets([PartitionOffset(topic=topic, partition=1, offset=1)])
    inlet = Kept()
    async with running(source(broker, topic, startup=start, consumer_group=topic), inlet):
        await inlet.holds(3)
    assert sorted(inlet.values) == ["02", "11", "12"]
    assert inlet.positions[0] == position(**{topic: [2, 1, 3]})


async def test_a_date_is_where_it_starts_and_one_that_no_record_has_reached_is_the_end(broker: Broker) -> None:
    topic = make_topic(broker, 2)
    moment = datetime(2024, 2, 3, 4, 5, 6, tzinfo=UTC)
    milliseconds = int(moment.timestamp() * 1000)
    for value, moved in (("before", -1), ("then", 0), ("after", 1)):
        produce(broker, topic, [value], timestamp=milliseconds + moved)
    produce(broker, topic, ["before"], timestamp=milliseconds - 1, partition=1)
    inlet = await read(source(broker, topic, startup=StartFromDate(moment)), 2)
    assert inlet.values == ["then", "after"]
    assert inlet.positions[0] == position(**{topic: [1, 1]})


async def test_a_new_partition_is_read_from_its_beginning(broker: Broker) -> None:
    topic = make_topic(broker)
    often = {"metadata.max.age.ms": "100"}
    inlet = Kept()
    async with running(source(broker, topic, startup=StartFrom.LATEST, properties=often), inlet):
        await inlet.until(lambda: inlet.position is not None)
        broker.add_partitions(topic, 2)
        produce(broker, topic, ["one"], partition=1)
        await inlet.holds(1)
    broker.add_partitions(topic, 3)
    produce(broker, topic, ["two"], partition=2)
    later = await read(source(broker, topic, startup=StartFrom.LATEST), 1, inlet.position)
    assert (inlet.values, later.values) == (["one"], ["two"])
    assert later.position == position(**{topic: [0, 1, 1]})


# --- what is not there ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("auto_reset", "values", "counted"), [(StartFrom.EARLIEST, ["c", "d", "e"], 1), (StartFrom.LATEST, ["e"], 3)]
)
async def test_records_that_are_gone_are_counted_in_a_warning(
    broker: Broker, caplog: pytest.LogCaptureFixture, auto_reset: StartFrom, values: list[str], counted: int
) -> None:
    topic = make_topic(broker)
    produce(broker, topic, ["a", "b", "c", "d"])
    broker.delete_records(topic, 2)
    inlet = Kept(position(**{topic: [1]}))
    with caplog.at_level(logging.WARNING, "statefun"):
        async with running(source(broker, topic, auto_reset=auto_reset), inlet):
            await inlet.until(lambda: len(inlet.positions) > 1)  # the start, and where it goes on
            produce(broker, topic, ["e"])
            await inlet.holds(len(values))
    assert inlet.values == values
    [warning] = [each.message for each in caplog.records if f"{topic}[0]" in each.message]
    assert warning.startswith(f"demo/in: {topic}[0]: offset 1 is gone, the topic begins at 2; going on at ")
    assert warning.endswith(f", the {auto_reset.value}: up to {counted} records are not read")


@pytest.mark.parametrize(("auto_reset", "values"), [(StartFrom.EARLIEST, ["a", "b", "c"]), (StartFrom.LATEST, ["c"])])
async def test_a_position_beyond_the_end_is_told_of(
    broker: Broker, caplog: pytest.LogCaptureFixture, auto_reset: StartFrom, values: list[str]
) -> None:
    topic = make_topic(broker)
    produce(broker, topic, ["a", "b"])
    inlet = Kept(position(**{topic: [9]}))
    with caplog.at_level(logging.WARNING, "statefun"):
        async with running(source(broker, topic, auto_reset=auto_reset), inlet):
            await inlet.until(lambda: len(inlet.positions) > 1)
            produce(broker, topic, ["c"])
            await inlet.holds(len(values))
    assert inlet.values == values
    [warning] = [each.message for each in caplog.records if f"{topic}[0]" in each.message]
    assert f"{topic}[0]: offset 9 is not there yet, the topic ends at 2: it is another one than before" in warning


async def test_a_topic_that_does_not_exist_ends_the_run_with_its_name(broker: Broker) -> None:
    with pytest.raises(IngressError, match=rf"no topic 'nowhere' at {broker.address}.*make the topic"):
        await source(broker, make_topic(broker), "nowhere").run(Kept())


async def test_a_topic_that_is_deleted_ends_the_run_with_its_name(broker: Broker) -> None:
    topic = make_topic(broker)
    inlet = Kept()
    produce(broker, topic, ["a"])
    task = asyncio.create_task(source(broker, topic, properties={"metadata.max.age.ms": "500"}).run(inlet))
    await inlet.holds(1)
    broker.delete_topic(topic)
    with pytest.raises(IngressError, match=rf"no topic '{topic}' at {broker.address}"):
        await task


async def test_a_property_that_the_client_does_not_know_is_named(broker: Broker) -> None:
    with pytest.raises(IngressError, match=r'demo/in.*"ssl.nonsense"'):
        await source(broker, "any", properties={"ssl.nonsense": "1"}).run(Kept())


# --- beside the runtime -----------------------------------------------------------------------------------------------


async def test_the_offsets_of_the_group_follow_what_is_committed(broker: Broker) -> None:
    topic = make_topic(broker)
    produce(broker, topic, ["a", "b", "c"])

    def follow(consumer: Consumer) -> None:
        while consumer.committed([TopicPartition(topic, 0)], 60)[0].offset != 3:
            pass  # each look waits for the broker

    with Consumer({"bootstrap.servers": broker.address, "group.id": topic, "log_level": 0}) as consumer:
        async with asyncio.timeout(60), running(source(broker, topic, consumer_group=topic), Kept()):
            await asyncio.to_thread(follow, consumer)


async def test_nothing_is_read_ahead_of_a_full_runtime(broker: Broker) -> None:
    topic = make_topic(broker)
    produce(broker, topic, [str(each) for each in range(300)])
    inlet = Kept(limit=10)
    inlet.opened.clear()
    waits = asyncio.Event()
    entered: list[int] = []
    put = inlet.put

    async def counted(records: Any, position: str | None = None, *, key: str | None = None) -> Any:
        entered.append(len(records))
        waits.set()
        return await put(records, position, key=key)

    inlet.put = counted
    async with running(source(broker, topic), inlet):
        await waits.wait()
        assert entered == [0]  # the note of where it starts
        assert not inlet.items
        inlet.opened.set()
        await inlet.holds(300)
    assert max(entered) <= 10
    assert inlet.values == [str(each) for each in range(300)]


async def test_it_waits_for_brokers_that_are_not_there_and_goes_on_after_their_restart(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broker = Broker(tmp_path / "kafka")
    inlet = Kept()
    try:
        with caplog.at_level(logging.INFO, "statefun"):
            async with running(source(broker, "visits"), inlet) as task:
                await asyncio.to_thread(broker.start)
                broker.create_topic("visits")
                produce(broker, "visits", ["a", "b"])
                await inlet.holds(2)
                await asyncio.to_thread(broker.kill)
                await asyncio.to_thread(broker.start)
                produce(broker, "visits", ["c"])
                await inlet.holds(3)
                assert not task.done()
    finally:
        broker.kill()
    assert inlet.values == ["a", "b", "c"]
    first = caplog.records[0].message
    assert first.startswith(f"KafkaIngress 'demo/in': no answer from {broker.address}, trying again: ")
