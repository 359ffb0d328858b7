"""Whatever a function server does to a request, a call gives its own answer or a typed error, and never another's answer."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from aiohttp.client_proto import ResponseHandler

from statefun.errors import (
    EndpointAnswerError,
    EndpointTimeoutError,
    EndpointUnavailableError,
)
from statefun.model import AsyncTransport, HttpEndpoint
from statefun.runtime.remote import lines
from statefun.runtime.remote.client import EndpointClient
from tests.runtime.faulty import (
    FaultyServer,
    Line,
    Passing,
    Play,
    answer,
    chunk,
    chunked,
    echo,
    ends_with,
    says,
    unused_port,
)
from tests.runtime.remote_rig import FUNCTION, ask, endpoint, refused, run

SHORT = 0.5
"""Seconds of a call that is ended by real time."""
LARGE = b"q" * 1_000_000
"""More than the kernel takes at once, so that a reset may meet the request."""


async def hangs_before(line: Line) -> None:
    await line.request()
    await line.gone()


async def hangs_after_head(line: Line) -> None:
    await line.request()
    await line.send(answer(b"done")[:-4])
    await line.gone()


async def hangs_in_head(line: Line) -> None:
    await line.request()
    await line.send(b"HTTP/1.1 200 OK\r\nContent-Ty")
    await line.gone()


async def hangs_in_body(line: Line) -> None:
    await line.request()
    await line.send(answer(b"done")[:-2])
    await line.gone()


async def hangs_in_chunks(line: Line) -> None:
    await line.request()
    await line.send(chunked(b"do", b"ne")[:-5])
    await line.gone()


async def resets_before_reading(line: Line) -> None:
    line.reset()


async def resets_in_request(line: Line) -> None:
    await line.reader.readexactly(1000)
    line.reset()


async def resets_after_request(line: Line) -> None:
    await line.request()
    line.reset()


async def resets_in_body(line: Line) -> None:
    await line.request()
    await line.send(answer(b"done")[:-2])
    line.reset()


async def closes_after_request(line: Line) -> None:
    await line.request()


# Every fault that leaves it open whether the request was served.
LOST_PLAYS: dict[str, tuple[Play, float]] = {
    "hangs before the head": (hangs_before, 0.2),
    "hangs in the head": (hangs_in_head, 0.2),
    "hangs behind the head": (hangs_after_head, 0.2),
    "hangs in the body": (hangs_in_body, 0.2),
    "hangs in the chunks": (hangs_in_chunks, 0.2),
    "resets before it reads": (resets_before_reading, 10),
    "resets in the request": (resets_in_request, 10),
    "resets behind the request": (resets_after_request, 10),
    "resets in the body": (resets_in_body, 10),
    "closes behind the request": (closes_after_request, 10),
    "truncates the head": (ends_with(b"HTTP/1.1 200 OK\r\nConte"), 10),
    "truncates the body": (ends_with(answer(b"done")[:-1]), 10),
    "truncates the chunks": (ends_with(chunked(b"do", b"ne")[:-5]), 10),
    "truncates in a chunk": (ends_with(chunked(b"done")[:-9]), 10),
}


@pytest.mark.parametrize("fault", LOST_PLAYS)
def test_a_request_without_an_answer_is_repeated_on_a_new_connection(fault: str) -> None:
    play, read = LOST_PLAYS[fault]

    async def test() -> None:
        body, server = await ask(play, play, says(answer(b"good")), request=LARGE, read=read)
        assert body == b"good"
        assert len(server.lines) >= 3  # more on a machine that is too busy to answer in time
        assert server.bodies[-1] == LARGE

    run(test)


@pytest.mark.parametrize("fault", LOST_PLAYS)
def test_a_request_without_an_answer_in_the_time_of_the_call_is_a_timeout(fault: str) -> None:
    play, read = LOST_PLAYS[fault]

    async def test() -> None:
        error, server = await refused(EndpointTimeoutError, play, request=LARGE, read=min(read, 0.1))
        assert len(server.lines) == 3
        assert error.message.endswith(", after 3 attempts")

    run(test)


def test_the_time_of_the_call_ends_an_attempt_that_has_no_time_out_of_its_own() -> None:
    async def test() -> None:
        async with FaultyServer(hangs_before) as server:
            transport = AsyncTransport(call=timedelta(seconds=SHORT))
            async with EndpointClient(HttpEndpoint(functions="test/*", url=server.url, transport=transport)) as client:
                with pytest.raises(EndpointTimeoutError):
                    await client.call(FUNCTION, b"question")
            assert len(server.lines) == 1

    run(test)


def test_an_absent_server_is_unavailable() -> None:
    async def test() -> None:
        url = f"http://127.0.0.1:{unused_port()}/call"
        async with EndpointClient(endpoint(url, call=0.25)) as client:
            with pytest.raises(EndpointUnavailableError, match="no connection"):
                await client.call(FUNCTION, b"question")

    run(test)


def test_a_server_that_comes_late_is_found() -> None:
    async def test() -> None:
        server = FaultyServer(echo, port=unused_port())
        pauses: list[float] = []

        async def sleep(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                await server.__aenter__()

        async with EndpointClient(endpoint(server.url), sleep=sleep, jitter=lambda: 0.0) as client:
            assert await client.call(FUNCTION, b"question") == b"question"
        await server.__aexit__()
        assert pauses == [0.01, 0.02, 0.04]

    run(test)


def test_a_host_that_no_name_server_knows_is_unavailable() -> None:
    async def test() -> None:
        async with EndpointClient(endpoint("http://nowhere.invalid/call", call=0.25)) as client:
            with pytest.raises(EndpointUnavailableError):
                await client.call(FUNCTION, b"question")

    run(test)


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example"])
def test_a_host_that_no_name_server_can_know_is_told_at_once(host: str) -> None:
    async def test() -> None:
        async with EndpointClient(endpoint(f"http://{host}/call")) as client:
            with pytest.raises(EndpointUnavailableError, match="no host can have this name"):
                await client.call(FUNCTION, b"question")

    run(test)


def test_a_server_that_was_once_met_and_then_is_gone_counts_as_a_timeout() -> None:
    """A message that ends its server must count its attempts, though repetitions find nobody."""

    async def test() -> None:
        passing = Passing()
        async with FaultyServer(resets_after_request) as server:

            async def sleep(seconds: float) -> None:
                await server.__aexit__()
                await passing.sleep(seconds)

            async with EndpointClient(endpoint(server.url), sleep=sleep, clock=passing.clock) as client:
                with pytest.raises(EndpointTimeoutError, match="no connection"):
                    await client.call(FUNCTION, b"question")

    run(test)


async def slow(line: Line) -> None:
    await line.request()
    for each in answer(b"done"):
        await line.send(bytes([each]))
        await asyncio.sleep(0)


async def trickles(line: Line) -> None:
    await line.request()
    head, _, _ = chunked().partition(b"0\r\n")
    await line.send(head)
    for _ in range(2000):
        await line.send(chunk(b"."))
        await asyncio.sleep(0)
    await line.send(b"0\r\n\r\n")


@pytest.mark.parametrize(("play", "body"), [(slow, b"done"), (trickles, b"." * 2000)])
def test_a_slow_answer_is_an_answer(play: Play, body: bytes) -> None:
    async def test() -> None:
        found, server = await ask(play, read=10)
        assert found == body
        assert len(server.lines) == 1

    run(test)


def test_a_trickle_without_an_end_is_ended_by_the_time_of_the_call() -> None:
    async def test() -> None:
        async def endless(line: Line) -> None:
            await line.request()
            await line.send(chunked().partition(b"0\r\n")[0])
            while True:
                await line.send(chunk(b"."))
                await asyncio.sleep(0.01)

        await refused(EndpointTimeoutError, endless, call=SHORT, read=10)

    run(test)


def test_a_server_that_does_not_read_is_given_up_after_the_time_out_of_writing() -> None:
    async def test() -> None:
        released = asyncio.Event()

        async def does_not_read(line: Line) -> None:
            line.reader._transport.pause_reading()
            await released.wait()

        async def reads(line: Line) -> None:
            released.set()
            await echo(line)

        large = b"q" * 16_000_000
        body, server = await ask(does_not_read, reads, request=large, write=0.2)
        assert body == large
        assert len(server.lines) >= 2

    run(test)


def test_a_refusal_that_comes_before_all_of_the_request_is_sent_is_a_refusal() -> None:
    async def test() -> None:
        async def reads_the_head_alone(line: Line) -> None:
            await line.reader.readuntil(b"\r\n\r\n")
            await line.send(answer(b"", "413 Too Large", "Connection: close"))
            await line.gone()

        error, server = await refused(EndpointAnswerError, reads_the_head_alone, request=b"q" * 5_000_000)
        assert "status 413" in error.message
        assert len(server.lines) == 1

    run(test)


# --- answers that are another request's ---------------------------------------------------------------------------


async def answers_twice(line: Line) -> None:
    while True:
        body = await line.request()
        await line.send(answer(body) + answer(body))


def test_a_second_answer_is_not_that_of_the_next_request() -> None:
    async def test() -> None:
        async with FaultyServer(answers_twice) as server, EndpointClient(endpoint(server.url)) as client:
            for number in range(10):
                assert await client.call(FUNCTION, b"%d" % number) == b"%d" % number
            assert len(server.bodies) == 10

    run(test)


async def stale(client: EndpointClient, server: FaultyServer, seen: bool) -> bytes:
    """An answer that comes when nobody waits for one, and the answer to the next request."""
    assert await client.call(FUNCTION, b"first") == b"first"
    await server.lines[0].send(answer(b"first"))
    if seen:  # by the client's loop; otherwise it is in the kernel still
        for _ in range(10):
            await asyncio.sleep(0)
    return await client.call(FUNCTION, b"second")


@pytest.mark.parametrize("seen", [True, False])
def test_an_answer_that_comes_when_nobody_asks_is_nobodys(seen: bool) -> None:
    async def test() -> None:
        async with FaultyServer(echo) as server, EndpointClient(endpoint(server.url)) as client:
            assert await stale(client, server, seen) == b"second"
            assert len(server.lines) == 2
            assert server.bodies == [b"first", b"second"]

    run(test)


@pytest.mark.parametrize("seen", [True, False])
def test_without_the_watch_over_idle_connections_it_would_be(seen: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it this is what aiohttp does: the test before this one can fail."""
    monkeypatch.setattr(lines, "_silent_line", ResponseHandler)

    async def test() -> None:
        async with FaultyServer(echo) as server, EndpointClient(endpoint(server.url)) as client:
            assert await stale(client, server, seen) == b"first"

    run(test)


def test_a_late_answer_is_not_that_of_the_repetition() -> None:
    async def test() -> None:
        repeated = asyncio.Event()

        async def late(line: Line) -> None:
            await line.request()
            await repeated.wait()
            await line.send(answer(b"late"))

        async def good(line: Line) -> None:
            body = await line.request()
            repeated.set()
            for _ in range(10):
                await asyncio.sleep(0)
            await line.send(answer(b"good " + body))

        body, server = await ask(late, good, read=0.3)
        assert body == b"good question"
        assert set(server.bodies) == {b"question"}
        assert len(server.lines) >= 2

    run(test)
