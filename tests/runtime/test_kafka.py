"""The Kafka ingress and egress without a broker: records, positions, settings, and what an egress refuses."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from confluent_kafka import KafkaError

from statefun.errors import BindingError, EgressError, PositionError, RecordError, RecordKeyError
from statefun.model import (
    BoundEgress,
    BoundIngress,
    Delivery,
    KafkaEgress,
    KafkaIngress,
    PartitionOffset,
    Route,
    StartFrom,
    StartFromOffsets,
)
from statefun.protocol.records import KAFKA_RECORD, KINESIS_RECORD
from statefun.records import KafkaRecord, KinesisRecord
from statefun.runtime.egress.kafka import KafkaSink
from statefun.runtime.egress.kafka_producing import producer_settings
from statefun.runtime.egress.opening import make_sink
from statefun.runtime.ingress.kafka import KafkaSource
from statefun.runtime.ingress.kafka_reader import consumer_settings
from statefun.runtime.ingress.kafka_records import Positions, record_of
from statefun.runtime.ingress.opening import open_source
from statefun.runtime.ingress.source import Record, Rejected
from statefun.runtime.kafka import Outage, client_settings, is_passing

STRING = "io.statefun.types/string"
LOGINS = Route(name="logins", value_type=STRING, targets=["demo/a", "demo/b"])
NOBODY = "127.0.0.1:1"


def ingress(**named: Any) -> KafkaIngress:
    return KafkaIngress(**{"id": "demo/in", "address": NOBODY, "topics": [LOGINS], **named})


def egress(**named: Any) -> KafkaEgress:
    return KafkaEgress(**{"id": "demo/out", "address": NOBODY, **named})


# --- records ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [b"", b"home"])
def test_the_key_is_the_id_and_an_empty_value_is_a_value(value: bytes) -> None:
    assert record_of(LOGINS, 1, 2, "böb".encode(), value) == Record(("demo/a", "demo/b"), "böb", STRING, value)


@pytest.mark.parametrize(
    ("key", "value", "error", "message"),
    [
        (None, b"v", RecordKeyError, "logins[3] at offset 9: the record has no key"),
        (b"", b"v", RecordKeyError, "logins[3] at offset 9: the record has an empty key"),
        (b"\xc3", b"v", RecordKeyError, "logins[3] at offset 9: the record's key is no UTF-8"),
        (b"bob", None, RecordError, "logins[3] at offset 9: the record with the key 'bob' has no value"),
    ],
)
def test_what_becomes_no_message_says_where_it_was(
    key: bytes | None, value: bytes | None, error: type[RecordError], message: str
) -> None:
    found = record_of(LOGINS, 3, 9, key, value)
    assert isinstance(found, Rejected)
    assert (found.targets, found.typename, found.value) == (("demo/a", "demo/b"), STRING, value or b"")
    assert type(found.error) is error
    assert found.error.message == message
    assert found.error.hint


# --- positions --------------------------------------------------------------------------------------------------------


def test_positions_are_read_as_they_were_written() -> None:
    positions = Positions("demo/in", None)
    assert (positions.text, dict(positions.of("logins"))) == ("{}", {})
    positions.move("logins", 10, 5)
    positions.move("logins", 2, 2**62)
    positions.move("other", 0, 0)
    assert json.loads(positions.text) == {"logins": {"10": 5, "2": 2**62}, "other": {"0": 0}}
    again = Positions("demo/in", positions.text)
    assert list(again) == list(positions) == [("logins", 10, 5), ("logins", 2, 2**62), ("other", 0, 0)]


@pytest.mark.parametrize(
    "text", ["", "12", "[]", '{"offset": 81, "line": 3}', '{"logins": {"x": 1}}', '{"logins": {"0": null}}']
)
def test_the_position_of_another_kind_of_ingress_is_refused(text: str) -> None:
    with pytest.raises(PositionError, match=r"'demo/in'.*another id"):
        Positions("demo/in", text)


# --- settings ---------------------------------------------------------------------------------------------------------


def test_the_consumer_reads_what_is_committed_and_commits_nothing_by_itself() -> None:
    settings = consumer_settings(ingress(consumer_group="watchers"))
    expected = {
        "bootstrap.servers": NOBODY,
        "group.id": "watchers",
        "isolation.level": "read_committed",
        "enable.auto.commit": "false",
        "auto.offset.reset": "error",
    }
    assert settings.items() >= expected.items()
    assert consumer_settings(ingress())["group.id"] == "statefun-demo/in"
    chosen = consumer_settings(ingress(properties={"isolation.level": "read_uncommitted", "fetch.min.bytes": "7"}))
    assert (chosen["isolation.level"], chosen["fetch.min.bytes"]) == ("read_uncommitted", "7")


def test_a_start_from_the_offsets_of_a_group_needs_one() -> None:
    with pytest.raises(BindingError, match="consumer_group="):
        KafkaSource(BoundIngress(ingress(startup=StartFrom.GROUP_OFFSETS)))
    given = StartFromOffsets([PartitionOffset(topic="logins", partition=0, offset=3)])
    assert KafkaSource(BoundIngress(ingress(startup=given))).id == "demo/in"


def test_a_number_that_is_none_is_named() -> None:
    with pytest.raises(BindingError, match=r"'demo/in'.*'metadata.max.age.ms'"):
        KafkaSource(BoundIngress(ingress(properties={"metadata.max.age.ms": "soon"})))
    with pytest.raises(BindingError, match=r"'demo/out'.*message.max.bytes"):
        KafkaSink(BoundEgress(egress(properties={"max.request.size": "1 MB"})))


def test_transactions_are_named_after_the_store_and_the_egress() -> None:
    exact = egress(delivery=Delivery.EXACTLY_ONCE, transaction_timeout=timedelta(minutes=2))
    settings = producer_settings(exact, "0f")
    assert settings["transactional.id"] == "statefun-0f-demo/out"
    assert settings["transaction.timeout.ms"] == "120000"
    assert "message.timeout.ms" not in settings


@pytest.mark.parametrize("delivery", [Delivery.NONE, Delivery.AT_LEAST_ONCE])
def test_without_transactions_the_producer_is_idempotent_and_never_gives_up(delivery: Delivery) -> None:
    settings = producer_settings(
        egress(delivery=delivery, properties={"delivery.timeout.ms": "1000", "linger.ms": "9"})
    )
    assert settings["enable.idempotence"] == "true"
    assert settings["message.timeout.ms"] == "0"
    assert "delivery.timeout.ms" not in settings
    assert settings["linger.ms"] == "9"
    assert settings["partitioner"] == "murmur2_random"


def settings_of(properties: Mapping[str, str]) -> dict[str, Any]:
    return client_settings(
        "X", properties, defaults={"a": "1"}, fixed={"b": "2"}, hints={"b": "leave it out: b is two"}
    )


def test_names_of_the_java_client_are_translated_and_what_it_alone_has_is_left_out() -> None:
    properties = {
        "fetch.max.wait.ms": "5",
        "max.request.size": "6",
        "buffer.memory": "33554432",
        "max.poll.records": "500",
        "key.deserializer": "org.apache.kafka.common.serialization.ByteArrayDeserializer",
        "a": "3",
        "b": "2",
    }
    assert settings_of(properties) == {
        "fetch.wait.max.ms": "5",
        "message.max.bytes": "6",
        "queue.buffering.max.kbytes": "32768",
        "a": "3",
        "b": "2",
    }


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"b": "3"}, "X has the property 'b' of another value.*b is two"),
        ({"sasl.jaas.config": 'required password="hunter2"'}, "X has the property 'sasl.jaas.config'.*sasl.username"),
        ({"ssl.truststore.location": "/a.jks"}, "ssl.ca.location"),
        ({"buffer.memory": "much"}, "'buffer.memory' of a value that is no number"),
    ],
)
def test_a_property_that_cannot_be_kept_is_refused_without_its_value(properties: dict[str, str], message: str) -> None:
    with pytest.raises(BindingError, match=message) as caught:
        settings_of(properties)
    assert "hunter2" not in str(caught.value)


# --- what an egress takes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", [KAFKA_RECORD.v2, KAFKA_RECORD.v3], ids=["2.2", "3.x"])
def test_a_record_of_either_protocol_is_taken(encoding: Any) -> None:
    sink = KafkaSink(BoundEgress(egress()))
    data = encoding.encode(KafkaRecord(topic="out", key="bob", value="hello"))
    assert sink.encode(encoding.typename, data) == data
    assert "KafkaProducerRecord" in encoding.typename


def raw(topic: str, size: int = 1) -> bytes:
    return KAFKA_RECORD.v3.encode(KafkaRecord(topic=topic, value=b"x" * size))


@pytest.mark.parametrize(
    ("typename", "value", "message"),
    [
        (STRING, b"\x0a\x01a", f"'demo/out' was sent a value of the type '{STRING}'.*KafkaRecord"),
        (
            KINESIS_RECORD.v3.typename,
            KINESIS_RECORD.v3.encode(KinesisRecord(stream="s", partition_key="k", value=b"v")),
            "KinesisEgressRecord",
        ),
        (KAFKA_RECORD.v3.typename, b"\xff", "1 bytes that are no Kafka record"),
        (KAFKA_RECORD.v3.typename, b"", "a record without a topic"),
        (KAFKA_RECORD.v3.typename, raw("no spaces"), "the topic 'no spaces'.*249 letters"),
        (KAFKA_RECORD.v3.typename, raw(".."), "the topic '..'"),
        (KAFKA_RECORD.v3.typename, raw("x" * 250), "249 letters"),
        (KAFKA_RECORD.v3.typename, raw("out", 101), "a record of 101 bytes for the topic 'out'.*at most 100"),
    ],
)
def test_what_kafka_would_refuse_fails_the_message_that_sent_it(typename: str, value: bytes, message: str) -> None:
    sink = KafkaSink(BoundEgress(egress(properties={"max.request.size": "100"})))
    assert sink.encode(KAFKA_RECORD.v3.typename, raw("out", 100))
    with pytest.raises(EgressError, match=message):
        sink.encode(typename, value)


def test_the_runtime_finds_source_and_sink_of_the_model() -> None:
    assert isinstance(open_source(BoundIngress(ingress())), KafkaSource)
    assert isinstance(make_sink(BoundEgress(egress())), KafkaSink)


@pytest.mark.parametrize("delivery", [Delivery.AT_LEAST_ONCE, Delivery.EXACTLY_ONCE])
def test_an_egress_opens_confirms_and_closes_where_no_broker_is(delivery: Delivery) -> None:
    timeout = timedelta(minutes=1) if delivery is Delivery.EXACTLY_ONCE else None
    sink = KafkaSink(BoundEgress(egress(delivery=delivery, transaction_timeout=timeout)))

    async def open_and_close() -> Any:
        await sink.open("store", None)
        begun = await sink.confirm()
        await sink.close()
        return begun

    assert asyncio.run(open_and_close()) == ((0, "0") if timeout else None)


# --- errors of the client ---------------------------------------------------------------------------------------------


def test_nobody_answers_is_passing_and_nobody_may_is_not() -> None:
    assert is_passing(KafkaError(KafkaError._ALL_BROKERS_DOWN))
    assert is_passing(KafkaError(KafkaError.COORDINATOR_LOAD_IN_PROGRESS))
    assert not is_passing(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))
    assert not is_passing(KafkaError(KafkaError._TRANSPORT, fatal=True))


def test_an_outage_is_told_once_and_its_end_too(caplog: pytest.LogCaptureFixture) -> None:
    outage = Outage("KafkaIngress 'demo/in'", NOBODY)
    with caplog.at_level(logging.INFO, "statefun"):
        outage.is_over()
        outage.begins("refused")
        outage.begins("refused again")
        outage.is_over()
        outage.is_over()
    assert [each.message for each in caplog.records] == [
        f"KafkaIngress 'demo/in': no answer from {NOBODY}, trying again: refused",
        f"KafkaIngress 'demo/in': {NOBODY} answers again",
    ]
