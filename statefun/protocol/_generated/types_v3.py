"""Messages of protos/types_v3.proto. Written by protos/generate.py; do not edit."""

from statefun.protocol._generated._pool import load

__all__ = ["BooleanWrapper", "DoubleWrapper", "FloatWrapper", "IntWrapper", "LongWrapper", "StringWrapper"]

(
    BooleanWrapper,
    IntWrapper,
    LongWrapper,
    FloatWrapper,
    DoubleWrapper,
    StringWrapper,
) = load(
    b'\n\x1estatefun/protos/types_v3.proto\x12\x15io.statefun.sdk.types"\x1f\n\x0eB'
    b'ooleanWrapper\x12\r\n\x05value\x18\x01 \x01(\x08"\x1b\n\nIntWrapper\x12\r\n\x05value\x18\x01 \x01(\x0f"\x1c\n'
    b'\x0bLongWrapper\x12\r\n\x05value\x18\x01 \x01(\x10"\x1d\n\x0cFloatWrapper\x12\r\n\x05value\x18\x01 \x01(\x02"\x1e'
    b'\n\rDoubleWrapper\x12\r\n\x05value\x18\x01 \x01(\x01"\x1e\n\rStringWrapper\x12\r\n\x05value\x18\x01 \x01'
    b"(\tb\x06proto3",
    "io.statefun.sdk.types",
    "BooleanWrapper",
    "IntWrapper",
    "LongWrapper",
    "FloatWrapper",
    "DoubleWrapper",
    "StringWrapper",
)
