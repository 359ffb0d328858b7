"""What a port takes at most, in size, in number and in time: it refuses before memory fills, and every wait ends."""

from __future__ import annotations

import asyncio
import json

import pytest

from statefun.runtime.egress.sink import OutgoingRecord
from statefun.runtime.http.limits import Limits
from tests.runtime.http_rig import (
    Client,
    FakeInlet,
    connected,
    in_loop,
    listening,
    serving,
)

SMALL = Limits(body=1000, head=2000, bodies=5000, connections=3)


@in_loop
async def test_a_body_of_the_limit_is_taken() -> None:
    async with listening(limits=SMALL) as running, connected(running.url) as client:
        assert (await client.ask("/a/b/c", b"x" * 1000)).status == 200
        assert running.inlet.records[0].value == b"x" * 1000


@in_loop
async def test_a_body_is_refused_by_the_length_that_it_names() -> None:
    async with listening(limits=SMALL) as running, connected(running.url) as client:
        client.write(b"POST /a/b/c HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1001\r\n\r\n")
        reply = await client.read()  # not a byte of it was sent
        assert (reply.status, reply.code) == (413, "limit-exceeded")
        client.write(b"x" * 1001)
        assert await client.ended()


@in_loop
async def test_a_body_in_chunks_is_refused_as_soon_as_it_is_too_long() -> None:
    async with listening(limits=SMALL) as running, connected(running.url) as client:
        client.write(b"POST /a/b/c HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.write(b"1f4\r\n" + b"x" * 500 + b"\r\n1f5\r\n" + b"x" * 501)  # and it does not end
        assert (await client.read()).code == "limit-exceeded"
        assert running.inlet.records == []


@in_loop
async def test_32_mib_are_taken_and_a_byte_more_is_not() -> None:
    async with listening() as running, connected(running.url) as client:
        assert (await client.ask("/a/b/c", bytes(32 << 20))).status == 200
        assert len(running.inlet.records[0].value) == 32 << 20
        client.write(b"POST /a/b/c HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % ((32 << 20) + 1))
        assert (await client.read()).code == "limit-exceeded"


@pytest.mark.parametrize(
    "head",
    [
        b"POST /" + b"x" * 600_000,  # it does not end; more than what is read at once
        b"POST / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 600_000,
        b"POST / HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X%d: x\r\n" % n for n in range(400)) + b"\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"x" * 600_000,
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + b"x" * 600_000,
    ],
)
def test_a_head_is_refused_as_soon_as_it_is_too_long(head: bytes) -> None:
    @in_loop
    async def test() -> None:
        async with listening(limits=SMALL) as running, connected(running.url) as client:
            client.write(head)
            assert (await client.read()).code == "head-too-large"
            assert await client.ended()

    test()


@in_loop
async def test_bodies_together_are_bounded_and_what_is_answered_makes_room() -> None:
    inlet = FakeInlet(holds=True)
    limits = Limits(body=1000, bodies=2500)
    async with listening(inlet, limits=limits) as running, connected(running.url) as one, connected(running.url) as two:
        one.send("/a/b/1", bytes(1000))
        two.send("/a/b/2", bytes(1000))
        await inlet.until(2)
        async with connected(running.url) as three:
            reply = await three.ask("/a/b/3", bytes(1000))
            assert (reply.status, reply.code) == (503, "busy")
            assert reply.headers["retry-after"] == "1"
        inlet.commit()
        assert (await one.read()).status == (await two.read()).status == 200
        inlet.holds = False
        async with connected(running.url) as four:
            assert (await four.ask("/a/b/4", bytes(1000))).status == 200


@in_loop
async def test_clients_that_vanish_in_the_middle_of_a_body_make_room() -> None:
    async with listening(limits=Limits(body=1000, bodies=1500)) as running:
        for _ in range(5):
            async with connected(running.url) as client:
                client.write(b"POST /a/b/c HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n")
                client.write(b"Content-Length: 1000\r\n\r\n")
                assert (await client.read()).status == 100
                client.write(bytes(900))
        async with connected(running.url) as client:
            for _ in range(5):
                assert (await client.ask("/a/b/c", bytes(1000))).status == 200


@in_loop
async def test_connections_beyond_the_limit_are_told_so() -> None:
    async with (
        listening(limits=SMALL) as running,
        connected(running.url) as one,
        connected(running.url) as two,
        connected(running.url) as three,
    ):
        for client in (one, two, three):
            assert (await client.ask("/a/b/c")).status == 200
        async with connected(running.url) as four:
            reply = await four.read()
            assert (reply.status, reply.code) == (503, "too-many-connections")
            assert await four.ended()
        assert (await one.ask("/a/b/c")).status == 200


# --- time -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "part",
    [
        b"POST /a/b/c HTT",
        b"POST /a/b/c HTTP/1.1\r\nHost: localhost\r\n",
        b"POST /a/b/c HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345",
    ],
)
def test_a_request_that_does_not_end_is_given_up(part: bytes) -> None:
    @in_loop
    async def test() -> None:
        limits = Limits(reading=0, rate=1 << 30)
        async with listening(limits=limits) as running, connected(running.url) as client:
            client.write(part)
            reply = await client.read()
            assert (reply.status, reply.code) == (408, "too-slow")
            assert await client.ended()

    test()


@in_loop
async def test_an_idle_connection_is_closed_without_a_word() -> None:
    async with listening(limits=Limits(idle=0)) as running:
        async with connected(running.url) as silent:
            assert await silent.ended()
        async with connected(running.url) as client:
            assert (await client.ask("/a/b/c")).status == 200
            assert await client.ended()


@in_loop
async def test_a_client_that_does_not_read_its_answers_is_cut_off() -> None:
    """Whether the connection would go on or is to be closed."""
    value = json.dumps({"topic": "a", "payload": "x" * (32 << 20)}).encode()
    for connection in ("keep-alive", "close"):
        async with serving(limits=Limits(writing=0, idle=0)) as sink, connected(sink.url) as client:
            data = sink.encode("io.statefun.playground/EgressRecord", value)
            await sink.deliver([OutgoingRecord(1, 0, data)])
            client.writer.transport.pause_reading()
            client.send("/a", method="GET", Connection=connection)
            for _ in range(2):  # the clock has come by twice when it has closed two idle ones
                async with connected(sink.url) as idle:
                    assert await idle.ended()
            client.writer.transport.resume_reading()
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await client.read()


@in_loop
async def test_a_request_that_waits_for_its_commit_is_not_idle() -> None:
    inlet = FakeInlet(holds=True)
    async with listening(inlet, limits=Limits(idle=0, reading=0)) as running, connected(running.url) as client:
        client.send("/a/b/c")
        await inlet.until(1)
        async with connected(running.url) as other:
            assert await other.ended()  # the clock has come by, and closed an idle one
        inlet.commit()
        assert (await client.read()).status == 200


async def send_for_ever(client: Client) -> None:
    while True:
        client.write(b"x" * 1000)
        await client.writer.drain()


@in_loop
async def test_a_client_that_goes_on_sending_behind_a_refusal_is_cut_off() -> None:
    async with listening(limits=Limits(body=10, linger=0)) as running, connected(running.url) as client:
        client.write(b"POST /a/b/c HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\n\r\n")
        assert (await client.read()).code == "limit-exceeded"
        with pytest.raises(ConnectionError):
            await send_for_ever(client)
