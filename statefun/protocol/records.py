"""Egress records on the wire: how a `KafkaRecord` and a `KinesisRecord` are named, written and read.

Both protocols carry the same fields under the same numbers; the name of the message alone differs. A typed value inside a
record is written in its 3.x encoding on every engine, so that what a consumer reads does not depend on the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from google.protobuf.message import Message

from statefun.errors import MessageTypeError, ValueTypeError
from statefun.errors.showing import shown
from statefun.memo import Memo, MemoBySize
from statefun.protocol._generated import egress_v2, egress_v3
from statefun.records import KafkaRecord, KinesisRecord
from statefun.types import Encoding, ValueType, name_type, value_type_of
from statefun.wire import TYPE_URL_PREFIX, delimited, text, varint

__all__ = ["KAFKA_RECORD", "KINESIS_RECORD"]

R = TypeVar("R")


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


def _heads(tag: bytes) -> Mapping[int, bytes]:
    """What stands before the bytes of a field of a record, by how many they are; nothing at all before none."""
    return MemoBySize(lambda size: tag + varint(size) if size else b"")


_KEYS: Final = _heads(b"\x0a")
_VALUES: Final = _heads(b"\x12")
_TOPICS: Final[Mapping[str, bytes]] = Memo(lambda topic: text(b"\x1a", topic))


def _kafka_bytes(record: KafkaRecord) -> bytes:
    key = b"" if record.key is None else record.key.encode()
    payload = _payload(record.value, record.type)
    return b"".join((_KEYS[len(key)], key, _VALUES[len(payload)], payload, _TOPICS[record.topic]))


def _kinesis_bytes(record: KinesisRecord) -> bytes:
    payload = _payload(record.value, record.type)
    value = delimited(b"\x12", payload) if payload else b""
    hash_key = b"" if record.explicit_hash_key is None else text(b"\x22", record.explicit_hash_key)
    return text(b"\x0a", record.partition_key) + value + text(b"\x1a", record.stream) + hash_key


def _kafka_record(data: bytes) -> KafkaRecord:
    """As on the engines an empty key is none."""
    read = egress_v3.KafkaProducerRecord.FromString(data)
    return KafkaRecord(topic=read.topic, value=read.value_bytes, key=read.key or None)


def _kinesis_record(data: bytes) -> KinesisRecord:
    """As on the engines an empty hash key is none."""
    read = egress_v3.KinesisEgressRecord.FromString(data)
    return KinesisRecord(
        stream=read.stream,
        partition_key=read.partition_key,
        value=read.value_bytes,
        explicit_hash_key=read.explicit_hash_key or None,
    )


def _record_type(
    v2: type[Message],
    v3: type[Message],
    python_type: type[R],
    encode: Callable[[R], bytes],
    decode: Callable[[bytes], R],
) -> ValueType[R]:
    record_type = ValueType[R].of(
        Encoding(TYPE_URL_PREFIX + v2.DESCRIPTOR.full_name, encode, decode),
        Encoding(TYPE_URL_PREFIX + v3.DESCRIPTOR.full_name, encode, decode),
        python_type=python_type,
        immutable=True,
    )
    name_type(python_type, record_type)
    return record_type


KAFKA_RECORD: Final = _record_type(
    egress_v2.KafkaProducerRecord, egress_v3.KafkaProducerRecord, KafkaRecord, _kafka_bytes, _kafka_record
)
KINESIS_RECORD: Final = _record_type(
    egress_v2.KinesisEgressRecord, egress_v3.KinesisEgressRecord, KinesisRecord, _kinesis_bytes, _kinesis_record
)
