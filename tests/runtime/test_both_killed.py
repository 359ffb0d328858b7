"""A module with an HTTP ingress and functions behind HTTP, its runtime and its function server killed with -9 in turn under load."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from statefun import LONG, FunctionType
from statefun.client import HttpClient
from statefun.errors import ClientError
from statefun.runtime import Store

ROOT = Path(__file__).resolve().parents[2]
MESSAGES = 300
USERS = 7

PROGRAM = """
from statefun import LONG, Context, StatefulFunction, StatefulFunctions, ValueSpec, handles

class Visits(StatefulFunction[int], typename="both/visits"):
    count: ValueSpec[int] = ValueSpec(LONG, default=0)
    total: ValueSpec[int] = ValueSpec(LONG, default=0)

    @handles
    def on_visit(self, context: Context, number: int) -> None:
        self.count += 1
        self.total += number
        context.send("both/all", "all", number)

class All(StatefulFunction[int], typename="both/all"):
    total: ValueSpec[int] = ValueSpec(LONG, default=0)

    @handles
    def on_number(self, context: Context, number: int) -> None:
        self.total += number

functions = StatefulFunctions()
functions.register(Visits)
functions.register(All)
"""

MODULE = """
kind: io.statefun.endpoints.v2/http
spec:
  functions: both/*
  urlPathTemplate: http://127.0.0.1:{server}/statefun
---
kind: io.statefun.playground.v1/ingress
spec:
  port: {ingress}
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class Process:
    """A command that is killed and started again."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        self.words = words
        self.kills = 0
        self.running: subprocess.Popen[bytes] | None = None
        self.log = (folder / f"{words[0]}.log").open("ab")

    def start(self) -> None:
        self.running = subprocess.Popen(
            [sys.executable, "-m", "statefun", *self.words],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{self.folder}"},
            stdout=self.log,
            stderr=self.log,
        )

    def kill(self) -> None:
        assert self.running is not None
        self.running.kill()
        assert self.running.wait() == -signal.SIGKILL
        self.kills += 1

    def end(self) -> None:
        if self.running is not None and self.running.poll() is None:
            self.running.terminate()
            self.running.wait(60)
        self.log.close()


def counted(store: Path) -> tuple[dict[str, int], int]:
    """How many messages each user's function has counted, and the sum of all of their numbers."""
    with Store(store) as opened:
        counts = {id: LONG.v3.decode(states["count"].value) for id, states in opened.states("both/visits")}
        sums = [LONG.v3.decode(states["total"].value) for _, states in opened.states("both/all")]
        assert opened.count("dead") == 0
    return counts, sums[0]


def play(folder: Path, kills: int, tell: Callable[[str], None] = lambda _line: None) -> None:
    """Posts messages while both are killed in turn, waits until all have arrived, and stops both."""
    ports = {"server": free_port(), "ingress": free_port()}
    (folder / "program.py").write_text(PROGRAM)
    (folder / "module.yaml").write_text(MODULE.format(**ports))
    server = Process(folder, "serve", "program:functions", "--port", str(ports["server"]))
    runtime = Process(folder, "run", "module.yaml", "--store", "store")
    chance = random.Random(7)
    visits = FunctionType[int]("both/visits")

    async def post(client: HttpClient, number: int) -> None:
        while True:  # the key makes it count once, however often it has to be sent
            with suppress(ClientError):
                await client.send(visits.at(str(number % USERS)), number, key=f"visit {number}", type=LONG)
                return

    async def disturb(done: asyncio.Event) -> None:
        for number in range(kills):
            if done.is_set():
                return
            await asyncio.sleep(chance.uniform(0.1, 0.5))
            victim = (runtime, server)[number % 2]
            victim.kill()
            tell(f"kill -9 of statefun {victim.words[0]}")
            victim.start()

    async def load() -> None:
        done = asyncio.Event()
        disturbing = asyncio.ensure_future(disturb(done))
        async with HttpClient(f"http://127.0.0.1:{ports['ingress']}") as client:
            turns = asyncio.Semaphore(4)

            async def in_turn(number: int) -> None:
                async with turns:
                    await post(client, number)
                    await asyncio.sleep(0.01)

            await asyncio.gather(*(in_turn(number) for number in range(1, MESSAGES + 1)))
            done.set()
            await disturbing
            tell(f"{MESSAGES} messages were acknowledged")

    try:
        server.start()
        runtime.start()
        asyncio.run(load())
        wait_until_idle(folder, runtime)
    finally:
        runtime.end()
        server.end()
    assert runtime.kills + server.kills == kills


def wait_until_idle(folder: Path, runtime: Process) -> None:
    """Stops the runtime, and starts it again as often as messages wait in its store."""
    for _ in range(20):
        assert runtime.running is not None
        runtime.running.terminate()
        assert runtime.running.wait(60) == 0
        with Store(folder / "store") as store:
            if not store.count("inbox"):
                return
        runtime.start()
        # What waits in the store is sent to the functions at once; a stop waits for the answers.
        with suppress(subprocess.TimeoutExpired):
            runtime.running.wait(1)
    raise AssertionError("messages are still waiting")


def test_both_are_killed_in_turn_and_every_message_counts_once(tmp_path: Path) -> None:
    play(tmp_path, kills=6)
    counts, total = counted(tmp_path / "store")
    expected = Counter(str(number % USERS) for number in range(1, MESSAGES + 1))
    assert counts == expected
    assert total == sum(range(1, MESSAGES + 1))


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        play(Path(name), 10, print)
        print(*counted(Path(name) / "store"))
