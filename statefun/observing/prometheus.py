"""`PrometheusObserver`: what a function server does, as metrics. Extra `prometheus`.

| metric | kind | labels |
|---|---|---|
| `statefun_handler_seconds` | histogram | `function_type`, `message_type` |
| `statefun_batch_invocations` | histogram | `function_type` |
| `statefun_state_bytes` | histogram | `function_type` |
| `statefun_sent_total` | counter | `function_type`, `kind` |
| `statefun_errors_total` | counter | `function_type`, `code` |
| `statefun_inflight_requests` | gauge | |

No label grows without a bound: a function's name is one that is registered, or empty where a request was not for any, and message
types beyond so many are `other`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from statefun.arguments import FUNCTION, check, instance_of, whole
from statefun.errors import DefinitionError, ProtocolError, UnhandledMessageError, UnknownFunctionError
from statefun.extras import extra
from statefun.memo import LONGEST_NAME
from statefun.observing.observer import BatchObserver, ObservedBatch, ObservedInvocation, Outcome, code_of

with extra("prometheus"):
    from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

__all__ = ["PrometheusObserver"]

_SECONDS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_INVOCATIONS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_BYTES: Final = tuple(4.0**power for power in range(2, 13))  # 16 bytes to 16 MiB
_OTHER: Final = "other"


class PrometheusObserver:
    """Counts and measures.

    Args:
        registry: Where the metrics are; the one of the process without it.
        max_message_types: How many pairs of a function and a type of its messages have a label of their own.
        clock: Seconds, of which only differences count.

    Raises:
        DefinitionError: another observer has the metrics of this registry, or an argument is of another type.

    >>> from statefun import RequestReplyHandler, StatefulFunctions
    >>> registry = CollectorRegistry()
    >>> handler = RequestReplyHandler(StatefulFunctions(), observer=PrometheusObserver(registry))
    """

    def __init__(
        self,
        registry: CollectorRegistry = REGISTRY,
        *,
        max_message_types: int = 1000,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        check("PrometheusObserver", "registry", registry, instance_of(CollectorRegistry))
        check("PrometheusObserver", "max_message_types", max_message_types, whole(0))
        check("PrometheusObserver", "clock", clock, FUNCTION)
        self.clock: Final = clock
        self._max_message_types: Final = max_message_types
        self._handlers: Final[dict[tuple[str, str], Histogram]] = {}
        by_function = ("function_type",)
        try:
            self._seconds: Final = Histogram(
                "statefun_handler_seconds",
                "Time in which a message was decoded and handled, what its handler awaited included.",
                ("function_type", "message_type"),
                registry=registry,
                buckets=_SECONDS,
            )
            self._invocations: Final = Histogram(
                "statefun_batch_invocations",
                "Messages in a request.",
                by_function,
                registry=registry,
                buckets=_INVOCATIONS,
            )
            self._state_bytes: Final = Histogram(
                "statefun_state_bytes",
                "Size of the states that a request carries.",
                by_function,
                registry=registry,
                buckets=_BYTES,
            )
            self._sent: Final = Counter(
                "statefun_sent",
                "What batches that succeeded send: messages, delayed messages and cancellations, egress records.",
                ("function_type", "kind"),
                registry=registry,
            )
            self._errors: Final = Counter(
                "statefun_errors",
                "Requests that failed; nothing of them took effect, and the engine sends most of them again.",
                ("function_type", "code"),
                registry=registry,
            )
            self._inflight: Final = Gauge(
                "statefun_inflight_requests",
                "Requests that are being handled.",
                registry=registry,
                multiprocess_mode="livesum",
            )
        except ValueError as error:
            raise DefinitionError(
                f"a second PrometheusObserver has the same registry: {error}",
                hint="give one observer to all handlers, or each a CollectorRegistry of its own",
            ) from error

    def batch_started(self, batch: ObservedBatch) -> BatchObserver:
        """Counts a request more."""
        self._inflight.inc()
        return _Batch(self, batch)

    def handled(self, function_type: str, message_type: str, seconds: float) -> None:
        """Takes in how long a message took."""
        known = self._handlers.get((function_type, message_type))
        if known is None:
            if len(self._handlers) >= self._max_message_types or len(message_type) > LONGEST_NAME:
                # As many more at most as there are functions.
                message_type = _OTHER
            known = self._seconds.labels(function_type, message_type)
            self._handlers[function_type, message_type] = known
        known.observe(seconds)

    def ended(self, batch: ObservedBatch, outcome: Outcome) -> None:
        """Takes in how a batch ended."""
        self._inflight.dec()
        error = outcome.error
        # A name that is registered, or none: what a request asks for in vain may be anything.
        function_type = "" if isinstance(error, UnknownFunctionError) else batch.function_type
        if error is not None:
            self._errors.labels(function_type, code_of(error)).inc()
        if function_type and (error is not None or outcome.handled):
            self._invocations.labels(function_type).observe(batch.invocations)
            self._state_bytes.labels(function_type).observe(batch.state_bytes)
        for kind, count in (
            ("message", outcome.messages),
            ("delayed", outcome.delayed),
            ("egress_record", outcome.egress_records),
        ):
            if count:
                self._sent.labels(function_type, kind).inc(count)


class _Batch:
    def __init__(self, observer: PrometheusObserver, batch: ObservedBatch) -> None:
        self._observer: Final = observer
        self._batch: Final = batch
        self._message_type = ""
        self._started = 0.0

    def invocation_started(self, invocation: ObservedInvocation) -> None:
        self._message_type = invocation.message_type
        self._started = self._observer.clock()

    def invocation_ended(self, error: BaseException | None) -> None:
        if isinstance(error, UnhandledMessageError | ProtocolError):
            return  # no handler took it, and its type may be anything
        seconds = self._observer.clock() - self._started
        self._observer.handled(self._batch.function_type, self._message_type, seconds)

    def batch_ended(self, outcome: Outcome) -> None:
        self._observer.ended(self._batch, outcome)
