"""Good requests, in each real server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from statefun.batch import Effects, MissingStates, ProtocolVersion
from statefun.protocol.engine import decode_response
from tests.serving.client import V2, V3, batch
from tests.serving.conftest import KEEPING_ALIVE, Server

RECORDED = Path(__file__).parents[1] / "recorded"


@pytest.mark.parametrize("server", KEEPING_ALIVE, indirect=True)
@pytest.mark.parametrize("protocol", [V2, V3], ids=["2.2", "3.x"])
def test_two_requests_share_a_connection(server: Server, protocol: ProtocolVersion) -> None:
    with server.connect() as connection:
        first = connection.call(batch("example/counter", "one", protocol=protocol))
        second = connection.call(batch("example/counter", "two", protocol=protocol))
    assert [first.text(protocol), second.text(protocol)] == ["one", "two"]
    (mutation,) = first.effects(protocol).mutations
    assert mutation.name == "seen"
    assert mutation.value is not None


@pytest.mark.parametrize("unix_server", KEEPING_ALIVE, indirect=True)
@pytest.mark.parametrize("protocol", [V2, V3], ids=["2.2", "3.x"])
def test_two_requests_share_a_connection_over_a_unix_socket(unix_server: Server, protocol: ProtocolVersion) -> None:
    with unix_server.connect() as connection:
        first = connection.call(batch("example/counter", "one", protocol=protocol))
        second = connection.call(batch("example/counter", "two", protocol=protocol))
    assert [first.text(protocol), second.text(protocol)] == ["one", "two"]


def test_the_content_type_is_exactly_octet_stream_and_the_length_is_told(server: Server) -> None:
    reply = server.call(batch("example/counter", "x"))
    assert reply.headers["content-type"] == "application/octet-stream"
    assert int(reply.headers["content-length"]) == len(reply.body)


@pytest.mark.parametrize(("folder", "protocol"), [("2.2.2", V2), ("3.3.0", V3)])
def test_every_request_that_an_engine_sent_is_answered(server: Server, folder: str, protocol: ProtocolVersion) -> None:
    recorded = sorted((RECORDED / folder).glob("*.bin"))
    assert len(recorded) > 20
    answers = []
    for path in recorded:
        reply = server.call(path.read_bytes())
        assert reply.status == 200, (path, reply.body)
        answers.append(decode_response(reply.body, protocol))
    assert any(isinstance(answer, Effects) and answer.messages for answer in answers)
    assert isinstance(answers[0], MissingStates) == (protocol is V3)


def test_a_request_without_its_states_is_told_which_are_missing(server: Server) -> None:
    reply = server.call(batch("example/counter", "x", states={}))
    answer = decode_response(reply.body, V3)
    assert isinstance(answer, MissingStates)
    assert [state.name for state in answer.states] == ["seen"]


def test_requests_for_different_addresses_run_at_the_same_time(server: Server) -> None:
    def meet(name: str) -> str:
        return str(server.call(batch("example/meet", name, id=name)).text(V3))

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(meet, ["a", "b"])) == ["a", "b"]


def test_a_body_of_20_mib_arrives_and_returns(server: Server) -> None:
    text = "x" * (20 << 20)
    assert server.call(batch("example/counter", text)).text(V3) == text


def test_a_body_in_chunks_is_read(server: Server) -> None:
    body = batch("example/counter", "in chunks")
    assert server.call(iter([body[:1], body[1:9], body[9:]])).text(V3) == "in chunks"


def test_health_answers_get_and_head(server: Server) -> None:
    got = server.call(None, method="GET", path="/health")
    head = server.call(None, method="HEAD", path="/health")
    assert (got.status, got.body) == (200, b"ok\n")
    assert (head.status, head.body) == (200, b"")


@pytest.mark.parametrize("server", KEEPING_ALIVE, indirect=True)
def test_a_connection_is_good_after_a_head_and_after_an_error(server: Server) -> None:
    with server.connect() as connection:
        assert connection.call(None, method="HEAD", path="/health").body == b""
        assert connection.call(None, method="HEAD").status == 405
        assert connection.call(b"not a request").status == 400
        assert connection.call(batch("example/counter", "after them")).text(V3) == "after them"


def test_a_unix_socket_is_served(unix_server: Server) -> None:
    assert unix_server.call(batch("example/counter", "here")).text(V3) == "here"
