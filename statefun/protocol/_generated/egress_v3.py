"""Messages of protos/egress_v3.proto. Written by protos/generate.py; do not edit."""

from statefun.protocol._generated._pool import load

__all__ = ["KafkaProducerRecord", "KinesisEgressRecord"]

(
    KafkaProducerRecord,
    KinesisEgressRecord,
) = load(
    b'\n\x1fstatefun/protos/egress_v3.proto\x12\x16io.statefun.sdk.egress"F\n'
    b"\x13KafkaProducerRecord\x12\x0b\n\x03key\x18\x01 \x01(\t\x12\x13\n\x0bvalue_bytes\x18\x02 \x01(\x0c\x12\r\n\x05to"
    b'pic\x18\x03 \x01(\t"l\n\x13KinesisEgressRecord\x12\x15\n\rpartition_key\x18\x01 \x01(\t\x12\x13\n\x0bv'
    b"alue_bytes\x18\x02 \x01(\x0c\x12\x0e\n\x06stream\x18\x03 \x01(\t\x12\x19\n\x11explicit_hash_key\x18\x04 \x01(\tb"
    b"\x06proto3",
    "io.statefun.sdk.egress",
    "KafkaProducerRecord",
    "KinesisEgressRecord",
)
