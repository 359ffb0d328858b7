"""What the tests of `EndpointClient` share: endpoints at a FaultyServer, calls of it, and the error that a call must end with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from statefun.errors import EndpointError
from statefun.model import AsyncTransport, HttpEndpoint, OkHttpTransport
from statefun.runtime.remote.client import EndpointClient
from tests.runtime.faulty import FaultyServer, Passing, Play

FUNCTION = "test/each"


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 60))


def at(url: str, **transport: object) -> HttpEndpoint:
    return HttpEndpoint(functions="test/*", url=url, transport=AsyncTransport(**transport))


async def failing(client: EndpointClient, expected: type[EndpointError]) -> EndpointError:
    with pytest.raises(EndpointError) as caught:
        await client.call(FUNCTION, b"question")
    assert type(caught.value) is expected, caught.value
    return caught.value


def endpoint(url: str, *, call: float = 30, read: float = 10, write: float = 10, connect: float = 10) -> HttpEndpoint:
    seconds = {"call": call, "read": read, "write": write, "connect": connect}
    transport = OkHttpTransport(**{name: timedelta(seconds=value) for name, value in seconds.items()})
    return HttpEndpoint(functions="test/*", url=url, transport=transport)


async def ask(*plays: Play, request: bytes = b"question", **times: float) -> tuple[bytes, FaultyServer]:
    """Calls a server that plays these; gives the answer, and what the server saw."""
    async with FaultyServer(*plays) as server, EndpointClient(endpoint(server.url, **times)) as client:
        return await client.call(FUNCTION, request), server


async def refused(
    expected: type[EndpointError], *plays: Play, request: bytes = b"question", **times: float
) -> tuple[EndpointError, FaultyServer]:
    """Calls a server that plays these; gives the error, which must be of exactly that class, and what the server saw.

    Unless the call has another time, an attempt that may be repeated is made three times.
    """
    passing = Passing()
    async with (
        FaultyServer(*plays) as server,
        EndpointClient(endpoint(server.url, **times), sleep=passing.sleep, clock=passing.clock) as client,
    ):
        with pytest.raises(EndpointError) as caught:
            await client.call(FUNCTION, request)
        assert type(caught.value) is expected, caught.value
        assert caught.value.function == FUNCTION
        assert str(caught.value).startswith(f"[{expected.code}] {FUNCTION} at {server.url}: ")
        return caught.value, server
