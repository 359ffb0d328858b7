"""What every port holds to: order on a connection, limits before memory, an end to every wait, and a stop that loses no answer."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from pathlib import Path

import pytest
import trustme

from statefun.errors import BindingError, EgressError, IngressError
from statefun.model import PlaygroundEgress, PlaygroundIngress
from statefun.runtime.egress.http import HttpSink
from statefun.runtime.egress.sink import OutgoingRecord
from statefun.runtime.http.limits import Limits
from statefun.runtime.http.messages import Answer
from statefun.runtime.http.server import Place, Server
from tests.runtime.http_rig import BoundFetch, Client, FakeInlet, Reply, connected, in_loop, listening, serving

TOKEN = "a-token-of-enough-characters"


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


# --- connections --------------------------------------------------------------------------------------------------


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


# --- limits -------------------------------------------------------------------------------------------------------

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
            client.writer.transport.pause_reading()  # type: ignore[attr-defined]
            client.send("/a", method="GET", Connection=connection)
            for _ in range(2):  # the clock has come by twice when it has closed two idle ones
                async with connected(sink.url) as idle:
                    assert await idle.ended()
            client.writer.transport.resume_reading()  # type: ignore[attr-defined]
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


# --- stopping -------------------------------------------------------------------------------------------------------


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


# --- access ---------------------------------------------------------------------------------------------------------


def certificate(folder: Path) -> tuple[str, str]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued = authority.issue_cert("localhost", "127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    return str(folder / "cert.pem"), str(folder / "key.pem")


@pytest.mark.parametrize("kind", [PlaygroundIngress, PlaygroundEgress])
@pytest.mark.parametrize(
    "settings",
    [
        {"host": "0.0.0.0"},
        {"host": "::"},
        {"host": "example.com", "token": TOKEN},
        {"host": "192.0.2.1", "tls_cert": "cert", "tls_key": "key"},
        {"tls_cert": "cert"},
        {"tls_key": "key"},
        {"token": "short"},
        {"token": "with a space in the middle"},
        {"token": ""},
        {"host": ""},
    ],
)
def test_settings_that_are_not_safe_are_refused(
    kind: type[PlaygroundIngress | PlaygroundEgress], settings: dict[str, str]
) -> None:
    topics = {"topics": ["a"]} if kind is PlaygroundEgress else {}
    with pytest.raises(BindingError) as raised:
        kind(port=1, **topics, **settings)  # type: ignore[arg-type]
    assert raised.value.hint
    assert TOKEN not in str(raised.value)


def test_a_token_is_not_shown() -> None:
    assert TOKEN not in repr(PlaygroundIngress(port=1, token=TOKEN))
    assert TOKEN not in repr(PlaygroundEgress(port=1, topics=["a"], token=TOKEN))


@pytest.mark.parametrize("given", [None, "", "Bearer", f"Bearer {TOKEN}x", f"bearer {TOKEN}", f"Basic {TOKEN}", TOKEN])
def test_without_the_token_nothing_is_let_in(given: str | None) -> None:
    @in_loop
    async def test() -> None:
        async with (
            listening(token=TOKEN) as running,
            serving(port=port_of(running.url), token=TOKEN),
            connected(running.url) as client,
        ):
            headers = {} if given is None else {"Authorization": given}
            for target, method in (("/a/b/c", "POST"), ("/a/b/", "POST"), ("/a", "GET"), ("/no-topic", "GET")):
                reply = await client.ask(target, method=method, headers=headers)
                assert (reply.status, reply.code) == (401, "unauthorized")
                assert reply.headers["www-authenticate"] == "Bearer"
            assert running.inlet.records == []
            reply = await client.ask("/a/b/c", headers={"authorization": f"Bearer {TOKEN}", "host": "any.name"})
            assert reply.status == 200

    test()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "localhost:80"}, 200),
        ({"host": "127.0.0.1:80"}, 200),
        ({"host": "[::1]:80"}, 200),
        ({"host": "LOCALHOST"}, 200),
        ({"host": ""}, 200),
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example:80"}, 421),
        ({"host": "localhost:80", "origin": "http://localhost:80"}, 200),
        ({"host": "localhost:80", "origin": "http://evil.example"}, 403),
        ({"host": "localhost:80", "origin": "http://localhost:81"}, 403),
        ({"host": "localhost:80", "origin": "null"}, 403),
        ({"sec-fetch-site": "none"}, 200),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
    ],
)
def test_a_page_of_another_site_is_not_let_in(headers: dict[str, str], status: int) -> None:
    @in_loop
    async def test() -> None:
        async with listening() as running, serving(port=port_of(running.url)), connected(running.url) as client:
            reply = await client.ask("/a/b/c", headers=headers)
            assert reply.status == status
            assert len(running.inlet.records) == (status == 200)
            fetched: Reply = await client.ask("/a", method="GET", headers=headers)
            assert fetched.status == (404 if status == 200 else status)

    test()


@in_loop
async def test_https(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    async with listening(host="0.0.0.0", token=TOKEN, tls_cert=cert, tls_key=key) as running:
        assert running.url.startswith("https://")
        context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(running.url), ssl=context)
        body = b"POST /a/b/c HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\nContent-Length: 1\r\n\r\nx"
        writer.write(body % TOKEN.encode())
        assert await reader.readuntil(b"\r\n\r\n") != b""
        assert len(running.inlet.records) == 1
        writer.close()
        await writer.wait_closed()
        # One that speaks no TLS is not served, and harms nobody.
        async with connected(running.url.replace("0.0.0.0", "127.0.0.1")) as client:
            client.send("/a/b/c")
            assert await client.ended()
        assert len(running.inlet.records) == 1


@in_loop
async def test_a_certificate_that_is_none(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    (tmp_path / "bad.pem").write_text("no certificate")
    for bad_cert, bad_key in ((str(tmp_path / "bad.pem"), key), (cert, "missing")):
        with pytest.raises(IngressError, match="cannot use the certificate"):
            async with listening(tls_cert=bad_cert, tls_key=bad_key):
                pass


@in_loop
async def test_who_shares_a_port_shares_its_certificate(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    async with listening() as running:
        with pytest.raises(EgressError, match="another certificate"):
            async with serving(port=port_of(running.url), tls_cert=cert, tls_key=key):
                pass


def test_a_host_is_shown_as_in_a_url() -> None:
    assert (str(Place("127.0.0.1", 80)), str(Place("::1", 80))) == ("127.0.0.1:80", "[::1]:80")


def test_an_answer_has_the_length_of_its_body() -> None:
    server = Server(Place("127.0.0.1", 0), Limits())
    encoded = server.encode(Answer(200, (("A", "b"),), b"body"), closes=True, bodyless=False)
    assert encoded.startswith(b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 4\r\nConnection: close\r\nDate: ")
    assert encoded.endswith(b" GMT\r\n\r\nbody")
    without = server.encode(Answer(404, (), b"body"), closes=False, bodyless=True)
    assert without.startswith(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nDate: ")
    assert without.endswith(b" GMT\r\n\r\n")


def test_a_sink_is_one() -> None:
    assert HttpSink(BoundFetch(PlaygroundEgress(port=0, topics=["a"]))).id == "io.statefun.playground/egress"
