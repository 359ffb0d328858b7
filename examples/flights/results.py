"""What the functions came to, read from the store and from the file of alerts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from google.protobuf.message import Message

from examples.flights.functions import Aircraft, Airport, Carrier, Day
from examples.flights.independent import AlertLine, Totals
from examples.flights.messages import AircraftTotals, AirportTotals, CarrierTotals
from statefun import LONG, StatefulFunction
from statefun.runtime import Store

_Read = Callable[[bytes], Counter[str]]


def totals(store: Store) -> Totals:
    """Every total of every airport, carrier, aircraft and day."""
    return {
        "airport": _states(store, Airport, "totals", _fields(AirportTotals)),
        "carrier": _states(store, Carrier, "totals", _fields(CarrierTotals)),
        "aircraft": _states(store, Aircraft, "totals", _fields(AircraftTotals)),
        "day": _states(store, Day, "cancelled", _cancelled),
    }


def alerts(path: Path) -> Counter[AlertLine]:
    """How often each alert stands in the file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return Counter((each["kind"], each["subject"], each["day"], each["amount"]) for each in map(json.loads, lines))


def _states(store: Store, function: type[StatefulFunction], state: str, read: _Read) -> dict[str, Counter[str]]:
    return {identity: read(states[state].value) for identity, states in store.states(function) if state in states}


def _fields(message: type[Message]) -> _Read:
    def read(value: bytes) -> Counter[str]:
        return Counter({field.name: number for field, number in message.FromString(value).ListFields()})

    return read


def _cancelled(value: bytes) -> Counter[str]:
    return Counter(cancelled=LONG.v3.decode(value))
