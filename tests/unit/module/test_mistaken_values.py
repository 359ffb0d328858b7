"""A value of another type or out of its range is told with its place, the path of its key and a way out."""

from __future__ import annotations

import pytest

from tests.unit.module.mistaken import check
from tests.unit.module.mistakes.values import VALUES


@pytest.mark.parametrize("name", VALUES)
def test_a_mistake_is_named_with_its_place_and_a_way_out(name: str) -> None:
    check(VALUES[name])
