"""A trace crosses both engines from function to function, and the wait of a delayed message."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from attrs import frozen
from google.protobuf.wrappers_pb2 import Int64Value

from tests.engines.engine import ENGINES, Engine
from tests.engines.rig import Program, module_of
from tests.engines.server import FunctionServer
from tests.engines.topics import Reader, produce
from tests.engines.traced import functions
from tests.services.broker import Broker

TRACED = Program(
    target="tests.engines.traced:functions",
    functions=functions,
    egress="engines/spans",
    topics={"numbers": ("type.googleapis.com/google.protobuf.Int64Value", ("engines/first",))},
)
IDS = [f"number-{number}" for number in range(20)]


@frozen
class Spans:
    """What was emitted: for each id the span of each function."""

    by_id: dict[str, dict[str, Any]]


@pytest.fixture(scope="module", params=ENGINES)
def spans(request: pytest.FixtureRequest, broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spans]:
    version = request.param
    folder = tmp_path_factory.mktemp(f"traces-{version}-")
    prefix = f"{folder.name}-"
    numbers, results = f"{prefix}numbers", f"{prefix}spans"
    command = [sys.executable, "-m", "statefun", "serve", TRACED.target, "--otel", "--port"]
    server = FunctionServer(TRACED.target, folder, {"ENGINE_TESTS_RESULTS": results}, command)
    engine = Engine(version, folder, module_of(TRACED, version, server.url, broker.address, prefix))
    with ExitStack() as stack:
        for topic in (numbers, results):
            broker.create_topic(topic)
        stack.enter_context(server)
        stack.enter_context(engine)
        reader = Reader(broker.address, results, engine.check)
        stack.callback(reader.close)
        produce(broker.address, numbers, [(id, Int64Value(value=1).SerializeToString()) for id in IDS])
        reader.until(lambda records: len(records) >= 3 * len(IDS))
        by_id: dict[str, dict[str, Any]] = {}
        for record in reader.records:
            by_id.setdefault(str(record.key), {})[record.value["function"]] = record.value
        yield Spans(by_id)


def test_a_chain_of_functions_is_one_trace(spans: Spans) -> None:
    assert sorted(spans.by_id) == sorted(IDS)
    for chain in spans.by_id.values():
        first, second, third = (chain[f"engines/{name}"] for name in ("first", "second", "third"))
        assert first["parent"] is None
        assert (second["parent"], third["parent"]) == (first["span"], second["span"])
        assert len({each["trace"] for each in chain.values()}) == 1


def test_messages_that_are_not_of_one_chain_are_not_of_one_trace(spans: Spans) -> None:
    assert len({chain["engines/first"]["trace"] for chain in spans.by_id.values()}) == len(IDS)
