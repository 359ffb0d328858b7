"""`OpenTelemetryObserver`: which spans there are, whose children they are, and what the messages that are sent carry on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import Int64Value
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import NoOpTracer, SpanKind, StatusCode

from statefun import Context
from statefun.batch import ProtocolVersion
from statefun.errors import HandlerError, MalformedRequestError
from statefun.observing import ObservedInvocation, Observers, TraceContext
from statefun.observing.opentelemetry import OpenTelemetryObserver
from tests.unit.observing.seen import TRACE, Seen, ZeroError, carried, engine, with_trace
from tests.unit.rig import PROTOCOLS, V3, Engine

HANDLERS = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
TRACE_ID, SPAN_ID = (int(part, 16) for part in TRACE.traceparent.split("-")[1:3])


class Spans:
    """A tracer whose finished spans stay in memory."""

    def __init__(self, **named: Any) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False, **named)
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = provider.get_tracer("test")
        self.observer = OpenTelemetryObserver(self.tracer)

    def named(self, beginning: str) -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if span.name.startswith(beginning)]

    def attributes(self, beginning: str) -> list[dict[str, Any]]:
        return [dict(span.attributes or {}) for span in self.named(beginning)]


def ids(span: ReadableSpan) -> tuple[int, int]:
    context = span.get_span_context()
    assert context is not None
    return context.trace_id, context.span_id


def traceparent(span: ReadableSpan) -> str:
    trace_id, span_id = ids(span)
    context = span.get_span_context()
    assert context is not None
    return f"00-{trace_id:032x}-{span_id:016x}-{context.trace_flags:02x}"


@PROTOCOLS
@HANDLERS
def test_each_message_has_a_span_that_is_linked_to_the_one_of_its_batch(
    protocol: ProtocolVersion, asynchronous: bool
) -> None:
    spans = Spans()
    made = engine(protocol, asynchronous, spans.observer)
    made.send("seen/relay/1", Int64Value(value=5), Int64Value(value=6))
    [batch], messages = spans.named("batch seen/relay"), spans.named("process seen/relay")
    assert (batch.kind, batch.parent, batch.status.status_code) == (SpanKind.SERVER, None, StatusCode.UNSET)
    assert [message.kind for message in messages] == [SpanKind.CONSUMER] * 2
    for message in messages:
        assert [(link.context.trace_id, link.context.span_id) for link in message.links] == [ids(batch)]
        assert message.parent is None
    assert len({ids(span)[0] for span in (batch, *messages)}) == 3
    [attributes] = spans.attributes("batch")
    sent = ["statefun.sent.messages", "statefun.sent.delayed", "statefun.sent.egress_records"]
    assert [attributes[name] for name in sent] == [2, 2, 2]
    assert (attributes["statefun.batch.invocations"], attributes["statefun.batch.handled"]) == (2, 2)
    assert [each["statefun.message.number"] for each in spans.attributes("process")] == [1, 2]
    assert {each["statefun.message.type"] for each in spans.attributes("process")} == {
        "type.googleapis.com/google.protobuf.Int64Value"
    }


@PROTOCOLS
@HANDLERS
def test_a_message_continues_the_trace_that_it_carries_and_what_it_sends_goes_on_from_its_span(
    protocol: ProtocolVersion, asynchronous: bool
) -> None:
    spans = Spans()
    made = engine(protocol, asynchronous, spans.observer)
    response = made.bytes(with_trace(made.request("seen/relay/1", Int64Value(value=5), Int64Value(value=6))))
    messages = spans.named("process")
    for message in messages:
        assert message.parent is not None
        assert (message.parent.trace_id, message.parent.span_id) == (TRACE_ID, SPAN_ID)
        assert message.parent.is_remote
    # Lists of one kind after the other, each in the order in which it was sent.
    first, second = ({20001: traceparent(message), 20002: TRACE.tracestate} for message in messages)
    assert carried(response) == [first, second] * 3


def test_without_a_trace_each_message_begins_one() -> None:
    spans = Spans()
    made = engine(V3, False, spans.observer)
    response = made.bytes(made.request("seen/relay/1", Int64Value(value=5)))
    [message] = spans.named("process")
    assert carried(response) == [{20001: traceparent(message)}] * 3


@HANDLERS
def test_the_message_s_span_is_current_in_its_handler_and_nowhere_else(asynchronous: bool) -> None:
    spans = Spans()
    made = Engine(V3, asynchronous, observer=spans.observer)
    current: list[tuple[int, int]] = []

    def look() -> None:
        context = trace.get_current_span().get_span_context()
        current.append((context.trace_id, context.span_id))

    async def waiting(context: Context, number: Int64Value) -> None:
        await asyncio.sleep(0)
        look()

    def plain(context: Context, number: Int64Value) -> None:
        look()

    made.functions.bind("seen/looking")(waiting if asynchronous else plain)
    made.bytes(made.request("seen/looking/1", Int64Value(), Int64Value()))
    look()
    assert current == [*map(ids, spans.named("process")), (0, 0)]


@HANDLERS
def test_a_failing_message_and_its_batch_have_the_error_and_the_one_before_has_none(asynchronous: bool) -> None:
    spans = Spans()
    made = engine(V3, asynchronous, spans.observer)
    with pytest.raises(HandlerError):
        made.send("seen/relay/1", Int64Value(value=5), Int64Value(value=0), Int64Value(value=6))
    [batch], messages = spans.named("batch"), spans.named("process")
    assert [message.status.status_code for message in messages] == [StatusCode.UNSET, StatusCode.ERROR]
    assert batch.status.status_code is StatusCode.ERROR
    for span in (batch, messages[1]):
        assert span.status.description == "handler-failed"
        assert dict(span.attributes or {})["error.type"] == "handler-failed"
        assert "ZeroError: zero" in str(dict(span.events[0].attributes or {})["exception.stacktrace"])
    assert not trace.get_current_span().get_span_context().is_valid


def test_what_cannot_be_read_is_a_failed_batch() -> None:
    spans = Spans()
    with pytest.raises(MalformedRequestError):
        engine(V3, False, spans.observer).bytes(b"nonsense")
    [batch] = spans.named("batch")
    assert (batch.name, batch.status.description) == ("batch", "malformed-request")


def test_the_batch_belongs_to_the_request_that_brought_it_and_its_messages_do_not() -> None:
    spans = Spans()
    made = engine(V3, False, spans.observer)
    with spans.tracer.start_as_current_span("request") as request:
        made.send("seen/relay/1", Int64Value(value=5))
    [batch], [message] = spans.named("batch"), spans.named("process")
    assert batch.parent is not None
    assert batch.parent.span_id == request.get_span_context().span_id
    assert message.parent is None


def test_requests_that_overlap_keep_their_spans_apart() -> None:
    spans = Spans()
    made = engine(V3, True, spans.observer)
    for id in range(20):
        made.store(f"seen/relay/{id}", "count", None)

    async def all_at_once() -> list[bytes]:
        requests = [made.request(f"seen/relay/{id}", Int64Value(value=5), Int64Value(value=6)) for id in range(20)]
        return await asyncio.gather(*map(made.handler, requests))

    responses = asyncio.run(all_at_once())
    by_id: dict[str, list[str]] = {}
    for span in spans.named("process"):
        by_id.setdefault(str(dict(span.attributes or {})["statefun.function.id"]), []).append(traceparent(span))
    for id, response in enumerate(responses):
        assert [each[20001] for each in carried(response)] == by_id[str(id)] * 3


def test_a_trace_that_is_not_sampled_is_carried_on_as_such() -> None:
    spans = Spans(sampler=ALWAYS_OFF)
    made = engine(V3, False, spans.observer)
    response = made.bytes(with_trace(made.request("seen/relay/1", Int64Value(value=5))))
    assert spans.exporter.get_finished_spans() == ()
    assert {(each[20001][3:35], each[20001][-2:]) for each in carried(response)} == {(f"{TRACE_ID:032x}", "00")}


def test_without_an_sdk_a_trace_is_carried_on_as_it_came() -> None:
    made = engine(V3, False, OpenTelemetryObserver(NoOpTracer()))
    response = made.bytes(with_trace(made.request("seen/relay/1", Int64Value(value=5))))
    assert {each[20001] for each in carried(response)} == {TRACE.traceparent}
    assert carried(made.bytes(made.request("seen/relay/1", Int64Value(value=5)))) == [{}] * 3


def test_an_observer_that_raises_fails_the_batch_and_leaves_no_span_open_or_current() -> None:
    class Raising(Seen):
        def invocation_started(self, invocation: ObservedInvocation) -> TraceContext | None:
            raise ZeroError

    spans = Spans()
    with pytest.raises(ZeroError):
        engine(V3, False, Observers(spans.observer, Raising())).ask("seen/relay/1", Int64Value(value=5))
    for span in (*spans.named("process"), *spans.named("batch")):
        assert span.status.status_code is StatusCode.ERROR
    assert len(spans.exporter.get_finished_spans()) == 2
    assert not trace.get_current_span().get_span_context().is_valid
