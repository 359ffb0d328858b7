"""Messages of protos/egress_v3.proto. Written by protos/generate.py; do not edit."""

from google.protobuf.message import Message

__all__ = ["KafkaProducerRecord", "KinesisEgressRecord"]

class KafkaProducerRecord(Message):
    key: str
    value_bytes: bytes
    topic: str
    def __init__(self, *, key: str | None = ..., value_bytes: bytes | None = ..., topic: str | None = ...) -> None: ...

class KinesisEgressRecord(Message):
    partition_key: str
    value_bytes: bytes
    stream: str
    explicit_hash_key: str
    def __init__(
        self,
        *,
        partition_key: str | None = ...,
        value_bytes: bytes | None = ...,
        stream: str | None = ...,
        explicit_hash_key: str | None = ...,
    ) -> None: ...
