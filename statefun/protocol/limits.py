"""Counts the invocations and states of a request without parsing it.

32 MiB of empty invocations parse into 16.8 million objects, so a limit must hold before the parser runs. All else is counted
too, since counting takes time for each field.
"""

from __future__ import annotations

from collections import Counter

from google.protobuf.message import DecodeError

from statefun.errors import LimitError, MalformedRequestError
from statefun.wire import walk

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
    try:
        for number, start, end in walk(data, 0, len(data)):
            _count(counts, "fields", limit)
            if number == _INVOCATION_BATCH and start < end:
                for inner, _start, _end in walk(data, start, end):
                    _count(counts, _COUNTED.get(inner, "fields"), limit)
    except DecodeError as error:
        raise MalformedRequestError(f"{len(data)} bytes are no request: {error}") from error


def _count(counts: Counter[str], what: str, limit: int) -> None:
    counts[what] += 1
    if counts[what] > limit:
        raise LimitError(
            f"the request holds more than {limit} {what}",
            hint="lower the engine's maxNumBatchRequests, or raise the server's batch limit",
        )
