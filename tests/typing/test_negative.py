"""Both checkers report what the negative modules mark, and nothing else."""

from __future__ import annotations

import pytest

from tests.typing.checkers import (
    CHECKERS,
    Report,
    Reports,
    differences,
    expected,
    negative_modules,
    reported,
    seen_by_one,
)

pytest.importorskip("mypy")
pytest.importorskip("pyright")


@pytest.fixture(scope="session", params=CHECKERS)
def checked(request: pytest.FixtureRequest) -> tuple[str, Reports]:
    """A checker and what it reports, from one run."""
    checker: str = request.param
    return checker, reported(negative_modules(), checker)


@pytest.mark.parametrize("name", [path.name for path in negative_modules()])
def test_a_negative_module_is_reported_exactly_where_it_says(checked: tuple[str, Reports], name: str) -> None:
    checker, found = checked
    paths = [path for path in negative_modules() if path.name == name]
    wanted = expected(paths, checker)
    assert wanted
    here = {place: reports for place, reports in found.items() if place[0] == name}
    assert "\n".join(differences(wanted, here)) == ""


def test_nothing_is_reported_elsewhere(checked: tuple[str, Reports]) -> None:
    checker, found = checked
    assert set(found) == set(expected(negative_modules(), checker))


def test_both_checkers_see_every_mistake_unless_a_comment_says_why_one_does_not() -> None:
    mypy, pyright = (set(expected(negative_modules(), checker)) for checker in CHECKERS)
    assert mypy ^ pyright == seen_by_one(negative_modules())
    assert len(mypy & pyright) >= 80


def test_nothing_is_silenced_in_the_modules() -> None:
    silencers = ("# type:", "# pyright:", "# mypy:", "cast(")
    folder = negative_modules()[0].parents[1]
    modules = [path for path in folder.rglob("*.py") if path.name != "test_negative.py"]
    assert len(modules) > len(negative_modules())
    assert not [path.name for path in modules for word in silencers if word in path.read_text()]


def test_a_difference_is_told_with_its_place() -> None:
    place = ("states.py", 3)
    report = Report("assignment", "Incompatible types in assignment (a lot more)")
    assert differences({place: [Report("assignment", "Incompatible types")]}, {place: [report]}) == []
    assert differences({place: [Report("arg-type", "Incompatible types")]}, {place: [report]}) == [
        "states.py:3: not reported: [arg-type] Incompatible types",
        f"states.py:3: not expected: {report}",
    ]
    assert differences({}, {place: [report]}) == [f"states.py:3: not expected: {report}"]
    assert differences({place: [report]}, {}) == [f"states.py:3: not reported: {report}"]
