"""The parent's side of a process that answers commands (`benchmarks.common.commands` is the other side)."""

import json
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.common.environments import ROOT


class ChildFailedError(Exception):
    """A child ended or answered something else; its own words are on standard error."""


def start(python: Path, module: str, *arguments: str) -> list[str]:
    """Give the command that runs `main` of a module of this repository, which need not be installed there.

    The repository comes last on the path: what is imported as `statefun` is what the environment has, not the folder of that name here. -I: no
    PYTHONPATH, no current directory, nothing of the user's site-packages.
    """
    code = f"import sys; sys.path.append({str(ROOT)!r}); from {module} import main; main()"
    return [str(python), "-I", "-c", code, *arguments]


class Child:
    """A process that gets commands as lines of JSON, and answers each with one.

    Raises:
        ChildFailedError: it ends instead of answering.
    """

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name = name
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Send a command and wait for the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):  # the missing answer says so
            self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise ChildFailedError(f"{self.name} ended instead of answering {do!r}")
        answer: dict[str, Any] = json.loads(line)
        return answer

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
