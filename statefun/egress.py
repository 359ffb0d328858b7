"""The seed's helpers that make egress records, with the argument order of the 2.2 SDK."""

from __future__ import annotations

from typing import Any

from statefun.records import KafkaRecord, KinesisRecord
from statefun.types import ValueType

__all__ = ["kafka_egress_record", "kinesis_egress_record"]


def kafka_egress_record(
    topic: str, value: Any, key: str | None = None, *, type: ValueType[Any] | None = None
) -> KafkaRecord:
    """A record for a Kafka egress, with the argument order of the 2.2 SDK.

    Raises:
        ValueTypeError: the topic is empty.

    >>> kafka_egress_record("greetings", "Hello bob", key="bob").key
    'bob'
    """
    return KafkaRecord(topic=topic, value=value, key=key, type=type)


def kinesis_egress_record(
    stream: str,
    value: Any,
    partition_key: str,
    explicit_hash_key: str | None = None,
    *,
    type: ValueType[Any] | None = None,
) -> KinesisRecord:
    """A record for a Kinesis egress, with the argument order of the 2.2 SDK.

    Raises:
        ValueTypeError: the stream or the partition key is empty.

    >>> kinesis_egress_record("greetings", "Hello bob", "bob").stream
    'greetings'
    """
    return KinesisRecord(
        stream=stream, partition_key=partition_key, value=value, explicit_hash_key=explicit_hash_key, type=type
    )
