"""Fixtures of the SDK tests: SDKs that are installed, servers that end with the test, and the loud word on what was not tested."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.sdks.kits import KITS, Kit, installed, missing_tools
from tests.sdks.servers import Server, serving

# These are programs for a Python with another `statefun`: importing them here is an error.
collect_ignore = ["python22", "python33", "serving.py"]

NOT_TESTED: Final[dict[str, str]] = {}
"""The SDKs that were not tested, with the reason."""


def ready(name: str) -> Kit:
    """An SDK, installed; the test is skipped where the machine lacks what it needs."""
    kit = KITS[name]
    missing = missing_tools(kit)
    if missing:
        NOT_TESTED[kit.sdk] = f"there is no {' and no '.join(missing)} on this machine"
        pytest.skip(f"{kit.sdk}: {NOT_TESTED[kit.sdk]}")
    return installed(kit)


class Starter:
    """Starts servers, and ends them with the test."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self.servers: list[Server] = []

    def __call__(
        self, kit: Kit, namespace: str, total: str, *, socket: bool = False, listen: str = "127.0.0.1:0"
    ) -> Server:
        """A server whose functions are in that namespace; on a UNIX socket of its own when asked for, else where `listen` says."""
        # A path of its own: that of a socket may have 107 bytes, and those of tests are long.
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="sdk")))
        listen = f"unix:{folder / 'f.sock'}" if socket else listen
        server = self._stack.enter_context(serving(kit, folder, namespace=namespace, total=total, listen=listen))
        self.servers.append(server)
        return server


@pytest.fixture(params=list(KITS))
def kit(request: pytest.FixtureRequest) -> Kit:
    """Each SDK."""
    return ready(request.param)


@pytest.fixture
def kits() -> Callable[[str], Kit]:
    """An SDK by its name."""
    return ready


@pytest.fixture
def start() -> Iterator[Starter]:
    """Starts the server of an SDK."""
    with contextlib.ExitStack() as stack:
        yield Starter(stack)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows what the servers wrote when a test fails."""
    report = yield
    if report.failed:
        starter: Any = getattr(item, "funcargs", {}).get("start")
        for server in [] if starter is None else starter.servers:
            if server.log.exists():
                report.sections.append((f"log of {server.kit.sdk}", server.log.read_text(errors="replace")))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what was not tested, where nobody overlooks it."""
    if NOT_TESTED:
        terminalreporter.section("SDKs that were NOT tested", sep="!", red=True, bold=True)
        for sdk, reason in NOT_TESTED.items():
            terminalreporter.line(f"{sdk}: {reason}")
