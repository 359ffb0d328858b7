"""What a run prints: how far it is, and what came out."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager

from examples.flights.independent import AlertLine, Totals

Show = Callable[[int], None]
"""Shows how many flights are committed by now."""


@contextmanager
def progress(total: int) -> Generator[Show, None, None]:
    """A progress bar on a terminal that rich can draw on, else a line for each tenth."""
    if not sys.stdout.isatty():
        yield _lines(total)
        return
    try:
        from rich import progress as bars
    except ImportError:
        yield _lines(total)
        return
    columns = (
        bars.TextColumn("  flights"),
        bars.BarColumn(bar_width=40),
        bars.MofNCompleteColumn(),
        bars.TimeElapsedColumn(),
    )
    with bars.Progress(*columns) as bar:
        task = bar.add_task("flights", total=total)
        yield lambda done: bar.update(task, completed=done)


def _lines(total: int) -> Show:
    shown = 0

    def show(done: int) -> None:
        nonlocal shown
        tenth = 10 * done // max(total, 1)
        if tenth > shown:
            shown = tenth
            print(f"  {done:>9,} of {total:,} flights", flush=True)

    return show


def tables(totals: Totals, alerts: Mapping[AlertLine, int]) -> Iterator[str]:
    """The busiest airports and carriers, and what was alarming."""
    airports, carriers = totals["airport"], totals["carrier"]
    yield "\nThe busiest airports to leave from"
    yield from _table(
        ("", "departed", "delay", "of it inherited", "cancelled"),
        (
            (
                name,
                f"{airport['departures']:,}",
                _mean(airport["departure_delay"], airport["departures"]),
                _mean(airport["inherited"], airport["departures"]),
                f"{airport['cancelled']:,}",
            )
            for name, airport in _busiest(airports, "departures")
        ),
    )
    yield "\nThe busiest airports to fly to"
    yield from _table(
        ("", "arrived", "delay", "late", "diverted", "vouchers"),
        (
            (
                name,
                f"{airport['arrivals']:,}",
                _mean(airport["arrival_delay"], airport["arrivals"]),
                f"{100 * airport['late'] / airport['arrivals']:.1f} %",
                f"{airport['diverted']:,}",
                f"${airport['vouchers']:,}",
            )
            for name, airport in _busiest(airports, "arrivals")
        ),
    )
    yield "\nThe busiest carriers"
    yield from _table(
        ("", "scheduled", "cancelled", "landed", "delay", "in the air", "vouchers"),
        (
            (
                name,
                f"{carrier['scheduled']:,}",
                f"{carrier['cancelled']:,}",
                f"{carrier['landed']:,}",
                _mean(carrier["arrival_delay"], carrier["landed"]),
                f"{carrier['minutes'] // 60:,} h",
                f"${carrier['vouchers']:,}",
            )
            for name, carrier in _busiest(carriers, "scheduled")
        ),
    )
    yield "\nAlerts"
    for kind in sorted({kind for kind, *_ in alerts}):
        of_kind = [alert for alert in alerts if alert[0] == kind]
        _, subject, day, amount = max(of_kind, key=lambda alert: (alert[3], -alert[2]))
        date = f"{day // 10000}-{day // 100 % 100:02}-{day % 100:02}"
        yield f"  {sum(alerts[alert] for alert in of_kind):,} of kind {kind}, such as {subject} on {date} ({amount})"


def _busiest(totals: Mapping[str, Counter[str]], by: str, count: int = 5) -> Iterator[tuple[str, Counter[str]]]:
    in_order = sorted(totals.items(), key=lambda each: (-each[1][by], each[0]))
    return ((name, numbers) for name, numbers in in_order[:count] if numbers[by])


def _mean(total: int, count: int) -> str:
    return f"{total / count:.1f} min" if count else ""


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    table = [head, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    for row in table:
        first, *others = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        yield "  " + "  ".join([first, *others])
