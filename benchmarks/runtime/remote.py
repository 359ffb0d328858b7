"""Calls of a function over HTTP through `EndpointClient`: `python -m benchmarks.runtime.remote [CALLS]`.

The server is a bare asyncio protocol in a process of its own that answers every request with the same bytes, so that what is measured is the
client. For each number of calls in flight it tells the calls in a second and the client's processor time for one, beside those of aiohttp
alone: a session that posts and reads, with none of the time-outs and checks. Five rounds, one after the other by turns; the medians.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from itertools import repeat

import aiohttp
from yarl import URL

from statefun.model import HttpEndpoint
from statefun.runtime.remote.client import EndpointClient

REQUEST = b"q" * 200
ANSWER = b"a" * 200
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % len(ANSWER)


class Server(asyncio.Protocol):
    """Answers each request of `len(REQUEST)` bytes; one request is under way on a connection at a time."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.read = b""

    def data_received(self, data: bytes) -> None:
        self.read += data
        _, end, body = self.read.partition(b"\r\n\r\n")
        if end and len(body) >= len(REQUEST):
            self.read = b""
            self.transport.write(HEAD + ANSWER)


def serve(listener: socket.socket) -> None:
    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(Server, sock=listener)
        await server.serve_forever()

    asyncio.run(main())


Call = Callable[[], Awaitable[bytes]]


async def measure(call: Call, calls: int, in_flight: int) -> tuple[float, float]:
    """Calls in a second, and the processor's time for one in microseconds."""
    left = repeat(None, calls)

    async def work() -> None:
        for _ in left:  # shared: each call is made by one of the workers
            assert await call() == ANSWER

    await call()
    started, busy = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(in_flight)))
    seconds, busy = time.perf_counter() - started, time.process_time() - busy
    return calls / seconds, busy / calls * 1e6


async def client(port: int, calls: int, in_flight: int) -> tuple[float, float]:
    endpoint = HttpEndpoint(functions="bench/each", url=f"http://127.0.0.1:{port}/statefun")
    async with EndpointClient(endpoint) as made:
        return await measure(lambda: made.call("bench/each", REQUEST), calls, in_flight)


async def aiohttp_alone(port: int, calls: int, in_flight: int) -> tuple[float, float]:
    url = URL(f"http://127.0.0.1:{port}/statefun")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def call() -> bytes:
            async with session.post(url, data=REQUEST) as response:
                return await response.read()

        return await measure(call, calls, in_flight)


def main() -> None:
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = multiprocessing.get_context("fork").Process(target=serve, args=(listener,))
        server.start()
        try:
            for in_flight in (1, 16, 64, 256):
                found = [
                    [asyncio.run(each(listener.getsockname()[1], calls, in_flight)) for each in (client, aiohttp_alone)]
                    for _ in range(5)
                ]
                told = []
                for name, rounds in zip(("EndpointClient", "aiohttp alone"), zip(*found, strict=True), strict=True):
                    rate, cost = (statistics.median(each) for each in zip(*rounds, strict=True))
                    told.append(f"{name} {rate:6,.0f} calls/s, {cost:4.0f} µs of CPU a call")
                print(f"{in_flight:4} in flight: {'; '.join(told)}", flush=True)
        finally:
            server.terminate()
            server.join()


if __name__ == "__main__":
    main()
