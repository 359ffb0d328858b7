"""A process of its own that a test starts, waits for and ends by its id; what it prints is in a log."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

__all__ = ["Child", "ChildError", "free_ports"]


class ChildError(Exception):
    """A process cannot be started, has ended, or did not do what it was waited for."""


class Child(ABC):
    """One process, which may be killed and started again. As a context manager it is started, and killed at the end.

    Args:
        name: What it is called in errors.
        log: The file that gets what it prints; made when it is not there.
    """

    def __init__(self, name: str, log: Path) -> None:
        self.name: Final = name
        self.log: Final = log
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

    @abstractmethod
    def start(self) -> None:
        """Starts it, by `launch`, and waits until it can be used."""

    def launch(self, command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> None:
        """Starts its process.

        Args:
            command: What is run.
            folder: Where it is run.
            environment: Variables beside those of the tests.

        Raises:
            ChildError: it runs already.
        """
        if self._process is not None:
            raise ChildError(f"{self.name} runs already")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """Ends it at once (SIGKILL), wherever it is; nothing happens when it does not run."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ends it in good order (SIGTERM), and at once when that takes more than a minute."""
        self._end(signal.SIGTERM)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._started().pid

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    def check(self) -> None:
        """Raises ChildError when its process has ended."""
        status = self._started().poll()
        if status is not None:
            raise ChildError(f"{self.name} has ended with {status}; its log ends with:\n{self.tail()}")

    def text(self) -> str:
        """Its log so far."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def tail(self) -> str:
        """The end of its log."""
        return self.text()[-6000:]

    def wait_for(
        self, what: str, happened: Callable[[], object], seconds: float = 120, *, may_have_ended: bool = False
    ) -> None:
        """Waits until something is true, and looks after the process meanwhile, unless it may have ended.

        Raises:
            ChildError: it did not happen in time, or the process has ended.
        """
        until = time.monotonic() + seconds
        while not happened():
            if not may_have_ended:
                self.check()
            if time.monotonic() > until:
                raise ChildError(
                    f"after {seconds:.0f} s there is still no {what} of {self.name}; its log ends with:\n{self.tail()}"
                )
            time.sleep(0.05)  # nothing tells what another process does

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise ChildError(f"{self.name} does not run")
        return self._process


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that are free, and that no client's connection is given: who is started again comes back to its own."""
    found: list[int] = []
    for port in random.sample(range(20000, 32000), 2000):
        with socket.socket() as candidate:
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise ChildError(f"{count} free ports were not found")
