"""A URL that no function can be called at is told with its place, the path of its key and a way out."""

from __future__ import annotations

import pytest

from tests.unit.module.mistaken import check
from tests.unit.module.mistakes.urls import URLS


@pytest.mark.parametrize("name", URLS)
def test_a_mistake_is_named_with_its_place_and_a_way_out(name: str) -> None:
    check(URLS[name])
