"""Everything that may come instead of a good request: a typed code, the right status, nothing taken effect, the process alive."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from statefun.batch import Batch, Invocation, Target
from statefun.primitives import LONG, STRING
from statefun.protocol.engine import encode_request
from statefun.wire import delimited
from tests.serving.client import V2, V3, batch
from tests.serving.conftest import Server
from tests.serving.served import UNUSUAL

GOOD = batch("example/counter", "good")
TARGET = delimited(b"\x0a", b"\x0a\x07example\x12\x07counter\x1a\x01a")


def request(invocation: Invocation, function: str = "counter", states: dict[str, bytes] | None = None) -> bytes:
    held = {"seen": b""} if states is None else states
    return encode_request(Batch(V3, Target("example", function, "a"), held, [invocation]))


class Bad(NamedTuple):
    body: bytes
    status: int
    code: str
    function: str | None = None


BAD = {
    "empty body": Bad(b"", 400, "malformed-request"),
    "no protobuf": Bad(b"\xff" * 64, 400, "malformed-request"),
    "JSON": Bad(b'{"target": "example/counter/a"}', 400, "malformed-request"),
    "truncated": Bad(GOOD[:-3], 400, "malformed-request"),
    "truncated in the middle": Bad(GOOD[: len(GOOD) // 2], 400, "malformed-request"),
    "no invocation": Bad(delimited(b"\xa2\x06", TARGET), 400, "empty-batch"),
    "unknown function": Bad(batch("example/nobody", "x"), 501, "unknown-function", "example/nobody"),
    "unhandled type": Bad(request(Invocation(*LONG.encode(1, V3))), 501, "unhandled-message", "example/counter"),
    "undecodable value": Bad(
        request(Invocation(STRING.encode("x", V3).typename, b"\x0a\xff")), 400, "undecodable-message", "example/counter"
    ),
    "undecodable state": Bad(
        request(
            Invocation(*STRING.encode("x", V3)),
            states={"seen": b"\x0a\x16io.statefun.types/long\x10\x01\x1a\x03\xff\xff\xff"},
        ),
        500,
        "undecodable-state",
        "example/counter",
    ),
    "state of another type": Bad(
        request(
            Invocation(*STRING.encode("x", V3)),
            states={"seen": b"\x0a\x18io.statefun.types/string\x10\x01\x1a\x03\x0a\x01x"},
        ),
        500,
        "state-type",
        "example/counter",
    ),
    "missing state": Bad(
        batch("example/counter", "x", protocol=V2, states={}), 500, "missing-state", "example/counter"
    ),
    "undeclared state": Bad(batch("example/failing", "undeclared"), 500, "undeclared-state", "example/failing"),
    "raising handler": Bad(batch("example/failing", "broken"), 500, "handler-failed", "example/failing"),
    "raising on the second message": Bad(
        batch("example/failing", "fine", "broken"), 500, "handler-failed", "example/failing"
    ),
    "a million empty invocations": Bad(delimited(b"\xa2\x06", TARGET + b"\x1a\x00" * 1_000_000), 413, "limit-exceeded"),
}


@pytest.fixture
def same_process(server: Server) -> Iterator[None]:
    """The process that served before serves afterwards."""
    before = server.pid()
    yield
    assert server.call(GOOD).text(V3) == "good"
    assert server.pid() == before


@pytest.mark.usefixtures("same_process")
@pytest.mark.parametrize("name", BAD)
def test_a_bad_request_is_answered_with_its_code_and_logged_in_one_line(server: Server, name: str) -> None:
    bad = BAD[name]
    before = len(server.log())
    reply = server.call(bad.body)
    problem = reply.problem
    assert (reply.status, problem["code"]) == (bad.status, bad.code)
    assert problem.get("function") == bad.function
    assert problem["detail"]
    assert problem["hint"]
    assert b"Traceback" not in reply.body
    assert b"secret" not in reply.body
    logged = [line for line in server.log()[before:].splitlines() if bad.code in line]
    (line,) = logged
    assert f"({bad.status})" in line
    assert f"a request of {len(bad.body)} bytes" in line
    assert bad.function is None or bad.function in line
    assert "Traceback" not in server.log()


def test_the_exception_of_a_handler_stands_in_the_log_alone_with_its_place_and_escaped(server: Server) -> None:
    before = len(server.log())
    reply = server.call(batch("example/failing", "broken"))
    assert b"secret" not in reply.body
    (line,) = [line for line in server.log()[before:].splitlines() if "handler-failed" in line]
    assert r"ValueError: the secret\nof the \x1b[31mpayload" in line
    assert "served.py:" in line
    assert "in on_text" in line


@pytest.mark.usefixtures("same_process")
@pytest.mark.parametrize("what", UNUSUAL)
def test_a_handler_has_failed_whatever_it_raises(server: Server, what: str) -> None:
    assert_has_failed(server, "example/failing", what)


@pytest.mark.parametrize("server", ["uvicorn_asgi", "aiohttp_routes"], indirect=True)
@pytest.mark.usefixtures("same_process")
@pytest.mark.parametrize("function", ["example/cancelled", "example/exiting", "example/panicking"])
def test_a_coroutine_function_has_failed_whatever_it_raises(server: Server, function: str) -> None:
    assert_has_failed(server, function, "x")


def assert_has_failed(server: Server, function: str, text: str) -> None:
    before = len(server.log())
    reply = server.call(batch(function, text))
    assert (reply.status, reply.problem["code"]) == (500, "handler-failed")
    assert b"secret" not in reply.body
    lines = server.log()[before:].splitlines()
    (line,) = (line for line in lines if "handler-failed (500)" in line)
    for said in (" raised ", function, "message 1 of 1", "; at "):
        assert said in line
    assert not any("Traceback" in each for each in lines)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_another_method_than_post_is_refused(server: Server, method: str) -> None:
    reply = server.call(GOOD if method in {"PUT", "PATCH"} else None, method=method)
    assert reply.status == 405
    assert reply.headers["allow"] == "POST"
    assert method == "HEAD" or reply.problem["code"] == "method-not-allowed"


def test_a_post_to_health_is_refused(server: Server) -> None:
    reply = server.call(GOOD, path="/health")
    assert reply.status == 405
    assert reply.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/", "/statefun/", "/statefun/more", "/Statefun", "/%00"])
def test_another_path_is_not_found(server: Server, path: str) -> None:
    assert server.call(GOOD, path=path).status == 404


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/json", "application/octet-streams"])
def test_a_body_that_is_not_declared_as_bytes_is_refused(server: Server, content_type: str | None) -> None:
    reply = server.call(GOOD, content_type=content_type)
    assert (reply.status, reply.problem["code"]) == (415, "unsupported-media-type")


@pytest.mark.parametrize("content_type", ["application/octet-stream; x=y", "Application/Octet-Stream"])
def test_spellings_of_the_content_type_are_read_as_http_means_them(server: Server, content_type: str) -> None:
    assert server.call(GOOD, content_type=content_type).text(V3) == "good"


@pytest.mark.usefixtures("same_process")
def test_a_length_over_the_limit_is_refused_before_the_body(server: Server) -> None:
    with server.connect() as connection:
        connection.putrequest("POST", "/statefun")
        connection.putheader("Content-Type", "application/octet-stream")
        connection.putheader("Content-Length", str((32 << 20) + 1))
        connection.endheaders()
        reply = connection.receive()
    assert (reply.status, reply.problem["code"]) == (413, "limit-exceeded")


@pytest.mark.usefixtures("same_process")
def test_chunks_over_the_limit_are_refused_though_they_never_end(server: Server) -> None:
    with server.connect() as connection:
        connection.putrequest("POST", "/statefun")
        connection.putheader("Content-Type", "application/octet-stream")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        for _ in range(32):
            connection.send(b"100000\r\n" + bytes(1 << 20) + b"\r\n")
        connection.send(b"10000\r\n" + bytes(1 << 16) + b"\r\n")  # gunicorn reads in steps of 1 KiB at least
        reply = connection.receive()
    assert (reply.status, reply.problem["code"]) == (413, "limit-exceeded")


@pytest.mark.parametrize("server", ["uvicorn_asgi", "aiohttp_routes"], indirect=True)
def test_a_client_that_sends_a_huge_body_regardless_reads_the_refusal(server: Server) -> None:
    with server.connect() as connection:
        reply = connection.call(bytes(40 << 20))
        assert (reply.status, reply.problem["code"]) == (413, "limit-exceeded")
        assert connection.call(GOOD).text(V3) == "good"


@pytest.mark.usefixtures("same_process")
def test_a_million_empty_invocations_take_no_memory(server: Server) -> None:
    status = Path(f"/proc/{server.pid()}/status")
    try:
        Path(f"/proc/{server.pid()}/clear_refs").write_text("5")  # the peak starts anew
    except OSError:
        pytest.skip("the peak of a process's memory is read from Linux's /proc")

    def kib(field: str) -> int:
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith(field))

    before = kib("VmRSS")
    assert server.call(BAD["a million empty invocations"].body).status == 413
    assert kib("VmHWM") - before < 32 << 10  # a body of 2 MB; its messages would take more than 100 MB


@pytest.mark.usefixtures("same_process")
@pytest.mark.parametrize(
    "start",
    [
        b"POST /statefun HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: 1000\r\n\r\nabc",
        b"POST /statefun HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"POST /statefun HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01 no HTTP at all\r\n\r\n",
    ],
    ids=["length", "chunk", "no chunk", "no HTTP"],
)
def test_a_client_that_breaks_off_harms_nobody(server: Server, start: bytes) -> None:
    before = len(server.log())
    with server.connect() as connection:
        connection.send(start)
        connection.sock.shutdown(socket.SHUT_WR)
        answer = connection.sock.makefile("rb").read()
    assert b" 200 " not in answer
    assert b"Traceback" not in answer
    assert server.call(GOOD).text(V3) == "good"
    assert "statefun/serving" not in server.log()[before:]  # no traceback through us, whatever the server itself logs
