"""What `--otel` and Prometheus metrics have in common for `statefun serve` and `statefun run`: the option, the observer, a server of metrics."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Generator
from typing import Final

import click

from statefun.cli.listening import cannot_listen
from statefun.observing import Observer, Observers

__all__ = ["make_observer", "metrics_served", "otel_option"]

_LOGGER: Final = logging.getLogger("statefun.observing")

otel_option: Final = click.option("--otel", is_flag=True, help="Make OpenTelemetry spans (needs the extra otel).")
"""`--otel`, of every verb that calls functions."""


def make_observer(*, otel: bool, metrics: bool) -> Observer | None:
    """What a handler is observed by: None without either, so that it costs nothing and needs neither extra.

    Call it when the module of the functions has been imported, which may set the tracer provider.
    """
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
    return Observers(*observers) if observers else None


@contextlib.contextmanager
def metrics_served(host: str, port: int | None) -> Generator[None]:
    """Answers the metrics of this process on a port of their own, from a thread; without a port it does nothing.

    Raises:
        BindError: the address cannot be listened on.
    """
    if port is None:
        yield
        return
    from prometheus_client import start_http_server

    where = f"[{host}]" if ":" in host else host
    try:
        server, thread = start_http_server(port, host)
    except (OSError, UnicodeError) as error:  # socket.gaierror is an OSError
        raise cannot_listen(f"{where}:{port}", error) from error
    try:
        print(f"metrics are on http://{where}:{server.server_port}/metrics", file=sys.stderr, flush=True)
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
