"""`with_trace_context`: an ASGI application whose batches belong to the trace of the HTTP request. Extra `otel`."""

from __future__ import annotations

from statefun.arguments import check
from statefun.extras import extra
from statefun.serving.asgi import APPLICATION, Application, Receive, Scope, Send

with extra("otel"):
    from opentelemetry.context import attach, detach
    from opentelemetry.propagate import extract
    from opentelemetry.trace import get_current_span

__all__ = ["with_trace_context"]


def with_trace_context(app: Application) -> Application:
    """An application that runs in the trace which a request's headers name, as `traceparent` does.

    Which headers these are is said by the propagators of OpenTelemetry (`OTEL_PROPAGATORS`). Where a span is current already,
    such as the one of an instrumented server, the batch belongs to that.

    Raises:
        DefinitionError: `app` is none.

    >>> from statefun import AsyncRequestReplyHandler, StatefulFunctions
    >>> from statefun.observing.opentelemetry import OpenTelemetryObserver
    >>> from statefun.serving.asgi import asgi_app
    >>> handler = AsyncRequestReplyHandler(StatefulFunctions(), observer=OpenTelemetryObserver())
    >>> app = with_trace_context(asgi_app(handler))
    """
    check("with_trace_context", "app", app, APPLICATION)

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or get_current_span().get_span_context().is_valid:
            await app(scope, receive, send)
            return
        token = attach(extract({name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}))
        try:
            await app(scope, receive, send)
        finally:
            detach(token)

    return served
