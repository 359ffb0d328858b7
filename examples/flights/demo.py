"""Runs the year in a process of its own, kills it in the middle, lets another go on, and compares what came out."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from attrs import frozen

from examples.flights import report, results
from examples.flights.comparison import differences, size
from examples.flights.data import rows
from examples.flights.independent import one_pass
from examples.flights.worker import Counter, committed, flights_read
from statefun.runtime import Store

GROUP = 4000
"""How many flights one transaction takes in at most."""

SHOWN = 20
"""How many differences are printed."""


class WorkerError(Exception):
    """A worker failed; it has said why."""


@frozen
class Lap:
    """What one worker did.

    Attributes:
        flights: How many were committed when it started, and when it ended.
        messages: How many its functions consumed in transactions that were committed, as far as it told.
        started: When its process started, as all times here in seconds of a monotonic clock.
        ready: When it told how far it was, its store open.
        first: When it told of its first transaction.
        ended: When it was gone.
        killed: Whether it was killed.
    """

    flights: tuple[int, int]
    messages: int
    started: float
    ready: float
    first: float
    ended: float
    killed: bool


@frozen
class Files:
    """Where a run keeps everything.

    Attributes:
        store: The folder of the store.
        flights: The flights, a CSV file or a packed one.
        alerts: The alerts, a JSON value on each line.
    """

    store: Path
    flights: Path
    alerts: Path


def demo(files: Files, total: int, *, kill: bool) -> int:
    """Runs, prints and compares; gives the exit status.

    Args:
        files: Where everything is.
        total: How many flights there are.
        kill: Whether the first worker is killed, at a moment that nobody chooses.
    """
    print(f"{total:,} flights through carriers, aircraft, airports and days; the store is {files.store}")
    laps = [run(files, total, kill_at=round(total * random.uniform(0.4, 0.6)) if kill else None)]
    if laps[0].killed:
        cut_off = _tell_kill(files, laps[0])
        laps.append(run(files, total))
        _tell_restart(laps[0], laps[1], cut_off)
    _tell_speed(laps)
    return compare(files)


def run(files: Files, total: int, kill_at: int | None = None) -> Lap:
    """Lets a worker run to its end, or kills it some time into the transaction after so many flights.

    Raises:
        WorkerError: the worker ended in another way.
    """
    group = min(GROUP, max(1, total // 40))
    paths = map(str, (files.store, files.flights, files.alerts))
    command = [sys.executable, "-m", "examples.flights.worker", *paths, str(group)]
    started = before = time.monotonic()
    ready = first = 0.0
    start = at = messages = 0
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker,
        report.progress(total) as show,
        contextlib.ExitStack() as unless_read,
    ):
        unless_read.callback(worker.kill)  # nobody would hear it any more, and the next one needs its store
        for line in worker.stdout or ():
            if not line.endswith("\n"):
                break  # the kill came while it was written
            now = time.monotonic()
            told = json.loads(line)
            at, messages = told["flights"], told["messages"]
            if not ready:
                ready, start = now, at
            elif not first:
                first = now
            show(at)
            if kill_at is not None and start < at and kill_at <= at:
                # Reports come behind commits: a kill right here would always meet the worker between two of them.
                with contextlib.suppress(subprocess.TimeoutExpired):
                    worker.wait(random.uniform(0.1, 0.9) * (now - before))
                worker.send_signal(signal.SIGKILL)
                kill_at = None
            before = now
        unless_read.pop_all()
    ended = time.monotonic()
    killed = worker.returncode == -signal.SIGKILL
    if worker.returncode and not killed:
        raise WorkerError(f"the worker ended with the exit status {worker.returncode}")
    return Lap((start, at), messages, started, ready, first, ended, killed)


def compare(files: Files) -> int:
    """Prints the totals, and every difference from one pass over the file; gives the exit status."""
    with Store(files.store) as store:
        totals = results.totals(store)
    alerts = results.alerts(files.alerts)
    for line in report.tables(totals, alerts):
        print(line)

    started = time.monotonic()
    with rows(files.flights) as flights:
        expected, due = one_pass(flights)
    found = list(differences((totals, alerts), (expected, due)))
    print(
        f"\nOne pass over the file without statefun took {time.monotonic() - started:.1f} s: {size(expected):,} totals "
        f"of {sum(map(len, expected.values())):,} airports, carriers, aircraft and days, and {due.total():,} alerts."
    )
    for difference in found[:SHOWN]:
        print(f"DIFFERENT: {difference}")
    print(f"{len(found):,} DIFFERENCES" if found else "Every one of them is equal.")
    return 1 if found else 0


def _tell_kill(files: Files, lap: Lap) -> int:
    """Says where the kill hit; gives how many flights were read whose transaction it cut off."""
    with Store(files.store) as store:
        at, in_the_air = committed(store), store.count("timers")
    cut_off = Counter.read(flights_read(files.store)) - (at - lap.flights[0])
    print(
        f"Killed with SIGKILL: {at:,} flights were committed, {cut_off:,} more were in a transaction that is lost, "
        f"{in_the_air:,} aircraft were in the air"
    )
    return cut_off


def _tell_restart(killed: Lap, resumed: Lap, replayed: int) -> None:
    print(
        f"The restart cost {resumed.first - killed.ended:.2f} s: {resumed.ready - resumed.started:.2f} s to start Python and "
        f"open the store, {resumed.first - resumed.ready:.2f} s to the first commit; {replayed:,} flights were read again"
    )


def _tell_speed(laps: list[Lap]) -> None:
    seconds = laps[-1].ended - laps[0].started
    flights = laps[-1].flights[1] - laps[0].flights[0]
    if not flights:
        print("The store had all of them already")
        return
    messages = sum(lap.messages for lap in laps)
    print(
        f"{flights:,} flights and {messages:,} messages in {seconds:.1f} s with everything: "
        f"{flights / seconds:,.0f} flights/s, {messages / seconds:,.0f} messages/s"
    )
