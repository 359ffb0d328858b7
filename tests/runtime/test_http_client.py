"""A typed client sends through the HTTP ingress: once, again when that can do no harm, and with an error that says what is known."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from statefun import BYTES, INT, LONG, Address, FunctionType, StatefulFunction, handles, json_type
from statefun.batch import ProtocolVersion, TypedBytes
from statefun.client import HttpClient
from statefun.context import Context
from statefun.errors import (
    AddressError,
    AskTimeoutError,
    ClientBusyError,
    ClientError,
    ClientRefusedError,
    ClientUnavailableError,
    MessageTypeError,
    MissingExtraError,
    ReplyTypeError,
    UnknownFunctionError,
    ValueTypeError,
)
from statefun.runtime.ingress.source import Record
from tests.runtime.http_rig import TOKEN, FakeInlet, certificate, in_loop, listening


@attrs.frozen
class AddItem:
    name: str


@attrs.frozen
class Total:
    cents: int


ADD_ITEM = json_type("http-client/add-item", AddItem)
TOTAL = json_type("http-client/total", Total)


class Cart(StatefulFunction[AddItem | int], typename="http-client/cart"):
    @handles
    def on_item(self, context: Context, message: AddItem | int) -> None:
        context.reply(Total(cents=1))


SHORT = timedelta(seconds=0.2)


@contextlib.asynccontextmanager
async def answering(*answers: tuple[int, dict[str, Any]] | None) -> AsyncGenerator[tuple[str, list[bytes]]]:
    """A server that gives these answers, one to each request; None closes the connection without one. The last one is repeated."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or b"0")
                await reader.readexactly(length)
                answer = answers[min(len(heads), len(answers) - 1)]
                heads.append(head)
                if answer is None:
                    break
                body = json.dumps(answer[1]).encode() if answer[1] else b""
                writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (answer[0], len(body)) + body)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heads


def problem(status: int, code: str = "some-code") -> tuple[int, dict[str, Any]]:
    return status, {"code": code, "detail": "some detail", "hint": "some hint"}


OK: tuple[int, dict[str, Any]] = (200, {})


@pytest.mark.parametrize(
    ("send", "expected"),
    [
        (
            lambda client: client.send(Cart.at("7"), AddItem(name="pen")),
            Record(("http-client/cart",), "7", "http-client/add-item", b'{"name":"pen"}'),
        ),
        (
            lambda client: client.send(Cart.at("7"), 3),
            Record(("http-client/cart",), "7", "io.statefun.types/long", b"\x09\x03" + bytes(7)),
        ),
        (
            lambda client: client.send(FunctionType[StringValue]("a/b").at("é/%"), StringValue(value="x")),
            Record(("a/b",), "é/%", "type.googleapis.com/google.protobuf.StringValue", b"\x0a\x01x"),
        ),
        (
            lambda client: client.send(FunctionType("a/b").at(".."), b"x", type=BYTES),
            Record(("a/b",), "..", "type.googleapis.com/google.protobuf.BytesValue", b"\x0a\x01x"),
        ),
        (
            lambda client: client.send(FunctionType("./..").at("."), 3, type=INT),
            Record(("./..",), ".", "io.statefun.types/int", b"\x0d\x03\0\0\0"),
        ),
    ],
)
def test_a_message_arrives_as_a_function_would_have_sent_it(
    send: Callable[[HttpClient], Any], expected: Record
) -> None:
    @in_loop
    async def test() -> None:
        async with listening() as running, HttpClient(running.url) as client:
            await send(client)
            assert running.inlet.records == [expected]

    test()


@in_loop
async def test_a_plain_value_has_the_name_of_the_protocol() -> None:
    inlet = FakeInlet(reply=TypedBytes("x.googleapis.com/google.protobuf.Int64Value", b"\x08\x05"))
    async with listening(inlet) as running, HttpClient(running.url, protocol=ProtocolVersion.V2) as client:
        await client.send(Cart.at("7"), 3)
        assert inlet.records[0][2:] == ("type.googleapis.com/google.protobuf.Int64Value", b"\x08\x03")
        assert await client.ask(Cart.at("7"), 3, reply=LONG, timeout=5) == 5


@in_loop
async def test_a_key_goes_with_the_message() -> None:
    async with listening() as running, HttpClient(running.url) as client:
        for _ in range(3):
            await client.send(Cart.at("7"), 3, key="k")
        assert len(running.inlet.records) == 1


@in_loop
async def test_an_answer_comes_back_as_what_was_asked_for() -> None:
    inlet = FakeInlet(reply=TypedBytes("http-client/total", b'{"cents": 250}'))
    async with listening(inlet) as running, HttpClient(running.url) as client:
        address = Cart.at("7")
        assert await client.ask(address, AddItem("pen"), reply=Total, timeout=timedelta(seconds=5)) == Total(250)
        assert await client.ask(address, AddItem("pen"), reply=TOTAL, timeout=0.3, key="k") == Total(250)
        assert [(wait, key and key.rpartition("\n")[2]) for _, wait, key in inlet.asked] == [(5, None), (1, "k")]
        inlet.reply = TypedBytes("io.statefun.types/long", b"")
        assert await client.ask(address, 1, reply=int, timeout=5) == 0


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (TypedBytes("io.statefun.types/string", b""), "'io.statefun.types/string', not with 'http-client/total'"),
        (TypedBytes("http-client/total", b"{"), "are no 'http-client/total'"),
        (TypedBytes("http-client/total", b"{}"), "are no 'http-client/total'"),
    ],
)
def test_an_answer_of_another_type_is_an_error(reply: TypedBytes, said: str) -> None:
    @in_loop
    async def test() -> None:
        async with listening(FakeInlet(reply=reply)) as running, HttpClient(running.url) as client:
            with pytest.raises(ReplyTypeError, match=said):
                await client.ask(Cart.at("7"), 1, reply=Total, timeout=5)

    test()


@in_loop
async def test_no_reply_in_time() -> None:
    """By the server's clock, and by the client's, whichever is first; and nobody is left waiting."""
    async with listening() as running, HttpClient(running.url) as client:
        with pytest.raises(AskTimeoutError, match=r"http-client/cart/7 did not reply within 5 s"):
            await client.ask(Cart.at("7"), 1, reply=int, timeout=5)
    inlet = FakeInlet(replies_never=True)
    async with listening(inlet) as running, HttpClient(running.url) as client:
        with pytest.raises(AskTimeoutError, match=r"within 0\.2 s"):
            await client.ask(Cart.at("7"), 1, reply=int, timeout=SHORT)
        await inlet.abandoned.wait()


@in_loop
async def test_what_cannot_be_sent_is_not() -> None:
    unused: Any = object()
    async with listening() as running, HttpClient(running.url) as client:
        with pytest.raises(ValueTypeError):
            await client.send(FunctionType("a/b").at("c"), unused)
        nameless = (unused, "a/b/c", Address(FunctionType("a/b"), ""), FunctionType("a/b").at("\ud800"))
        for address in nameless:
            with pytest.raises(AddressError):
                await client.send(address, 1)
            with pytest.raises(AddressError):
                await client.ask(address, 1, reply=int, timeout=1)
        with pytest.raises(MessageTypeError):
            await client.ask(Cart.at("7"), 1, reply=object, timeout=1)
        for timeout in (0, -1.5, float("inf"), float("nan"), timedelta(0), unused, "1"):
            with pytest.raises(ClientError, match="is no time"):
                await client.ask(Cart.at("7"), 1, reply=int, timeout=timeout)
        assert not running.inlet.records
        assert not running.inlet.asked


@in_loop
async def test_a_client_is_used_while_it_is_open() -> None:
    client = HttpClient("http://127.0.0.1:1")
    with pytest.raises(ClientError, match="not open") as raised:
        await client.send(Cart.at("7"), 1)
    assert "async with" in raised.value.hint
    async with listening() as running:
        client = HttpClient(running.url + "/")
        for _ in range(2):
            async with client:
                await client.send(Cart.at("7"), 1)
        assert len(running.inlet.records) == 2


# --- again, or not ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refusal", [problem(429, "too-many-messages"), problem(503, "stopping"), problem(503, "busy")])
@pytest.mark.parametrize("key", [None, "k"])
def test_what_was_not_taken_in_is_sent_again(refusal: tuple[int, dict[str, Any]], key: str | None) -> None:
    @in_loop
    async def test() -> None:
        async with answering(refusal, refusal, OK) as (url, heads), HttpClient(url) as client:
            await client.send(Cart.at("7"), 1, key=key)
            assert len(heads) == 3
            assert len(set(heads)) == 1

    test()


@pytest.mark.parametrize("failure", [None, problem(503, "outcome-unknown"), problem(500), (502, {}), (504, {"x": 1})])
def test_what_may_have_been_taken_in_is_sent_again_with_a_key_alone(failure: tuple[int, dict[str, Any]] | None) -> None:
    @in_loop
    async def test() -> None:
        async with answering(failure, failure, OK) as (url, heads), HttpClient(url) as client:
            await client.send(Cart.at("7"), 1, key="k")
            assert len(heads) == 3
        async with answering(failure, OK) as (url, heads), HttpClient(url) as client:
            with pytest.raises(ClientUnavailableError):
                await client.send(Cart.at("7"), 1)
            assert len(heads) == 1

    test()


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (problem(400), ClientRefusedError),
        (problem(401), ClientRefusedError),
        (problem(404, "no-such-path"), ClientRefusedError),
        (problem(404, "unknown-function"), UnknownFunctionError),
        (problem(413), ClientRefusedError),
        ((302, {}), ClientRefusedError),
        ((204, {}), ClientRefusedError),
    ],
)
def test_what_is_refused_is_an_error_at_once(refusal: tuple[int, dict[str, Any]], error: type[ClientError]) -> None:
    @in_loop
    async def test() -> None:
        async with answering(refusal) as (url, heads), HttpClient(url) as client:
            with pytest.raises(error, match=r"http-client/cart/7: \d+ ") as raised:
                await client.send(Cart.at("7"), 1, key="k")
            assert raised.value.hint
            with pytest.raises(error):
                await client.ask(Cart.at("7"), 1, reply=int, timeout=30)
            assert len(heads) == 2

    test()


@in_loop
async def test_sending_again_has_an_end() -> None:
    async with answering(problem(429)) as (url, _), HttpClient(url, retry_for=SHORT) as client:
        with pytest.raises(ClientBusyError):
            await client.send(Cart.at("7"), 1)
        with pytest.raises(ClientBusyError):
            await client.ask(Cart.at("7"), 1, reply=int, timeout=SHORT)
    async with HttpClient(url, retry_for=SHORT) as client:  # nobody listens there any more
        with pytest.raises(ClientUnavailableError, match="cannot be reached"):
            await client.send(Cart.at("7"), 1)
        with pytest.raises(ClientUnavailableError, match="cannot be reached"):
            await client.ask(Cart.at("7"), 1, reply=int, timeout=SHORT)
    inlet = FakeInlet(holds=True)
    async with listening(inlet) as running, HttpClient(running.url, retry_for=SHORT) as client:
        with pytest.raises(ClientUnavailableError, match="did not answer"):
            await client.send(Cart.at("7"), 1)
        inlet.commit()


@in_loop
async def test_a_url_that_is_none() -> None:
    for url in ("nonsense", "ftp://127.0.0.1:1", "http://127.0.0.1:99999"):
        async with HttpClient(url, retry_for=SHORT) as client:
            with pytest.raises((ClientRefusedError, ClientUnavailableError)):
                await client.send(Cart.at("7"), 1)


@in_loop
async def test_a_key_that_no_header_can_carry() -> None:
    async with listening() as running, HttpClient(running.url) as client:
        for key in ("", "é", "a\r\nX: y"):
            with pytest.raises(ClientRefusedError):
                await client.send(Cart.at("7"), 1, key=key)
        assert not running.inlet.records


@in_loop
async def test_64_senders_share_a_client() -> None:
    async with listening() as running, HttpClient(running.url, connections=8) as client:
        await asyncio.gather(*(client.send(Cart.at(str(number)), number) for number in range(64)))
        assert sorted(int(record.id) for record in running.inlet.records) == list(range(64))


# --- who may ----------------------------------------------------------------------------------------------------------


@in_loop
async def test_certificates_to_trust_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("no certificate")
    for name in ("bad.pem", "missing.pem"):
        with pytest.raises(ClientError, match=name) as raised:
            await HttpClient("https://127.0.0.1:1", ca_file=str(tmp_path / name)).__aenter__()
        assert "PEM" in raised.value.hint


@in_loop
async def test_with_a_token_and_a_certificate(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    async with listening(token=TOKEN, tls_cert=cert, tls_key=key) as running:
        async with HttpClient(running.url, token=TOKEN, ca_file=str(tmp_path / "ca.pem")) as client:
            await client.send(Cart.at("7"), 1)
        async with HttpClient(running.url, token=TOKEN + "x", ca_file=str(tmp_path / "ca.pem")) as client:
            with pytest.raises(ClientRefusedError, match="401 unauthorized"):
                await client.send(Cart.at("7"), 1)
        async with HttpClient(running.url, token=TOKEN) as client:
            with pytest.raises(ClientRefusedError, match="is not trusted"):
                await client.send(Cart.at("7"), 1)
        assert len(running.inlet.records) == 1


def test_importing_the_client_needs_no_extra() -> None:
    program = "import sys; sys.modules['aiohttp'] = None; import statefun.client"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@in_loop
async def test_opening_a_client_without_aiohttp_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with pytest.raises(MissingExtraError, match="aiohttp") as raised:
        await HttpClient("http://127.0.0.1:1").__aenter__()
    assert "statefun-typed[runtime]" in raised.value.hint


def test_an_address_may_be_read_from_a_text() -> None:
    assert Address.parse("http-client/cart/7") == Cart.at("7")
