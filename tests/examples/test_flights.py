"""The flights example: killed and resumed it equals one pass over the file, and what it must notice it notices."""

from __future__ import annotations

import ast
import csv
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from google.protobuf.message import Message

from examples.flights import independent, messages, results
from examples.flights.comparison import differences
from examples.flights.data import archive, first_flights, rows
from examples.flights.functions import Aircraft, Airport, Carrier, Day
from examples.flights.messages import Departed, Flight, Landed, Landing
from examples.flights.program import build
from statefun import Context, StatefulFunction, handles
from statefun.runtime import Store, VirtualClock
from tests.runtime.rig import runtime_of

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 4000


def demo(store: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "examples.flights", "--limit", str(LIMIT), "--store", str(store), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    store = tmp_path_factory.mktemp("flights")
    return store, demo(store)


@pytest.fixture
def copy(finished: tuple[Path, object], tmp_path: Path) -> Path:
    return shutil.copytree(finished[0], tmp_path / "store")


# --- the demo -------------------------------------------------------------------------------------------------------


def test_killed_in_the_middle_and_resumed_every_total_equals_one_pass(
    finished: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    ended = finished[1]
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Killed with SIGKILL" in ended.stdout
    assert "The restart cost" in ended.stdout
    assert ended.stdout.endswith("Every one of them is equal.\n")


def test_a_finished_store_is_compared_again_and_nothing_is_run_twice(copy: Path) -> None:
    ended = demo(copy)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "The store had all of them already" in ended.stdout


@pytest.mark.parametrize("function", ["carrier", "aircraft", "airport"])
def test_a_total_that_is_lost_from_the_store_is_a_difference(copy: Path, function: str) -> None:
    with sqlite3.connect(copy / "statefun.db") as store:
        name = b"\x0a\x07flights\x12" + bytes([len(function)]) + function.encode() + b"\x1a"
        lost = "DELETE FROM states WHERE address = (SELECT max(address) FROM states WHERE address BETWEEN ? AND ?)"
        assert store.execute(lost, (name, name + b"\xff")).rowcount == 1
    store.close()
    ended = demo(copy)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert f"DIFFERENT: {function} " in ended.stdout


def test_an_alert_that_was_changed_is_a_difference(copy: Path) -> None:
    alerts = copy / "alerts.jsonl"
    lines = alerts.read_text().splitlines(keepends=True)
    alerts.write_text("".join([*lines[:-1], lines[-2]]).ljust(alerts.stat().st_size)[: alerts.stat().st_size])
    ended = demo(copy)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "DIFFERENT: alert " in ended.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_demo_itself_can_be_stopped_and_leaves_no_worker_behind(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "examples.flights", "--limit", str(LIMIT), "--store", str(tmp_path), "--no-kill"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as stopped:
        assert stopped.stdout is not None
        assert any(line.endswith(f"of {LIMIT:,} flights\n") for line in stopped.stdout)
        stopped.send_signal(number)
        said = stopped.communicate(timeout=60)[1]  # the worker has the same standard error: this is its end too
    assert said == ""
    assert stopped.returncode == (-number if number is signal.SIGKILL else 128 + number)
    ended = demo(tmp_path, "--no-kill")
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_fewer_flights_than_the_store_has_are_refused_without_a_traceback(copy: Path) -> None:
    ended = demo(copy, "--limit", str(LIMIT // 2))
    assert ended.returncode == 1
    assert "[ingress-position]" in ended.stderr
    assert "Traceback" not in ended.stderr


# --- seeded bugs ----------------------------------------------------------------------------------------------------


class ForgetsALanding(Airport, typename="flights/airport"):
    """As if a delayed message were lost."""

    @handles
    def on_landing(self, context: Context, landing: Landing) -> None:
        if landing.miles != 1089:
            super().on_landing(context, landing)


class CountsDeparturesTwice(Airport, typename="flights/airport"):
    """As if a message were delivered twice."""

    @handles
    def on_departed(self, context: Context, departed: Departed) -> None:
        super().on_departed(context, departed)
        super().on_departed(context, departed)


class NeverReplies(Carrier, typename="flights/carrier"):
    @handles
    def on_landed(self, context: Context, landed: Landed) -> None:
        super().on_landed(context, Landed(delay=min(landed.delay, 179), minutes=landed.minutes, miles=landed.miles))


class ForgetsItsDelay(Aircraft, typename="flights/aircraft"):
    """As if a state had expired too early."""

    @handles
    def on_flight(self, context: Context, flight: Flight) -> None:
        self.inbound = None
        super().on_flight(context, flight)


def found(folder: Path, flights: Path, classes: Iterable[type[StatefulFunction]]) -> list[str]:
    functions = build(flights, folder / "alerts.jsonl", classes=classes)
    with Store(folder / "store") as store:
        runtime = runtime_of(functions, store, clock=VirtualClock())
        with runtime:
            runtime.run_until_idle()
        totals = results.totals(store)
    with rows(flights) as all_rows:
        return list(differences((totals, results.alerts(folder / "alerts.jsonl")), independent.one_pass(all_rows)))


@pytest.mark.parametrize(
    ("classes", "difference"),
    [
        ((Carrier, Aircraft, Airport, Day), None),
        ((Carrier, Aircraft, ForgetsALanding, Day), "airport MIA, arrivals"),
        ((Carrier, Aircraft, CountsDeparturesTwice, Day), "airport JFK, departures"),
        ((NeverReplies, Aircraft, Airport, Day), "vouchers"),
        ((Carrier, ForgetsItsDelay, Airport, Day), "inherited"),
    ],
)
def test_each_seeded_bug_is_a_difference(
    tmp_path: Path, classes: tuple[type[StatefulFunction], ...], difference: str | None
) -> None:
    flights = tmp_path / "flights.csv"
    first_flights(1200, flights)
    differing = found(tmp_path, flights, classes)
    if difference is None:
        assert differing == []
    else:
        assert any(difference in each for each in differing), differing


# --- the rules ------------------------------------------------------------------------------------------------------


def test_fifty_cancellations_at_one_airport_on_one_day_are_a_storm(tmp_path: Path) -> None:
    with rows(archive()) as all_rows:
        first = next(all_rows)
    missing = dict.fromkeys(("dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"), "NA")
    storm = [{**first, **missing, "carrier": carrier, "tailnum": "NA"} for carrier in ("UA", "EV", "B6") * 20]
    other_day = {**first, **missing, "day": "2"}
    diverted = {**first, "arr_delay": "NA", "air_time": "NA"}
    flights = tmp_path / "flights.csv"
    write(flights, [first, *storm, other_day, diverted])

    assert found(tmp_path, flights, (Carrier, Aircraft, Airport, Day)) == []
    lines = (tmp_path / "alerts.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"kind": "storm", "subject": first["origin"], "day": 20130101, "amount": 50}
    ]


def test_a_difference_says_what_is_missing_on_either_side() -> None:
    one = {"airport": {"JFK": Counter(arrivals=1)}}
    other = {"airport": {"JFK": Counter(arrivals=2), "EWR": Counter(late=1)}}
    alert = ("storm", "JFK", 20130208, 50)
    assert list(differences((one, Counter()), (other, Counter([alert])))) == [
        "airport EWR, late: 0, one pass says 1",
        "airport JFK, arrivals: 1, one pass says 2",
        f"alert {alert}: 0 times, one pass says 1",
    ]
    assert list(differences((one, Counter([alert, alert])), (one, Counter([alert])))) == [
        f"alert {alert}: 2 times, one pass says 1"
    ]


def test_the_one_pass_knows_nothing_of_the_functions() -> None:
    tree = ast.parse(Path(independent.__file__).read_text())
    imported = {
        name
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported == {"__future__", "collections", "collections.abc"}


def test_the_stub_and_the_messages_have_the_same_fields() -> None:
    tree = ast.parse((ROOT / "examples/flights/messages.pyi").read_text())
    stub = {
        node.name: {
            item.target.id: ast.unparse(item.annotation)
            for item in node.body
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
        }
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }
    kinds = {9: "str", 8: "bool", 18: "int"}
    made = {
        name: {field.name: kinds[field.type] for field in value.DESCRIPTOR.fields}
        for name, value in vars(messages).items()
        if isinstance(value, type)
        and issubclass(value, Message)
        and value is not Message
        and value.DESCRIPTOR.file.package == "flights"
    }
    assert stub == made


def write(path: Path, all_rows: list[Mapping[str, str]]) -> None:
    with path.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, all_rows[0].keys())
        writer.writeheader()
        writer.writerows(all_rows)
