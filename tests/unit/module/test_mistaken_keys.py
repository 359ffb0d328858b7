"""A key that is missing, unknown or misspelt, or a kind that is none, is told with its place, the path of its key and a way out."""

from __future__ import annotations

import pytest

from tests.unit.module.mistaken import check
from tests.unit.module.mistakes.keys import KEYS


@pytest.mark.parametrize("name", KEYS)
def test_a_mistake_is_named_with_its_place_and_a_way_out(name: str) -> None:
    check(KEYS[name])
