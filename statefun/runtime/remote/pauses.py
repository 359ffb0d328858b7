"""How long to wait before a request is repeated: growing pauses with jitter, and the wish of the server."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Final

__all__ = ["asked_pause", "pause"]

_FIRST: Final = 0.01
_LONGEST: Final = 2.0


def pause(attempt: int, jitter: float) -> float:
    """The seconds before the next attempt, as the engines count them: 10 ms at first, then twice as much each time, 2 s at most.

    Args:
        attempt: How many attempts there were.
        jitter: A number in [0, 1) that spreads the clients of one server: up to half is taken off.

    >>> [pause(attempt, 0.0) for attempt in (1, 2, 3, 100)]
    [0.01, 0.02, 0.04, 2.0]
    """
    # From 2 ** 8 on it is the longest; a large exponent would not fit into a float.
    return min(_LONGEST, _FIRST * 2.0 ** min(attempt - 1, 8)) * (1 - jitter / 2)


def asked_pause(header: str | None, now: float) -> float:
    """The seconds that `Retry-After` asks for, as a number or as a date; 0 where it is missing or is neither.

    Args:
        header: The value of the header.
        now: The seconds since 1970, which a date is held to.

    >>> asked_pause("120", 0), asked_pause("Thu, 01 Jan 1970 00:01:00 GMT", 10.0), asked_pause("soon", 0)
    (120.0, 50.0, 0.0)
    """
    text = "" if header is None else header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:10])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return 0.0
