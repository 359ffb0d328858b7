"""DBOS on its default SQLite: an event is a workflow with one step. The counter itself is in memory; what DBOS keeps is in the database.

One caller: on SQLite two and more are slower (60/s with 16 threads where one reaches 135/s), and so are coroutines.
"""

import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSConfig

from benchmarks.common.commands import serve
from benchmarks.runtime import workload

counts: Counter[str] = Counter()


@DBOS.step()
def add(key: str) -> int:
    """Count one."""
    counts[key] += 1
    return counts[key]


@DBOS.workflow()
def event(key: str) -> int:
    """Take in one event."""
    return add(key)


def run(events: int, seed: int) -> dict[str, Any]:
    """Take in so many events, one after the other; each is through when its workflow's result is in the database."""
    names = [workload.name(key) for key in workload.keys(events, seed)]
    latencies: list[float] = []
    cpu, started = time.process_time(), time.perf_counter()
    for name in names:
        before = time.perf_counter()
        event(name)
        latencies.append(time.perf_counter() - before)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    return {"events": events, "seconds": seconds, "cpu_s": cpu} | workload.quantiles(latencies)


def main() -> None:
    """Serve commands until standard input ends."""
    database = Path(sys.argv[1]) / "dbos.sqlite"
    config: DBOSConfig = {
        "name": "bench",
        "system_database_url": f"sqlite:///{database}",
        "log_level": "ERROR",
        "run_admin_server": False,
    }
    DBOS(config=config)
    DBOS.launch()
    serve({"run": run, "counts": lambda: {"counts": counts}})
    DBOS.destroy()
