"""The runtime with a number of keys of 64 bytes each, in one process. All options as they are by default."""

import os
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.common.commands import serve
from benchmarks.runtime.growth import STATE
from benchmarks.runtime.servers import resident_mb
from statefun import (
    LONG,
    STRING,
    Context,
    FileIngress,
    RequestReplyHandler,
    StatefulFunction,
    StatefulFunctions,
    ValueSpec,
    handles,
)
from statefun.runtime import Report, Runtime, Store


class Padded(StatefulFunction[int], typename="bench/padded"):
    """Counts the events of one key in a state of 64 bytes."""

    count: ValueSpec[str] = ValueSpec(STRING, default="0")

    @handles
    def on_event(self, context: Context, amount: int) -> None:
        self.count = str(int(self.count) + amount).zfill(STATE)


class Keys:
    """A store with so many keys, and the file of their events, which grows before each run."""

    def __init__(self, folder: Path, keys: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._store = folder / "store"
        self._path = folder / "events.csv"
        self._keys = keys

    def make(self) -> dict[str, Any]:
        """Send each key an event."""
        self._path.write_text("key\n", encoding="utf-8")
        return self._take_in(range(self._keys), 0)

    def run(self, events: int, seed: int) -> dict[str, Any]:
        """Send events to keys at random: as many to fill the caches, then those that are measured."""
        return self._take_in(random.Random(seed).choices(range(self._keys), k=2 * events), events)

    def _take_in(self, keys: Sequence[int], warm_up: int) -> dict[str, Any]:
        with self._path.open("a", encoding="utf-8") as file:
            file.writelines(f"key-{key:07}\n" for key in keys)
        functions = StatefulFunctions()
        functions.register(Padded)
        functions.ingress(
            FileIngress(
                id="bench/events", path=self._path, message=LONG, key="key", targets=[Padded], convert=lambda row: 1
            )
        )
        warm: list[tuple[int, float, float]] = []

        def committed(report: Report) -> None:
            if report.records >= warm_up and not warm:
                warm.append((report.records, time.process_time(), time.perf_counter()))

        with (
            Store(self._store) as store,
            Runtime(
                RequestReplyHandler(functions),
                store,
                states=functions.specs(),
                ingresses=functions.ingresses,
                progress=committed,
            ) as runtime,
        ):
            records = runtime.run_until_idle().records
            cpu, ended = time.process_time(), time.perf_counter()
            if records != len(keys):
                raise SystemExit(f"{records} events were taken in, not {len(keys)}")
            before, cpu_before, began = warm[0]
            return {
                "per_second": (records - before) / (ended - began),
                "cpu_us": (cpu - cpu_before) / (records - before) * 1e6,
                "resident_mb": resident_mb(os.getpid()),
                "peak_mb": resident_mb(os.getpid(), "VmHWM"),
            }


def main() -> None:
    """Serve commands until standard input ends."""
    keys = Keys(Path(sys.argv[1]), int(sys.argv[2]))
    serve({"make": keys.make, "run": keys.run})
