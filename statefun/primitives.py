"""The primitive value types: BOOL, INT, LONG, FLOAT, DOUBLE, STRING and BYTES.

In the 3.x protocol each is a wrapper message of `io.statefun.sdk.types` whose one field has number 1; a zero value is no bytes
at all. In the 2.2 protocol it is the matching message of `google.protobuf`. The two differ on the wire for INT and LONG
alone, which 3.x writes as sfixed32 and sfixed64.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any, Final, TypeVar

from google.protobuf import wrappers_pb2

from statefun.errors.showing import shown
from statefun.types import Encoding, ValueType, name_type
from statefun.wire import FIXED32, FIXED64, TYPE_URL_PREFIX, delimited, unknown_fields

__all__ = ["BOOL", "BYTES", "DOUBLE", "FLOAT", "INT", "LONG", "STRING"]

T = TypeVar("T")


def _fixed(code: str, tag: int, wire_type: int) -> tuple[Callable[[int], bytes], Callable[[bytes], int]]:
    """Encoder and decoder of a message whose field 1 is an sfixed32 or sfixed64."""
    layout = struct.Struct("<B" + code)
    size = layout.size
    bits = 8 * (size - 1)

    def encode(value: int) -> bytes:
        if not isinstance(value, int):  # struct takes whatever has __index__, and protobuf does not
            raise TypeError(f"{shown(value)} is not an int")
        if value == 0:
            return b""
        try:
            return layout.pack(tag, value)
        except struct.error:
            raise ValueError(f"{shown(value)} does not fit into {bits} bits") from None

    def decode(data: bytes) -> int:
        if len(data) == size:
            found_tag, number = layout.unpack(data)
            if found_tag == tag:
                return number  # type: ignore[no-any-return]  # struct tells no types of what it unpacks
        number = 0
        for field, found_type, raw in unknown_fields(data):  # the last one counts
            if field == 1 and found_type == wire_type:
                number = int(raw)
        return number - (1 << bits) if number >> (bits - 1) else number

    return encode, decode


def _int_value(wrapper: Any, bits: int) -> Callable[[int], bytes]:
    """Encoder into Int32Value or Int64Value; protobuf's own checks differ between its versions."""
    limit = 1 << (bits - 1)

    def encode(value: int) -> bytes:
        if not isinstance(value, int):
            raise TypeError(f"{shown(value)} is not an int")
        if not -limit <= value < limit:
            raise ValueError(f"{shown(value)} does not fit into {bits} bits")
        data: bytes = wrapper(value=int(value)).SerializeToString()
        return data

    return encode


def _bool_bytes(value: bool) -> bytes:
    if value is True:
        return b"\x08\x01"
    if value is False:
        return b""
    raise TypeError(f"{shown(value)} is not a bool")


def _string_bytes(value: str) -> bytes:
    if not isinstance(value, str):
        raise TypeError(f"{shown(value)} is not a str")
    return delimited(b"\x0a", value.encode()) if value else b""


def _bytes_bytes(value: bytes) -> bytes:
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError(f"{shown(value)} is not bytes")
    return delimited(b"\x0a", bytes(value)) if len(value) else b""


def _real(code: str, tag: int) -> Callable[[float], bytes]:
    layout = struct.Struct("<B" + code)

    def encode(value: float) -> bytes:
        if not isinstance(value, (float, int)):
            raise TypeError(f"{shown(value)} is not a float")
        if value == 0 and math.copysign(1.0, value) > 0:
            return b""
        try:
            return layout.pack(tag, value)
        except (OverflowError, struct.error):
            raise ValueError(f"{shown(value)} does not fit into a float of {8 * (layout.size - 1)} bits") from None

    return encode


def _unwrapped(wrapper: Any) -> Callable[[bytes], Any]:
    parse = wrapper.FromString

    def decode(data: bytes) -> Any:
        return parse(data).value

    return decode


def _primitive(
    name: str,
    wrapper: Any,
    python_type: type[T],
    encode_v3: Callable[[T], bytes],
    *,
    encode_v2: Callable[[T], bytes] | None = None,
    decode_v3: Callable[[bytes], T] | None = None,
) -> ValueType[T]:
    url = TYPE_URL_PREFIX + wrapper.DESCRIPTOR.full_name
    decode = _unwrapped(wrapper)
    made = ValueType[T].of(
        Encoding(url, encode_v3 if encode_v2 is None else encode_v2, decode),
        Encoding(f"io.statefun.types/{name}" if name else url, encode_v3, decode if decode_v3 is None else decode_v3),
        python_type=python_type,
        immutable=True,
    )
    made.made_by = _named, (made.typename,)
    return made


def _named(typename: str) -> ValueType[Any]:
    return next(each for each in (BOOL, INT, LONG, FLOAT, DOUBLE, STRING, BYTES) if each.typename == typename)


_encode_int, _decode_int = _fixed("i", 0x0D, FIXED32)
_encode_long, _decode_long = _fixed("q", 0x09, FIXED64)

BOOL: Final[ValueType[bool]] = _primitive("bool", wrappers_pb2.BoolValue, bool, _bool_bytes)
INT: Final[ValueType[int]] = _primitive(
    "int",
    wrappers_pb2.Int32Value,
    int,
    _encode_int,
    encode_v2=_int_value(wrappers_pb2.Int32Value, 32),
    decode_v3=_decode_int,
)
LONG: Final[ValueType[int]] = _primitive(
    "long",
    wrappers_pb2.Int64Value,
    int,
    _encode_long,
    encode_v2=_int_value(wrappers_pb2.Int64Value, 64),
    decode_v3=_decode_long,
)
FLOAT: Final[ValueType[float]] = _primitive("float", wrappers_pb2.FloatValue, float, _real("f", 0x0D))
DOUBLE: Final[ValueType[float]] = _primitive("double", wrappers_pb2.DoubleValue, float, _real("d", 0x09))
STRING: Final[ValueType[str]] = _primitive("string", wrappers_pb2.StringValue, str, _string_bytes)
BYTES: Final[ValueType[bytes]] = _primitive("", wrappers_pb2.BytesValue, bytes, _bytes_bytes)

name_type(bool, BOOL)
name_type(int, LONG)
name_type(float, DOUBLE)
name_type(str, STRING)
name_type(bytes, BYTES)
