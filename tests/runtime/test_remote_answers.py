"""What is no answer is told as what it is, whether it is repeated or not, and nothing is read or unpacked beyond the limit."""

from __future__ import annotations

import gzip

import pytest

from statefun.errors import (
    EndpointAnswerError,
    EndpointRejectedError,
    EndpointTimeoutError,
    EndpointUnavailableError,
)
from statefun.model import AsyncTransport, HttpEndpoint
from statefun.runtime.remote.client import EndpointClient
from statefun.runtime.remote.outcomes import BUSY, LOST, STATUSES
from tests.runtime.faulty import (
    OCTETS,
    FaultyServer,
    Line,
    answer,
    chunk,
    chunked,
    echo,
    ends_with,
    says,
)
from tests.runtime.remote_rig import FUNCTION, ask, refused, run

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
