"""The functions as a process of their own: `statefun serve` on a port that stays the same."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.services.broker import free_ports

__all__ = ["FunctionServer", "ServerError"]

ROOT: Final = Path(__file__).resolve().parents[2]
START_SECONDS: Final = 120


class ServerError(Exception):
    """The function server does not start."""


class FunctionServer:
    """A function server. As a context manager it is started, and killed at the end.

    Args:
        target: `package.module:functions`.
        folder: Where its log is.
        environment: Variables beside those of the tests.
        command: What serves `target` on the port that is appended; `statefun serve` when nothing is said.
    """

    def __init__(
        self, target: str, folder: Path, environment: Mapping[str, str] | None = None, command: list[str] | None = None
    ) -> None:
        self.port: Final = free_ports(1)[0]
        self.url: Final = f"http://127.0.0.1:{self.port}/statefun"
        self.log: Final = folder / "functions.log"
        self._environment: Final = {**os.environ, **(environment or {})}
        self._command: Final = command or [sys.executable, "-m", "statefun", "serve", target, "--port"]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self, type: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Starts it and waits until it serves."""
        if self._process is not None:
            raise ServerError("the function server runs already")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command, str(self.port)],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until = time.monotonic() + START_SECONDS
        while not self._healthy():
            if self._process.poll() is not None or time.monotonic() > until:
                status = self._process.poll()
                self.kill()
                state = "hangs" if status is None else f"has ended with {status}"
                raise ServerError(f"the function server does not serve, it {state}:\n{self.text()[-3000:]}")
            time.sleep(0.05)  # nothing tells when another process listens

    @property
    def pid(self) -> int:
        """Its process."""
        if self._process is None:
            raise ServerError("the function server does not run")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """Ends it at once (SIGKILL); nothing happens when it does not run."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def text(self) -> str:
        """Its log so far."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def _healthy(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == http.client.OK
        except OSError:
            return False
        finally:
            connection.close()
