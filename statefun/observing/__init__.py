"""What a handler does, told to whoever wants to know: spans, metrics, or an observer of your own.

`RequestReplyHandler(functions, observer=OpenTelemetryObserver())`. See docs/observability.md.
"""

from statefun.observing.observer import (
    BatchObserver,
    ObservedBatch,
    ObservedInvocation,
    Observer,
    Observers,
    Outcome,
    TraceContext,
)

__all__ = [
    "BatchObserver",
    "ObservedBatch",
    "ObservedInvocation",
    "Observer",
    "Observers",
    "Outcome",
    "TraceContext",
]
