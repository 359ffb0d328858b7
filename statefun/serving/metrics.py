"""`with_metrics`: an ASGI application that answers `/metrics` too, for Prometheus to fetch. Extra `prometheus`."""

from __future__ import annotations

from typing import Any

from statefun.arguments import TEXT, check, instance_of
from statefun.extras import extra
from statefun.serving.asgi import APPLICATION, Application, Receive, Scope, Send

with extra("prometheus"):
    import prometheus_client
    from prometheus_client import REGISTRY, CollectorRegistry

__all__ = ["with_metrics"]


def with_metrics(app: Application, registry: CollectorRegistry = REGISTRY, *, path: str = "/metrics") -> Application:
    """An application that answers one path with metrics, and all others as before.

    Args:
        app: The application.
        registry: Where the metrics are; the one of the process without it.
        path: Where they are answered.

    Raises:
        DefinitionError: an argument is of another type.

    >>> from statefun import AsyncRequestReplyHandler, StatefulFunctions
    >>> from statefun.observing.prometheus import PrometheusObserver
    >>> from statefun.serving.asgi import asgi_app
    >>> registry = CollectorRegistry()
    >>> handler = AsyncRequestReplyHandler(StatefulFunctions(), observer=PrometheusObserver(registry))
    >>> app = with_metrics(asgi_app(handler), registry)
    """
    check("with_metrics", "app", app, APPLICATION)
    check("with_metrics", "registry", registry, instance_of(CollectorRegistry))
    check("with_metrics", "path", path, TEXT)
    library: Any = prometheus_client  # whose annotation of this function says nothing
    metrics: Application = library.make_asgi_app(registry)

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        here = scope["type"] == "http" and scope["path"].removeprefix(scope.get("root_path", "")) == path
        await (metrics if here else app)(scope, receive, send)

    return served
