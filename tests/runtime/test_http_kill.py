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

from statefun import BYTES, FunctionType
from statefun.client import HttpClient
from tests.runtime.http_rig import in_loop

ROOT = Path(__file__).resolve().parents[2]
CLIENTS, MESSAGES, KILLS = 16, 40, 4


@define
class Killed:
    """A process that listens on one port, is killed, and comes again."""

    file: Path
    order: str
    port: int = 0
    process: asyncio.subprocess.Process | None = None
    acknowledged: set[str] = field(factory=set)
    more: asyncio.Condition = field(factory=asyncio.Condition)

    async def start(self) -> str:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.runtime.http_killed",
            str(self.file),
            str(self.port),
            self.order,
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
            await client.send(FunctionType("a/b").at(name), key.encode(), key=key, type=BYTES)
            async with self.more:
                self.acknowledged.add(key)
                self.more.notify_all()


async def under_load(killed: Killed) -> Counter[str]:
    """Kills the process again and again while clients send, and gives how often each key is on disk."""
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
    finally:
        await killed.end()
    return Counter(line.partition(" ")[0] for line in killed.file.read_text().splitlines())


@in_loop
async def test_what_is_acknowledged_is_kept_and_what_is_sent_again_counts_once(tmp_path: Path) -> None:
    killed = Killed(tmp_path / "taken", "commit-first")
    found = await under_load(killed)
    assert len(killed.acknowledged) == CLIENTS * MESSAGES
    assert found == Counter(dict.fromkeys(killed.acknowledged, 1))


@in_loop
async def test_an_acknowledgement_before_the_commit_would_be_noticed(tmp_path: Path) -> None:
    killed = Killed(tmp_path / "taken", "acknowledge-first")
    found = await under_load(killed)
    assert killed.acknowledged - set(found), "no message was lost, though they are acknowledged before they are on disk"
