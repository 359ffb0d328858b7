"""A mistake in a module of 1.0, 2.0 or 3.0 is told with its place, the path of its key and a way out."""

from __future__ import annotations

import pytest

from tests.unit.module.mistaken import check
from tests.unit.module.mistakes.rooted import ROOTED


@pytest.mark.parametrize("name", ROOTED)
def test_a_mistake_is_named_with_its_place_and_a_way_out(name: str) -> None:
    check(ROOTED[name])
