"""What `--otel` and `--metrics` make of the functions of a command: an observed handler, and the application around it."""

from __future__ import annotations

import logging
from typing import Final

from statefun.functions import StatefulFunctions
from statefun.handler import AsyncRequestReplyHandler
from statefun.observing import Observer, Observers
from statefun.serving.asgi import Application, asgi_app

__all__ = ["application"]

_LOGGER: Final = logging.getLogger("statefun.serving")


def application(
    functions: StatefulFunctions,
    *,
    metrics: bool,
    otel: bool,
    path: str | None,
    max_body: int,
    max_batch: int,
) -> Application:
    """The functions as an ASGI application; what neither option asks for needs neither extra."""
    observers: list[Observer] = []
    if otel:
        # Imported here, since they come with extras.
        from opentelemetry.trace import ProxyTracerProvider, get_tracer_provider

        from statefun.observing.opentelemetry import OpenTelemetryObserver

        if isinstance(get_tracer_provider(), ProxyTracerProvider):
            _LOGGER.warning(
                "spans go nowhere, since no tracer provider is set: start with `opentelemetry-instrument`, or set one in "
                "the module of the functions"
            )
        observers.append(OpenTelemetryObserver())
    if metrics:
        from statefun.observing.prometheus import PrometheusObserver

        observers.append(PrometheusObserver())
    observer = Observers(*observers) if observers else None
    handler = AsyncRequestReplyHandler(functions, max_batch_size=max_batch, observer=observer)
    app = asgi_app(handler, path=path, max_body=max_body)
    if otel:
        from statefun.serving.tracing import with_trace_context

        app = with_trace_context(app)
    if metrics:
        from statefun.serving.metrics import with_metrics

        app = with_metrics(app)
    return app
