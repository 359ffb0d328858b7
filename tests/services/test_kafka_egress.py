"""The Kafka egress on a real broker: what arrives, once or at least once, whatever ends the process that delivers."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from statefun.errors import EgressError, EgressUnavailableError
from statefun.model import BoundEgress, Delivery, KafkaEgress
from statefun.protocol.records import KAFKA_RECORD
from statefun.records import KafkaRecord
from statefun.runtime import Store
from statefun.runtime.backup import back_up
from statefun.runtime.egress.kafka import KafkaSink
from statefun.runtime.egress.kafka_transactions import TransactionalDelivery, _Delivered
from statefun.runtime.egress.sink import OutgoingRecord
from tests.services.broker import Broker

pytestmark = pytest.mark.anyio

MINUTE = timedelta(minutes=1)


def egress(broker: Broker, delivery: Delivery = Delivery.EXACTLY_ONCE, **named: Any) -> KafkaSink:
    if delivery is Delivery.EXACTLY_ONCE:
        named.setdefault("transaction_timeout", MINUTE)
    return KafkaSink(BoundEgress(KafkaEgress(id="demo/out", address=broker.address, delivery=delivery, **named)))


def outgoing(sink: KafkaSink, sequence: int, *records: tuple[str, str]) -> list[OutgoingRecord]:
    """Records of one number, each a topic and a value."""
    encoding = KAFKA_RECORD.v3
    made = [encoding.encode(KafkaRecord(topic=topic, key="bob", value=value)) for topic, value in records]
    return [OutgoingRecord(sequence, place, sink.encode(encoding.typename, data)) for place, data in enumerate(made)]


def make_topic(broker: Broker, partitions: int = 1) -> str:
    return broker.create_topic(f"t-{uuid.uuid4().hex}", partitions)


def arrived(broker: Broker, topic: str, isolation: str = "read_committed") -> list[str]:
    """All values in a topic of one partition, as one sees them who reads what is committed."""
    end = f"end-{uuid.uuid4().hex}"
    producer = Producer({"bootstrap.servers": broker.address, "log_level": 0})
    producer.produce(topic, end)
    assert producer.flush(60) == 0
    settings = {"bootstrap.servers": broker.address, "group.id": "unused", "log_level": 0, "isolation.level": isolation}
    values: list[str] = []
    with Consumer(settings) as consumer:
        consumer.assign([TopicPartition(topic, 0, 0)])
        while True:
            message = consumer.poll(60)
            assert message is not None, values
            assert message.error() is None, message.error()
            value = (message.value() or b"").decode()
            if value == end:
                return [each for each in values if not each.startswith("end-")]
            values.append(value)


@asynccontextmanager
async def opened(sink: KafkaSink, store: str, position: str | None = None) -> AsyncIterator[KafkaSink]:
    try:
        await sink.open(store, position)
        yield sink
    finally:
        await sink.close()


async def deliver(sink: KafkaSink, records: Sequence[OutgoingRecord]) -> None:
    """As the runtime does: again after a pause when Kafka is not available."""
    async with asyncio.timeout(120):
        while True:
            try:
                return await sink.deliver(records)
            except EgressUnavailableError:
                continue


async def confirm(sink: KafkaSink) -> Any:
    async with asyncio.timeout(120):
        while True:
            try:
                return await sink.confirm()
            except EgressUnavailableError:
                continue


# --- at least once ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delivery", Delivery)
async def test_records_arrive_in_order_with_their_keys(broker: Broker, delivery: Delivery) -> None:
    topic = make_topic(broker)
    async with opened(egress(broker, delivery), topic) as sink:
        await deliver(sink, [*outgoing(sink, 1, (topic, "a"), (topic, "b")), *outgoing(sink, 2, (topic, ""))])
        await deliver(sink, outgoing(sink, 3, (topic, "c")))
        confirmed = await confirm(sink)
    assert arrived(broker, topic) == ["a", "b", "", "c"]
    assert confirmed == ((3, "3") if delivery is Delivery.EXACTLY_ONCE else None)
    with Consumer({"bootstrap.servers": broker.address, "group.id": "unused"}) as consumer:
        consumer.assign([TopicPartition(topic, 0, 0)])
        [message] = consumer.consume(1, 60)
        assert message.key() == b"bob"


async def test_a_key_goes_to_the_partition_that_the_java_client_would_choose(broker: Broker) -> None:
    topic = make_topic(broker, 8)
    async with opened(egress(broker, Delivery.AT_LEAST_ONCE), topic) as sink:
        await deliver(sink, outgoing(sink, 1, (topic, "a")))
        await confirm(sink)
    with Consumer({"bootstrap.servers": broker.address, "group.id": "unused"}) as consumer:
        consumer.assign([TopicPartition(topic, each, 0) for each in range(8)])
        [message] = consumer.consume(1, 60)
    murmur2_of_bob = 0x4E8EE0E6  # computed from the definition in the Java client's Utils.murmur2
    assert message.partition() == (murmur2_of_bob & 0x7FFFFFFF) % 8


@pytest.mark.parametrize("delivery", [Delivery.AT_LEAST_ONCE, Delivery.EXACTLY_ONCE])
async def test_an_unknown_topic_ends_the_run_with_its_name(broker: Broker, delivery: Delivery) -> None:
    known, unknown = make_topic(broker), f"unknown-{uuid.uuid4().hex}"
    properties = {"topic.metadata.propagation.max.ms": "500"}
    async with opened(egress(broker, delivery, properties=properties), known) as sink:

        async def delivered() -> None:
            await deliver(sink, outgoing(sink, 1, (known, "a"), (unknown, "b")))
            await confirm(sink)

        with pytest.raises(EgressError, match=rf"demo/out.*'{unknown}'.*make the topic"):
            await delivered()
    assert arrived(broker, known) == ([] if delivery is Delivery.EXACTLY_ONCE else ["a"])


@pytest.mark.parametrize("delivery", [Delivery.AT_LEAST_ONCE, Delivery.EXACTLY_ONCE])
async def test_brokers_that_are_not_there_are_waited_for_and_nothing_is_doubled(
    tmp_path: Path, delivery: Delivery
) -> None:
    broker = Broker(tmp_path / "kafka")
    try:
        await asyncio.to_thread(broker.start)
        broker.create_topic("greetings")
        await asyncio.to_thread(broker.stop)
        async with opened(egress(broker, delivery), "store") as sink:
            first = outgoing(sink, 1, ("greetings", "a"))

            async def at_first() -> None:
                await sink.deliver(first)
                await sink.confirm()

            with pytest.raises(EgressUnavailableError, match=rf"demo/out.*{broker.address}"):
                await at_first()
            await asyncio.to_thread(broker.start)
            await deliver(sink, first)
            await confirm(sink)
            await asyncio.to_thread(broker.stop)
            second = outgoing(sink, 2, ("greetings", "b"))

            async def then() -> None:
                await sink.deliver(second)
                await sink.confirm()

            with pytest.raises(EgressUnavailableError):
                await then()
            await asyncio.to_thread(broker.start)
            await deliver(sink, second)
            await confirm(sink)
        assert arrived(broker, "greetings") == ["a", "b"]
    finally:
        broker.kill()


async def test_a_property_that_the_client_does_not_know_is_named(broker: Broker) -> None:
    sink = egress(broker, properties={"ssl.nonsense": "1"})
    with pytest.raises(EgressError, match=r'demo/out.*"ssl.nonsense"'):
        await sink.open("store", None)
    await sink.close()


# --- exactly once -----------------------------------------------------------------------------------------------------


async def test_what_kafka_has_and_the_store_does_not_know_of_is_not_delivered_again(broker: Broker) -> None:
    one, two = make_topic(broker), make_topic(broker)
    async with opened(egress(broker), one) as sink:
        await deliver(sink, outgoing(sink, 1, (one, "1"), (two, "1")))
        confirmed = await confirm(sink)
        await deliver(sink, [*outgoing(sink, 2, (one, "2")), *outgoing(sink, 3, (one, "3"))])
        await deliver(sink, outgoing(sink, 4, (two, "4")))  # and the process dies before the store knows
    async with opened(egress(broker), one, confirmed.position) as sink:
        await deliver(sink, outgoing(sink, 2, (one, "2")))
        await deliver(sink, [*outgoing(sink, 3, (one, "3")), *outgoing(sink, 4, (two, "4"))])
        await deliver(sink, outgoing(sink, 5, (one, "5"), (two, "5")))
        assert await confirm(sink) == (5, "5")
    assert arrived(broker, one) == ["1", "2", "3", "5"]
    assert arrived(broker, two) == ["1", "4", "5"]


async def test_without_reading_back_they_would_be_doubled(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TransactionalDelivery, "_delivered", lambda self, topic: _Delivered(-1, ""))
    with pytest.raises(AssertionError, match="'1', '2', '3', '2', '3', '5'"):
        await test_what_kafka_has_and_the_store_does_not_know_of_is_not_delivered_again(broker)


async def test_another_store_delivers_its_own_records_with_the_same_numbers(broker: Broker) -> None:
    topic = make_topic(broker)
    for store in ("one", "two"):
        async with opened(egress(broker), f"{topic}-{store}") as sink:
            await deliver(sink, outgoing(sink, 1, (topic, store)))
            await confirm(sink)
    assert arrived(broker, topic) == ["one", "two"]


async def test_a_copy_of_a_store_delivers_again_what_came_after_it_and_takes_no_new_record_for_one_that_arrived(
    broker: Broker, tmp_path: Path
) -> None:
    topic = make_topic(broker)
    with Store(tmp_path / "store") as store:
        name = store.name
    async with opened(egress(broker), name) as sink:
        await deliver(sink, outgoing(sink, 1, (topic, "1")))
        before = (await confirm(sink)).position
        back_up(tmp_path / "store", tmp_path / "copy.db")
        await deliver(sink, [*outgoing(sink, 2, (topic, "2")), *outgoing(sink, 3, (topic, "3"))])
        await confirm(sink)
    (tmp_path / "restored").mkdir()
    (tmp_path / "copy.db").rename(tmp_path / "restored" / "statefun.db")
    with Store(tmp_path / "restored") as store:
        assert store.name != name
        name = store.name
    async with opened(egress(broker), name, before) as sink:
        await deliver(sink, [*outgoing(sink, 2, (topic, "2")), *outgoing(sink, 3, (topic, "new"))])
        assert await confirm(sink) == (3, "3")
    assert arrived(broker, topic) == ["1", "2", "3", "2", "new"]


async def test_a_transaction_that_was_never_committed_is_unseen_and_delivered_again(broker: Broker) -> None:
    topic = make_topic(broker)
    settings = {"bootstrap.servers": broker.address, "log_level": 0, "transactional.id": f"statefun-{topic}-demo/out"}
    dead = Producer(settings)
    dead.init_transactions(60)
    dead.begin_transaction()
    dead.produce(topic, "a")
    assert dead.flush(60) == 0
    async with opened(egress(broker), topic) as sink:
        await deliver(sink, outgoing(sink, 1, (topic, "a")))
        await confirm(sink)
    assert arrived(broker, topic) == ["a"]
    assert arrived(broker, topic, "read_uncommitted") == ["a", "a"]


async def test_a_process_whose_place_was_taken_delivers_nothing_more(broker: Broker) -> None:
    topic = make_topic(broker)
    async with opened(egress(broker), topic) as zombie:
        await deliver(zombie, outgoing(zombie, 1, (topic, "a")))
        async with opened(egress(broker), topic) as sink:
            await deliver(sink, [*outgoing(sink, 1, (topic, "a")), *outgoing(sink, 2, (topic, "b"))])
            with pytest.raises(EgressError, match="another process has taken over"):
                await zombie.deliver(outgoing(zombie, 2, (topic, "b")))
            await deliver(sink, outgoing(sink, 3, (topic, "c")))
    assert arrived(broker, topic) == ["a", "b", "c"]


async def test_a_transaction_timeout_over_the_brokers_is_refused_with_a_reason(broker: Broker) -> None:
    topic = make_topic(broker)
    async with opened(egress(broker, transaction_timeout=timedelta(hours=1)), topic) as sink:
        with pytest.raises(EgressError, match=r"(?i)transaction.timeout"):
            await deliver(sink, outgoing(sink, 1, (topic, "a")))


@pytest.mark.parametrize(
    "records", [["other"], ["1", "other"]], ids=["the number is reached", "the number has other records"]
)
async def test_a_store_that_is_older_than_what_was_delivered_is_refused_and_loses_nothing(
    broker: Broker, records: list[str]
) -> None:
    topic = make_topic(broker)
    async with opened(egress(broker), topic) as sink:
        await deliver(sink, outgoing(sink, 1, (topic, "1")))
        await deliver(sink, outgoing(sink, 2, (topic, "2")))
        await confirm(sink)
    async with opened(egress(broker), topic) as sink:  # a copy of the store from before all that
        for sequence, value in enumerate(records[:-1], 1):
            await deliver(sink, outgoing(sink, sequence, (topic, value)))
            assert await confirm(sink) == (0, "0")
        with pytest.raises(
            EgressError, match=rf"'{topic}'.*number 2.*delete the consumer group 'statefun-{topic}-demo/out'"
        ):
            await sink.deliver(outgoing(sink, 2 if len(records) > 1 else 3, (topic, records[-1])))
    broker.delete_group(f"statefun-{topic}-demo/out")
    async with opened(egress(broker), topic) as sink:
        await deliver(sink, outgoing(sink, 3, (topic, "other")))
        assert await confirm(sink) == (3, "3")
    assert arrived(broker, topic) == ["1", "2", "other"]


async def test_a_store_that_stays_behind_what_was_delivered_is_refused_when_it_waits(broker: Broker) -> None:
    topic = make_topic(broker)
    async with opened(egress(broker), topic) as sink:
        await deliver(sink, [*outgoing(sink, 1, (topic, "1")), *outgoing(sink, 2, (topic, "2"))])
    async with opened(egress(broker), topic) as sink:
        await deliver(sink, outgoing(sink, 1, (topic, "1")))
        assert await confirm(sink) == (0, "0")
        with pytest.raises(EgressError, match="older than what was delivered"):
            await sink.confirm()


async def test_a_broker_that_dies_again_and_again_doubles_and_loses_nothing(tmp_path: Path) -> None:
    with Broker(tmp_path / "kafka") as broker:
        broker.create_topic("greetings")

        async def deaths() -> None:
            for _ in range(2):
                await asyncio.sleep(1)
                await asyncio.to_thread(broker.kill)
                await asyncio.to_thread(broker.start)

        async with opened(egress(broker), "store") as sink:
            dying = asyncio.create_task(deaths())
            sequence = 0
            while sequence < 100 or not dying.done():
                sequence += 1
                await deliver(sink, outgoing(sink, sequence, ("greetings", str(sequence))))
            await dying
            assert await confirm(sink) == (sequence, str(sequence))
        assert arrived(broker, "greetings") == [str(each) for each in range(1, sequence + 1)]
