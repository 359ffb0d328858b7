"""The check of the kill tests must notice what they are for: a deposit lost, doubled, or in another order."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engines.counting import count_once, miscounted
from tests.engines.topics import Record

SENT = [("a", 1), ("b", 2), ("a", 3), ("a", 4)]


def records() -> list[Record]:
    return [
        Record(account, {"what": "deposit", "seen": each.seen, "total": each.total})
        for account, counts in count_once(SENT).items()
        for each in counts
    ]


def test_each_deposit_once_is_right_and_other_records_do_not_matter() -> None:
    assert miscounted(SENT, [*records(), Record("a", {"what": "read", "note": None})]) == []


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda whole: whole[:-1], "b: 1 missing"),
        (lambda whole: [*whole, whole[0]], "a: 0 missing, the first []; 1 additional"),
        (lambda whole: [whole[1], whole[0], *whole[2:]], "a: in another order"),
        (
            lambda whole: [*whole[:2], Record("a", {"what": "deposit", "seen": 4, "total": 12}), whole[3]],
            "a: 1 missing",
        ),
        (lambda whole: [*whole, Record("c", {"what": "deposit", "seen": 1, "total": 1})], "c: 0 missing"),
        (lambda whole: [each for each in whole if each.key == "a"], "b: 1 missing"),
    ],
    ids=["lost", "doubled", "reordered", "counted twice", "from nowhere", "account lost"],
)
def test_a_fault_is_told(spoil: Callable[[list[Record]], list[Record]], told: str) -> None:
    [fault] = miscounted(SENT, spoil(records()))
    assert fault.startswith(told)
