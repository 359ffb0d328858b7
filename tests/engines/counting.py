"""Whether every deposit was counted exactly once: what was committed for each account against what was sent to it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen

from tests.engines.topics import Record

__all__ = ["Count", "count_once", "miscounted"]


@frozen
class Count:
    """The state of an account behind one of its deposits, as it emits it."""

    seen: int
    total: int


def count_once(sent: Iterable[tuple[str, int]]) -> dict[str, list[Count]]:
    """What each account emits, in this order, when each of its deposits counts once."""
    counts: defaultdict[str, list[Count]] = defaultdict(list)
    for account, value in sent:
        before = counts[account][-1] if counts[account] else Count(0, 0)
        counts[account].append(Count(before.seen + 1, before.total + value))
    return dict(counts)


def miscounted(sent: Sequence[tuple[str, int]], records: Iterable[Record]) -> list[str]:
    """Each account whose records are not those of every deposit once and in order, with how they differ."""
    found: defaultdict[str, list[Count]] = defaultdict(list)
    for record in records:
        if record.value["what"] == "deposit":
            found[str(record.key)].append(Count(record.value["seen"], record.value["total"]))
    expected = count_once(sent)
    return [
        f"{account}: {_difference(expected.get(account, []), found[account])}"
        for account in sorted({*expected, *found})
        if expected.get(account, []) != found[account]
    ]


def _difference(expected: Sequence[Count], found: Sequence[Count]) -> str:
    missing, additional = _minus(expected, found), _minus(found, expected)
    if not missing and not additional:
        return "in another order"
    return f"{len(missing)} missing, the first {missing[:1]}; {len(additional)} additional, the first {additional[:1]}"


def _minus(some: Sequence[Count], others: Sequence[Count]) -> list[Count]:
    left: Mapping[Count, int] = Counter(some) - Counter(others)
    return [each for each, times in left.items() for _ in range(times)]
