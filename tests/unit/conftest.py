"""An engine of each protocol, around each handler, and an empty registry."""

from __future__ import annotations

import pytest

from statefun import StatefulFunctions
from tests.unit.rig import V2, V3, Engine

COMBINATIONS = {
    "2.2-sync": (V2, False),
    "3.x-sync": (V3, False),
    "2.2-async": (V2, True),
    "3.x-async": (V3, True),
}


@pytest.fixture(params=COMBINATIONS)
def engine(request: pytest.FixtureRequest) -> Engine:
    """An engine of each protocol, around each handler."""
    protocol, asynchronous = COMBINATIONS[request.param]
    return Engine(protocol, asynchronous)


@pytest.fixture(params=["2.2", "3.x"])
def async_engine(request: pytest.FixtureRequest) -> Engine:
    """An engine of each protocol, around the handler that runs coroutine functions."""
    return Engine(V2 if request.param == "2.2" else V3, asynchronous=True)


@pytest.fixture
def functions() -> StatefulFunctions:
    """A registry with nothing in it."""
    return StatefulFunctions()
