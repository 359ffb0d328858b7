"""examples/greeter: the classes and the decorated functions have equal effects, on both protocols and on the embedded runtime."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from examples.greeter import classes, common, decorators
from statefun import StatefulFunctions
from statefun.batch import Delayed, EgressRecord, Message, Mutation, ProtocolVersion, TypedBytes
from tests.conformance.rig import PROTOCOLS, V2, V3, Rig, to

ROOT = Path(__file__).resolve().parents[2]
FORMS = {"classes": classes.functions, "decorators": decorators.functions}
MODULE = {"example/greeter": ["visits"], "example/reception": ["arrivals"]}
GREETED = [
    "Hello Seth",
    "Hello Ann",
    "Hello again!",
    "Hello Bob",
    "Third time's the charm",
    "Hello again!",
    "Hello for the 4th time",
    "seth: hello from the past, Seth, guest number 1",
    "ann: hello from the past, Ann, guest number 2",
    "bob: hello from the past, Bob, guest number 4",
]


def visits() -> list[tuple[str, TypedBytes]]:
    """The records of visits.csv as an ingress of an engine sends them, written by hand."""
    path = ROOT / "examples" / "greeter" / "visits.csv"
    with path.open(newline="") as file:
        return [
            (f"example/greeter/{row['user_id']}", TypedBytes("example/user", json.dumps(row).encode()))
            for row in csv.DictReader(file)
        ]


def run(functions: StatefulFunctions, protocol: ProtocolVersion, *, asynchronous: bool = False) -> tuple[Any, Rig]:
    engine = Rig(functions, protocol, MODULE, asynchronous)
    return engine.run(*visits()), engine


def text(record: EgressRecord) -> str:
    """A greeting: a StringValue on 2.2, the string of the 3.x line, which are the same bytes."""
    from google.protobuf.wrappers_pb2 import StringValue

    assert record.egress == "example/greetings"
    return StringValue.FromString(record.value).value


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.value)
def test_both_forms_have_equal_effects(protocol: ProtocolVersion, asynchronous: bool) -> None:
    (one, first), (two, second) = (run(form, protocol, asynchronous=asynchronous) for form in FORMS.values())
    assert one == two
    assert first.states == second.states
    assert first.declared == second.declared


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.value)
@pytest.mark.parametrize("form", FORMS)
def test_the_greeter_greets_counts_and_hears_from_the_past(form: str, protocol: ProtocolVersion) -> None:
    happened, engine = run(FORMS[form], protocol)
    assert [text(each) for _, each in happened if isinstance(each, EgressRecord)] == GREETED
    arrivals = [each for _, each in happened if isinstance(each, Message)]
    assert {to(each) for each in arrivals} == {"example/reception/front"}
    assert [json.loads(each.value) for each in arrivals][:3] == [
        {"name": "Seth", "visits": 1},
        {"name": "Ann", "visits": 1},
        {"name": "Seth", "visits": 2},
    ]
    answers = [each for _, each in happened if isinstance(each, Delayed)]
    assert [(to(each).rpartition("/")[2], each.delay) for each in answers] == [
        ("seth", 100),
        ("ann", 100),
        ("bob", 100),
    ]
    written = {mutation.name for _, mutation in happened if isinstance(mutation, Mutation)}
    assert written == {"visits", "arrivals"}
    seth = engine.state("example/greeter/seth", "visits")
    assert seth is not None
    if protocol is V2:
        assert seth == ("type.googleapis.com/google.protobuf.Int64Value", b"\x08\x04")
    else:
        assert seth == ("io.statefun.types/long", b"\x09" + (4).to_bytes(8, "little"))


def test_both_forms_declare_the_states_that_the_readme_lists() -> None:
    for functions in FORMS.values():
        assert {name: [state.name for state in states] for name, states in functions.specs().items()} == MODULE


def test_a_state_that_one_form_wrote_is_read_by_the_other() -> None:
    for protocol in PROTOCOLS:
        _, engine = run(classes.functions, protocol)
        other = Rig(decorators.functions, protocol, MODULE, states=engine.states, declared=engine.declared)
        [record] = other.send(*visits()[0]).egresses
        assert text(record) == "Hello for the 5th time"


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.value)
@pytest.mark.parametrize("form", FORMS)
def test_the_readmes_command_runs_the_greeter_on_the_embedded_runtime(
    form: str, protocol: ProtocolVersion, tmp_path: Path
) -> None:
    statefun = Path(sys.executable).with_name("statefun")
    command = [statefun, "run", f"examples.greeter.{form}:functions", "--store", "store"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for _ in range(2):  # the second run finds nothing new to do
        subprocess.run(
            [*command, "--protocol", protocol.value], cwd=tmp_path, env=environment, check=True, capture_output=True
        )
        lines = (tmp_path / "greetings.txt").read_text().splitlines()
        # Users do not wait for each other: each one's own greetings keep their order.
        assert sorted(line for line in lines if "past" not in line) == sorted(GREETED[:7])
        assert [line.partition(",")[0] for line in lines if line.startswith("seth")] == ["seth: hello from the past"]
        assert sum("hello from the past" in line for line in lines) == 3


def test_the_readmes_other_command_finds_the_registries() -> None:
    from statefun.cli.loading import load_functions

    for form, functions in FORMS.items():
        assert load_functions(f"examples.greeter.{form}:functions") is functions
    assert common.GREETINGS.typename == "example/greetings"


def test_an_engine_of_the_3_x_line_learns_both_states_on_the_first_message() -> None:
    _, engine = run(classes.functions, V3)
    assert engine.resent == 2
    assert {name: [state.typename for state in states] for name, states in engine.declared.items()} == {
        "example/greeter": ["io.statefun.types/long"],
        "example/reception": ["io.statefun.types/long"],
    }
