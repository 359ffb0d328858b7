"""What the number of keys costs: the same events over 1e4, 1e5 and 1e6 keys, each of them with a state of 64 bytes.

Each number of keys has a process and a store of its own. Every key is made first; what is measured is the events behind that.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.common.child import Child, start
from benchmarks.common.spread import Spread
from benchmarks.runtime.environments import OURS

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
        resident_mb: The process's memory after its events.
        peak_mb: The same at its most, while the keys were made too.
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
                told = worker.ask("make")
            each.made_per_second, each.peak_mb = told["per_second"], told["peak_mb"]
        for number in range(rounds):
            for each in grown:
                progress(f"growth: round {number + 1} of {rounds}, {each.keys:,} keys")
                with _Worker(folder, each.keys) as worker:
                    told = worker.ask("run", events=EVENTS, seed=number)
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
        command = start(OURS.python, "benchmarks.runtime.contenders.padded", f"{folder}/{keys}", str(keys))
        super().__init__(f"growth with {keys} keys", command)
