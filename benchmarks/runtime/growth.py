"""What the number of keys costs: the same events over 1e4, 1e5 and 1e6 keys, each of them with a state of 64 bytes.

Each number of keys has a process and a store of its own. Every key is made first; what is measured is the events behind that.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.common.child import Child, start
from benchmarks.common.commands import serve
from benchmarks.common.spread import Spread
from benchmarks.runtime.environments import OURS
from benchmarks.runtime.servers import resident_mb

KEYS = (10_000, 100_000, 1_000_000)
EVENTS = 100_000
STATE = 64
"""Bytes of each key's state."""

TARGET = 1.5
"""By how much the CPU time of an event may grow from the fewest keys to the most."""
MEMORY = 500
"""MiB that the process may take at the most keys."""


@dataclass
class Growth:
    """What was measured with so many keys.

    Attributes:
        keys: How many.
        made_per_second: New keys a second, when they were made.
        resident_mb: The process's memory at the end.
        peak_mb: The same at its most.
        cpu_us: CPU time of an event, one sample a round.
        per_second: Events a second, one sample a round.
    """

    keys: int
    made_per_second: float = 0
    resident_mb: float = 0
    peak_mb: float = 0
    cpu_us: list[float] = field(default_factory=list)
    per_second: list[float] = field(default_factory=list)


def measure(sizes: Sequence[int], rounds: int, root: Path | None, progress: Callable[[str], None]) -> list[Growth]:
    """Make the keys, then measure in rounds that are interleaved over the numbers of keys."""
    grown = [Growth(keys) for keys in sizes]
    with tempfile.TemporaryDirectory(prefix="bench-growth-", dir=root) as folder:
        for each in grown:
            progress(f"growth: making {each.keys:,} keys")
            with _Worker(folder, each.keys) as worker:
                each.made_per_second = worker.ask("make")["per_second"]
        for number in range(rounds):
            for each in grown:
                progress(f"growth: round {number + 1} of {rounds}, {each.keys:,} keys")
                with _Worker(folder, each.keys) as worker:
                    worker.ask("run", events=EVENTS, seed=2 * number)  # its caches are warm then
                    told = worker.ask("run", events=EVENTS, seed=2 * number + 1)
                each.cpu_us.append(told["cpu_us"])
                each.per_second.append(told["per_second"])
                each.resident_mb = max(each.resident_mb, told["resident_mb"])
                each.peak_mb = max(each.peak_mb, told["peak_mb"])
    return grown


def ratio(grown: Sequence[Growth]) -> Spread:
    """Give how much more CPU an event takes with the most keys than with the fewest, round by round."""
    return Spread.of_ratios(grown[-1].cpu_us, grown[0].cpu_us)


class _Worker(Child):
    def __init__(self, folder: str, keys: int) -> None:
        command = start(OURS.python, "benchmarks.runtime.growth", f"{folder}/{keys}", str(keys))
        super().__init__(f"growth with {keys} keys", command)


# --- the child ------------------------------------------------------------------------------------------------------------


class Store:
    """A store with so many keys, and the file that feeds it: written anew before each run, its position with it."""

    def __init__(self, folder: Path, keys: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._keys = keys

    def make(self) -> dict[str, Any]:
        """Send each key an event."""
        return self._take_in(range(self._keys), self._keys, 0)

    def run(self, events: int, seed: int) -> dict[str, Any]:
        """Send events to keys at random."""
        return self._take_in(random.Random(seed).choices(range(self._keys), k=events), events, seed)

    def _take_in(self, keys: Iterable[int], events: int, seed: int) -> dict[str, Any]:
        import os

        from benchmarks.runtime.contenders.padded import over_files
        from statefun import RequestReplyHandler
        from statefun.runtime import Runtime
        from statefun.runtime import Store as Kept

        path = self._folder / "events.csv"
        if not path.exists():
            path.write_text("key\n", encoding="utf-8")
        with path.open("a", encoding="utf-8") as file:
            file.writelines(f"key-{key:07}\n" for key in keys)
        functions = over_files(path)
        with (
            Kept(self._folder / "store") as store,
            Runtime(
                RequestReplyHandler(functions), store, states=functions.specs(), ingresses=functions.ingresses
            ) as runtime,
        ):
            cpu, started = time.process_time(), time.perf_counter()
            report = runtime.run_until_idle()
            seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
            if report.records != events:
                raise SystemExit(f"{report.records} events were taken in, not {events}")
            return {
                "per_second": events / seconds,
                "cpu_us": cpu / events * 1e6,
                "resident_mb": resident_mb(os.getpid()),
                "peak_mb": resident_mb(os.getpid(), "VmHWM"),
            }


def main() -> None:
    """Serve commands until standard input ends."""
    store = Store(Path(sys.argv[1]), int(sys.argv[2]))
    serve({"make": store.make, "run": store.run})
