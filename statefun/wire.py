"""The few pieces of the protobuf wire format that are needed without a message class.

Writing: a response is nothing but length-delimited fields around payloads that are bytes already, so writing the lengths here
and joining once costs a third of filling message objects. The tests hold every byte against protobuf's own encoder.
Reading stays with protobuf; `unknown_fields` is its own parser, asked for the fields of a message of no known type.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

__all__ = [
    "FIXED32",
    "FIXED64",
    "LENGTHS",
    "LENGTH_DELIMITED",
    "VARINT",
    "delimited",
    "is_text",
    "text",
    "unknown_fields",
    "varint",
]

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


def unknown_fields(data: bytes) -> list[tuple[int, int, Any]]:
    r"""The fields of a serialized message of any type, in order: number, wire type, raw value.

    Raises:
        google.protobuf.message.DecodeError: the bytes are no message.

    >>> unknown_fields(b"\x0a\x01x")
    [(1, 2, b'x')]
    """
    found = UnknownFieldSet(Empty.FromString(data))
    fields = [found[index] for index in range(len(found))]
    if any(each.field_number == 0 for each in fields):  # upb's parser of an empty message alone lets it pass
        raise DecodeError("there is no field 0")
    return [(each.field_number, each.wire_type, each.data) for each in fields]
