"""Egress records on the wire, and the seed's helpers that make them.

Both protocols carry the same fields under the same numbers; the name of the message alone differs. A typed value inside a
record is written in its 3.x encoding on every engine, so that what a consumer reads does not depend on the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from statefun.errors import MessageTypeError, ValueTypeError
from statefun.errors.showing import shown
from statefun.memo import Memo
from statefun.records import KafkaRecord, KinesisRecord
from statefun.types import TYPE_URL_PREFIX, Encoding, ValueType, name_type, value_type_of
from statefun.wire import LENGTH_DELIMITED, delimited, text, unknown_fields

__all__ = ["KAFKA_RECORD", "KINESIS_RECORD", "kafka_egress_record", "kinesis_egress_record"]

R = TypeVar("R")


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


_payload_encoders: Final[dict[type[Any], Callable[[Any], bytes]]] = {bytes: bytes, str: str.encode}
"""By the class of a record's value, filled as classes are met."""


def _payload(value: object, value_type: ValueType[Any] | None) -> bytes:
    """A record's value as bytes: bytes as they are, a str as UTF-8, a message or a typed value by its encoding."""
    if value_type is not None:
        return value_type.v3.encode(value)
    encode = _payload_encoders.get(value.__class__)
    if encode is None:
        encode = _payload_encoders[value.__class__] = _payload_encoder(value)
    return encode(value)


def _payload_encoder(value: object) -> Callable[[Any], bytes]:
    if isinstance(value, (bytes, bytearray)):
        return bytes
    if isinstance(value, str):
        return str.encode
    if isinstance(value, (bool, int, float)) or value is None:
        raise ValueTypeError(
            f"a record's value {shown(value)} has no agreed bytes", hint="name its type, `type=LONG`, or pass bytes"
        )
    try:
        return value_type_of(type(value)).v3.encode
    except MessageTypeError as error:
        raise ValueTypeError(
            f"a record's value of type {type(value).__qualname__} has no agreed bytes: {shown(value)}"
        ) from error


_TOPICS: Final[Mapping[str, bytes]] = Memo(lambda topic: text(b"\x1a", topic))


def _kafka_bytes(record: KafkaRecord) -> bytes:
    key = b"" if record.key is None else text(b"\x0a", record.key)
    payload = _payload(record.value, record.type)
    return key + (delimited(b"\x12", payload) if payload else b"") + _TOPICS[record.topic]


def _kinesis_bytes(record: KinesisRecord) -> bytes:
    payload = _payload(record.value, record.type)
    value = delimited(b"\x12", payload) if payload else b""
    hash_key = b"" if record.explicit_hash_key is None else text(b"\x22", record.explicit_hash_key)
    return text(b"\x0a", record.partition_key) + value + text(b"\x1a", record.stream) + hash_key


def _strings(data: bytes) -> dict[int, bytes]:
    return {number: raw for number, wire_type, raw in unknown_fields(data) if wire_type == LENGTH_DELIMITED}


def _kafka_record(data: bytes) -> KafkaRecord:
    found = _strings(data)
    key = found.get(1)
    return KafkaRecord(
        topic=found.get(3, b"").decode(), value=found.get(2, b""), key=None if key is None else key.decode()
    )


def _kinesis_record(data: bytes) -> KinesisRecord:
    found = _strings(data)
    hash_key = found.get(4)
    return KinesisRecord(
        stream=found.get(3, b"").decode(),
        partition_key=found.get(1, b"").decode(),
        value=found.get(2, b""),
        explicit_hash_key=None if hash_key is None else hash_key.decode(),
    )


def _record_type(
    name: str, python_type: type[R], encode: Callable[[R], bytes], decode: Callable[[bytes], R]
) -> ValueType[R]:
    record_type = ValueType[R].of(
        Encoding(f"{TYPE_URL_PREFIX}org.apache.flink.statefun.flink.io.{name}", encode, decode),
        Encoding(f"{TYPE_URL_PREFIX}io.statefun.sdk.egress.{name}", encode, decode),
        python_type=python_type,
        immutable=True,
    )
    name_type(python_type, record_type)
    return record_type


KAFKA_RECORD: Final = _record_type("KafkaProducerRecord", KafkaRecord, _kafka_bytes, _kafka_record)
KINESIS_RECORD: Final = _record_type("KinesisEgressRecord", KinesisRecord, _kinesis_bytes, _kinesis_record)
