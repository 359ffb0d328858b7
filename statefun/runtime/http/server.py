"""One server for a port, shared by the parts that answer there: an ingress, an egress, or both.

The first part that attaches itself opens the port, the last one that detaches itself closes it. A part that detaches itself is waited for:
what it is answering is finished, what comes meanwhile is told to come again.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import AsyncGenerator
from email.utils import formatdate
from typing import Final, Protocol
from weakref import WeakKeyDictionary

from attrs import evolve, frozen

from statefun.errors import StatefunError
from statefun.runtime.http.connection import Connection
from statefun.runtime.http.limits import Limits
from statefun.runtime.http.messages import LOGGER, OK, Answer, Request, problem, unavailable

__all__ = ["Part", "Place", "Server", "attached"]


@frozen
class Place:
    """Where to listen.

    Attributes:
        host: The address.
        port: The port; 0 takes any that is free.
        tls_cert: The file of the certificate chain, PEM; None for plain HTTP.
        tls_key: The file of its private key, PEM.
    """

    host: str
    port: int
    tls_cert: str | None = None
    tls_key: str | None = None

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Part(Protocol):
    """Who answers the requests of one kind."""

    @property
    def id(self) -> str:
        """The id of the ingress or egress."""
        ...

    @property
    def depth(self) -> int:
        """How many parts the paths have that it answers."""
        ...

    async def answer(self, request: Request) -> Answer:
        """Answers a request; it raises nothing but what ends in the log and in a 500."""
        ...


class Server:
    """Listens on a port and has its parts answer."""

    def __init__(self, place: Place, limits: Limits) -> None:
        self.limits: Final = limits
        self.place = place
        """Where it listens, once `bind` has found a port."""
        self._parts: Final[dict[int, Part]] = {}
        self._leaving: Final[set[int]] = set()
        self._answering: Final[dict[Part, int]] = {}
        self._changed: Final = asyncio.Event()
        self._connections: Final[set[Connection]] = set()
        self._bodies = 0
        self._tls: ssl.SSLContext | None = None
        self._socket: socket.socket | None = None
        self._listener: asyncio.Server | None = None
        self._clock: asyncio.TimerHandle | None = None
        self._date = self._ok = b""
        self._stamp()
        self.stopping = False
        """Whether connections are closed behind their next answer."""
        self.url = ""
        """Where it listens, `http://127.0.0.1:8090`."""

    # --- parts ----------------------------------------------------------------------------------------------------

    def attach(self, part: Part) -> str | None:
        """Lets a part answer; the id of the part that does already, when there is one."""
        depth = part.depth
        if depth in self._parts and depth not in self._leaving:
            return self._parts[depth].id
        self._parts[depth] = part
        self._leaving.discard(depth)
        self._answering[part] = 0
        return None

    def leave(self, part: Part) -> bool:
        """Lets a part answer nothing more: what comes for it is told to come again, as long as the server is there.

        Returns:
            Whether there is no other part; then nobody can connect any more.
        """
        self._leaving.add(part.depth)
        if len(self._leaving) < len(self._parts):
            return False
        self.stopping = True
        if self._listener is not None:
            self._listener.close()
        for connection in tuple(self._connections):
            connection.close_if_idle()
        return True

    async def finish(self, part: Part) -> None:
        """Waits until the part has answered what it is answering."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.limits.drain):
                while self._answering[part]:
                    await self._change()
        del self._answering[part]

    # --- connections ----------------------------------------------------------------------------------------------

    def bind(self) -> socket.socket:
        """Takes the port; nobody can connect before `listen` is given it.

        Raises:
            OSError: it is taken, or the certificate cannot be used.
        """
        place = self.place
        if place.tls_cert is not None:
            self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self._tls.load_cert_chain(place.tls_cert, place.tls_key)
        family, _, _, _, address = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)[0]
        taken = self._socket = socket.create_server(address, family=family, backlog=2048)
        # Connections inherit it: asyncio sets it for sockets of its own alone, and without it an answer may wait until the one before it
        # is acknowledged.
        taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        bound, port = taken.getsockname()[:2]
        self.place = evolve(place, port=port)
        scheme = "http" if self._tls is None else "https"
        self.url = f"{scheme}://[{bound}]:{port}" if ":" in bound else f"{scheme}://{bound}:{port}"
        return taken

    async def listen(self, taken: socket.socket) -> None:
        """Lets clients connect."""
        loop = asyncio.get_running_loop()
        self._tick()
        self._listener = await loop.create_server(
            lambda: Connection(self),
            sock=taken,
            backlog=2048,
            ssl=self._tls,
            ssl_handshake_timeout=None if self._tls is None else self.limits.reading or None,
        )

    async def close(self) -> None:
        """Closes the port and every connection."""
        self.stopping = True
        if self._listener is not None:
            self._listener.close()
        elif self._socket is not None:
            self._socket.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.limits.linger):
                while any(connection.answering for connection in self._connections):
                    await self._change()
                for connection in tuple(self._connections):
                    connection.close()
                while self._connections:
                    await self._change()
        for connection in tuple(self._connections):
            connection.abort()
        if self._clock is not None:
            self._clock.cancel()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def changed(self) -> None:
        """Tells whoever waits for the end that something has ended."""
        if self._leaving:
            self._changed.set()

    def entered(self, connection: Connection) -> Answer | None:
        """Counts a connection; what to answer when there are too many."""
        self._connections.add(connection)
        if len(self._connections) <= self.limits.connections:
            return None
        return unavailable("too-many-connections", "too many connections are open", "try again in a while")

    def left(self, connection: Connection) -> None:
        """Counts one less."""
        self._connections.discard(connection)
        self.changed()

    def keeps(self, size: int) -> bool:
        """Counts bytes of a body; False, and they are not counted, when there are too many."""
        if self._bodies + size > self.limits.bodies:
            return False
        self._bodies += size
        return True

    def released(self, size: int) -> None:
        """Counts that many less."""
        self._bodies -= size

    def _tick(self) -> None:
        self._stamp()
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in tuple(self._connections):
            connection.expired(now)
        self._clock = loop.call_later(1, self._tick)

    def _stamp(self) -> None:
        self._date = f"Date: {formatdate(usegmt=True)}\r\n".encode()
        self._ok = b"HTTP/1.1 200 OK\r\n" + self._date + b"Content-Length: 0\r\n\r\n"

    # --- answers --------------------------------------------------------------------------------------------------

    async def answer(self, request: Request) -> Answer:
        """Has the part answer whose path it is."""
        depth = len(request.parts)
        part = self._parts.get(depth)
        if part is None:
            known = " and ".join(_PATHS[each] for each in sorted(self._parts))
            return problem(404, "no-such-path", "there is nothing at this path", f"the paths are {known}")
        if depth in self._leaving:
            return unavailable("stopping", "the runtime stops", "try again when it runs again")
        answering = self._answering
        answering[part] += 1
        try:
            return await part.answer(request)
        except StatefunError as error:
            LOGGER.error("%s: %s", part.id, error)
            return problem(
                500, error.code, "the runtime could not answer", "its log tells why; the same request may be sent again"
            )
        except Exception:  # noqa: BLE001  a mistake of ours in one request: logged whole, told to its client, and the others are served
            LOGGER.exception("%s could not answer", part.id)
            return problem(
                500, "internal", "the runtime could not answer", "its log tells why; the same request may be sent again"
            )
        finally:
            if part in answering:  # it is not when the part has not waited any longer
                answering[part] -= 1
            self.changed()

    def encode(self, answer: Answer, *, closes: bool, bodyless: bool) -> bytes:
        """An answer as bytes."""
        if answer is OK and not closes:
            return self._ok
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}\r\n"]
        lines += [f"{name}: {value}\r\n" for name, value in answer.headers]
        lines.append(f"Content-Length: {len(answer.body)}\r\n")
        if closes:
            lines.append("Connection: close\r\n")
        return "".join(lines).encode() + self._date + b"\r\n" + (b"" if bodyless else answer.body)


_PATHS: Final = {1: "/<topic>", 3: "/<namespace>/<name>/<id>"}

_SERVERS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, int], Server]]] = WeakKeyDictionary()


@contextlib.asynccontextmanager
async def attached(
    part: Part, place: Place, failure: type[StatefunError], *, limits: Limits | None = None
) -> AsyncGenerator[Server]:
    """Lets a part answer at a place, as long as the context is open; at its end what is being answered is finished.

    Args:
        part: Who answers.
        place: Where.
        failure: The error that tells why it cannot.
        limits: What the server takes, when the part is the first there.
    """
    servers = _SERVERS.setdefault(asyncio.get_running_loop(), {})
    server = servers.get((place.host, place.port))
    if server is None:
        server = Server(place, Limits() if limits is None else limits)
        try:
            taken = server.bind()
        except OSError as error:  # ssl.SSLError and socket.gaierror are such
            raise _not_bound(part, place, error, failure) from error
        servers[place.host, server.place.port] = server
        server.attach(part)
    else:
        taken = None
        if server.place != place:
            raise failure(
                f"{part.id} listens on {place} with another certificate than what listens there already",
                hint="give both the same `tls_cert` and `tls_key`, or ports of their own",
            )
        known = server.attach(part)
        if known is not None:
            raise failure(
                f"{part.id} and {known} listen on {place} for the same paths", hint="give one of them another port"
            )
    try:
        if taken is not None:
            await server.listen(taken)
        LOGGER.info("%s listens on %s", part.id, server.url)
        yield server
    finally:
        last = server.leave(part)
        if last:
            del servers[place.host, server.place.port]
        await server.finish(part)
        if last:
            await server.close()


def _not_bound(part: Part, place: Place, error: OSError, failure: type[StatefunError]) -> StatefunError:
    if isinstance(error, ssl.SSLError) or error.filename is not None or error.errno == errno.ENOENT:
        return failure(
            f"{part.id} cannot use the certificate {place.tls_cert} with the key {place.tls_key}: {error}",
            hint="`tls_cert` is a chain in PEM, `tls_key` its private key without a password",
        )
    in_use = "another process listens there: stop it, or give another `port`"
    return failure(
        f"{part.id} cannot listen on {place}: {error.strerror}",
        hint=in_use
        if error.errno == errno.EADDRINUSE
        else "give a `host` of this machine and a `port` that it lets you use",
    )
