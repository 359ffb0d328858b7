"""The process that asks: one program for every contender with an HTTP server, over connections that stay open.

As little as can be done for a request: its bytes are made beforehand, the answer's status and length are read and its body is not looked at, so that it
leaves the second core to who is measured. An event counts when its answer has the status 200 or 202.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from benchmarks.common.commands import serve
from benchmarks.runtime import workload

_ACKNOWLEDGED = (b"200", b"202")


class UnexpectedAnswerError(Exception):
    """A server answered with an error, or closed a connection."""


class Post(NamedTuple):
    """How something is posted; `{key}` in the path stands for the id."""

    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""

    def rendered(self, port: int, key: str) -> bytes:
        """Give the bytes of the request."""
        lines = [f"POST {self.path.replace('{key}', key)} HTTP/1.1", f"host: 127.0.0.1:{port}"]
        lines += [f"{header}: {value}" for header, value in self.headers]
        lines.append(f"content-length: {len(self.body)}")
        return ("\r\n".join(lines) + "\r\n\r\n" + self.body).encode()


class Connection(asyncio.Protocol):
    """One connection with at most one request in flight."""

    def __init__(self, lost: Callable[[], None]) -> None:
        self._lost = lost
        self._buffer = b""
        self._answered: Callable[[bytes, bytes], None] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answered is not None:
            self._lost()

    def send(self, request: bytes, answered: Callable[[bytes, bytes], None]) -> None:
        """Send a request; `answered` is called with the status and the body."""
        assert self._transport is not None
        self._answered = answered
        self._transport.write(request)

    def close(self) -> None:
        assert self._transport is not None
        self._answered = None  # nobody waits for an answer any more
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer = self._buffer + data if self._buffer else data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = buffer[:end].lower()
        at = head.find(b"\r\ncontent-length:")
        if at >= 0:
            stop = head.find(b"\r\n", at + 2)
            length = int(head[at + 17 : stop if stop >= 0 else end])
        elif b"\r\ntransfer-encoding:" in head:
            if not buffer.endswith(b"\r\n0\r\n\r\n"):
                return
            length = len(buffer) - end - 4
        else:
            length = 0
        if len(buffer) < end + 4 + length:
            return
        self._buffer = b""
        answered, self._answered = self._answered, None
        if answered is not None:
            answered(buffer[9:12], buffer[end + 4 :])


class Load:
    """Connections to a server, and what is posted over them."""

    def __init__(self, port: int, event: Post, total: Post) -> None:
        self._events = [event.rendered(port, workload.name(key)) for key in range(workload.KEYS)]
        self._totals = [total.rendered(port, workload.name(key)) for key in range(workload.KEYS)]
        self._port = port
        self._failed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._closing = False
        self._connections: list[Connection] = []

    async def connect(self, clients: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(clients):
            _, connection = await loop.create_connection(lambda: Connection(self._cut), "127.0.0.1", self._port)
            self._connections.append(connection)

    async def renew(self) -> None:
        """Open every connection again: a server may have closed one, or be about to, while the others had their turn."""
        clients = len(self._connections)
        while self._connections:
            self._connections.pop().close()
        await self.connect(clients)

    def close(self) -> None:
        self._closing = True
        for connection in self._connections:
            connection.close()

    async def saturate(self, events: int, seed: int, drain: bool) -> dict[str, Any]:
        """Let every connection send its next event as soon as the one before is acknowledged.

        With `drain` the time ends when every counter has answered behind them: where an event is acknowledged before it is counted.
        """
        await self.renew()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = iter(workload.keys(events, seed))
        latencies: list[float] = []
        clock = time.perf_counter

        def answered(connection: Connection, sent: float, status: bytes, body: bytes) -> None:
            latencies.append(clock() - sent)
            if status not in _ACKNOWLEDGED:
                self._fail(status, body)
            elif len(latencies) == events:
                done.set_result(None)
            else:
                following(connection)

        def following(connection: Connection) -> None:
            key = next(waiting, None)
            if key is not None:
                connection.send(self._events[key], partial(answered, connection, clock()))

        started = clock()
        for connection in self._connections:
            following(connection)
        await self._or_failed(done)
        if drain:
            await self._count()
        return {"events": events, "seconds": clock() - started} | workload.quantiles(latencies)

    async def pace(self, rate: float, seconds: float, seed: int) -> dict[str, Any]:
        """Send at a fixed rate, whatever the answers do. The time of an event begins when it is due, not when a connection is free for it."""
        await self.renew()
        loop = asyncio.get_running_loop()
        events = int(rate * seconds)
        done: asyncio.Future[None] = loop.create_future()
        latencies: list[float] = []
        free = deque(self._connections)
        queue: deque[tuple[int, float]] = deque()
        begin = loop.time() + 0.01

        def answered(connection: Connection, due: float, status: bytes, body: bytes) -> None:
            latencies.append(loop.time() - due)
            free.append(connection)
            if status not in _ACKNOWLEDGED:
                self._fail(status, body)
            elif len(latencies) == events:
                done.set_result(None)
            elif queue:
                send(*queue.popleft())

        def send(key: int, due: float) -> None:
            if free:
                connection = free.popleft()
                connection.send(self._events[key], partial(answered, connection, due))
            else:
                queue.append((key, due))

        for number, key in enumerate(workload.keys(events, seed)):
            due = begin + number / rate
            loop.call_at(due, send, key, due)
        await self._or_failed(done)
        return {"events": events, "rate": rate} | workload.quantiles(latencies)

    async def totals(self) -> dict[str, int]:
        """Ask for every counter, behind all events that were acknowledged before."""
        await self.renew()
        return await self._count()

    async def _count(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = iter(range(workload.KEYS))

        def answered(connection: Connection, key: int, status: bytes, body: bytes) -> None:
            if status not in _ACKNOWLEDGED:
                self._fail(status, body)
                return
            counts[workload.name(key)] = workload.number(body)
            if len(counts) == workload.KEYS:
                done.set_result(None)
            else:
                following(connection)

        def following(connection: Connection) -> None:
            key = next(waiting, None)
            if key is not None:
                connection.send(self._totals[key], partial(answered, connection, key))

        for connection in self._connections:
            following(connection)
        await self._or_failed(done)
        return counts

    async def _or_failed(self, done: "asyncio.Future[Any]") -> None:
        await asyncio.wait((done, self._failed), return_when=asyncio.FIRST_COMPLETED)
        if self._failed.done():
            await self._failed

    def _fail(self, status: bytes, body: bytes) -> None:
        if not self._failed.done():
            text = f"{status.decode(errors='replace')}: {body.decode(errors='replace')[:500]}"
            self._failed.set_exception(UnexpectedAnswerError(text))

    def _cut(self) -> None:
        if not self._closing:
            self._fail(b"---", b"the server closed a connection")


def main() -> None:
    """Serve commands until standard input ends."""
    with asyncio.Runner() as runner:
        loads: list[Load] = []

        async def connect(port: int, event: list[Any], total: list[Any], clients: int) -> dict[str, Any]:
            load = Load(port, Post(*event), Post(*total))
            await load.connect(clients)
            loads.append(load)
            return {}

        async def totals() -> dict[str, Any]:
            return {"counts": await loads[-1].totals()}

        async def close() -> dict[str, Any]:
            loads.pop().close()
            return {}

        commands: Mapping[str, Callable[..., Any]] = {
            "connect": connect,
            "saturate": lambda **arguments: loads[-1].saturate(**arguments),
            "pace": lambda **arguments: loads[-1].pace(**arguments),
            "totals": totals,
            "close": close,
        }

        def run(command: Callable[..., Any], **arguments: Any) -> dict[str, Any]:
            before = time.process_time()
            try:
                answer: dict[str, Any] = runner.run(command(**arguments))
            except (UnexpectedAnswerError, OSError) as error:
                return {"error": f"{type(error).__name__}: {error}"}
            return answer | {"load_cpu_s": time.process_time() - before}

        serve({what: partial(run, command) for what, command in commands.items()})


if __name__ == "__main__":
    main()
