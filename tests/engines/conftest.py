"""One broker for all tests, and one engine of each version for those that leave it as it was."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest

from tests.engines.accounts import ACCOUNTS
from tests.engines.engine import ENGINES, Engine
from tests.engines.rig import Rig
from tests.services.broker import Broker


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with Broker(tmp_path_factory.mktemp("kafka")) as running:
        yield running


@pytest.fixture(scope="session", params=ENGINES)
def accounts(request: pytest.FixtureRequest, broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """The accounts on each engine in turn, once they have answered."""
    version = request.param
    with Rig(version, ACCOUNTS, broker, tmp_path_factory.mktemp(f"accounts-{version}-")) as rig:
        rig.send("commands", [("first", b'{"do": "keyless"}')])
        rig.wait(None, "keyless")
        yield rig


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows the end of the engine's log with a test that fails."""
    report = yield
    if report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            engine = value.engine if isinstance(value, Rig) else value
            if isinstance(engine, Engine):
                report.sections.append((f"log of the engine {engine.version} ({name})", engine.tail()))
            if isinstance(value, Rig):
                report.sections.append(("log of the function server", value.server.tail()))
    return report
