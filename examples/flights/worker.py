"""The process that is killed: runs the flights on a store, and writes a line of JSON after each transaction.

`statefun run` would do; this one also leaves word of how many flights it has read, where a kill cannot take it away.
"""

from __future__ import annotations

import json
import mmap
import os
import signal
import sys
from pathlib import Path
from struct import Struct

from examples.flights.messages import Flight
from examples.flights.program import INGRESS, Row, build, flight
from statefun import RequestReplyHandler, StatefunError
from statefun.runtime import Options, Report, Runtime, Store

_COUNT = Struct("<q")


class Counter:
    """A number in a file that is mapped into memory: it outlives a kill of the process that counts."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(_COUNT.pack(0))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _COUNT.size)
        self._count = 0

    def add_one(self) -> None:
        """Counts."""
        self._count += 1
        _COUNT.pack_into(self._memory, 0, self._count)

    @staticmethod
    def read(path: Path) -> int:
        """What the last process counted to."""
        count: int = _COUNT.unpack(path.read_bytes())[0]
        return count


def flights_read(folder: Path) -> Path:
    """The file in which a worker counts the flights that it reads."""
    return folder / "flights-read"


def run(folder: Path, flights: Path, alerts: Path, group: int) -> None:
    """Runs to the end; what is in the store already is not done again.

    Args:
        folder: Where the store is.
        flights: The file of flights.
        alerts: The file for the alerts.
        group: How many flights one transaction takes in. More are faster, since each aircraft is called less often, and
            more are read again after a kill.
    """
    counter = Counter(flights_read(folder))

    def counted(row: Row) -> Flight:
        counter.add_one()
        return flight(row)

    functions = build(flights, alerts, counted)
    with Store(folder) as store:
        before = committed(store)

        def tell(report: Report) -> None:
            try:
                print(json.dumps({"flights": before + report.records, "messages": report.invocations}), flush=True)
            except BrokenPipeError:  # the demo itself is gone; what is committed stays for the next one
                os._exit(1)
            if report.dead_letters:
                runtime.stop()

        runtime = Runtime(
            RequestReplyHandler(functions),
            store,
            states=functions.specs(),
            ingresses=functions.ingresses,
            egresses=functions.egresses,
            options=Options(max_group=group),
            progress=tell,
        )
        tell(Report())
        with runtime:
            runtime.run_until_idle()
        for dead in store.dead_messages():
            sys.exit(f"a message was given up: {dead.error}")


def committed(store: Store) -> int:
    """How many flights a store has taken in."""
    position = store.positions().get(INGRESS)
    # It tells the line, and the first line names the columns.
    return 0 if position is None else int(json.loads(position)["line"]) - 1


if __name__ == "__main__":
    _, *paths, group = sys.argv
    folder, flights, alerts = map(Path, paths)
    # Ctrl-C goes to every process of a terminal; the demo decides what becomes of this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        run(folder, flights, alerts, int(group))
    except StatefunError as error:
        sys.exit(str(error))
