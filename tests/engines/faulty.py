"""A function server that answers what a test tells it to, and what an engine's log says of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final, Self

from attrs import frozen

from statefun.wire import delimited, text, varint
from tests.services.child import free_ports

__all__ = [
    "Answer",
    "FaultyServer",
    "address",
    "cancellation",
    "delayed",
    "egress",
    "good",
    "message",
    "mutation",
    "result",
    "state_wanted",
    "value_v2",
    "value_v3",
]

OCTETS: Final = "application/octet-stream"


@frozen
class Answer:
    """What comes back to an engine."""

    body: bytes = b""
    status: int = 200
    content_type: str = OCTETS
    pause: float = 0
    """Seconds before it comes."""


Answering = Callable[[bytes], Answer]
"""From a request to its answer."""


def good(_request: bytes) -> Answer:
    """A response without any effect."""
    return Answer()


class FaultyServer:
    """An HTTP server on a port of its own, as a context manager."""

    def __init__(self) -> None:
        self.answering: Answering = good
        self.requests: Final[list[bytes]] = []
        """All requests so far."""
        self.served: Final[list[bytes]] = []
        """Those that were answered as a function without effects would answer them."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                request = self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests.append(request)
                answer = outer.answering(request)
                # An engine that waits no longer has closed the connection.
                outer.stopped.wait(answer.pause)
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(answer.body)))
                self.send_header("Connection", "close")  # so that the next request finds whether anything listens
                self.end_headers()
                self.wfile.write(answer.body)
                if answer == Answer():
                    outer.served.append(request)

            def log_message(self, format: str, *arguments: object) -> None:
                """Nothing: the engine's log is what counts."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """Nothing: an engine may close a connection at any time."""

        self.stopped: Final = threading.Event()
        self._class: Final = Server
        self._handler: Final = Handler
        self._port: Final = free_ports(1)[0]
        self.url: Final = f"http://127.0.0.1:{self._port}/statefun"
        self._running: tuple[ThreadingHTTPServer, threading.Thread] | None = None

    def __enter__(self) -> Self:
        self.listen()
        return self

    def __exit__(
        self, type: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopped.set()
        self.refuse()

    def listen(self) -> None:
        """Takes connections."""
        server = self._class(("127.0.0.1", self._port), self._handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self._running = server, thread

    def refuse(self) -> None:
        """Takes none any more, until it listens again."""
        if self._running is not None:
            server, thread = self._running
            self._running = None
            server.shutdown()
            server.server_close()
            thread.join()


# --- responses, byte by byte: no SDK would make them --------------------------------------------------------------


def _tag(number: int, wire_type: int = 2) -> bytes:
    return varint(number << 3 | wire_type)


def result(*parts: bytes) -> bytes:
    """A FromFunction with an InvocationResponse of these parts."""
    return delimited(_tag(100), b"".join(parts))


def address(typename: str, id: str) -> bytes:
    """An Address."""
    namespace, _, name = typename.partition("/")
    return text(b"\x0a", namespace) + text(b"\x12", name) + text(b"\x1a", id)


def value_v2(type_url: str, data: bytes) -> bytes:
    """An Any."""
    return text(b"\x0a", type_url) + delimited(b"\x12", data)


def value_v3(typename: str, data: bytes) -> bytes:
    """A TypedValue."""
    return text(b"\x0a", typename) + b"\x10\x01" + delimited(b"\x1a", data)


def message(to: bytes, value: bytes) -> bytes:
    """An outgoing message."""
    return delimited(_tag(2), delimited(b"\x0a", to) + delimited(b"\x12", value))


def delayed(milliseconds: int, to: bytes, value: bytes, token: str | None = None) -> bytes:
    """A delayed message, of a negative delay too."""
    delay = _tag(1, 0) + varint(milliseconds & ((1 << 64) - 1))
    armed = b"" if token is None else text(_tag(11), token)
    return delimited(_tag(3), delay + delimited(b"\x12", to) + delimited(b"\x1a", value) + armed)


def cancellation(token: str) -> bytes:
    """A cancellation, of an empty token too."""
    return delimited(_tag(3), _tag(10, 0) + b"\x01" + delimited(_tag(11), token.encode()))


def egress(typename: str, value: bytes) -> bytes:
    """An egress record."""
    namespace, _, name = typename.partition("/")
    return delimited(_tag(4), text(b"\x0a", namespace) + text(b"\x12", name) + delimited(b"\x1a", value))


def mutation(name: str, value: bytes) -> bytes:
    """A MODIFY of a state."""
    return delimited(_tag(1), _tag(1, 0) + b"\x01" + text(b"\x12", name) + delimited(b"\x1a", value))


def state_wanted(name: str, typename: str) -> bytes:
    """A FromFunction of 3.x that asks for a state."""
    spec = text(b"\x0a", name) + text(b"\x1a", typename)
    return delimited(_tag(101), delimited(b"\x0a", spec))
