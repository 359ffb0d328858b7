"""`Observer`: what a handler tells of its batches, and `Observers`, several of them as one.

Of each batch a handler tells, in this order: that it started, of each invocation that it started and that it ended, and that the
batch ended. What started is always ended, with the error where there was one. What an observer raises fails the batch.
"""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

from statefun.arguments import Kind, check, list_of
from statefun.errors import StatefunError

__all__ = [
    "OBSERVER",
    "BatchObserver",
    "ObservedBatch",
    "ObservedInvocation",
    "Observer",
    "Observers",
    "Outcome",
    "TraceContext",
    "code_of",
]


class TraceContext(NamedTuple):
    """Where in a trace something is caused, as in the headers of the same names of W3C Trace Context.

    Attributes:
        traceparent: The version, the trace, the span in it and its flags.
        tracestate: What tracing systems add of their own; most often empty.
    """

    traceparent: str
    tracestate: str = ""


class ObservedBatch(NamedTuple):
    """A batch that starts.

    Attributes:
        function_type: The function that the request names, which need not exist; empty where the request cannot be read.
        id: The id of the address.
        invocations: How many messages it holds.
        request_bytes: The size of the request.
        state_bytes: How many of these are states.
    """

    function_type: str
    id: str
    invocations: int
    request_bytes: int
    state_bytes: int


class ObservedInvocation(NamedTuple):
    """A message that is about to be decoded and handled.

    Attributes:
        number: Which one of the batch it is, from 1.
        message_type: The name of its type.
        trace: Where it was sent, if it says so.
    """

    number: int
    message_type: str
    trace: TraceContext | None


class Outcome(NamedTuple):
    """How a batch ended.

    Attributes:
        handled: How many of its messages were handled: all of them, unless there is an error; none of them where a 3.x engine is
            told first which states it is to send.
        messages: How many messages it sends. Like the next three it is 0 where there is an error: nothing takes effect then.
        delayed: How many messages it sends with a delay or takes back.
        egress_records: How many records it sends to egresses.
        response_bytes: The size of the response.
        error: What it failed with.
    """

    handled: int
    messages: int = 0
    delayed: int = 0
    egress_records: int = 0
    response_bytes: int = 0
    error: BaseException | None = None


class BatchObserver(Protocol):
    """Watches one batch. Batches overlap; the invocations of one batch do not."""

    def invocation_started(self, invocation: ObservedInvocation, /) -> TraceContext | None:
        """A message is about to be decoded and handled.

        Returns:
            What the messages and records that are sent meanwhile are to carry. With None they carry on what the message carries.
        """
        ...

    def invocation_ended(self, error: BaseException | None, /) -> None:
        """It was handled, or failed with an error, as its batch does then."""
        ...

    def batch_ended(self, outcome: Outcome, /) -> None:
        """The batch is over."""
        ...


class Observer(Protocol):
    """Watches a handler."""

    def batch_started(self, batch: ObservedBatch, /) -> BatchObserver:
        """A request arrived; gives what watches its batch."""
        ...


OBSERVER: Final = Kind(
    lambda value: not isinstance(value, type) and callable(getattr(value, "batch_started", None)),
    "an object with `batch_started`, such as an OpenTelemetryObserver()",
)
"""What takes an observer; its class is none."""
_OBSERVERS: Final = list_of(OBSERVER, "observers")


class Observers:
    """Several observers as one: each is told everything, in their order, and of what ends in the opposite order.

    Messages carry the trace of the first observer that has one.

    Args:
        observers: The observers.

    Raises:
        DefinitionError: one of them is none.

    >>> from statefun import RequestReplyHandler, StatefulFunctions
    >>> from statefun.observing.opentelemetry import OpenTelemetryObserver
    >>> from statefun.observing.prometheus import CollectorRegistry, PrometheusObserver
    >>> both = Observers(OpenTelemetryObserver(), PrometheusObserver(CollectorRegistry()))
    >>> handler = RequestReplyHandler(StatefulFunctions(), observer=both)
    """

    def __init__(self, *observers: Observer) -> None:
        check("Observers", "observers", observers, _OBSERVERS)
        self._observers: Final = observers

    def batch_started(self, batch: ObservedBatch) -> BatchObserver:
        """Tells each."""
        return _Batch([each.batch_started(batch) for each in self._observers])


class _Batch:
    def __init__(self, batches: list[BatchObserver]) -> None:
        self._batches: Final = batches

    def invocation_started(self, invocation: ObservedInvocation) -> TraceContext | None:
        traces = [each.invocation_started(invocation) for each in self._batches]
        return next((trace for trace in traces if trace is not None), None)

    def invocation_ended(self, error: BaseException | None) -> None:
        for each in reversed(self._batches):
            each.invocation_ended(error)

    def batch_ended(self, outcome: Outcome) -> None:
        for each in reversed(self._batches):
            each.batch_ended(outcome)


def code_of(error: BaseException) -> str:
    """The code that a server answers an error with; `interrupted` where it is no mistake but a request that was given up.

    >>> code_of(ZeroDivisionError())
    'internal'
    """
    if isinstance(error, StatefunError):
        return error.code
    return "internal" if isinstance(error, Exception) else "interrupted"
