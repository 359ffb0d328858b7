"""Counts the invocations and states of a request without parsing it.

32 MiB of empty invocations parse into 16.8 million objects, so a limit must hold before the parser runs. All else is counted
too, since counting takes time for each field.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from statefun.errors import LimitError, MalformedRequestError
from statefun.wire import FIXED32, FIXED64, LENGTH_DELIMITED, VARINT

__all__ = ["SMALLEST_INVOCATION", "check_batch_size"]

SMALLEST_INVOCATION = 2
"""Bytes: a tag and the length zero."""

_INVOCATION_BATCH = 100
_COUNTED = {2: "states", 3: "invocations"}


def check_batch_size(data: bytes, limit: int) -> None:
    """Refuses a request of more than `limit` invocations, states or other fields, reading no more of it than lengths.

    A request that is too short to hold so many is not looked into at all.

    Raises:
        LimitError: there are more.
        MalformedRequestError: a length points outside of the request, or it holds what no engine sends.
    """
    if len(data) <= limit * SMALLEST_INVOCATION:
        return
    counts: Counter[str] = Counter()
    for number, start, end in _fields(data, 0, len(data)):
        _count(counts, "fields", limit)
        if number == _INVOCATION_BATCH and start < end:
            for inner, _start, _end in _fields(data, start, end):
                _count(counts, _COUNTED.get(inner, "fields"), limit)


def _count(counts: Counter[str], what: str, limit: int) -> None:
    counts[what] += 1
    if counts[what] > limit:
        raise LimitError(
            f"the request holds more than {limit} {what}",
            hint="lower the engine's maxNumBatchRequests, or raise the server's batch limit",
        )


def _fields(data: bytes, position: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Number, start and end of each field between two positions; the two are equal where it is not length-delimited."""
    while position < end:
        tag, position = _varint(data, position, end)
        start = position
        wire_type = tag & 7
        if wire_type == LENGTH_DELIMITED:
            length, start = _varint(data, position, end)
            position = start + length
        elif wire_type == VARINT:
            _, position = _varint(data, position, end)
            start = position
        elif wire_type in (FIXED64, FIXED32):
            position += 8 if wire_type == FIXED64 else 4
            start = position
        else:  # a group: it could hide what is to be counted
            raise MalformedRequestError(f"the request holds a field of wire type {wire_type}, which no engine sends")
        if position > end:
            raise MalformedRequestError(f"the request is truncated: a field ends at byte {position} of {end}")
        yield tag >> 3, start, position


def _varint(data: bytes, position: int, end: int) -> tuple[int, int]:
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
    raise MalformedRequestError(f"the request is malformed at byte {position}")
