"""Starts and ends the server of an SDK; it ends with whoever started it, since its standard input ends then."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Final

from attrs import define

from tests.sdks.kits import Kit

__all__ = ["Server", "serving"]

_PATIENCE: Final = 60
"""Seconds that a server may take to begin or to end; one takes longer only when something is wrong."""


@define
class Server:
    """A server that listens.

    Attributes:
        kit: Its SDK.
        namespace: The namespace of its two functions, `counter` and `total`.
        listens: `127.0.0.1:PORT` or `unix:PATH`.
        log: What it wrote to its standard error.
        process: Its process.
        killed: Whether it was killed.
    """

    kit: Kit
    namespace: str
    listens: str
    log: Path
    process: subprocess.Popen[bytes]
    killed: bool = False

    @property
    def url(self) -> str:
        """Where a `module.yaml` finds its functions."""
        scheme, _, path = self.listens.partition(":")
        return f"http+unix://{path}/statefun" if scheme == "unix" else f"http://{self.listens}/statefun"

    def kill(self) -> None:
        """Ends it as a crash does, and returns when it has ended."""
        self.killed = True
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def serving(kit: Kit, folder: Path, *, namespace: str, total: str, listen: str = "127.0.0.1:0") -> Generator[Server]:
    """The server of an SDK, until the block ends.

    Args:
        kit: The SDK, installed.
        folder: Where its log is written.
        namespace: The namespace of its functions.
        total: The function type that its counter sends to.
        listen: Where it listens; port 0 is any that is free.
    """
    log = folder / f"{kit.name}.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [*kit.start, listen, namespace, total],
            env=kit.environ(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    impatience = threading.Timer(_PATIENCE, process.kill)
    impatience.start()
    try:
        # What a server says first is where it listens; one that cannot start says nothing and ends.
        said = process.stdout.readline().decode()
        impatience.cancel()
        if not said.startswith("listening on "):
            raise RuntimeError(f"the server of {kit.sdk} did not start; it wrote {said!r} and\n{log.read_text()}")
        server = Server(kit, namespace, said.removeprefix("listening on ").strip(), log, process)
        yield server
    finally:
        impatience.cancel()
        process.stdin.close()
        try:
            status = process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        finally:
            process.stdout.close()
    if status and not server.killed:
        raise RuntimeError(f"the server of {kit.sdk} ended with {status}; it wrote\n{log.read_text()}")
