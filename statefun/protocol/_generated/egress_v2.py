"""Messages of protos/egress_v2.proto. Written by protos/generate.py; do not edit."""

from statefun.protocol._generated._pool import load

__all__ = ["KafkaProducerRecord", "KinesisEgressRecord"]

(
    KafkaProducerRecord,
    KinesisEgressRecord,
) = load(
    b'\n\x1fstatefun/protos/egress_v2.proto\x12"org.apache.flink.statefun'
    b'.flink.io"F\n\x13KafkaProducerRecord\x12\x0b\n\x03key\x18\x01 \x01(\t\x12\x13\n\x0bvalue_bytes'
    b'\x18\x02 \x01(\x0c\x12\r\n\x05topic\x18\x03 \x01(\t"l\n\x13KinesisEgressRecord\x12\x15\n\rpartition_ke'
    b"y\x18\x01 \x01(\t\x12\x13\n\x0bvalue_bytes\x18\x02 \x01(\x0c\x12\x0e\n\x06stream\x18\x03 \x01(\t\x12\x19\n\x11explicit_has"
    b"h_key\x18\x04 \x01(\tb\x06proto3",
    "org.apache.flink.statefun.flink.io",
    "KafkaProducerRecord",
    "KinesisEgressRecord",
)
