"""`PrometheusObserver`: names, labels and values, of handlers of both kinds, and the bounds of its labels."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.wrappers_pb2 import Int64Value
from prometheus_client import CollectorRegistry, generate_latest

from statefun import Context, RequestReplyHandler, StatefulFunctions
from statefun.batch import ProtocolVersion, TypedBytes
from statefun.errors import DefinitionError, HandlerError, MalformedRequestError, StatefunError
from statefun.observing.prometheus import PrometheusObserver
from tests.unit.observing.seen import engine
from tests.unit.rig import PROTOCOLS, V3, Engine

NUMBER = "type.googleapis.com/google.protobuf.Int64Value"


class Clock:
    """Each look at it is a second later."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


class Metrics:
    def __init__(self, **named: Any) -> None:
        self.registry = CollectorRegistry()
        self.observer = PrometheusObserver(self.registry, clock=Clock(), **named)

    def __call__(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"statefun_{name}", labels)

    def labels(self, name: str) -> set[tuple[str, ...]]:
        return {
            tuple(sample.labels.values())
            for metric in self.registry.collect()
            for sample in metric.samples
            if sample.name == f"statefun_{name}"
        }


@PROTOCOLS
@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_a_batch_is_counted_and_measured(protocol: ProtocolVersion, asynchronous: bool) -> None:
    metrics = Metrics()
    made = engine(protocol, asynchronous, metrics.observer)
    made.send("seen/relay/1", Int64Value(value=5), Int64Value(value=6))
    relay = {"function_type": "seen/relay"}
    assert metrics("handler_seconds_count", **relay, message_type=NUMBER) == 2
    assert metrics("handler_seconds_sum", **relay, message_type=NUMBER) == 2.0
    assert metrics("batch_invocations_count", **relay) == 1
    assert metrics("batch_invocations_sum", **relay) == 2
    assert metrics("state_bytes_sum", **relay) == 7  # the state's name in a field, and no value
    assert [metrics("sent_total", **relay, kind=kind) for kind in ("message", "delayed", "egress_record")] == [2, 2, 2]
    assert metrics("inflight_requests") == 0
    assert metrics.labels("errors_total") == set()


def test_errors_are_counted_by_code_and_nothing_that_fails_stays_in_flight() -> None:
    metrics = Metrics()
    made = engine(V3, False, metrics.observer)
    for _ in range(2):
        with pytest.raises(HandlerError):
            made.send("seen/relay/1", Int64Value(value=0))
    with pytest.raises(StatefunError):
        made.send("seen/relay/1", "a text")
    with pytest.raises(StatefunError):
        made.ask("seen/whatever/1", Int64Value(value=1))
    with pytest.raises(MalformedRequestError):
        made.bytes(b"nonsense")
    assert metrics("errors_total", function_type="seen/relay", code="handler-failed") == 2
    assert metrics.labels("errors_total") == {
        ("seen/relay", "handler-failed"),
        ("seen/relay", "unhandled-message"),
        ("", "unknown-function"),
        ("", "malformed-request"),
    }
    assert metrics.labels("handler_seconds_count") == {("seen/relay", NUMBER)}
    assert metrics.labels("batch_invocations_count") == {("seen/relay",)}
    assert metrics("inflight_requests") == 0


def test_requests_in_flight_are_those_that_wait() -> None:
    metrics = Metrics()
    made = Engine(V3, asynchronous=True, observer=metrics.observer)
    gate, all_here = asyncio.Event(), asyncio.Event()

    @made.functions.bind("seen/waiting")
    async def waiting(context: Context, number: Int64Value) -> None:
        arrived.append(metrics("inflight_requests"))
        if len(arrived) == 3:
            all_here.set()
        await gate.wait()

    async def three() -> None:
        tasks = [
            asyncio.ensure_future(made.handler(made.request(f"seen/waiting/{id}", Int64Value()))) for id in range(3)
        ]
        await all_here.wait()
        arrived.append(metrics("inflight_requests"))
        gate.set()
        await asyncio.gather(*tasks)

    arrived: list[float | None] = []
    asyncio.run(three())
    assert arrived == [1, 2, 3, 3]
    assert metrics("inflight_requests") == 0


def test_a_request_that_only_learns_its_states_is_no_batch() -> None:
    metrics = Metrics()
    made = engine(V3, False, metrics.observer)
    del made.stored["seen/relay/1"]
    made.send("seen/relay/1", Int64Value(value=5))
    assert metrics("batch_invocations_count", function_type="seen/relay") == 1


def test_message_types_beyond_the_bound_and_very_long_ones_share_a_label() -> None:
    metrics = Metrics(max_message_types=3)
    made = Engine(V3, observer=metrics.observer)

    @made.functions.bind("seen/anything")
    def anything(context: Context, message: AnyMessage) -> None: ...

    made.send("seen/anything/1", TypedBytes("x/" + 300 * "y", b""))
    for number in range(20):
        made.send("seen/anything/1", TypedBytes(f"x/y{number}", b""))
    assert metrics.labels("handler_seconds_count") == {
        ("seen/anything", "other"),
        ("seen/anything", "x/y0"),
        ("seen/anything", "x/y1"),
    }
    assert metrics("handler_seconds_count", function_type="seen/anything", message_type="other") == 19


def test_a_second_observer_of_a_registry_is_refused_with_the_way_out() -> None:
    metrics = Metrics()
    with pytest.raises(DefinitionError, match="second PrometheusObserver") as raised:
        PrometheusObserver(metrics.registry)
    assert "CollectorRegistry" in raised.value.hint


def test_one_observer_serves_several_handlers() -> None:
    metrics = Metrics()
    for _ in range(2):
        RequestReplyHandler(StatefulFunctions(), observer=metrics.observer)
    text = generate_latest(metrics.registry).decode()
    assert "# TYPE statefun_handler_seconds histogram" in text
    assert "# TYPE statefun_inflight_requests gauge" in text
