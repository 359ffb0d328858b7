"""The functions as a process of their own: `statefun serve` on a port that stays the same."""

from __future__ import annotations

import http.client
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.services.child import Child, free_ports

__all__ = ["FunctionServer"]

ROOT: Final = Path(__file__).resolve().parents[2]


class FunctionServer(Child):
    """A function server.

    Args:
        target: `package.module:functions`.
        folder: Where its log is.
        environment: Variables beside those of the tests.
        command: What serves `target` on the port that is appended; `statefun serve` when nothing is said.
    """

    def __init__(
        self, target: str, folder: Path, environment: Mapping[str, str] | None = None, command: list[str] | None = None
    ) -> None:
        super().__init__("the function server", folder / "functions.log")
        self.port: Final = free_ports(1)[0]
        self.url: Final = f"http://127.0.0.1:{self.port}/statefun"
        self._environment: Final = environment
        self._command: Final = command or [sys.executable, "-m", "statefun", "serve", target, "--port"]

    def start(self) -> None:
        """Starts it and waits until it serves."""
        self.launch([*self._command, str(self.port)], ROOT, self._environment)
        self.wait_for("answer", self._healthy)

    def connection(self) -> http.client.HTTPConnection:
        """A new connection to it."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)

    def _healthy(self) -> bool:
        connection = self.connection()
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == http.client.OK
        except OSError:
            return False
        finally:
            connection.close()
