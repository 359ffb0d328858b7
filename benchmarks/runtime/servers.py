"""Processes of a contender with an HTTP server: started on free ports of the loopback, watched, ended by their ids."""

import http.client
import os
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.common.environments import ROOT

_READY = 60
"""Seconds that a server has to start."""
_GONE = 20
"""Seconds that it has to end after SIGTERM."""


class ServerFailedError(Exception):
    """A server did not start, or ended too early; the end of its own words is in the text."""


class Server:
    """One process, its output in a file.

    Args:
        name: What it is called in errors.
        command: What is run.
        folder: Where its output goes.
        environment: Variables beside those of this process.
    """

    def __init__(
        self, name: str, command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self._log = folder / f"{name}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env={**os.environ, **(environment or {})},
            )

    def wait_for(self, ready: Callable[[], bool]) -> None:
        """Wait until something answers.

        Raises:
            ServerFailedError: it does not within a minute, or the process ended.
        """
        deadline = time.monotonic() + _READY
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise ServerFailedError(f"{self.name} did not start:\n{self.words()}")
            time.sleep(0.05)

    def words(self) -> str:
        """Give the end of what it has printed."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-2000:]

    def cpu_seconds(self) -> float:
        """Give the CPU time of all its threads so far."""
        return cpu_seconds(self._process.pid)

    def resident_mb(self) -> float:
        """Give how much memory it has now."""
        return resident_mb(self._process.pid)

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(_GONE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def cpu_seconds(pid: int) -> float:
    """Give the CPU time of a process so far, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int, what: str = "VmRSS") -> float:
    """Give a process's memory in MiB: `VmRSS` now, `VmHWM` at its most."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) / 1024
    raise ServerFailedError(f"the process {pid} has no {what}")


def free_port() -> int:
    """Give a port of the loopback that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Tell whether somebody accepts connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def post(port: int, path: str, body: str) -> int:
    """Post JSON and give the status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_READY)
    try:
        connection.request("POST", path, body, {"content-type": "application/json"})
        return connection.getresponse().status
    finally:
        connection.close()


def answers(port: int, path: str) -> bool:
    """Tell whether a GET is answered with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
