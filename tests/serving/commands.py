"""`statefun serve` as the tests start it: the module that it serves, the process, and what it says when it does not start."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

from attrs import define

from tests.serving.client import Connection, batch

ROOT = Path(__file__).resolve().parents[2]

MODULE = """
import os
from statefun import StatefulFunctions

functions = StatefulFunctions()
other = object()

@functions.bind("example/hello")
def hello(context, name: str):
    context.reply("Hello " + name)

@functions.bind("example/slow")
async def slow(context, name: str):
    import asyncio
    await asyncio.to_thread(open("started", "w").close)
    (await asyncio.to_thread(open, "finish")).close()
    context.reply(name)

@functions.bind("example/waiting")
async def waiting(context, name: str):
    import asyncio
    await asyncio.to_thread(open("started", "w").close)
    await asyncio.Event().wait()

@functions.bind("example/stuck")
def stuck(context, name: str):
    import time
    open("started", "w").close()
    time.sleep(3600)
"""
COMMAND = [sys.executable, "-c", "from statefun.cli import main; main()", "serve"]
GOOD = batch("example/hello", "you")


@define
class Command:
    """A running `statefun serve`; its address is read from the line in which it says where it listens."""

    process: subprocess.Popen[str]
    address: Any
    said: list[str]

    def call(self, body: bytes | None = GOOD, *, tls: ssl.SSLContext | None = None, **named: Any) -> Any:
        with Connection(self.address, tls) as connection:
            return connection.call(body, **named)


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)}


def ran(directory: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A command that is run to its end."""
    return subprocess.run(
        command, cwd=directory, env=environment(), capture_output=True, text=True, check=False, timeout=60
    )


def refused(directory: Path, *arguments: str) -> str:
    """What the command says on stderr when it does not start."""
    result = ran(directory, *COMMAND, *arguments)
    assert result.returncode == 1, result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr
