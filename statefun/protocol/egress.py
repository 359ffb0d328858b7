"""Egress records as an engine reads them: a message of either protocol, with the same fields under the same numbers."""

from __future__ import annotations

from typing import Final

from google.protobuf.message import DecodeError

from statefun.errors import EgressError
from statefun.protocol._generated import egress_v3
from statefun.records import KafkaRecord

__all__ = ["kept_kafka_record", "read_kafka_record"]

_KAFKA: Final = frozenset(
    {
        "type.googleapis.com/org.apache.flink.statefun.flink.io.KafkaProducerRecord",
        "type.googleapis.com/io.statefun.sdk.egress.KafkaProducerRecord",
    }
)


def read_kafka_record(egress: str, typename: str, value: bytes) -> KafkaRecord:
    r"""The record that a function sent to a Kafka egress. As on the engines an empty key is none.

    Args:
        egress: The egress, which errors name.
        typename: The name of the value's type.
        value: Its bytes.

    Raises:
        EgressError: it is no Kafka record, or one without a topic.

    >>> read_kafka_record("demo/out", "type.googleapis.com/io.statefun.sdk.egress.KafkaProducerRecord", b"\x1a\x01t")
    KafkaRecord(topic='t', value=b'', key=None)
    """
    if typename not in _KAFKA:
        raise EgressError(
            f"the Kafka egress {egress!r} was sent a value of the type {typename!r}",
            hint="send a record, `context.send_egress(egress, KafkaRecord(topic=…, key=…, value=…))`",
        )
    return kept_kafka_record(egress, value)


def kept_kafka_record(egress: str, value: bytes) -> KafkaRecord:
    """The record in bytes that were one when they came; both protocols have the same.

    Raises:
        EgressError: they are none, or one without a topic.
    """
    try:
        record = egress_v3.KafkaProducerRecord.FromString(value)
    except (DecodeError, UnicodeDecodeError) as error:
        raise EgressError(
            f"the Kafka egress {egress!r} was sent {len(value)} bytes that are no Kafka record"
        ) from error
    if not record.topic:
        raise EgressError(f"the Kafka egress {egress!r} was sent a record without a topic", hint="name its topic")
    return KafkaRecord(topic=record.topic, key=record.key or None, value=record.value_bytes)
