"""Each way of serving in its real server, in a process of its own, listening on TCP and on a UNIX socket."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define

from tests.serving.client import V3, Connection, batch

ROOT = Path(__file__).resolve().parents[2]


@define
class Server:
    """A running server: where it listens, its process and what it wrote to stderr."""

    name: str
    address: Any
    process: subprocess.Popen[bytes]
    errors: Path

    def connect(self) -> Connection:
        return Connection(self.address)

    def call(self, body: bytes | Iterable[bytes] | None, **named: Any) -> Any:
        with self.connect() as connection:
            return connection.call(body, **named)

    def pid(self) -> int:
        """The process that serves, which a server that restarts its workers would change."""
        return int(self.call(batch("example/pid", "?")).text(V3))

    def log(self) -> str:
        return self.errors.read_text(encoding="utf-8")


def start(name: str, family: socket.AddressFamily, directory: Path) -> Iterator[Server]:
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0) if family == socket.AF_INET else str(directory / "socket"))
        listener.listen(128)
        errors = directory / "stderr"
        with errors.open("wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.serving.server", name, str(listener.fileno())],
                cwd=ROOT,
                pass_fds=[listener.fileno()],
                stderr=stderr,
                stdout=subprocess.DEVNULL,
                env=os.environ | {"HOME": str(directory)},
            )
        address = listener.getsockname()
    try:
        yield Server(name, address, process, errors)
    finally:
        process.terminate()
        process.wait(60)


KEEPING_ALIVE = ["uvicorn_asgi", "gunicorn_wsgi", "aiohttp_routes"]
NAMES = [*KEEPING_ALIVE, "werkzeug_wsgi"]  # werkzeug's server closes every connection after one request


@pytest.fixture(scope="session", params=NAMES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from start(request.param, socket.AF_INET, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="session", params=NAMES)
def unix_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from start(request.param, socket.AF_UNIX, tmp_path_factory.mktemp(request.param))
