"""The embedded runtime in one process: a file of events, the store on disk, synced at each commit. All options as they are by default."""

import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.common.commands import serve
from benchmarks.runtime import workload
from benchmarks.runtime.contenders.counter import Counter, over_files
from statefun import RequestReplyHandler
from statefun.runtime import Report, Runtime, Store


class Events:
    """A store and a file that grows: each run takes in what was appended."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "events.csv"
        self._path.write_text("key\n", encoding="utf-8")
        self._store = folder / "store"

    def run(self, events: int, seed: int) -> dict[str, Any]:
        """Take in so many events. What is told as latency is the time from one commit to the next: an event waits no longer than that."""
        with self._path.open("a", encoding="utf-8") as file:
            file.writelines(f"{workload.name(key)}\n" for key in workload.keys(events, seed))
        functions = over_files(self._path)
        commits: list[float] = []

        def committed(_report: Report) -> None:
            commits.append(time.perf_counter())

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
            cpu, started = time.process_time(), time.perf_counter()
            report = runtime.run_until_idle()
            seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        if report.records != events:
            raise SystemExit(f"{report.records} events were taken in, not {events}")
        between = [after - before for before, after in zip([started, *commits], commits, strict=False)]
        return {"events": events, "seconds": seconds, "cpu_s": cpu} | workload.quantiles(between)

    def counts(self) -> dict[str, Any]:
        """Give what is in the store."""
        with Store(self._store) as store:
            counts = {id: workload.number(states["count"].value) for id, states in store.states(Counter)}
        return {"counts": counts}


def main() -> None:
    """Serve commands until standard input ends."""
    events = Events(Path(sys.argv[1]))
    serve({"run": events.run, "counts": events.counts})
