"""One connection: bytes to requests by llhttp (httptools), answers to bytes in the order of the requests.

A server of a framework costs twice the processor time that a message costs in the whole runtime (`docs/http.md` has the numbers), so that
this protocol is written out. The rules that it obeys:

1. Everything that is kept is bounded before it is kept: heads, bodies, pipelined requests, all bodies together.
2. Requests of one connection are answered one after the other, in their order.
3. A request that is no HTTP, or that is over a limit, is answered behind those before it, and the connection is closed.
4. Every wait for the client has an end; the server's clock asks `expired` once a second.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, Protocol, cast
from urllib.parse import unquote_to_bytes

import httptools

from statefun.runtime.http.limits import Limits
from statefun.runtime.http.messages import LOGGER, Answer, Request, problem, unavailable

__all__ = ["Connection", "Keeper"]

_NO_PATH: Final = ()
_NO_UPGRADE: Final = problem(501, "no-upgrade", "this server speaks HTTP/1.1 alone", "leave out `Upgrade`")


class Keeper(Protocol):
    """What a connection asks its server."""

    @property
    def limits(self) -> Limits:
        """How much is taken."""
        ...

    @property
    def stopping(self) -> bool:
        """Whether connections are closed behind their next answer."""
        ...

    def entered(self, connection: Connection) -> Answer | None:
        """Counts a connection; what to answer when there are too many."""
        ...

    def left(self, connection: Connection) -> None:
        """Counts one less."""
        ...

    def keeps(self, size: int) -> bool:
        """Counts bytes of a body; False, and they are not counted, when there are too many."""
        ...

    def released(self, size: int) -> None:
        """Counts that many less."""
        ...

    def changed(self) -> None:
        """Is told that something has ended."""
        ...

    async def answer(self, request: Request) -> Answer:
        """Answers a request; it raises nothing."""
        ...

    def encode(self, answer: Answer, *, closes: bool, bodyless: bool) -> bytes:
        """An answer as bytes."""
        ...


class Connection(asyncio.Protocol):
    """Reads requests, has the server answer them, writes the answers."""

    def __init__(self, server: Keeper) -> None:
        self._server: Final = server
        self._loop: Final = asyncio.get_running_loop()
        self._parser: Final = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport = cast("asyncio.Transport", None)
        # Of the request that is being read.
        self._target = b""
        self._headers: dict[bytes, bytes] = {}
        self._body: bytes | bytearray = b""
        self._head = 0
        self._in_head = False
        self._reading = False
        self._unread = 0
        """Bytes that came since the last one that was part of a body, or the beginning or end of something."""
        self._began = self._loop.time()
        """When the connection became idle, or the request began."""
        # Of those that are read.
        self._waiting: deque[tuple[Request | Answer, bool]] = deque()
        """What is to be answered, with whether the connection goes on behind it."""
        self._task: asyncio.Task[None] | None = None
        self._current: Request | None = None
        self._kept = 0
        """Bytes of this connection's bodies that are in memory."""
        self._paused = False
        self._over = False
        """Whether nothing more is read."""
        self._broken_off = False
        """Whether that is so in the middle of a request: the client may be sending still."""
        self._lingers = False
        """Whether it was told so, and has to see the answer before the connection is closed."""
        self._writable: asyncio.Future[None] | None = None
        self._lost = False

    # --- asyncio --------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self._transport = cast("asyncio.Transport", transport)
        refused = self._server.entered(self)
        if refused is not None:
            self._finish(refused)

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        if self._over:
            return
        self._unread += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            LOGGER.exception("a connection could not be read")
            self._transport.abort()
        except httptools.HttpParserUpgrade:
            if not self._over:
                self._finish(_NO_UPGRADE)
        except httptools.HttpParserError as error:
            if not self._over:
                self._finish(problem(400, "no-http", f"this is no HTTP/1.1: {error}", "send a request that is"))
        else:
            if self._unread > self._server.limits.head and not self._over:
                self._finish(self._head_too_large())

    def eof_received(self) -> bool:
        """The client sends nothing more; it may wait for answers still, unless it is gone."""
        self._over = True
        if self._task is None or self._transport.get_extra_info("sslcontext") is not None:
            return False
        self._abandon()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed, by whomever."""
        self._lost = self._over = True
        self._waiting.clear()
        self._server.left(self)
        self._release(self._kept)
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._abandon()

    def pause_writing(self) -> None:
        """The client does not read as fast as it is answered."""
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """It has caught up."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # --- httptools ------------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A request begins."""
        if self._over:
            return
        self._target = b""
        self._headers = {}
        self._body = b""
        self._head = 0
        self._in_head = self._reading = True
        self._unread = 0
        self._began = self._loop.time()

    def on_url(self, url: bytes) -> None:
        """A piece of its path."""
        self._target += url
        self._head += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of its headers; a trailer behind the body is left out."""
        if self._in_head:
            self._head += len(name) + len(value) + 4
            name = name.lower()
            known = self._headers.get(name)
            self._headers[name] = value if known is None else known + b", " + value

    def on_headers_complete(self) -> None:
        """Its body begins."""
        if self._over:
            return
        self._in_head = False
        self._unread = 0
        headers = self._headers
        if self._head > self._server.limits.head:
            self._finish(self._head_too_large())
        elif b"content-length" in headers and int(headers[b"content-length"]) > self._server.limits.body:
            self._finish(self._too_large())
        elif b"upgrade" in headers and self._parser.should_upgrade():
            self._finish(_NO_UPGRADE)
        elif b"host" not in headers and self._parser.get_http_version() != "1.0":
            self._finish(problem(400, "no-host", "the request has no `Host`", "send the header"))
        elif headers.get(b"expect", b"").lower() == b"100-continue" and self._task is None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, piece: bytes) -> None:
        """A piece of its body."""
        if self._over:
            return
        self._unread = 0
        body, size = self._body, len(piece)
        if len(body) + size > self._server.limits.body:
            self._finish(self._too_large())
        elif not self._server.keeps(size):
            self._finish(unavailable("busy", "too many bodies are being read at once", "try again in a while"))
        else:
            self._kept += size
            if not body:
                self._body = piece
            else:
                # Pieces may be of one byte each: as objects of their own they would take forty times their size.
                if isinstance(body, bytes):
                    body = self._body = bytearray(body)
                body += piece

    def on_message_complete(self) -> None:
        """It is read."""
        self._unread = 0
        self._reading = False
        self._began = self._loop.time()
        if self._over:
            return
        body = self._body if isinstance(self._body, bytes) else bytes(self._body)
        self._body = b""
        method = self._parser.get_method().decode("ascii", "replace")
        read: Request | Answer
        parts = _parts(self._target)
        if parts is None:
            read = problem(
                400,
                "path-not-utf8",
                "the path is no percent-encoded UTF-8",
                "encode it as UTF-8, then percent-encode it",
            )
        else:
            read = Request(method, parts, self._headers, body)
        self._waiting.append((read, self._parser.should_keep_alive()))
        if self._task is None:
            self._task = self._loop.create_task(self._answer_all())
        elif not self._paused and len(self._waiting) >= self._server.limits.pipelined:
            self._paused = True
            self._transport.pause_reading()

    # --- answering ------------------------------------------------------------------------------------------------

    @property
    def answering(self) -> bool:
        """Whether a request is being answered."""
        return self._task is not None

    def close_if_idle(self) -> None:
        """Closes the connection when no request is being read or answered."""
        if self._task is None and not self._reading:
            self._transport.close()

    def close(self) -> None:
        """Reads nothing more, and closes the connection when what is written has gone out."""
        self._over = True
        if self._task is not None:
            self._task.cancel()
        self._transport.close()

    def abort(self) -> None:
        """Closes the connection at once."""
        self._transport.abort()

    def expired(self, now: float) -> None:
        """Closes the connection if the client takes too long for what it is expected to do."""
        limits = self._server.limits
        if self._task is not None:
            return
        if self._over:  # what was written has not gone out, or the client has not seen that there is no more
            if now > self._began + (limits.linger if self._lingers else limits.writing):
                self._transport.abort()
            return
        if not self._reading:
            if now > self._began + limits.idle:
                self._transport.close()
        elif now > self._began + limits.reading + len(self._body) / limits.rate:
            self._finish(problem(408, "too-slow", "the request takes too long to arrive", "send it at once"))

    async def _answer_all(self) -> None:
        waiting, server = self._waiting, self._server
        try:
            while waiting:
                read, goes_on = waiting.popleft()
                if self._paused and len(waiting) <= server.limits.pipelined // 2:
                    self._paused = False
                    self._transport.resume_reading()
                if isinstance(read, Answer):
                    answer, bodyless = read, False
                else:
                    self._current = read
                    answer = await server.answer(read)
                    self._current = None
                    if read.body:
                        self._release(len(read.body))
                    bodyless = read.method == "HEAD"
                if self._lost:
                    return
                closes = not goes_on or answer.closes or server.stopping
                self._transport.write(server.encode(answer, closes=closes, bodyless=bodyless))
                if closes:
                    self._close()
                    return
                if self._writable is not None:
                    await self._until_writable(self._writable)
                    if self._transport.is_closing():
                        return
            if self._over:  # the client has said that there is no more
                self._transport.close()
        finally:
            self._task = self._current = None
            self._began = self._loop.time()
            self._server.changed()

    async def _until_writable(self, writable: asyncio.Future[None]) -> None:
        done, _ = await asyncio.wait({writable}, timeout=self._server.limits.writing)
        if not done:
            LOGGER.warning("a client did not read its answer within %s s", self._server.limits.writing)
            self._transport.abort()

    def _finish(self, answer: Answer) -> None:
        """Reads nothing more, and closes the connection behind this answer."""
        self._over = self._broken_off = True
        self._reading = False
        self._waiting.append((answer, False))
        if self._task is None:
            self._task = self._loop.create_task(self._answer_all())

    def _close(self) -> None:
        self._over = True
        if self._broken_off and not self._server.stopping and self._transport.can_write_eof():
            # Closing while the client sends would reset the connection, and might take the answer away from it.
            self._lingers = True
            self._transport.write_eof()
        else:
            self._transport.close()

    def _too_large(self) -> Answer:
        limit = self._server.limits.body
        return problem(413, "limit-exceeded", f"the body has more than {limit} bytes", "send less at once")

    def _head_too_large(self) -> Answer:
        limit = self._server.limits.head
        return problem(431, "head-too-large", f"the head has more than {limit} bytes", "send less in path and headers")

    def _abandon(self) -> None:
        if self._task is not None and self._current is not None and self._current.abandonable:
            self._task.cancel()
            self._transport.close()

    def _release(self, size: int) -> None:
        size = min(size, self._kept)
        self._kept -= size
        self._server.released(size)


def _parts(target: bytes) -> tuple[str, ...] | None:
    """The parts of a path, percent-decoded; None when one of them is no UTF-8."""
    path = target.partition(b"?")[0]
    if path[:1] != b"/":
        if path[:7].lower() != b"http://":
            return _NO_PATH
        path = b"/" + path[7:].partition(b"/")[2]  # the whole URL, as a proxy sends it
    parts = path[1:].split(b"/")
    if b"%" in path:
        parts = [unquote_to_bytes(part) for part in parts]
    try:
        return tuple([part.decode() for part in parts])
    except UnicodeDecodeError:
        return None
