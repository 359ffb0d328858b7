"""Both checkers report exactly the marked lines of the negative cases, each for a reason that is the right one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.typing import checkers
from tests.typing.checkers import Finding, Mark


@pytest.mark.parametrize("checker", [checkers.mypy, checkers.pyright], ids=["mypy", "pyright"])
def test_exactly_the_marked_lines_are_reported(checker: Callable[[], list[Finding]]) -> None:
    findings = checker()
    expected = list(checkers.marks())
    assert len(expected) >= 20
    reported = {(each.file, each.line) for each in findings}
    marked = {(each.file, each.line) for each in expected}
    surprising = [each for each in findings if (each.file, each.line) not in marked]
    assert not surprising, surprising
    assert not marked - reported, sorted(marked - reported)
    for mark in expected:
        codes = {each.code for each in findings if (each.file, each.line) == (mark.file, mark.line)}
        assert codes & _codes(mark, checker.__name__), (mark, codes)


def _codes(mark: Mark, checker: str) -> frozenset[str]:
    return mark.mypy if checker == "mypy" else mark.pyright
