"""Ports: who may share one, what is told of one that is not to be had, and a stop that loses no answer."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from statefun.errors import EgressError, IngressError
from statefun.model import PlaygroundEgress
from statefun.runtime.egress.http import HttpSink
from statefun.runtime.http.limits import Limits
from statefun.runtime.http.server import Place
from tests.runtime.http_rig import (
    TOKEN,
    BoundFetch,
    FakeInlet,
    certificate,
    connected,
    in_loop,
    listening,
    port_of,
    serving,
)


@in_loop
async def test_a_stop_answers_what_was_taken_in_and_nothing_more() -> None:
    inlet = FakeInlet(holds=True)
    async with listening(inlet) as running, connected(running.url) as idle, connected(running.url) as client:
        assert (await idle.ask("/a")).status == 404
        client.send("/a/b/1")
        await inlet.until(1)
        client.send("/a/b/2")  # on the same connection, behind it
        stopping = asyncio.create_task(running.stop())
        assert await idle.ended()
        inlet.commit()
        reply = await client.read()
        assert reply.status == 200
        assert reply.headers["connection"] == "close"
        assert await client.ended()
        await stopping
        assert [record.id for record in inlet.records] == ["1"]
        with pytest.raises(OSError, match=r"refused|failed"):
            async with connected(running.url):
                pass


@in_loop
async def test_while_it_stops_a_request_is_told_to_come_again() -> None:
    """On a port that an egress keeps open."""
    async with listening() as running, serving(port=port_of(running.url)) as sink, connected(running.url) as client:
        assert sink.url == running.url
        assert (await client.ask("/a/b/c")).status == 200
        assert (await client.ask("/a", method="GET")).code == "no-record"
        await running.stop()
        reply = await client.ask("/a/b/c")
        assert (reply.status, reply.code) == (503, "stopping")
        assert reply.headers["retry-after"] == "1"
        async with connected(running.url) as other:
            assert (await other.ask("/a", method="GET")).code == "no-record"
            # The port takes another ingress, when the runtime runs again in the same process.
            async with listening(port=port_of(running.url)):
                assert (await other.ask("/a/b/c")).status == 200


@in_loop
async def test_a_stop_does_not_wait_for_requests_that_do_not_end() -> None:
    async with listening() as running, connected(running.url) as client:
        client.write(b"POST /a/b/c HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        assert (await client.read()).status == 100
        await running.stop()
        assert await client.ended()


@in_loop
async def test_a_stop_does_not_wait_longer_than_its_limit() -> None:
    inlet = FakeInlet(holds=True)
    async with listening(inlet, limits=Limits(drain=0.01, linger=0.01)) as running, connected(running.url) as client:
        client.send("/a/b/c")
        await inlet.until(1)
        await running.stop()
        assert await client.ended()


# --- ports ----------------------------------------------------------------------------------------------------------


@in_loop
async def test_a_port_that_is_taken_is_named_with_the_way_out() -> None:
    taken = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    async with taken:
        with pytest.raises(IngressError, match=rf"127\.0\.0\.1:{port}.*in use.*another `port`"):
            async with listening(port=port):
                pass
        with pytest.raises(EgressError, match=rf"127\.0\.0\.1:{port}.*in use.*another `port`"):
            async with serving(port=port):
                pass


@in_loop
async def test_an_address_that_is_not_of_this_machine(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    with pytest.raises(IngressError, match=r"cannot listen on 192\.0\.2\.1:"):
        async with listening(host="192.0.2.1", token=TOKEN, tls_cert=cert, tls_key=key):
            pass


@in_loop
async def test_two_of_a_kind_do_not_share_a_port() -> None:
    async with listening(id="a/one") as running:
        with pytest.raises(IngressError, match="a/two and a/one listen on"):
            async with listening(id="a/two", port=port_of(running.url)):
                pass
    async with serving(id="a/one") as sink:
        with pytest.raises(EgressError, match="a/two and a/one listen on"):
            async with serving(id="a/two", port=port_of(sink.url)):
                pass


@in_loop
async def test_a_port_is_free_again_after_a_stop() -> None:
    async with listening() as running:
        url = running.url
    async with listening(port=port_of(url)) as running, connected(url) as client:
        assert (await client.ask("/a/b/c")).status == 200


def test_a_host_is_shown_as_in_a_url() -> None:
    assert (str(Place("127.0.0.1", 80)), str(Place("::1", 80))) == ("127.0.0.1:80", "[::1]:80")


def test_a_sink_is_one() -> None:
    assert HttpSink(BoundFetch(PlaygroundEgress(port=0, topics=["a"]))).id == "io.statefun.playground/egress"
