"""The parent's side of a worker: starts it in its environment and asks it over a pipe."""

import base64
import json
import subprocess
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from benchmarks.handler.environments import ENVIRONMENTS, ROOT
from benchmarks.handler.roster import Contender

# The repository comes last on the path: the peers' `statefun` is the one of their environment, not the folder of that name here.
_START = f"import sys; sys.path.append({str(ROOT)!r}); from benchmarks.handler.worker import main; main()"


class WorkerFailedError(Exception):
    """A worker ended or answered something else; its own words are on standard error."""


class Worker:
    """A contender with a workload's request, ready to be called.

    Raises:
        WorkerFailedError: it ends, or it runs on another protobuf or another `statefun` than its environment was made for.
    """

    def __init__(self, contender: Contender, shape: str, request: bytes) -> None:
        self.contender = contender
        environment = ENVIRONMENTS[contender.environment]
        self._process = subprocess.Popen(
            # -I: no PYTHONPATH, no current directory, nothing of the user's site-packages.
            [str(environment.python), "-I", "-c", _START, contender.module, contender.variant, shape],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        try:
            self.description = self._ask(do="describe")
            self._check(environment.implementation)
            self._ask(do="load", request=base64.b64encode(request).decode())
        except BaseException:
            self.close()
            raise

    def answer(self) -> bytes:
        """Give its response to the request."""
        return base64.b64decode(self._ask(do="answer")["response"])

    def cpu_ns(self, calls: int) -> int:
        """Let it answer so many times; give the CPU time of all of them in nanoseconds."""
        return int(self._ask(do="time", calls=calls)["cpu_ns"])

    def profile(self, calls: int) -> str:
        """Give the profile of so many calls as text."""
        return str(self._ask(do="profile", calls=calls)["profile"])

    def close(self) -> None:
        """End the process: its standard input ends."""
        with self._process:
            assert self._process.stdin is not None
            with suppress(BrokenPipeError):  # it ended first
                self._process.stdin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, **command: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):  # the missing answer says so
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise WorkerFailedError(f"{self.contender.name} ended instead of answering {command['do']!r}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _check(self, implementation: str) -> None:
        if self.description["implementation"] != implementation:
            raise WorkerFailedError(
                f"{self.contender.name} runs on protobuf's {self.description['implementation']}, not {implementation}"
            )
        imported = self.description["statefun"]
        ours = imported is not None and imported.startswith(str(ROOT / "statefun"))
        if imported is not None and ours != (self.contender.environment == "ours"):
            raise WorkerFailedError(f"{self.contender.name} imported {imported}")
