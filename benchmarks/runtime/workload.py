"""What is asked of every contender: each event adds one to the counter of its key. Nothing comes out."""

import random
from collections import Counter
from collections.abc import Iterable

KEYS = 100
CLIENTS = 64
"""Connections over which a contender with a server is asked; each waits for its answer before it sends again."""


def keys(events: int, seed: int) -> list[int]:
    """Give the numbers of the keys of so many events, the same for the same seed."""
    return random.Random(seed).choices(range(KEYS), k=events)


def name(key: int) -> str:
    """Give the id of a key."""
    return f"key-{key:03}"


def expected(events: int, seed: int) -> Counter[str]:
    """Give the counts that so many events come to."""
    return Counter(name(key) for key in keys(events, seed))


def number(value: bytes) -> int:
    """Give the number in a reply or a state: as JSON, or as the message io.statefun.types/long."""
    if value[:1] in (b"", b"\x09"):  # a field that is zero is left out
        return int.from_bytes(value[1:9], "little")
    return int(value)


def quantiles(seconds: Iterable[float]) -> dict[str, float]:
    """Give the median and the 99th percentile of latencies."""
    values = sorted(seconds)
    return {"p50_ms": values[len(values) // 2] * 1e3, "p99_ms": values[len(values) * 99 // 100] * 1e3}
