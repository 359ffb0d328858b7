"""A bytewax dataflow in one process, its input a list and its counters in memory. Nothing is durable: no recovery store is given."""

import time
from collections import Counter
from typing import Any

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource, run_main

from benchmarks.common.commands import serve
from benchmarks.runtime import workload

counts: Counter[str] = Counter()


def add(before: int | None, _key: str) -> tuple[int, int]:
    """Count one."""
    count = (before or 0) + 1
    return count, count


def run(events: int, seed: int) -> dict[str, Any]:
    """Run a dataflow over so many events; its counters begin at zero."""
    names = [workload.name(key) for key in workload.keys(events, seed)]
    out: list[tuple[str, int]] = []
    flow = Dataflow("count")
    source = op.input("events", flow, TestingSource(names, batch_size=1000))
    counted = op.stateful_map("count", op.key_on("key", source, str), add)
    op.output("out", counted, TestingSink(out))
    cpu, started = time.process_time(), time.perf_counter()
    run_main(flow)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    counts.update(dict(out))  # the last count of each key
    return {"events": events, "seconds": seconds, "cpu_s": cpu}


def main() -> None:
    """Serve commands until standard input ends."""
    serve({"run": run, "counts": lambda: {"counts": counts}})
