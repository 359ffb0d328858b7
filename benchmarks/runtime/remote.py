"""Calls of a function over HTTP through `EndpointClient`: `python -m benchmarks.runtime.remote [CALLS]`.

The server is a bare asyncio protocol in a process of its own that answers every request with the same bytes, so that what is measured is the
client. For each number of calls in flight it tells the calls in a second and the client's processor time for one.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import sys
import time
from itertools import repeat

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


async def measure(port: int, calls: int, in_flight: int) -> str:
    endpoint = HttpEndpoint(functions="bench/each", url=f"http://127.0.0.1:{port}/statefun")
    async with EndpointClient(endpoint) as client:
        left = repeat(None, calls)

        async def work() -> None:
            for _ in left:  # shared: each call is taken by one of the workers
                await client.call("bench/each", REQUEST)

        await client.call("bench/each", REQUEST)
        started, busy = time.perf_counter(), time.process_time()
        await asyncio.gather(*(work() for _ in range(in_flight)))
        seconds, busy = time.perf_counter() - started, time.process_time() - busy
    return f"{in_flight:4} in flight: {calls / seconds:8,.0f} calls/s, {busy / calls * 1e6:5.0f} µs of CPU for a call"


def main() -> None:
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = multiprocessing.get_context("fork").Process(target=serve, args=(listener,))
        server.start()
        try:
            for in_flight in (1, 16, 64, 256):
                print(asyncio.run(measure(listener.getsockname()[1], calls, in_flight)), flush=True)
        finally:
            server.terminate()
            server.join()


if __name__ == "__main__":
    main()
