"""The functions with their input and their output."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from examples.flights.alerts import ALERTS
from examples.flights.functions import Aircraft, Airport, Carrier, Day
from examples.flights.messages import Flight
from statefun import FileEgress, FileIngress, StatefulFunction, StatefulFunctions

INGRESS = "flights/schedule"
CLASSES: tuple[type[StatefulFunction], ...] = (Carrier, Aircraft, Airport, Day)

Row = Mapping[str, str]


def flight(row: Row) -> Flight:
    """A row of the CSV as the message that the carrier gets."""
    departed = row["dep_time"] != "NA"
    arrived = row["arr_delay"] != "NA"
    return Flight(
        carrier=row["carrier"],
        tail=row["tailnum"],
        day=int(row["year"]) * 10000 + int(row["month"]) * 100 + int(row["day"]),
        origin=row["origin"],
        destination=row["dest"],
        departed=departed,
        arrived=arrived,
        departure_delay=int(row["dep_delay"]) if departed else 0,
        arrival_delay=int(row["arr_delay"]) if arrived else 0,
        minutes=int(row["air_time"]) if arrived else 0,
        miles=int(row["distance"]),
    )


def build(
    flights: Path,
    alerts: Path,
    convert: Callable[[Row], Flight] = flight,
    classes: Iterable[type[StatefulFunction]] = CLASSES,
) -> StatefulFunctions:
    """The functions, fed from a file of flights, with a file for their alerts."""
    functions = StatefulFunctions()
    for each in classes:
        functions.register(each)
    functions.ingress(
        FileIngress(id=INGRESS, path=flights, message=Flight, key="carrier", targets=[Carrier], convert=convert)
    )
    functions.egress(FileEgress(id=ALERTS, path=alerts))
    return functions
