"""The services that tests share: each is started once, when a test first asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.services.broker import Broker


@pytest.fixture
def anyio_backend() -> str:
    """What runs the tests that are coroutines."""
    return "asyncio"


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A Kafka broker for all tests that leave it running; one that kills its broker starts its own."""
    with Broker(tmp_path_factory.mktemp("broker")) as running:
        yield running
