"""Whatever bytes a client sends, in whatever pieces: an answer to each request, the same ones, and never an exception."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statefun.model import PlaygroundIngress
from statefun.runtime.http.connection import Connection
from statefun.runtime.http.limits import Limits
from statefun.runtime.http.server import Place, Server
from statefun.runtime.ingress.http import HttpSource
from statefun.runtime.ingress.source import Record
from tests.runtime.http_rig import BoundHttp, FakeInlet

KNOWN = {200, 400, 401, 403, 404, 405, 408, 413, 415, 421, 429, 431, 501, 503, 504}


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.closed = False
        self.paused = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self.closed:
            self.written += data

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None: ...

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


async def told(pieces: list[bytes]) -> tuple[list[tuple[int, bytes]], list[Record]]:
    """The answers to what comes in these pieces, and what was put."""
    loop = asyncio.get_running_loop()
    failures: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _loop, context: failures.append(context))
    inlet = FakeInlet()
    source = HttpSource(BoundHttp(PlaygroundIngress(port=0)))
    server = Server(Place("127.0.0.1", 0), Limits(body=500, head=400, pipelined=3))
    server.attach(source.door(inlet))
    wire = Wire()
    connection = Connection(server)
    connection.connection_made(wire)
    for piece in pieces:
        if not wire.closed:
            connection.data_received(piece)
        if wire.paused:  # as the loop does, nothing is read until it is asked for again
            await settled(connection)
    await settled(connection)
    connection.connection_lost(None)
    await asyncio.sleep(0)
    assert failures == []
    return list(answers(bytes(wire.written))), inlet.records


async def settled(connection: Connection) -> None:
    while connection.answering:  # noqa: ASYNC110  there is no event for it
        await asyncio.sleep(0)


def answers(written: bytes) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    while written:
        head, end, rest = written.partition(b"\r\n\r\n")
        assert end
        first, *lines = head.split(b"\r\n")
        status = int(first.split(b" ")[1])
        headers = dict(line.split(b": ", 1) for line in lines)
        size = int(headers.get(b"Content-Length", b"0"))
        body, written = rest[:size], rest[size:]
        if status == 100:
            continue
        assert status in KNOWN
        if headers.get(b"Content-Type") == b"application/problem+json" and body.startswith(b"{"):
            assert json.loads(body)["status"] == status
        found.append(
            (status, body if status != 400 else b"")
        )  # the parser's words for what is no HTTP depend on the pieces
    return found


def split(data: bytes, places: list[int]) -> list[bytes]:
    cuts = sorted({min(place, len(data)) for place in places} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(cuts)]


LINES = st.sampled_from(
    [
        b"Host: localhost",
        b"Content-Length: 3",
        b"Content-Length: 501",
        b"Transfer-Encoding: chunked",
        b"Content-Type: application/vnd.a/b",
        b"Content-Type: nonsense",
        b"Idempotency-Key: k",
        b"Prefer: wait=1",
        b"Connection: close",
        b"Connection: Upgrade",
        b"Upgrade: h2c",
        b"Expect: 100-continue",
        b"Origin: http://evil",
        b"X: " + b"x" * 300,
        b"Bad : x",
    ]
)
REQUESTS = st.builds(
    lambda method, target, version, lines, body: (
        b"%b %b %b\r\n%b\r\n%b" % (method, target, version, b"".join(line + b"\r\n" for line in lines), body)
    ),
    st.sampled_from([b"POST", b"GET", b"PUT", b"OPTIONS", b"CONNECT", b"PRI", b"NONSENSE"]),
    st.sampled_from(
        [b"/a/b/c", b"/a/b/", b"/a", b"*", b"/a/b/%ff", b"http://x/a/b/c", b"x:1", b"/a/b/c?d#e", b"/\xff"]
    ),
    st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b""]),
    st.lists(LINES, max_size=4),
    st.sampled_from([b"", b"abc", b"3\r\nabc\r\n0\r\n\r\n", b"0\r\n\r\n", b"ffffffff\r\n", b"x" * 501]),
)
GOOD = st.builds(
    lambda identity, body: (
        b"POST /a/b/%b HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b" % (identity, len(body), body)
    ),
    st.sampled_from([b"c", b"d", b"%C3%A9"]),
    st.binary(max_size=20),
)


@given(
    st.lists(st.one_of(REQUESTS, GOOD, st.binary(max_size=40)), max_size=6), st.lists(st.integers(0, 3000), max_size=8)
)
def test_the_answers_are_the_same_in_whatever_pieces_the_bytes_come(parts: list[bytes], places: list[int]) -> None:
    data = b"".join(parts)
    whole, records = asyncio.run(told([data] if data else []))
    again, same_records = asyncio.run(told(split(data, places)))
    assert again == whole
    assert same_records == records


@given(st.lists(GOOD, max_size=12), st.lists(st.integers(0, 1500), max_size=20))
def test_good_requests_are_all_answered(parts: list[bytes], places: list[int]) -> None:
    found, records = asyncio.run(told(split(b"".join(parts), places)))
    assert found == [(200, b"")] * len(parts)
    assert [record.value for record in records] == [part.partition(b"\r\n\r\n")[2] for part in parts]


@pytest.mark.fuzz
@given(st.binary(max_size=300))
def test_no_bytes_raise(data: bytes) -> None:
    asyncio.run(told([data]))


def test_a_response_that_is_cut_would_be_noticed() -> None:
    with pytest.raises(AssertionError):
        answers(b"HTTP/1.1 200 OK\r\n")
