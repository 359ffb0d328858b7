"""Whatever a function server does to a request, a call gives its own answer or a typed error, and never another's answer."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from aiohttp.client_proto import ResponseHandler

from statefun.errors import (
    EndpointAnswerError,
    EndpointError,
    EndpointRejectedError,
    EndpointTimeoutError,
    EndpointUnavailableError,
)
from statefun.model import AsyncTransport, HttpEndpoint, OkHttpTransport
from statefun.runtime.remote import lines
from statefun.runtime.remote.client import EndpointClient
from statefun.runtime.remote.outcomes import BUSY, LOST, STATUSES
from tests.runtime.faulty import (
    OCTETS,
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

FUNCTION = "test/each"
SHORT = 0.5
"""Seconds of a call that is ended by real time."""
LARGE = b"q" * 1_000_000
"""More than the kernel takes at once, so that a reset may meet the request."""


def endpoint(url: str, *, call: float = 30, read: float = 10, write: float = 10, connect: float = 10) -> HttpEndpoint:
    seconds = {"call": call, "read": read, "write": write, "connect": connect}
    transport = OkHttpTransport(**{name: timedelta(seconds=value) for name, value in seconds.items()})
    return HttpEndpoint(functions="test/*", url=url, transport=transport)


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 60))  # type: ignore[arg-type]


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
            line.reader._transport.pause_reading()  # type: ignore[attr-defined]
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


# --- answers that are none ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x00\x01\x02garbage\xff\r\n\r\n", "is not HTTP"),
        (b"-ERR unknown command 'POST'\r\n", "is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n" + OCTETS.encode() + b"\r\n\r\n", "is not HTTP"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n" + OCTETS.encode() + b"\r\n\r\n",
            "is not HTTP",
        ),
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 100_000 + b"\r\n\r\n", "is not HTTP"),
        (b"HTTP/1.0 200 OK\r\n" + OCTETS.encode() + b"\r\n\r\npart of an ans", "does not tell where it ends"),
        (answer(b"done", "200 OK", kind="Content-Type: application/octet-stream; charset=utf-8"), "charset=utf-8"),
        (answer(b"done", "200 OK", kind="Content-Type: text/html"), "text/html"),
        (answer(b"done", "200 OK", kind=""), "is missing"),
        (answer(b"done", "200 OK", kind="Content-Type: a/\x1b[31mb"), r"a/\x1b[31mb"),
        (answer(gzip.compress(b"done"), "200 OK", "Content-Encoding: gzip"), "encoded as gzip"),
        (answer(b"done", "200 OK", "Content-Encoding: br"), "encoded as br"),
        (answer(b"", "204 No Content"), "status 204"),
        (answer(b"done", "202 Accepted"), "status 202"),
        (answer(b"done", "101 Switching Protocols", "Upgrade: x", "Connection: upgrade"), "status 101"),
    ],
)
def test_what_is_no_answer_is_told_at_once(data: bytes, said: str) -> None:
    async def test() -> None:
        error, server = await refused(EndpointAnswerError, ends_with(data), echo)
        assert said in error.message
        assert len(server.lines) == 1

    run(test)


@pytest.mark.parametrize("status", [401, 403, 404, 405, 410, 413, 415, 418, 422, 500, 501, 505, 507, 511, 599])
def test_a_status_that_repeating_does_not_mend_is_told_at_once(status: int) -> None:
    async def test() -> None:
        error, server = await refused(EndpointAnswerError, says(answer(b"no", f"{status} No", kind="")))
        assert f"status {status}" in error.message
        assert len(server.bodies) == 1

    run(test)


def test_400_is_a_rejection() -> None:
    async def test() -> None:
        _, server = await refused(EndpointRejectedError, says(answer(b"no", "400 Bad Request")))
        assert len(server.bodies) == 1

    run(test)


REPEATED = {status: outcome for status, outcome in STATUSES.items() if outcome.repeated}


@pytest.mark.parametrize("status", REPEATED)
def test_a_status_that_says_later_is_repeated(status: int) -> None:
    async def test() -> None:
        body, server = await ask(says(*[answer(b"no", f"{status} Later", kind="")] * 3, answer(b"good")))
        assert body == b"good"
        assert server.bodies == [b"question"] * 4
        assert len(server.lines) == 1  # its refusals were read, so that the connection is good for the next

    run(test)


@pytest.mark.parametrize("status", REPEATED)
def test_a_status_that_says_later_until_the_end_is_its_error(status: int) -> None:
    assert {408, 409, 420, 429, 499, 502, 503} == {each for each, outcome in STATUSES.items() if outcome is BUSY}
    assert {504} == {each for each, outcome in STATUSES.items() if outcome is LOST}
    expected = EndpointTimeoutError if status == 504 else EndpointUnavailableError

    async def test() -> None:
        error, server = await refused(expected, says(answer(b"no", f"{status} Later")))
        assert f"status {status}, after 3 attempts" in error.message
        assert len(server.bodies) == 3

    run(test)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirection_is_not_followed(status: int) -> None:
    async def test() -> None:
        async with FaultyServer(echo) as other:
            play = says(answer(b"", f"{status} Elsewhere", f"Location: {other.url}"))
            error, _ = await refused(EndpointAnswerError, play)
            assert f"status {status}, which leads to {other.url}" in error.message
            assert not other.lines

    run(test)


# --- sizes --------------------------------------------------------------------------------------------------------


def limited(url: str, most: int) -> HttpEndpoint:
    return HttpEndpoint(functions="test/*", url=url, transport=AsyncTransport(payload_max_bytes=most))


def test_an_answer_is_as_large_as_its_endpoint_takes() -> None:
    async def test() -> None:
        async with FaultyServer(echo) as server, EndpointClient(limited(server.url, 200_000)) as client:
            assert await client.call(FUNCTION, b"q" * 200_000) == b"q" * 200_000
        body = b"a" * 200_000
        async with FaultyServer(says(chunked(body))) as server, EndpointClient(limited(server.url, 200_000)) as client:
            assert await client.call(FUNCTION, b"question") == body

    run(test)


def test_an_answer_that_is_declared_too_large_is_not_read() -> None:
    async def test() -> None:
        for most, declared in ((100, 101), (32 * 1024 * 1024, 1 << 40)):

            async def declares(line: Line, declared: int = declared) -> None:
                await line.request()
                await line.send(answer(b"", "200 OK").replace(b"Content-Length: 0", b"Content-Length: %d" % declared))
                await line.gone()

            async with FaultyServer(declares) as server, EndpointClient(limited(server.url, most)) as client:
                with pytest.raises(EndpointAnswerError, match="or more"):
                    await client.call(FUNCTION, b"question")

    run(test)


def test_an_answer_in_chunks_is_read_no_further_than_the_limit() -> None:
    async def test() -> None:
        part = chunk(b"a" * 50_000)
        sent: list[int] = []

        async def endless(line: Line) -> None:
            await line.request()
            await line.send(chunked().partition(b"0\r\n")[0])
            while True:
                await line.send(part)
                sent.append(len(part))

        async with FaultyServer(endless) as server, EndpointClient(limited(server.url, 1_000_000)) as client:
            with pytest.raises(EndpointAnswerError, match="or more"):
                await client.call(FUNCTION, b"question")
            await server.lines[0].gone()
        assert sum(sent) < 20_000_000  # the limit, and what the kernels hold

    run(test)


def test_a_compressed_answer_is_not_unpacked() -> None:
    async def test() -> None:
        bomb = gzip.compress(bytes(20_000_000))
        error, _ = await refused(EndpointAnswerError, says(answer(bomb, "200 OK", "Content-Encoding: gzip")))
        assert "encoded as gzip" in error.message
        # A bomb among the words of a refusal.
        await refused(EndpointAnswerError, says(answer(bomb, "500 No", "Content-Encoding: gzip", kind="")))

    run(test)


def test_a_request_over_the_limit_is_not_sent() -> None:
    async def test() -> None:
        async with FaultyServer(echo) as server, EndpointClient(limited(server.url, 1000)) as client:
            with pytest.raises(
                EndpointRejectedError, match="the request has 1,001 bytes, and the endpoint takes 1,000"
            ):
                await client.call(FUNCTION, b"q" * 1001)
            assert not server.lines

    run(test)


@pytest.mark.parametrize("size", [0, 1, 65536, 65537, 200_000, 5_000_000])
def test_requests_and_answers_of_any_size_arrive_whole(size: int) -> None:
    async def test() -> None:
        request = bytes(range(256)) * (size // 256 + 1)
        body, server = await ask(echo, request=request[:size])
        assert body == request[:size]
        assert server.bodies == [request[:size]]

    run(test)
