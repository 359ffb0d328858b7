"""Kafka and Kinesis records as the seed's helpers make them, read back with the messages that the engines' connectors read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from statefun import LONG, KafkaRecord, KinesisRecord, StatefulFunctions, kafka_egress_record, kinesis_egress_record
from statefun.batch import EgressRecord, ProtocolVersion
from statefun.errors import ValueTypeError
from statefun.protocol._generated import egress_v2, egress_v3
from tests.conformance.messages import User
from tests.conformance.rig import V2, Rig

SETH = User(user_id="user1", name="Seth")
PACKAGES = {V2: "org.apache.flink.statefun.flink.io"}


@pytest.fixture(params=["send_egress", "pack_and_send_egress"])
def emit(request: pytest.FixtureRequest, protocol: ProtocolVersion) -> Callable[[Any], EgressRecord]:
    def of(record: Any) -> EgressRecord:
        functions = StatefulFunctions()
        functions.register(
            "example/function", lambda context, _message: getattr(context, request.param)("example/out", record)
        )
        [sent] = Rig(functions, protocol).send("example/function/a", SETH).egresses
        assert sent.egress == "example/out"
        return sent

    return of


Emit = Callable[[Any], EgressRecord]


def kafka(sent: EgressRecord, protocol: ProtocolVersion) -> Any:
    package = PACKAGES.get(protocol, "io.statefun.sdk.egress")
    assert sent.typename == f"type.googleapis.com/{package}.KafkaProducerRecord"
    module = egress_v2 if protocol is V2 else egress_v3
    assert module.KafkaProducerRecord.DESCRIPTOR.full_name == f"{package}.KafkaProducerRecord"
    return module.KafkaProducerRecord.FromString(sent.value)


def kinesis(sent: EgressRecord, protocol: ProtocolVersion) -> Any:
    package = PACKAGES.get(protocol, "io.statefun.sdk.egress")
    assert sent.typename == f"type.googleapis.com/{package}.KinesisEgressRecord"
    module = egress_v2 if protocol is V2 else egress_v3
    assert module.KinesisEgressRecord.DESCRIPTOR.full_name == f"{package}.KinesisEgressRecord"
    return module.KinesisEgressRecord.FromString(sent.value)


def test_kafka_egress_record_serializes_its_message(emit: Emit, protocol: ProtocolVersion) -> None:
    record = kafka(emit(kafka_egress_record(topic="greetings", key="user1", value=SETH)), protocol)
    assert (record.topic, record.key) == ("greetings", "user1")
    assert User.FromString(record.value_bytes) == SETH


def test_kafka_egress_record_takes_its_arguments_in_the_order_of_the_2_2_sdk() -> None:
    assert kafka_egress_record("greetings", SETH, "user1") == KafkaRecord(topic="greetings", value=SETH, key="user1")
    assert kafka_egress_record("greetings", SETH).key is None


def test_kafka_egress_record_without_a_key_has_an_empty_one(emit: Emit, protocol: ProtocolVersion) -> None:
    record = kafka(emit(kafka_egress_record("greetings", SETH)), protocol)
    assert record.key == ""


@pytest.mark.parametrize(
    ("value", "expected"), [(b"raw", b"raw"), (b"", b""), ("Grüße", "Grüße".encode()), (User(), b"")]
)
def test_a_records_value_is_bytes_text_or_a_message_and_may_be_empty(
    emit: Emit, protocol: ProtocolVersion, value: Any, expected: bytes
) -> None:
    assert kafka(emit(kafka_egress_record("greetings", value, "k")), protocol).value_bytes == expected
    assert kinesis(emit(kinesis_egress_record("s", value=value, partition_key="k")), protocol).value_bytes == expected


def test_a_records_value_may_name_its_type(emit: Emit, protocol: ProtocolVersion) -> None:
    record = kafka(emit(kafka_egress_record("greetings", 3, type=LONG)), protocol)
    assert record.value_bytes == b"\x09" + (3).to_bytes(8, "little")
    with pytest.raises(ValueTypeError, match="has no agreed bytes"):
        emit(kafka_egress_record("greetings", 3))


def test_a_kinesis_egress_record_carries_its_keys(emit: Emit, protocol: ProtocolVersion) -> None:
    made = kinesis_egress_record(stream="s", value=SETH, partition_key="p", explicit_hash_key="h")
    record = kinesis(emit(made), protocol)
    assert (record.stream, record.partition_key, record.explicit_hash_key) == ("s", "p", "h")
    assert User.FromString(record.value_bytes) == SETH
    plain = kinesis(emit(kinesis_egress_record(stream="s", value=SETH, partition_key="p")), protocol)
    assert plain.explicit_hash_key == ""


def test_kinesis_egress_record_takes_its_arguments_in_the_order_of_the_2_2_sdk() -> None:
    made = kinesis_egress_record("stream", SETH, "partition", "hash")
    assert made == KinesisRecord(stream="stream", value=SETH, partition_key="partition", explicit_hash_key="hash")


def test_a_record_needs_a_topic_a_stream_and_a_partition_key() -> None:
    for make in (
        lambda: kafka_egress_record("", SETH),
        lambda: kinesis_egress_record(stream="", value=SETH, partition_key="p"),
        lambda: kinesis_egress_record(stream="s", value=SETH, partition_key=""),
    ):
        with pytest.raises(ValueTypeError):
            make()
