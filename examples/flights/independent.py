"""The same totals from one pass over the CSV: plain Python that knows nothing of statefun, nor of the functions.

The rules are those of README.md, written down a second time on purpose: a mistake in one of the two shows as a difference.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

Totals = dict[str, dict[str, Counter[str]]]
"""Totals by class of function, by id, by name."""

AlertLine = tuple[str, str, int, int]
"""Kind, subject, day and amount."""


def one_pass(rows: Iterable[Mapping[str, str]]) -> tuple[Totals, Counter[AlertLine]]:
    """The totals of every airport, carrier, aircraft and day, and how often each alert is due."""
    airports: defaultdict[str, Counter[str]] = defaultdict(Counter)
    carriers: defaultdict[str, Counter[str]] = defaultdict(Counter)
    aircraft: defaultdict[str, Counter[str]] = defaultdict(Counter)
    days: defaultdict[str, Counter[str]] = defaultdict(Counter)
    previous: dict[str, tuple[int, int]] = {}
    alerts: Counter[AlertLine] = Counter()

    for row in rows:
        day = int(row["year"]) * 10000 + int(row["month"]) * 100 + int(row["day"])
        origin = airports[row["origin"]]
        carrier = carriers[row["carrier"]]
        carrier["scheduled"] += 1

        if row["dep_time"] == "NA":
            carrier["cancelled"] += 1
            origin["cancelled"] += 1
            of_the_day = days[f"{row['origin']}-{day}"]
            of_the_day["cancelled"] += 1
            if of_the_day["cancelled"] == 50:
                alerts["storm", row["origin"], day, 50] += 1
            continue

        destination = airports[row["dest"]]
        arrived = row["arr_delay"] != "NA"
        departure_delay = int(row["dep_delay"])
        arrival_delay = int(row["arr_delay"]) if arrived else 0
        minutes = int(row["air_time"]) if arrived else 0
        miles = int(row["distance"])

        name = f"{row['carrier']}-{row['tailnum']}"
        inherited = 0
        if name in previous and previous[name][0] == day:
            inherited = max(0, min(previous[name][1], departure_delay))
        previous[name] = day, arrival_delay
        if inherited >= 120:
            alerts["knock-on", name, day, inherited] += 1

        aircraft[name].update(legs=1, minutes=minutes, miles=miles, inherited=inherited)
        origin.update(departures=1, departure_delay=departure_delay, inherited=inherited)
        if not arrived:
            destination["diverted"] += 1
            continue
        vouchers = miles // 10 if arrival_delay >= 180 else 0
        destination.update(arrivals=1, arrival_delay=arrival_delay, late=int(arrival_delay >= 15), vouchers=vouchers)
        carrier.update(landed=1, arrival_delay=arrival_delay, minutes=minutes, miles=miles, vouchers=vouchers)

    return {"airport": dict(airports), "carrier": dict(carriers), "aircraft": dict(aircraft), "day": dict(days)}, alerts
