"""The demonstration in examples/flights, all of it: the worker's start, a kill, a restart. An event is a flight with all messages that follow from it."""

import re
import subprocess
import sys
from typing import Any

from benchmarks.common.commands import serve
from benchmarks.common.environments import ROOT

_SPEED = re.compile(r"([\d,]+) flights and ([\d,]+) messages in ([\d.]+) s")


def run(events: int, seed: int) -> dict[str, Any]:
    """Run the demonstration; it compares every total itself, and its status says whether all are equal."""
    command = [sys.executable, "-m", "examples.flights", "--limit", str(events)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, check=False)
    found = _SPEED.search(done.stdout)
    if done.returncode != 0 or found is None:
        raise SystemExit(f"{done.stdout[-2000:]}\nexamples.flights ended with status {done.returncode}")
    flights, messages, seconds = (float(group.replace(",", "")) for group in found.groups())
    return {"events": int(flights), "seconds": seconds, "messages": int(messages)}


def main() -> None:
    """Serve commands until standard input ends."""
    serve({"run": run, "counts": dict})
