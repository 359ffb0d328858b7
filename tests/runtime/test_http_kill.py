"""kill -9 under a load of messages with keys: what was acknowledged is on disk, and nothing is there twice."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

from attrs import define, field

from statefun import FunctionType
from statefun.client import HttpClient
from tests.runtime.http_rig import in_loop

ROOT = Path(__file__).resolve().parents[2]
COUNTER = FunctionType[int]("http-kill/counter")
CLIENTS, MESSAGES, KILLS = 16, 40, 4


@define
class Killed:
    """A process that listens on one port, is killed, and comes again."""

    program: str
    place: Path
    order: str = ""
    port: int = 0
    process: asyncio.subprocess.Process | None = None
    acknowledged: set[str] = field(factory=set)
    more: asyncio.Condition = field(factory=asyncio.Condition)

    async def start(self) -> str:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            f"tests.runtime.{self.program}",
            str(self.place),
            str(self.port),
            *([self.order] if self.order else []),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self.process.stdout is not None
        url = (await self.process.stdout.readline()).decode().strip()
        self.port = int(url.rpartition(":")[2])
        return url

    async def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        await self.process.wait()

    async def until(self, count: int) -> None:
        async with self.more:
            await self.more.wait_for(lambda: len(self.acknowledged) >= count)

    async def send(self, client: HttpClient, name: str) -> None:
        for number in range(MESSAGES):
            key = f"{name}-{number}"
            await client.send(COUNTER.at(name), 1, key=key)
            async with self.more:
                self.acknowledged.add(key)
                self.more.notify_all()


async def under_load(killed: Killed, totals: dict[str, int] | None = None) -> None:
    """Kills the process again and again while clients send; what the function has counted goes into `totals`."""
    randomness = random.Random(7)
    url = await killed.start()
    try:
        async with HttpClient(url, retry_for=timedelta(seconds=50)) as client:
            senders = [asyncio.create_task(killed.send(client, f"c{number}")) for number in range(CLIENTS)]
            total = CLIENTS * MESSAGES
            for kill in range(1, KILLS + 1):
                await killed.until(total * kill // (KILLS + 1) - randomness.randrange(CLIENTS))
                await killed.end()
                await killed.start()
            await asyncio.gather(*senders)
            if totals is not None:
                for number in range(CLIENTS):
                    totals[f"c{number}"] = await client.ask(COUNTER.at(f"c{number}"), 0, reply=int, timeout=20)
    finally:
        await killed.end()


def taken(killed: Killed) -> Counter[str]:
    """How often each key is on disk."""
    return Counter(line.partition(" ")[0] for line in killed.place.read_text().splitlines())


@in_loop
async def test_the_runtime_counts_each_message_once(tmp_path: Path) -> None:
    """Its store is the real one; whatever is not acknowledged is sent again with its key."""
    totals: dict[str, int] = {}
    await under_load(Killed("http_counted", tmp_path), totals)
    assert totals == {f"c{number}": MESSAGES for number in range(CLIENTS)}


@in_loop
async def test_what_is_acknowledged_is_kept_and_what_is_sent_again_counts_once(tmp_path: Path) -> None:
    killed = Killed("http_killed", tmp_path / "taken", "commit-first")
    await under_load(killed)
    assert len(killed.acknowledged) == CLIENTS * MESSAGES
    assert taken(killed) == Counter(dict.fromkeys(killed.acknowledged, 1))


@in_loop
async def test_an_acknowledgement_before_the_commit_would_be_noticed(tmp_path: Path) -> None:
    killed = Killed("http_killed", tmp_path / "taken", "acknowledge-first")
    await under_load(killed)
    assert killed.acknowledged - set(taken(killed)), (
        "no message was lost, though they are acknowledged before they are on disk"
    )
