"""A server that plays a fault on each connection: raw asyncio, so that it can do what no HTTP server does.

A play is a coroutine function of a `Line`, one connection. The first connection gets the first play, the next the second; the last is played on
all that follow. Nothing here waits for a time: a server that hangs does so until its client gives up.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self

OCTETS = "Content-Type: application/octet-stream"


class Line:
    """A connection, as the server sees it.

    Attributes:
        server: Whose it is.
    """

    def __init__(self, server: FaultyServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer

    async def request(self) -> bytes:
        """Reads a whole request; gives its body."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        self.server.heads.append(head)
        (length,) = [line.partition(":")[2] for line in head.splitlines() if line.lower().startswith("content-length:")]
        body = await self.reader.readexactly(int(length))
        self.server.bodies.append(body)
        return body

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def gone(self) -> None:
        """Waits until the client closes the connection, whatever it sends meanwhile."""
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionError:
            pass  # closed with something unread, which TCP tells so

    def reset(self) -> None:
        """Closes with RST: what was sent and not read yet is lost."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Play = Callable[[Line], Awaitable[None]]


class FaultyServer:
    """The server; `async with` starts and stops it.

    Args:
        plays: What happens on each connection.
        tls: For TLS.
        port: Where it listens; a free port without one.
        path: The UNIX socket where it listens instead.

    Attributes:
        heads: The heads of the requests.
        bodies: The bodies of the requests that came whole.
        lines: The connections, in the order in which they came.
    """

    def __init__(
        self, *plays: Play, tls: ssl.SSLContext | None = None, port: int = 0, path: Path | None = None
    ) -> None:
        self.plays = plays
        self.tls = tls
        self.port = port
        self.path = path
        self.heads: list[str] = []
        self.bodies: list[bytes] = []
        self.lines: list[Line] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        scheme = "https" if self.tls else "http"
        return f"{scheme}+unix://{self.path}/call" if self.path else f"{scheme}://127.0.0.1:{self.port}/call"

    async def __aenter__(self) -> Self:
        if self.path is not None:
            self._server = await asyncio.start_unix_server(self._connected, self.path, ssl=self.tls)
        else:
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, ssl=self.tls)
            self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        for error in ended:
            if isinstance(error, AssertionError):
                raise error

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(self, reader, writer)
        self.lines.append(line)
        play = self.plays[min(len(self.lines), len(self.plays)) - 1]
        task = asyncio.ensure_future(self._play(play, line))
        self._tasks.add(task)
        await asyncio.wait([task])

    async def _play(self, play: Play, line: Line) -> None:
        try:
            await play(line)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client went away, as it may
        finally:
            line.writer.close()


def answer(body: bytes = b"done", status: str = "200 OK", *headers: str, kind: str = OCTETS) -> bytes:
    """An answer with a Content-Length."""
    lines = [f"HTTP/1.1 {status}", *([kind] if kind else []), f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def chunked(*parts: bytes, status: str = "200 OK", kind: str = OCTETS) -> bytes:
    """An answer in chunks."""
    head = "\r\n".join([f"HTTP/1.1 {status}", kind, "Transfer-Encoding: chunked", "", ""]).encode()
    return head + b"".join(chunk(part) for part in parts) + b"0\r\n\r\n"


def chunk(part: bytes) -> bytes:
    return f"{len(part):x}\r\n".encode() + part + b"\r\n"


def says(*answers: bytes) -> Play:
    """Answers one request after the other; the last answer is given to all that follow."""

    async def play(line: Line) -> None:
        given = 0
        while True:
            await line.request()
            await line.send(answers[min(given, len(answers) - 1)])
            given += 1

    return play


def ends_with(data: bytes) -> Play:
    """Sends something else than an answer, and closes the connection."""

    async def play(line: Line) -> None:
        await line.request()
        await line.send(data)

    return play


async def echo(line: Line) -> None:
    """Answers every request with its own body."""
    while True:
        await line.send(answer(await line.request()))


class Passing:
    """A clock on which every pause takes ten seconds, whatever is asked for: a call of thirty has three attempts."""

    def __init__(self) -> None:
        self.seconds = 0.0

    async def sleep(self, _seconds: float) -> None:
        self.seconds += 10

    def clock(self) -> float:
        return self.seconds


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
