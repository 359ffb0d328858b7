"""What is given to a class of the model is of the type that its parameter takes, or is refused by an error that names the parameter."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest
from google.protobuf.struct_pb2 import Struct

from statefun import model
from statefun.errors import BindingError, TypenameError
from statefun.errors.showing import shown
from statefun.model import ColumnKind, PartitionOffset, Route
from tests.wrongtypes import Wrong, refused, takes_all, wrong

ROUTE = Route(name="t", value_type="a/b", targets=["a/b"])
RECORDS: dict[str, Any] = {"id": "a/b", "message": Struct, "key": "k", "targets": ["a/b"], "format": "csv"}
ROUTED: dict[str, Any] = {"message": Struct, "targets": ["a/b"]}

RIGHT: dict[Any, dict[str, Any]] = {
    model.AsyncTransport: {},
    model.AwsCredentials: {"access_key_id": "k", "secret_access_key": "s"},
    model.AwsProfile: {"name": "p"},
    model.AwsRegion: {"id": "eu-central-1"},
    model.BoundEgress: {"egress": model.StdoutEgress(id="a/b")},
    model.BoundIngress: {"ingress": model.PlaygroundIngress(port=1)},
    model.Column: {"name": "c", "kind": ColumnKind.TEXT},
    model.EndpointState: {"name": "s"},
    model.FileEgress: {"id": "a/b", "path": "a.jsonl"},
    model.FileIngress: {**RECORDS, "path": "a.csv"},
    model.HttpEndpoint: {"functions": "a/b", "url": "http://x/"},
    model.KafkaEgress: {"id": "a/b", "address": "k:9092"},
    model.KafkaIngress: {"id": "a/b", "address": "k:9092", "topics": [ROUTE]},
    model.KinesisEgress: {"id": "a/b"},
    model.KinesisIngress: {"id": "a/b", "streams": [ROUTE]},
    model.Module: {},
    model.OkHttpTransport: {},
    model.PartitionOffset: {"topic": "t", "partition": 1, "offset": 1},
    model.PlaygroundEgress: {"port": 1, "topics": ["t"]},
    model.PlaygroundIngress: {"port": 1},
    model.PostgresEgress: {"id": "a/b", "dsn": "host=db", "table": "t", "message": Struct},
    model.RecordIngress: RECORDS,
    model.Route: {"name": "t", "value_type": "a/b", "targets": ["a/b"]},
    model.ScheduleIngress: {"id": "a/b", "cron": "* * * * *", "targets": ["a/b"], "key": "k", "message": "m"},
    model.SqliteEgress: {"id": "a/b", "path": "a.db", "table": "t", "message": Struct},
    model.StartFromDate: {"date": datetime(2020, 2, 1, tzinfo=UTC)},
    model.StartFromOffsets: {"offsets": [PartitionOffset(topic="t", partition=1, offset=1)]},
    model.StdinIngress: RECORDS,
    model.StdoutEgress: {"id": "a/b"},
    model.Stream: {"name": "s", **ROUTED},
    model.TableEgress: {"id": "a/b", "table": "t", "message": Struct},
    model.Topic: {"name": "t", **ROUTED},
    model.WebhookEgress: {"id": "a/b", "url": "http://x/", "secret": None},
}
"""Each class, and arguments that it takes."""

UNCHECKED = {model.SourcePosition}
"""Made for each value of a file by who reads it, and by nobody else."""

ANYTHING = {
    ("BoundEgress", "egress"),  # what a user wrote
    ("BoundIngress", "ingress"),
    *((name, "message") for name in ("FileIngress", "RecordIngress", "StdinIngress", "Stream", "Topic")),
    *((name, "message") for name in ("KafkaIngress", "KinesisIngress", "ScheduleIngress")),
    *((name, "message") for name in ("PostgresEgress", "SqliteEgress", "TableEgress")),
    ("ScheduleIngress", "type"),
}
"""What may be of any type, or is known to be of a right one when it is registered alone: only then values have types."""

SECRETS = {
    "AsyncTransport": {"client_key_password"},
    "AwsCredentials": {"secret_access_key"},
    "KafkaEgress": {"properties"},
    "KafkaIngress": {"properties"},
    "KinesisEgress": {"credentials", "properties"},
    "KinesisIngress": {"credentials", "properties"},
    "PlaygroundEgress": {"token"},
    "PlaygroundIngress": {"token"},
    "PostgresEgress": {"dsn"},
    "WebhookEgress": {"headers", "secret", "url"},
}
"""What no error shows."""


def test_every_class_of_the_model_is_looked_at() -> None:
    classes = {found for name in model.__all__ if isinstance(found := getattr(model, name), type) and attrs.has(found)}
    assert classes == {*RIGHT, *UNCHECKED}


def test_what_may_be_of_any_type_is_known() -> None:
    assert {(make.__name__, name) for make in RIGHT for name in takes_all(make)} == ANYTHING


def test_what_is_right_is_taken() -> None:
    for make, arguments in RIGHT.items():
        make(**arguments)


# A text alone stands for a list of itself.
ALONE = {("PlaygroundEgress", "topics"), *((name, "key") for name in ("PostgresEgress", "SqliteEgress", "TableEgress"))}


@pytest.mark.parametrize("case", wrong(RIGHT))
def test_a_value_of_a_wrong_type_is_refused_by_the_name_of_its_parameter(case: Wrong) -> None:
    if case.value == "5" and (case.make.__name__, case.name) in ALONE:
        case.give()
        return
    error = refused(case)
    assert isinstance(error, BindingError | TypenameError)
    if case.value is not None and case.name in SECRETS.get(case.make.__name__, ()):
        assert shown(case.value) not in error.message.replace(f"of the type {type(case.value).__name__}", "")


@attrs.frozen
class Careless:
    count: int = 1
    names: tuple[str, ...] = ()
    path: Path | None = None
    anything: Any = None


def test_a_parameter_that_nobody_checks_is_found() -> None:
    cases = [each.values[0] for each in wrong({Careless: {}})]
    assert {case.name for case in cases} == {"count", "names", "path"}
    for case in cases:
        with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
            refused(case)
    given = {name: [case.value for case in cases if case.name == name] for name in ("count", "names", "path")}
    assert 5 not in given["count"]
    assert any(value is True for value in given["count"])
    assert "5" in given["names"], "a text alone is no list of texts"
    assert ["5"] not in given["names"]
    assert None not in given["path"]
