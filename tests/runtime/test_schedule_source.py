"""Messages at set times: when they are due, through summer time and restarts, without any waiting."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from statefun import BYTES, LONG, ValueType
from statefun.batch import ProtocolVersion
from statefun.binding.ingresses import bind_ingress
from statefun.errors import BindingError, IngressError, ValueTypeError
from statefun.model import ScheduleIngress
from statefun.runtime.ingress.schedule import DueTimes, ScheduleSource
from statefun.runtime.ingress.source import Record, Source
from tests.runtime.inlet import Kept
from tests.runtime.outside import wait

MINUTE = 60_000
HOUR = 60 * MINUTE


def at(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def shown(due: int) -> str:
    return datetime.fromtimestamp(due / 1000, UTC).strftime("%Y-%m-%dT%H:%M")


def ingress(**settings: Any) -> ScheduleIngress:
    values = {"id": "test/clock", "targets": ["a/b"], "key": "k", "message": "tick", **settings}
    if "every" not in settings:
        values.setdefault("cron", "*/5 * * * *")
    return ScheduleIngress(**values)


class StoppedError(Exception):
    """The time at which a test ends has come."""


class Time:
    """Time that passes when something sleeps, by how much more is asked for each sleep, and ends at `end`."""

    def __init__(self, now: str, end: str, late: int = 0) -> None:
        self.time = at(now)
        self._end = at(end)
        self._late = late

    def now(self) -> int:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += round(seconds * 1000) + self._late
        if self.time >= self._end:
            raise StoppedError


def run(clock: Time, inlet: Kept, **settings: Any) -> None:
    made = ScheduleSource(bind_ingress(ingress(**settings), str), clock=clock)
    with pytest.raises(StoppedError):
        wait(made.run(inlet))


def times(inlet: Kept) -> list[str]:
    return [each.value.decode() for each in inlet.records]


def due_text(due: datetime) -> bytes:
    return due.strftime("%m-%dT%H:%M").encode()


# Messages that tell when they were due.
TELLING: dict[str, Any] = {
    "message": due_text,
    "type": ValueType("test/due", encode=lambda value: value, decode=lambda data: data),
}


def test_a_message_is_put_at_each_time_with_its_position() -> None:
    inlet = Kept()
    run(Time("2026-01-01T00:01", "2026-01-01T00:16"), inlet)
    text = "io.statefun.types/string"
    assert [each[:3] for each in inlet.records] == [(("a/b",), "k", text)] * 3
    assert inlet.positions == [str(at(f"2026-01-01T00:{minute}")) for minute in ("01", "05", "10", "15")]
    assert isinstance(ScheduleSource(bind_ingress(ingress(), str)), Source)


def test_no_message_is_early() -> None:
    clock = Time("2026-01-01T00:01", "2026-01-01T01:00")

    class Checked(Kept):
        async def put(self, records: Any, position: str | None = None, *, key: str | None = None) -> Any:
            assert not records or int(position or 0) <= clock.time
            return await super().put(records, position, key=key)

    inlet = Checked()
    run(clock, inlet, **TELLING)
    assert len(inlet.records) == 11


MISSED = [
    ("one", ["01-01T03:00"]),
    ("all", ["01-01T01:00", "01-01T02:00", "01-01T03:00"]),
    ("none", []),
]


@pytest.mark.parametrize(("missed", "made_up"), MISSED)
@pytest.mark.parametrize("every", [False, True])
def test_what_was_missed_while_nothing_ran(missed: str, made_up: list[str], every: bool) -> None:
    settings = {"every": timedelta(hours=1)} if every else {"cron": "0 * * * *"}
    inlet = Kept(position=str(at("2026-01-01T00:00")), limit=2)
    run(Time("2026-01-01T03:30", "2026-01-01T04:30"), inlet, missed=missed, **settings, **TELLING)
    assert times(inlet) == [*made_up, "01-01T04:00"]
    # A restart at once repeats nothing and misses nothing.
    again = Kept(position=inlet.position)
    run(Time("2026-01-01T04:31", "2026-01-01T05:30"), again, missed=missed, **settings, **TELLING)
    assert times(again) == ["01-01T05:00"]


def test_a_stop_before_the_first_message_misses_it_and_not_more() -> None:
    inlet = Kept()
    run(Time("2026-01-01T00:10", "2026-01-01T00:30"), inlet, cron="0 * * * *", **TELLING)
    assert inlet.records == []
    run(Time("2026-01-01T01:10", "2026-01-01T01:30"), inlet, cron="0 * * * *", **TELLING)
    assert times(inlet) == ["01-01T01:00"]


@pytest.mark.parametrize(
    ("missed", "expected"),
    [("one", ["01-01T03:00", "01-01T06:00"]), ("none", ["01-01T03:00", "01-01T06:00"]), ("all", None)],
)
def test_a_machine_that_sleeps_sends_the_last_or_all(missed: str, expected: list[str] | None) -> None:
    inlet = Kept()
    # It wakes up two and a half hours later than it was asked to.
    run(
        Time("2026-01-01T00:59:50", "2026-01-01T08:00", late=150 * MINUTE),
        inlet,
        cron="0 * * * *",
        missed=missed,
        **TELLING,
    )
    assert times(inlet) == (expected or [f"01-01T0{hour}:00" for hour in range(1, 7)])


def test_a_clock_that_is_set_back_repeats_nothing() -> None:
    clock = Time("2026-01-01T00:04", "2026-01-01T00:21")

    class Setting(Kept):
        async def put(self, records: Any, position: str | None = None, *, key: str | None = None) -> Any:
            if len(self.records) == 1:
                clock.time -= 7 * MINUTE
            return await super().put(records, position, key=key)

    inlet = Setting()
    run(clock, inlet, **TELLING)
    assert times(inlet) == ["01-01T00:05", "01-01T00:10", "01-01T00:15", "01-01T00:20"]


@pytest.mark.parametrize(
    ("cron", "start", "expected"),
    [
        # In Berlin 2026-03-29 has no 02:00 to 03:00, and 2026-10-25 has it twice.
        ("30 2 * * *", "2026-03-28T00:00", ["2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"]),
        ("0,30 2 * * *", "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-30T00:00", "2026-03-30T00:30"]),
        ("30 2 * * *", "2026-10-24T00:00", ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"]),
        ("*/30 2 * * *", "2026-03-28T12:00", ["2026-03-30T00:00", "2026-03-30T00:30", "2026-03-31T00:00"]),
        (
            "*/30 2 * * *",
            "2026-10-25T00:00",
            ["2026-10-25T00:30", "2026-10-25T01:00", "2026-10-25T01:30", "2026-10-26T01:00"],
        ),
        ("0 * * * *", "2026-03-29T00:30", ["2026-03-29T01:00", "2026-03-29T02:00"]),
        ("0 0 29 2 *", "2026-01-01T00:00", ["2028-02-28T23:00", "2032-02-28T23:00"]),
        ("0 9 * * MON-FRI", "2026-01-02T09:00", ["2026-01-05T08:00", "2026-01-06T08:00"]),
    ],
)
def test_times_through_the_year_in_berlin(cron: str, start: str, expected: list[str]) -> None:
    behind = DueTimes(ingress(cron=cron, timezone="Europe/Berlin")).behind(at(start))
    assert [shown(next(behind)) for _ in expected] == expected


@pytest.mark.parametrize("timezone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"])
@pytest.mark.parametrize("cron", ["30 2 * * *", "0,30 1,2 * * *", "*/30 2 * * *", "15 * * * *"])
@pytest.mark.parametrize(("start", "end"), [("2026-03-05", "2026-04-07"), ("2026-10-02", "2026-11-03")])
def test_a_restart_at_any_time_changes_no_time(cron: str, timezone: str, start: str, end: str) -> None:
    """Through the weeks in which clocks change, and from any position: the next time does not depend on where counting began."""
    due = DueTimes(ingress(cron=cron, timezone=timezone))
    known = list(takewhile(lambda each: each < at(end), due.behind(at(start))))
    assert len(known) >= 30
    assert known == sorted(set(known))
    for before, after in pairwise([at(start), *known]):
        assert due.first(before) == after
        assert due.first(after - 1) == after
        assert due.newest(before, after + 1) == after


@given(st.integers(1, 10**9), st.integers(0, 10**13), st.integers(0, 10**12))
def test_an_interval_is_due_at_its_multiples(every: int, after: int, gap: int) -> None:
    due = DueTimes(ingress(cron=None, every=timedelta(milliseconds=every)))
    first = due.first(after)
    assert first is not None
    assert first % every == 0
    assert after < first <= after + every
    last = (after + gap) // every * every
    assert due.newest(after, after + gap) == (last if last > after else None)


@pytest.mark.parametrize(
    ("message", "type", "value"),
    [
        ("text", None, ("io.statefun.types/string", "type.googleapis.com/google.protobuf.StringValue")),
        (7, LONG, ("io.statefun.types/long", "type.googleapis.com/google.protobuf.Int64Value")),
        (Timestamp(seconds=1), None, ("type.googleapis.com/google.protobuf.Timestamp",) * 2),
        (b"x", BYTES, ("type.googleapis.com/google.protobuf.BytesValue",) * 2),
    ],
)
def test_a_message_is_encoded_as_a_function_sends_it(message: Any, type: Any, value: tuple[str, str]) -> None:
    bound = bind_ingress(ingress(message=message, type=type), str)
    found = []
    for protocol in (ProtocolVersion.V3, ProtocolVersion.V2):
        inlet = Kept(protocol=protocol)
        clock = Time("2026-01-01T00:04", "2026-01-01T00:06")
        with pytest.raises(StoppedError):
            wait(ScheduleSource(bound, clock=clock).run(inlet))
        (record,) = inlet.records
        assert isinstance(record, Record)
        found.append(record.typename)
    assert tuple(found) == value


def test_a_message_that_cannot_be_made_ends_the_run_with_its_time() -> None:
    bound = bind_ingress(ingress(message=lambda due: 1 // 0), str)
    with pytest.raises(IngressError, match="2026-01-01T00:05:00Z cannot be made: ZeroDivisionError"):
        wait(ScheduleSource(bound, clock=Time("2026-01-01T00:04", "2026-01-01T00:06")).run(Kept()))
    with pytest.raises(ValueTypeError):
        bind_ingress(ingress(message=b"bytes say nothing of their type"), str)


def test_the_system_time_lets_itself_be_cancelled() -> None:
    async def run_and_cancel() -> None:
        inlet = Kept()
        task = asyncio.ensure_future(ScheduleSource(bind_ingress(ingress(cron="0 0 1 1 *"), str)).run(inlet))
        await inlet.until(lambda: bool(inlet.positions))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    wait(run_and_cancel())


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"cron": "* * * *"}, "has cron="),
        ({"cron": ""}, "has cron="),
        ({"cron": "61 * * * *"}, "Bad minute"),
        ({"cron": "0 0 31 2 *"}, "Bad day-of-month"),
        ({"cron": "@daily"}, "has cron="),
        ({"cron": "0 0 */31 * MON#2"}, "never due"),
        ({"timezone": "Europe/Nowhere"}, "timezone='Europe/Nowhere'"),
        ({"timezone": "../../etc/passwd"}, "timezone="),
        ({"every": timedelta(seconds=1), "cron": "* * * * *"}, "has both of `cron` and `every`"),
        ({"cron": None}, "has neither of `cron` and `every`"),
        ({"every": timedelta(0)}, "every="),
        ({"every": timedelta(microseconds=1500)}, "whole milliseconds"),
        ({"missed": "some"}, "missed='some'"),
        ({"key": ""}, "key=''"),
        ({"targets": []}, "targets="),
    ],
)
def test_what_no_schedule_is_is_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(BindingError, match=told):
        ScheduleSource(bind_ingress(ingress(**settings), str))
