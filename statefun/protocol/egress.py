"""The engine's role: reads what a function sent to an egress that takes records, and says what is wrong with it."""

from __future__ import annotations

from typing import Final, Generic, TypeVar

from attrs import frozen
from google.protobuf.message import DecodeError

from statefun.errors import EgressError, ValueTypeError
from statefun.protocol.records import KAFKA_RECORD, KINESIS_RECORD
from statefun.records import KafkaRecord, KinesisRecord
from statefun.types import ValueType

__all__ = ["KAFKA", "KINESIS", "RecordReader"]

R = TypeVar("R")


@frozen(kw_only=True)
class RecordReader(Generic[R]):
    r"""Reads the records of one kind of egress.

    Attributes:
        kind: The kind, as errors name it.
        type: The records' type.
        required: What a record cannot be without, as errors name it.
        example: How such a record is made.

    >>> KAFKA.read("demo/out", "type.googleapis.com/io.statefun.sdk.egress.KafkaProducerRecord", b"\x1a\x01t")
    KafkaRecord(topic='t', value=b'', key=None)
    """

    kind: str
    type: ValueType[R]
    required: str
    example: str

    def read(self, egress: str, typename: str, value: bytes) -> R:
        """The record that a function sent.

        Args:
            egress: The egress, which errors name.
            typename: The name of the value's type.
            value: Its bytes.

        Raises:
            EgressError: it is no record of this kind, or one that lacks what it needs.
        """
        if typename not in (self.type.v3.typename, self.type.v2.typename):
            raise EgressError(
                f"the {self.kind} egress {egress!r} was sent a value of the type {typename!r}",
                hint=f"send a record, `context.send_egress(egress, {self.example})`",
            )
        return self.kept(egress, value)

    def kept(self, egress: str, value: bytes) -> R:
        """The record in bytes that were one when they came; both protocols have the same.

        Raises:
            EgressError: they are none, or one that lacks what it needs.
        """
        try:
            return self.type.v3.decode(value)
        except (DecodeError, UnicodeDecodeError) as error:
            raise EgressError(
                f"the {self.kind} egress {egress!r} was sent {len(value)} bytes that are no {self.kind} record"
            ) from error
        except ValueTypeError as error:
            raise EgressError(
                f"the {self.kind} egress {egress!r} was sent a record without {self.required}",
                hint=f"write `{self.example}`",
            ) from error


KAFKA: Final = RecordReader[KafkaRecord](
    kind="Kafka", type=KAFKA_RECORD, required="a topic", example="KafkaRecord(topic=…, key=…, value=…)"
)
KINESIS: Final = RecordReader[KinesisRecord](
    kind="Kinesis",
    type=KINESIS_RECORD,
    required="a stream or without a partition key",
    example="KinesisRecord(stream=…, partition_key=…, value=…)",
)
