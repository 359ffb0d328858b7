"""Egress records: neutral values, under the name that each protocol wants, with a value of any type."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from statefun import (
    BYTES,
    INT,
    LONG,
    Context,
    Egress,
    KafkaRecord,
    KinesisRecord,
    json_type,
    kafka_egress_record,
    kinesis_egress_record,
)
from statefun.errors import ValueTypeError
from statefun.protocol._generated import egress_v2, egress_v3, types_v3
from statefun.types import value_type_of
from tests.unit.rig import V2, V3, Engine


@attrs.frozen
class Order:
    number: int


ORDER = json_type("test/egress-order", Order)
PACKAGES = {V2: "org.apache.flink.statefun.flink.io", V3: "io.statefun.sdk.egress"}


def sent(engine: Engine, record: Any) -> Any:
    """The record as the engine gets it, and its typename."""

    @engine.functions.bind("test/f")
    def function(context: Context, message: str) -> None:
        context.send_egress("test/out", record)
        context.send_egress(Egress[Any]("test/out"), record)

    answer = engine.send("test/f/1", "a")
    (first, second) = answer.egresses
    assert first == second
    return first[1], answer.effects.egresses[0].typename


def test_a_kafka_record_travels_under_the_name_of_the_protocol(engine: Engine) -> None:
    record, typename = sent(engine, kafka_egress_record("topic", "value", key="key"))
    assert typename == f"type.googleapis.com/{PACKAGES[engine.protocol]}.KafkaProducerRecord"
    assert (record.key, record.value_bytes, record.topic) == ("key", b"value", "topic")


def test_a_kinesis_record_travels_under_the_name_of_the_protocol(engine: Engine) -> None:
    record, typename = sent(engine, kinesis_egress_record("stream", "value", "partition", "1"))
    assert typename == f"type.googleapis.com/{PACKAGES[engine.protocol]}.KinesisEgressRecord"
    assert (record.partition_key, record.value_bytes, record.stream, record.explicit_hash_key) == (
        "partition",
        b"value",
        "stream",
        "1",
    )


VALUES: list[tuple[Any, Any, bytes]] = [
    (b"\0\xff", None, b"\0\xff"),
    (bytearray(b"a"), None, b"a"),
    (b"", None, b""),
    ("é", None, b"\xc3\xa9"),
    ("", None, b""),
    (Timestamp(seconds=1), None, b"\x08\x01"),
    (Timestamp(), None, b""),
    (Order(7), None, b'{"number":7}'),
    (5, LONG, types_v3.LongWrapper(value=5).SerializeToString()),
    (5, INT, types_v3.IntWrapper(value=5).SerializeToString()),
    (b"a", BYTES, b"\x0a\x01a"),
    ({"a": None}, json_type("test/egress-json"), b'{"a":null}'),
]


@pytest.mark.parametrize(("value", "value_type", "expected"), VALUES)
def test_a_records_value_is_bytes_str_or_any_typed_value(
    engine: Engine, value: Any, value_type: Any, expected: bytes
) -> None:
    """The same bytes on every engine, so that what a consumer reads does not depend on the engine."""
    record, _ = sent(engine, kafka_egress_record("topic", value, type=value_type))
    assert record.value_bytes == expected
    record, _ = sent(Engine(engine.protocol), kinesis_egress_record("stream", value, "key", type=value_type))
    assert record.value_bytes == expected


@pytest.mark.parametrize("value", [None, 5, 1.5, True, object(), {}, []])
def test_a_value_that_has_no_agreed_bytes_is_refused(engine: Engine, value: Any) -> None:
    @engine.functions.bind("test/f")
    def function(context: Context, message: str) -> None:
        for record in (kafka_egress_record("t", value), kinesis_egress_record("s", value, "k")):
            for _ in range(2):
                with pytest.raises(ValueTypeError) as caught:
                    context.send_egress("test/out", record)
                assert caught.value.hint

    assert engine.send("test/f/1", "a").nothing


@pytest.mark.parametrize("empty", ["", None, 5, b"a", "\ud800"])
def test_an_empty_topic_stream_or_partition_key_is_refused_where_the_record_is_made(empty: Any) -> None:
    for make in (
        lambda: kafka_egress_record(empty, "v"),
        lambda: KafkaRecord(topic=empty, value="v"),
        lambda: kinesis_egress_record(empty, "v", "k"),
        lambda: kinesis_egress_record("s", "v", empty),
    ):
        with pytest.raises(ValueTypeError) as caught:
            make()
        assert caught.value.hint


@pytest.mark.parametrize("key", [5, b"k", "\ud800"])
def test_a_key_that_is_no_text_is_refused_where_the_record_is_made(key: Any) -> None:
    for make in (lambda: kafka_egress_record("t", "v", key), lambda: kinesis_egress_record("s", "v", "k", key)):
        with pytest.raises(ValueTypeError, match="key"):
            make()


@pytest.mark.parametrize("key", [None, "", "k"])
def test_a_record_is_written_as_protobuf_writes_it_and_read_back(key: str | None) -> None:
    kafka = KafkaRecord(topic="t", value=b"v", key=key)
    kinesis = KinesisRecord(stream="s", partition_key="p", value=b"", explicit_hash_key=key)
    for protocol, module in ((V2, egress_v2), (V3, egress_v3)):
        encoding = value_type_of(KafkaRecord).encoding(protocol)
        data = encoding.encode(kafka)
        assert data == module.KafkaProducerRecord(topic="t", value_bytes=b"v", key=key).SerializeToString()
        assert encoding.decode(data) == attrs.evolve(kafka, key=key or None)
        encoding = value_type_of(KinesisRecord).encoding(protocol)
        data = encoding.encode(kinesis)
        assert (
            data == module.KinesisEgressRecord(stream="s", partition_key="p", explicit_hash_key=key).SerializeToString()
        )
        assert encoding.decode(data) == attrs.evolve(kinesis, explicit_hash_key=key or None)


@pytest.mark.parametrize("module", [egress_v2, egress_v3])
def test_an_empty_key_on_the_wire_is_none_as_on_the_engines(module: Any) -> None:
    empty = b"\x0a\x00"
    kafka = module.KafkaProducerRecord(topic="t").SerializeToString() + empty
    assert value_type_of(KafkaRecord).v3.decode(kafka) == KafkaRecord(topic="t", value=b"", key=None)
    kinesis = module.KinesisEgressRecord(stream="s", partition_key="p").SerializeToString() + b"\x22\x00"
    assert value_type_of(KinesisRecord).v3.decode(kinesis) == KinesisRecord(stream="s", partition_key="p", value=b"")


@pytest.mark.parametrize("name", ["KafkaProducerRecord", "KinesisEgressRecord"])
def test_a_record_has_the_same_fields_in_both_protocols(name: str) -> None:
    """Which is why one encoder and one reader serve both."""
    fields = [
        [(field.name, field.number, field.type) for field in getattr(module, name).DESCRIPTOR.fields]
        for module in (egress_v2, egress_v3)
    ]
    assert fields[0] == fields[1]


def test_records_are_values() -> None:
    record = kafka_egress_record("t", "v", "k")
    assert record == KafkaRecord(topic="t", value="v", key="k")
    with pytest.raises(AttributeError):
        record.topic = "other"


def test_a_record_is_encoded_when_it_is_sent(engine: Engine) -> None:
    @engine.functions.bind("test/f")
    def function(context: Context, message: str) -> None:
        moment = Timestamp(seconds=1)
        context.send_egress("test/out", kafka_egress_record("t", moment))
        moment.seconds = 2

    ((_, record),) = engine.send("test/f/1", "a").egresses
    assert record.value_bytes == b"\x08\x01"
