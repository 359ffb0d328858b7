"""`python -m examples.flights`: the flights of 2013 through four classes of functions, with a kill in the middle."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import NoReturn

from examples.flights.data import FLIGHTS_OF_THE_YEAR, NoFlightsError, archive, first_flights
from examples.flights.demo import Files, WorkerError, demo
from statefun import StatefunError


def main() -> int:
    """Reads the command line and gives the exit status: 1 when a total differs."""
    arguments = _arguments()
    if arguments.store is not None:
        return _run(arguments.store, arguments)
    if arguments.keep:
        return _run(Path(tempfile.mkdtemp(prefix="flights-")), arguments)
    with tempfile.TemporaryDirectory(prefix="flights-") as folder:
        return _run(Path(folder), arguments)


def _run(folder: Path, arguments: argparse.Namespace) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    limit: int | None = arguments.limit
    if limit is None:
        flights = archive()
    else:
        flights = folder / "flights.csv"
        first_flights(limit, flights)
    total = min(limit or FLIGHTS_OF_THE_YEAR, FLIGHTS_OF_THE_YEAR)
    status = demo(Files(folder, flights, folder / "alerts.jsonl"), total, kill=not arguments.no_kill)
    if arguments.keep:
        print(f"The store stays in {folder}")
    return status


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m examples.flights", description=__doc__)
    parser.add_argument("--limit", type=_positive, metavar="N", help="the first N flights instead of all")
    parser.add_argument("--no-kill", action="store_true", help="do not kill the worker")
    parser.add_argument(
        "--store", type=Path, metavar="DIR", help="keep the store in this folder, and go on with what is in it"
    )
    parser.add_argument("--keep", action="store_true", help="do not delete the store at the end")
    return parser.parse_args()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, _stop)
    try:
        sys.exit(main())
    except (NoFlightsError, WorkerError, StatefunError, OSError) as error:
        sys.exit(str(error))
