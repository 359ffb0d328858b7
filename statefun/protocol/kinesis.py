"""The bundles that the Kinesis Producer Library makes of several records.

The engines write through that library, which packs records of several keys into one record of the stream unless it is told not to. Such a
record begins with four bytes that nothing else begins with, and ends with the MD5 of what is between, a protobuf message:

    message AggregatedRecord {
      repeated string partition_key_table = 1;
      repeated string explicit_hash_key_table = 2;
      repeated Record records = 3;       // {uint64 partition_key_index = 1, uint64 explicit_hash_key_index = 2, bytes data = 3, …}
    }
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from google.protobuf.message import DecodeError

from statefun.wire import LENGTH_DELIMITED, VARINT, unknown_fields

__all__ = ["BUNDLE_MAGIC", "Bundled", "hash_of", "is_bundle", "read_bundle"]

BUNDLE_MAGIC: Final = b"\xf3\x89\x9a\xc2"
"""What a bundle begins with."""

_DIGEST_SIZE: Final = 16


class Bundled(NamedTuple):
    """One record out of a bundle.

    Attributes:
        key: Its partition key; empty when it was written so, which Kinesis itself refuses.
        hash: Where its key lies between 0 and 2**128, which decides the shard it belongs to.
        data: Its bytes.
    """

    key: str
    hash: int
    data: bytes


def hash_of(partition_key: str) -> int:
    """Where Kinesis puts a partition key between 0 and 2**128.

    >>> hash_of("bob") < 2**128
    True
    """
    return int.from_bytes(hashlib.md5(partition_key.encode(), usedforsecurity=False).digest(), "big")


def is_bundle(data: bytes) -> bool:
    """Whether a record is a bundle: it begins as one, and its digest is right. Whatever else begins so is a record like any other."""
    if not data.startswith(BUNDLE_MAGIC) or len(data) < len(BUNDLE_MAGIC) + _DIGEST_SIZE:
        return False
    inside = data[len(BUNDLE_MAGIC) : -_DIGEST_SIZE]
    return hashlib.md5(inside, usedforsecurity=False).digest() == data[-_DIGEST_SIZE:]


def read_bundle(data: bytes) -> list[Bundled]:
    """The records of a bundle, in order.

    Raises:
        ValueError: its digest is right, and what is in it is no bundle.
    """
    keys: list[str] = []
    hashes: list[str] = []
    records: list[bytes] = []
    tables: dict[int, list[Any]] = {1: keys, 2: hashes, 3: records}
    try:
        # Of a record of Kinesis, which is small, all is read.
        for number, wire_type, raw in unknown_fields(data[len(BUNDLE_MAGIC) : -_DIGEST_SIZE], most=len(data)):
            table = tables.get(number)
            if table is not None:
                if wire_type != LENGTH_DELIMITED:
                    raise ValueError(f"its field {number} has the wire type {wire_type}")
                table.append(raw if table is records else raw.decode())
        return list(_unpacked(keys, hashes, records))
    except (DecodeError, UnicodeDecodeError, IndexError) as error:
        raise ValueError(str(error) or type(error).__name__) from error


def _unpacked(keys: list[str], hashes: list[str], records: list[bytes]) -> Iterator[Bundled]:
    for record in records:
        key: int | None = None
        explicit: int | None = None
        data = b""
        for number, wire_type, raw in unknown_fields(record):
            if number == 1 and wire_type == VARINT:
                key = raw
            elif number == 2 and wire_type == VARINT:
                explicit = raw
            elif number == 3 and wire_type == LENGTH_DELIMITED:
                data = raw
        if key is None:
            raise ValueError("a record in it has no partition key")
        yield Bundled(keys[key], hash_of(keys[key]) if explicit is None else int(hashes[explicit]), data)
