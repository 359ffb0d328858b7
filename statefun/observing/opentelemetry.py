"""`OpenTelemetryObserver`: a span for each batch and for each of its messages, and traces that messages carry on. Extra `otel`.

A message's span is a child of the span in which the message was sent, wherever that was, and begins a trace of its own where the
message carries none, as one from an ingress. Its batch had no part in its cause, so the batch is linked.
"""

from __future__ import annotations

from contextvars import Token
from typing import Final

from statefun.arguments import check, instance_of
from statefun.extras import extra
from statefun.observing.observer import BatchObserver, ObservedBatch, ObservedInvocation, Outcome, TraceContext, code_of

with extra("otel"):
    from opentelemetry import context as contexts
    from opentelemetry.context import Context
    from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer, get_tracer, set_span_in_context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

__all__ = ["OpenTelemetryObserver"]

_TRACE_CONTEXT: Final = TraceContextTextMapPropagator()


class OpenTelemetryObserver:
    """Makes spans.

    The batch's span is a child of what is current when the request is handled, such as the span of the HTTP server. While a
    handler runs its message's span is current, so that what the handler calls belongs to it.

    Args:
        tracer: Makes the spans; the global provider's without it.

    Raises:
        DefinitionError: the tracer is none.

    >>> from statefun import RequestReplyHandler, StatefulFunctions
    >>> handler = RequestReplyHandler(StatefulFunctions(), observer=OpenTelemetryObserver())
    """

    def __init__(self, tracer: Tracer | None = None) -> None:
        check("OpenTelemetryObserver", "tracer", tracer, instance_of(Tracer).or_none)
        self._tracer: Final = get_tracer("statefun") if tracer is None else tracer

    def batch_started(self, batch: ObservedBatch) -> BatchObserver:
        """Begins the batch's span."""
        return _Batch(self._tracer, batch)


class _Batch:
    def __init__(self, tracer: Tracer, batch: ObservedBatch) -> None:
        self._tracer: Final = tracer
        self._name: Final = batch.function_type
        self._address: Final = {"statefun.function.type": batch.function_type, "statefun.function.id": batch.id}
        self._span: Final = tracer.start_span(
            f"batch {batch.function_type}".rstrip(),
            kind=SpanKind.SERVER,
            attributes={
                **self._address,
                "statefun.batch.invocations": batch.invocations,
                "statefun.request.bytes": batch.request_bytes,
                "statefun.state.bytes": batch.state_bytes,
            },
        )
        self._links: Final = [Link(self._span.get_span_context())]
        self._running: tuple[Span, Token[Context]] | None = None

    def invocation_started(self, invocation: ObservedInvocation) -> TraceContext | None:
        sent = Context()  # an empty one: what is current here did not cause the message
        if invocation.trace is not None:
            headers = {"traceparent": invocation.trace.traceparent, "tracestate": invocation.trace.tracestate}
            sent = _TRACE_CONTEXT.extract(headers, sent)
        span = self._tracer.start_span(
            f"process {self._name}",
            sent,
            SpanKind.CONSUMER,
            {
                **self._address,
                "statefun.message.type": invocation.message_type,
                "statefun.message.number": invocation.number,
                "messaging.system": "statefun",
                "messaging.operation.type": "process",
                "messaging.destination.name": self._name,
            },
            self._links,
        )
        inside = set_span_in_context(span)
        self._running = span, contexts.attach(inside)
        carried: dict[str, str] = {}
        _TRACE_CONTEXT.inject(carried, inside)
        return TraceContext(carried["traceparent"], carried.get("tracestate", "")) if carried else None

    def invocation_ended(self, error: BaseException | None) -> None:
        if self._running is not None:
            span, token = self._running
            self._running = None
            contexts.detach(token)
            _end(span, error)

    def batch_ended(self, outcome: Outcome) -> None:
        self.invocation_ended(outcome.error)  # where another observer raised before it could be told to have started
        self._span.set_attributes(
            {
                "statefun.batch.handled": outcome.handled,
                "statefun.sent.messages": outcome.messages,
                "statefun.sent.delayed": outcome.delayed,
                "statefun.sent.egress_records": outcome.egress_records,
                "statefun.response.bytes": outcome.response_bytes,
            }
        )
        _end(self._span, outcome.error)


def _end(span: Span, error: BaseException | None) -> None:
    if error is not None:
        span.record_exception(error)
        span.set_attribute("error.type", code_of(error))
        span.set_status(Status(StatusCode.ERROR, code_of(error)))
    span.end()
