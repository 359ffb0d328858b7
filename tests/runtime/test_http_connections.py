"""What a connection of a port carries: requests in order, one answer to each, and an end at what is no request."""

from __future__ import annotations

import asyncio
import re
import socket

import pytest

from statefun.runtime.http.limits import Limits
from statefun.runtime.http.messages import Answer
from statefun.runtime.http.server import Place, Server
from tests.runtime.http_rig import (
    FakeInlet,
    connected,
    in_loop,
    listening,
)


@in_loop
async def test_a_connection_carries_many_requests() -> None:
    async with listening() as running, connected(running.url) as client:
        for number in range(100):
            assert (await client.ask(f"/a/b/{number}")).status == 200
        assert [record.id for record in running.inlet.records] == [str(number) for number in range(100)]


@in_loop
async def test_pipelined_requests_are_answered_in_their_order() -> None:
    """More of them than are read ahead, good and bad; the bad ones are told apart by their answers."""
    async with listening(limits=Limits(pipelined=4)) as running, connected(running.url) as client:
        for number in range(200):
            client.send(f"/a/b/{number}" if number % 3 else "/a")
        statuses = [(await client.read()).status for _ in range(200)]
        assert statuses == [200 if number % 3 else 404 for number in range(200)]
        assert [record.id for record in running.inlet.records] == [str(n) for n in range(200) if n % 3]


@in_loop
async def test_behind_a_broken_request_nothing_is_read_and_what_was_before_it_is_answered() -> None:
    async with listening() as running, connected(running.url) as client:
        client.send("/a/b/1")
        client.write(b"POST /a/b/2 HTTP/1.1\r\nHost : x\r\n\r\n")
        client.send("/a/b/3")
        assert (await client.read()).status == 200
        refused = await client.read()
        assert (refused.status, refused.code) == (400, "no-http")
        assert refused.headers["connection"] == "close"
        assert await client.ended()
        assert [record.id for record in running.inlet.records] == ["1"]


@in_loop
async def test_64_clients_at_once() -> None:
    async with listening() as running:

        async def one(client_number: int) -> None:
            async with connected(running.url) as client:
                for number in range(20):
                    assert (await client.ask(f"/a/b/{client_number}", str(number).encode())).status == 200

        await asyncio.gather(*(one(number) for number in range(64)))
        assert len(running.inlet.records) == 64 * 20
        for client_number in range(64):
            got = [record.value for record in running.inlet.records if record.id == str(client_number)]
            assert got == [str(number).encode() for number in range(20)]


@in_loop
async def test_a_client_that_closes_its_side_is_answered_still() -> None:
    inlet = FakeInlet(holds=True)
    async with listening(inlet) as running, connected(running.url) as client:
        client.send("/a/b/c")
        client.writer.write_eof()
        await inlet.until(1)
        inlet.commit()
        assert (await client.read()).status == 200
        assert await client.ended()


@in_loop
async def test_connection_close_and_http_1_0_are_obeyed() -> None:
    async with listening() as running:
        async with connected(running.url) as client:
            assert (await client.ask("/a/b/c", Connection="close")).headers["connection"] == "close"
            assert await client.ended()
        async with connected(running.url) as client:
            client.write(b"POST /a/b/c HTTP/1.0\r\n\r\n")
            assert (await client.read()).status == 200
            assert await client.ended()


@in_loop
async def test_answers_have_a_date() -> None:
    async with listening() as running, connected(running.url) as client:
        for target in ("/a/b/c", "/a"):
            reply = await client.ask(target)
            assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", reply.headers["date"])


@in_loop
async def test_a_body_may_come_in_chunks_after_a_100() -> None:
    async with listening() as running, connected(running.url) as client:
        client.write(b"POST /a/b/c HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n")
        client.write(b"Transfer-Encoding: chunked\r\n\r\n")
        assert (await client.read()).status == 100
        client.write(b"3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nTrailer: x\r\n\r\n")
        assert (await client.read()).status == 200
        assert running.inlet.records[0].value == b"abcd"


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "no-http"),
        (b"POST /a/b/c HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "no-http"),
        (b"POST /a/b/c HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400, "no-http"),
        (
            b"POST /a/b/c HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            "no-http",
        ),
        (b"POST /a/b/c HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", 400, "no-http"),
        (b"POST /a/b/c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400, "no-http"),
        (b"POST /a/b/c HTTP/1.1\r\n\r\n", 400, "no-host"),
        (b"GET /a/b/c\r\n\r\n", 400, "no-host"),
        (b"GET /a/b/c HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 501, "no-upgrade"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "no-http"),
    ],
)
def test_what_is_no_request_is_refused(request_bytes: bytes, status: int, code: str) -> None:
    @in_loop
    async def test() -> None:
        async with listening() as running, connected(running.url) as client:
            client.write(request_bytes)
            reply = await client.read()
            assert (reply.status, reply.code) == (status, code)
            assert await client.ended()
            assert running.inlet.records == []

    test()


def test_an_answer_has_the_length_of_its_body() -> None:
    server = Server(Place("127.0.0.1", 0), Limits())
    encoded = server.encode(Answer(200, (("A", "b"),), b"body"), closes=True, bodyless=False)
    assert encoded.startswith(b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 4\r\nConnection: close\r\nDate: ")
    assert encoded.endswith(b" GMT\r\n\r\nbody")
    without = server.encode(Answer(404, (), b"body"), closes=False, bodyless=True)
    assert without.startswith(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nDate: ")
    assert without.endswith(b" GMT\r\n\r\n")


def test_an_answer_is_not_held_back_until_the_one_before_it_is_acknowledged() -> None:
    with (
        Server(Place("127.0.0.1", 0), Limits()).bind() as listening,
        socket.create_connection(listening.getsockname()),
        listening.accept()[0] as taken,
    ):
        assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
