"""`statefun serve package.module:functions`: the functions of a registry, over HTTP, on uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Generator, MutableMapping
from pathlib import Path
from types import FrameType
from typing import Any, Final, NoReturn

import click

from statefun.cli.listening import cannot_listen
from statefun.cli.loading import load_functions
from statefun.cli.observing import make_observer, otel_option
from statefun.cli.options import not_empty
from statefun.cli.telling import tell_at_once
from statefun.errors import StatefunError
from statefun.functions import StatefulFunctions
from statefun.handler import DEFAULT_BATCH_LIMIT, AsyncRequestReplyHandler
from statefun.model.playground import is_loopback
from statefun.serving.answers import refusal
from statefun.serving.asgi import Application, Receive, Scope, Send, asgi_app, send_answer
from statefun.serving.gate import MAX_BODY

__all__ = ["command"]

KEEP_ALIVE: Final = 90
"""Seconds: an engine keeps an idle connection for up to 60, and a server that closes first makes it fail a request."""

DRAIN: Final = 60
"""Seconds that requests in flight have to finish after SIGTERM: an engine's own call timeout."""

_CUT_OFF: Final = 2.0
"""Seconds that requests have to be answered that they are cut off, after a second signal."""

_ENDED: Final = b"ended with a function that still ran: nothing of its batch takes effect, and an engine asks again\n"

_LOGGER: Final = logging.getLogger("statefun.serving")


class CertificateError(StatefunError):
    """A certificate or its key cannot be used."""

    code = "unusable-certificate"
    default_hint = "--tls-cert takes a chain in PEM, --tls-key its private key without a password, --client-ca the accepted authorities"


@click.command("serve")
@click.argument("target", metavar="PACKAGE.MODULE:FUNCTIONS")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--uds", type=click.Path(), callback=not_empty, help="Listen on this UNIX socket instead.")
@click.option("--tls-cert", type=click.Path(), callback=not_empty, help="The server's certificate chain, PEM.")
@click.option("--tls-key", type=click.Path(), callback=not_empty, help="Its private key, PEM.")
@click.option(
    "--client-ca",
    type=click.Path(),
    callback=not_empty,
    help="Refuse clients without a certificate of these authorities, PEM.",
)
@click.option("--path", help="The only path to serve beside /health; every path when left out.")
@click.option("--max-body", default=MAX_BODY, show_default=True, type=click.IntRange(1), help="Bytes in a request.")
@click.option(
    "--max-batch", default=DEFAULT_BATCH_LIMIT, show_default=True, type=click.IntRange(1), help="Invocations in one."
)
@click.option("--metrics", is_flag=True, help="Answer /metrics, for Prometheus (needs the extra prometheus).")
@otel_option
@click.option("--access-log", is_flag=True, help="Log every request.")
@click.option("--debug", is_flag=True, help="Log the traceback of every failure.")
def command(
    target: str,
    host: str,
    port: int,
    uds: str | None,
    tls_cert: str | None,
    tls_key: str | None,
    client_ca: str | None,
    path: str | None,
    max_body: int,
    max_batch: int,
    metrics: bool,
    otel: bool,
    access_log: bool,
    debug: bool,
) -> None:
    """Serve functions over HTTP to Flink StateFun.

    On SIGTERM or SIGINT requests in flight are finished, for up to 60 seconds, and new ones are refused; a second one ends it at once.
    """
    import uvicorn  # of the extra `serve`; here, so that --help needs only click

    if tls_cert is None and (tls_key is not None or client_ca is not None):
        raise click.UsageError("--tls-key and --client-ca need --tls-cert.")
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.INFO)
    _LOGGER.setLevel(logging.DEBUG if debug else logging.INFO)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    functions = load_functions(target)
    app: Any = _application(functions, metrics=metrics, otel=otel, path=path, max_body=max_body, max_batch=max_batch)
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        log_config=None,
        access_log=access_log,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=DRAIN,
        ssl_certfile=tls_cert,
        ssl_keyfile=tls_key,
        ssl_ca_certs=client_ca,
        ssl_cert_reqs=ssl.CERT_NONE if client_ca is None else ssl.CERT_REQUIRED,
        workers=1,
    )
    try:
        config.load()
    except OSError as error:  # ssl.SSLError is one
        names = ", ".join(name for name in (tls_cert, tls_key, client_ca) if name is not None)
        raise CertificateError(f"{names} cannot be used: {error}") from error
    with _listening(host, port, uds) as (listener, place):
        if uds is None and client_ca is None and not is_loopback(host):
            _LOGGER.warning(
                "anyone who can reach %s can invoke the functions: an engine can present no token, so use --client-ca",
                place,
            )
        _LOGGER.info("serving %s on %s%s", target, "" if tls_cert is None else "https ", place)
        # uvicorn drains, and then raises the signal once more for whoever had it before.
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, _leave)
        _server(config).run(sockets=[listener])


def _application(
    functions: StatefulFunctions, *, metrics: bool, otel: bool, path: str | None, max_body: int, max_batch: int
) -> Application:
    """The functions as an ASGI application; what neither option asks for needs neither extra."""
    observer = make_observer(otel=otel, metrics=metrics)
    handler = AsyncRequestReplyHandler(functions, max_batch_size=max_batch, observer=observer)
    app = asgi_app(handler, path=path, max_body=max_body)
    if otel:
        from statefun.serving.tracing import with_trace_context

        app = with_trace_context(app)
    if metrics:
        from statefun.serving.metrics import with_metrics

        app = with_metrics(app)
    return _answering_what_is_cut_off(app)


def _answering_what_is_cut_off(app: Application) -> Application:
    """An application that answers 503 to a request whose time is up: uvicorn ends it by a cancellation, and would log it as a failure of the application."""

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        answered = False

        async def sent(event: MutableMapping[str, Any]) -> None:
            nonlocal answered
            answered = True
            await send(event)

        try:
            await app(scope, receive, sent)
        except asyncio.CancelledError:
            if answered or scope["type"] != "http":
                raise
            await send_answer(
                send,
                refusal(
                    503,
                    "shutting-down",
                    "the server ended before the function had finished, and nothing of the batch takes effect",
                    "ask again: an engine does so by itself",
                ),
            )

    return served


def _server(config: Any) -> Any:
    """A server that a second signal ends at once, whichever it is; uvicorn's own takes a second SIGINT alone for that."""
    import uvicorn

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            if self.should_exit and not self.force_exit:
                self.force_exit = True
                ending = threading.Timer(_CUT_OFF, _end, (sig,))
                ending.daemon = True
                ending.start()
            super().handle_exit(sig, frame)

    return Server(config)


def _end(number: int) -> None:
    """Ends the process, whose event loop or exit waits for a plain function or a thread."""
    tell_at_once(_ENDED)
    os._exit(128 + number)


def _leave(_signal: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)


@contextlib.contextmanager
def _listening(host: str, port: int, uds: str | None) -> Generator[tuple[socket.socket, str]]:
    """A bound socket and its name; bound here, so that what is wrong with the address is told before anything starts."""
    made: tuple[int, int, int] | None = None
    try:
        if uds is not None:
            listener = _unix_socket(uds)
            place, made = uds, _identity(uds)
        else:
            family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            listener = socket.create_server(address, family=family, backlog=2048)
            # Connections inherit it. asyncio sets it for its own sockets alone, and without it the body of an answer, written after
            # its head, waits 40 ms for the client's acknowledgement.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            bound, taken = listener.getsockname()[:2]
            place = f"[{bound}]:{taken}" if ":" in bound else f"{bound}:{taken}"
    except (OSError, UnicodeError) as error:
        where = f"{host}:{port}" if uds is None else uds
        raise cannot_listen(where, error) from error
    try:
        yield listener, place
    finally:
        listener.close()
        # While this server finished its last requests, the next one may have taken the path over.
        if uds is not None and _identity(uds) == made:
            Path(uds).unlink()


def _unix_socket(path: str) -> socket.socket:
    """A listening UNIX socket; what a killed server left behind is replaced, a live server is not."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            if not Path(path).is_socket():
                raise OSError(errno.EEXIST, "a file is there that is no socket") from None
            Path(path).unlink()
        except FileNotFoundError:
            pass
        else:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(2048)
    return listener


def _identity(path: str) -> tuple[int, int, int] | None:
    """Which file is at a path, whatever its name; None where there is none. The time tells of a number that is used again."""
    try:
        found = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns
