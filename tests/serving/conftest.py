"""Each way of serving in its real server, in a process of its own, listening on TCP and on a UNIX socket."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from attrs import define

from tests.serving.client import V3, Connection, batch
from tests.serving.commands import COMMAND, MODULE, ROOT, Command, environment


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


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where `statefun serve` is started, with a package of functions in it."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "shop" / "served.py").write_text(MODULE)
    (tmp_path / "shop" / "broken.py").write_text("import a_module_that_nobody_has\n")
    return tmp_path


@pytest.fixture
def serve(directory: Path) -> Iterator[Callable[..., Command]]:
    started: list[subprocess.Popen[str]] = []

    def start(*options: str) -> Command:
        process = subprocess.Popen(
            [*COMMAND, "shop.served:functions", *options],
            cwd=directory,
            env=environment(),
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        said = []
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line)
            found = re.search(r"serving shop\.served:functions on (?:https )?(\S+)$", line)
            if found:
                break
        else:
            pytest.fail("".join(said))
        host, _, port = found[1].rpartition(":")
        return Command(process, (host, int(port)) if host else str(directory / found[1]), said)

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def certificate(authority: trustme.CA, directory: Path) -> list[str]:
    issued = authority.issue_cert("localhost")
    issued.private_key_pem.write_to_path(directory / "key.pem")
    for index, blob in enumerate(issued.cert_chain_pems):
        blob.write_to_path(directory / "cert.pem", append=index > 0)
    authority.cert_pem.write_to_path(directory / "ca.pem")
    return ["--tls-cert", "cert.pem", "--tls-key", "key.pem"]
