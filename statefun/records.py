"""Neutral egress records: `KafkaRecord` and `KinesisRecord`, the same object on every engine."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen

from statefun.errors import ValueTypeError
from statefun.errors.showing import shown
from statefun.wire import is_text

__all__ = ["KafkaRecord", "KinesisRecord"]


def _require_text(record: object, attribute: Any, value: Any) -> None:
    if not value or not is_text(value):
        raise ValueTypeError(
            f"the {attribute.name} of a {type(record).__name__} is {shown(value)}",
            hint="give a str of at least one character",
        )


def _allow_text(record: object, attribute: Any, value: Any) -> None:
    if value is not None and not is_text(value):
        raise ValueTypeError(
            f"the {attribute.name} of a {type(record).__name__} is {shown(value)}", hint="give a str, or None for none"
        )


@frozen(kw_only=True)
class KafkaRecord:
    """A record for a Kafka egress.

    Args:
        topic: The topic that it goes to.
        value: Bytes, a str (UTF-8), a protobuf message, an instance of a named type, or any value with its `type`.
        key: The record's key; None for none.
        type: The ValueType of `value`, where its class does not tell.

    Raises:
        ValueTypeError: the topic is empty, or the key is no str.

    >>> KafkaRecord(topic="greetings", key="bob", value="Hello bob")
    KafkaRecord(topic='greetings', value='Hello bob', key='bob')
    """

    topic: str = field(validator=_require_text)
    value: Any
    key: str | None = field(default=None, validator=_allow_text)
    type: Any = field(default=None, repr=False)


@frozen(kw_only=True)
class KinesisRecord:
    """A record for a Kinesis egress.

    Args:
        stream: The stream that it goes to.
        partition_key: The key that chooses its shard.
        value: As in `KafkaRecord`.
        explicit_hash_key: Overrides the hash of the partition key; None to leave it.
        type: As in `KafkaRecord`.

    Raises:
        ValueTypeError: the stream or the partition key is empty.

    >>> KinesisRecord(stream="greetings", partition_key="bob", value="Hello bob").partition_key
    'bob'
    """

    stream: str = field(validator=_require_text)
    partition_key: str = field(validator=_require_text)
    value: Any
    explicit_hash_key: str | None = field(default=None, validator=_allow_text)
    type: Any = field(default=None, repr=False)
