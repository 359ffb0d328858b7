"""Counts the invocations of a request without parsing it.

32 MiB of empty invocations parse into 16.8 million objects, so a limit must hold before the parser runs.
"""

from __future__ import annotations

from statefun.errors import LimitError, MalformedRequestError

__all__ = ["SMALLEST_INVOCATION", "check_batch_size"]

SMALLEST_INVOCATION = 2
"""Bytes: a tag and the length zero."""

_INVOCATION_BATCH = 100
_INVOCATIONS = 3


def check_batch_size(data: bytes, limit: int) -> None:
    """Refuses a request of more than `limit` invocations, reading no more of it than lengths.

    A request that is too short to hold so many is not looked into at all.

    Raises:
        LimitError: there are more.
        MalformedRequestError: a length points outside of the request.
    """
    if len(data) <= limit * SMALLEST_INVOCATION:
        return
    count = 0
    for number, start, end in _fields(data, 0, len(data)):
        if number == _INVOCATION_BATCH:
            for inner, _start, _end in _fields(data, start, end):
                count += inner == _INVOCATIONS
                if count > limit:
                    raise LimitError(
                        f"the request holds more than {limit} invocations",
                        hint="lower the engine's maxNumBatchRequests, or raise the server's batch limit",
                    )


def _fields(data: bytes, position: int, end: int):  # type: ignore[no-untyped-def]
    """Number, start and end of each length-delimited field between two positions; other fields are passed over."""
    while position < end:
        tag, position = _varint(data, position, end)
        wire_type = tag & 7
        if wire_type == 2:
            length, position = _varint(data, position, end)
            following = position + length
            if following > end:
                raise MalformedRequestError(f"the request is truncated: a field ends at byte {following} of {end}")
            yield tag >> 3, position, following
            position = following
        elif wire_type == 0:
            _, position = _varint(data, position, end)
        elif wire_type in (1, 5):
            position += 8 if wire_type == 1 else 4
        else:
            return  # a group, which no engine sends; the parser deals with it


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
