"""The few pieces of the protobuf wire format that are needed without a message class.

Writing: a response is nothing but length-delimited fields around payloads that are bytes already, so writing the lengths here
and joining once costs a third of filling message objects. The tests hold every byte against protobuf's own encoder.
Reading stays with protobuf: `unknown_fields` is its own parser, for messages that have no class where they are read. These are
an address and the 3.x wrappers of numbers, since the core stands below the generated classes; the bundles of Kinesis, which
no .proto here describes; and what stands in a value beside its own fields, such as a trace. An object for each field is eighty bytes
of memory for two bytes of input, so `walk` counts them first where there may be many.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

__all__ = [
    "FIXED32",
    "FIXED64",
    "LENGTHS",
    "LENGTH_DELIMITED",
    "MOST_FIELDS",
    "TYPE_URL_PREFIX",
    "VARINT",
    "delimited",
    "is_text",
    "text",
    "unknown_fields",
    "varint",
    "walk",
]

TYPE_URL_PREFIX: Final = "type.googleapis.com/"
"""What stands before a message's full name in the name of its type."""

VARINT: Final = 0
FIXED64: Final = 1
LENGTH_DELIMITED: Final = 2
FIXED32: Final = 5


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


LENGTHS: Final = tuple(_varint(value) for value in range(1 << 14))
"""One- and two-byte varints are nearly every length there is: a look-up instead of a loop. Beyond them it raises IndexError."""


def varint(value: int) -> bytes:
    """Encodes a non-negative integer as a base-128 varint.

    >>> varint(300).hex()
    'ac02'
    """
    return LENGTHS[value] if value < 16384 else _varint(value)


def delimited(tag: bytes, payload: bytes) -> bytes:
    r"""A length-delimited field: its tag, its length, its bytes.

    >>> delimited(b"\x0a", b"abc").hex()
    '0a03616263'
    """
    return tag + varint(len(payload)) + payload


def text(tag: bytes, value: str) -> bytes:
    r"""A string field; nothing at all for an empty string, as in proto3.

    >>> text(b"\x12", "é").hex(), text(b"\x12", "")
    ('1202c3a9', b'')
    """
    encoded = value.encode()
    return delimited(tag, encoded) if encoded else b""


def is_text(value: object) -> bool:
    r"""Whether a value is a str that a string field can carry; half of a surrogate pair has no UTF-8.

    >>> is_text("é"), is_text("\ud800"), is_text(b"e")
    (True, False, False)
    """
    if not isinstance(value, str):
        return False
    if value.isascii():  # known of every str, where encoding it would copy it
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


MOST_FIELDS: Final = 1000
"""So many fields are read of a message without a class; those of both protocols that are read so have a few."""


def unknown_fields(data: bytes, most: int = MOST_FIELDS) -> list[tuple[int, int, Any]]:
    r"""The fields of a serialized message of any type, in order: number, wire type, raw value.

    Args:
        data: The message.
        most: How many fields it may have.

    Raises:
        google.protobuf.message.DecodeError: the bytes are no message, or one of more fields.

    >>> unknown_fields(b"\x0a\x01x")
    [(1, 2, b'x')]
    """
    if len(data) > most * _SMALLEST_FIELD and next(islice(walk(data, 0, len(data)), most, None), None) is not None:
        raise DecodeError(f"it has more than {most} fields")
    found = UnknownFieldSet(Empty.FromString(data))
    fields = [found[index] for index in range(len(found))]
    if any(each.field_number == 0 for each in fields):  # upb's parser of an empty message alone lets it pass
        raise DecodeError("there is no field 0")
    return [(each.field_number, each.wire_type, each.data) for each in fields]


_SMALLEST_FIELD: Final = 2
"""Bytes: a tag and a varint, or the length zero."""


def walk(data: bytes, position: int, end: int) -> Iterator[tuple[int, int, int]]:
    r"""Number, start and end of each field between two positions; the two are equal where it is not length-delimited.

    Nothing is read but tags and lengths.

    Raises:
        google.protobuf.message.DecodeError: a field ends behind the end, or is a group: it could hide others.

    >>> list(walk(b"\x0a\x01x\x10\x05", 0, 5))
    [(1, 2, 3), (2, 5, 5)]
    """
    while position < end:
        tag, position = _read_varint(data, position, end)
        start = position
        wire_type = tag & 7
        if wire_type == LENGTH_DELIMITED:
            length, start = _read_varint(data, position, end)
            position = start + length
        elif wire_type == VARINT:
            _, position = _read_varint(data, position, end)
            start = position
        elif wire_type in (FIXED64, FIXED32):
            position += 8 if wire_type == FIXED64 else 4
            start = position
        else:
            raise DecodeError(f"it holds a field of wire type {wire_type}, which no engine sends")
        if position > end:
            raise DecodeError(f"it is truncated: a field ends at byte {position} of {end}")
        yield tag >> 3, start, position


def _read_varint(data: bytes, position: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while position < end:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
        if shift > 63:
            break
    raise DecodeError(f"it is malformed at byte {position}")
