"""Requests become messages, are acknowledged when they are on disk, and refused in words that a program understands."""

from __future__ import annotations

import asyncio

import pytest

from statefun import primitives
from statefun.batch import ProtocolVersion, TypedBytes
from statefun.errors import IngressError, RepeatedKeyError, StoreError
from statefun.runtime.ingress import http
from statefun.runtime.ingress.source import Record, Source
from tests.runtime.http_rig import FakeInlet, connected, in_loop, listening

STRING = "io.statefun.types/string"


@in_loop
async def test_a_request_is_a_message() -> None:
    async with listening() as running, connected(running.url) as client:
        assert isinstance(running.source, Source)
        reply = await client.ask("/example/greeter/bob", b"\x01", Content_Type="application/vnd.example/visit")
        assert (reply.status, reply.body) == (200, b"")
        assert running.inlet.records == [Record(("example/greeter",), "bob", "example/visit", b"\x01")]


@pytest.mark.parametrize("protocol", ProtocolVersion)
def test_a_body_of_no_named_type_is_a_string(protocol: ProtocolVersion) -> None:
    assert http.STRING_TYPES[protocol] == primitives.STRING.encoding(protocol).typename


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET"])
def test_the_method_does_not_matter(method: str) -> None:
    @in_loop
    async def test() -> None:
        async with listening() as running, connected(running.url) as client:
            assert (await client.ask("/a/b/c", b"x", method=method)).status == 200
            assert running.inlet.records == [Record(("a/b",), "c", STRING, b"x")]

    test()


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE"])
def test_a_method_that_asks_for_no_effect_has_none(method: str) -> None:
    @in_loop
    async def test() -> None:
        async with listening() as running, connected(running.url) as client:
            client.send("/a/b/c", method=method)
            reply = await client.read(head=method == "HEAD")
            assert reply.status == 405
            assert "POST" in reply.headers["allow"]
            assert (await client.ask("/a/b/c", b"x")).status == 200
            assert len(running.inlet.records) == 1

    test()


@pytest.mark.parametrize(
    ("target", "record"),
    [
        ("/a/b/c%2Fd", Record(("a/b",), "c/d", STRING, b"")),
        ("/a/b/%C3%A9", Record(("a/b",), "é", STRING, b"")),
        ("/a%20b/c.d/%25", Record(("a b/c.d",), "%", STRING, b"")),
        ("http://x:80/a/b/c", Record(("a/b",), "c", STRING, b"")),
        ("/a/b/c+d?query=1", Record(("a/b",), "c+d", STRING, b"")),
        ("/a/b/" + "x" * 1024, Record(("a/b",), "x" * 1024, STRING, b"")),
        ("/a/b/" + "%C3%A9" * 512, Record(("a/b",), "é" * 512, STRING, b"")),
    ],
)
def test_each_part_of_a_path_is_decoded_by_itself(target: str, record: Record) -> None:
    @in_loop
    async def test() -> None:
        async with listening() as running, connected(running.url) as client:
            assert (await client.ask(target)).status == 200
            assert running.inlet.records == [record]

    test()


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("/", 404, "no-such-path"),
        ("/a", 404, "no-such-path"),
        ("/a/b", 404, "no-such-path"),
        ("/a/b/c/d", 404, "no-such-path"),
        ("/a/b/c/", 404, "no-such-path"),
        ("*", 404, "no-such-path"),
        ("//b/c", 404, "no-such-path"),
        ("/a//c", 404, "no-such-path"),
        ("/a%2Fx/b/c", 404, "no-such-path"),
        ("/a/b/", 400, "empty-id"),
        ("/a/b/%FF", 400, "path-not-utf8"),
        ("/a/b/%ED%A0%80", 400, "path-not-utf8"),
        ("/a/b/" + "x" * 1025, 400, "id-too-long"),
        ("/a/b/" + "%C3%A9" * 513, 400, "id-too-long"),
    ],
)
def test_a_path_that_names_no_address_is_refused(target: str, status: int, code: str) -> None:
    @in_loop
    async def test() -> None:
        async with listening() as running, connected(running.url) as client:
            reply = await client.ask(target, method="OPTIONS" if target == "*" else "POST")
            assert (reply.status, reply.code) == (status, code)
            assert (await client.ask("/a/b/c")).status == 200  # the connection goes on
            assert len(running.inlet.records) == 1

    test()


@pytest.mark.parametrize(
    ("given", "body", "expected"),
    [
        ("application/vnd.example/visit", b"x", TypedBytes("example/visit", b"x")),
        ("Application/VND.Example/Visit; charset=utf-8", b"x", TypedBytes("Example/Visit", b"x")),
        (
            "application/vnd.type.googleapis.com/google.protobuf.StringValue",
            b"x",
            TypedBytes("type.googleapis.com/google.protobuf.StringValue", b"x"),
        ),
        ("text/plain", "é".encode(), TypedBytes(STRING, b"\x0a\x02\xc3\xa9")),
        ("text/plain; charset=utf-8", b"", TypedBytes(STRING, b"")),
    ],
)
def test_the_content_type_names_the_type(given: str, body: bytes, expected: TypedBytes) -> None:
    @in_loop
    async def test() -> None:
        async with listening() as running, connected(running.url) as client:
            assert (await client.ask("/a/b/c", body, Content_Type=given)).status == 200
            assert running.inlet.records == [Record(("a/b",), "c", *expected)]

    test()


@pytest.mark.parametrize(
    ("given", "body", "status", "code"),
    [
        ("application/json", b"{}", 415, "unknown-content-type"),
        ("application/x-www-form-urlencoded", b"a=b", 415, "unknown-content-type"),
        ("application/vnd.visit", b"", 415, "unknown-content-type"),
        ("application/vnd./visit", b"", 415, "unknown-content-type"),
        ("application/vnd.example/", b"", 415, "unknown-content-type"),
        ("application/vnd.a/b/c", b"", 415, "unknown-content-type"),
        ("application/vnd.a/\xe9", b"", 415, "unknown-content-type"),
        ("", b"", 415, "unknown-content-type"),
        ("text/plain", b"\xff", 400, "text-not-utf8"),
    ],
)
def test_a_content_type_that_names_no_type_is_refused(given: str, body: bytes, status: int, code: str) -> None:
    @in_loop
    async def test() -> None:
        async with listening() as running, connected(running.url) as client:
            reply = await client.ask("/a/b/c", body, Content_Type=given)
            assert (reply.status, reply.code) == (status, code)
            assert running.inlet.records == []

    test()


@in_loop
async def test_nothing_is_acknowledged_before_it_is_on_disk() -> None:
    inlet = FakeInlet(holds=True)
    async with listening(inlet) as running, connected(running.url) as client, connected(running.url) as other:
        client.send("/a/b/c")
        await inlet.until(1)
        # The server is alive and answers others, and this one has no answer.
        assert (await other.ask("/a/b")).status == 404
        early = asyncio.create_task(client.read())
        await asyncio.sleep(0)
        assert not early.done()
        inlet.commit()
        assert (await early).status == 200


@in_loop
async def test_a_run_that_ends_before_the_commit_is_no_acknowledgement() -> None:
    inlet = FakeInlet(holds=True)
    async with listening(inlet) as running, connected(running.url) as client:
        client.send("/a/b/c")
        await inlet.until(1)
        inlet.fail()
        reply = await client.read()
        assert (reply.status, reply.code) == (503, "outcome-unknown")
        assert reply.headers["retry-after"] == "1"
        assert "Idempotency-Key" in reply.problem["hint"]


@in_loop
async def test_where_there_is_no_room_the_client_is_told_to_come_again() -> None:
    inlet = FakeInlet(full={("a/b", "c")})
    async with listening(inlet) as running, connected(running.url) as client:
        reply = await client.ask("/a/b/c")
        assert (reply.status, reply.code) == (429, "too-many-messages")
        assert reply.headers["retry-after"] == "1"
        assert (await client.ask("/a/b/d")).status == 200
        inlet.full.clear()
        assert (await client.ask("/a/b/c")).status == 200
        assert [record.id for record in inlet.records] == ["d", "c"]


@in_loop
async def test_a_function_that_the_runtime_does_not_have() -> None:
    async with listening(FakeInlet(unknown={"a/b"})) as running, connected(running.url) as client:
        reply = await client.ask("/a/b/c")
        assert (reply.status, reply.code) == (404, "unknown-function")


@pytest.mark.parametrize(
    ("error", "code"), [(StoreError("/secret is full"), "store"), (ZeroDivisionError("secret"), "internal")]
)
def test_what_goes_wrong_inside_is_in_the_log_and_not_in_the_answer(
    error: Exception, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    @in_loop
    async def test() -> None:
        async with listening(FakeInlet(error=error)) as running, connected(running.url) as client:
            reply = await client.ask("/a/b/c")
            assert (reply.status, reply.code) == (500, code)
            assert b"secret" not in reply.body

    test()
    assert "secret" in caplog.text


# --- once ---------------------------------------------------------------------------------------------------------


@in_loop
async def test_a_repeated_key_counts_once_and_is_told_so() -> None:
    async with listening() as running, connected(running.url) as client:
        first = await client.ask("/a/b/c", b"1", Idempotency_Key="k")
        second = await client.ask("/a/b/c", b"1", Idempotency_Key="k")
        assert (first.status, second.status) == (200, 200)
        assert "idempotency-replayed" not in first.headers
        assert second.headers["idempotency-replayed"] == "true"
        assert len(running.inlet.records) == 1


@in_loop
async def test_a_key_belongs_to_its_address() -> None:
    async with listening() as running, connected(running.url) as client:
        for target in ("/a/b/c", "/a/b/d", "/a/c/c", "/a/b/c%20k", "/a/b/c%0Ak"):
            assert "idempotency-replayed" not in (await client.ask(target, Idempotency_Key="k")).headers
        assert len(running.inlet.records) == 5
        # Nor does an id with what stands between make the key of another.
        assert "idempotency-replayed" not in (await client.ask("/a/b/c", Idempotency_Key="k k")).headers


@in_loop
async def test_a_key_that_is_in_flight_waits_for_the_first() -> None:
    inlet = FakeInlet(holds=True)
    async with listening(inlet) as running, connected(running.url) as one, connected(running.url) as two:
        one.send("/a/b/c", Idempotency_Key="k")
        await inlet.until(1)
        two.send("/a/b/c", Idempotency_Key="k")
        inlet.commit()
        assert "idempotency-replayed" not in (await one.read()).headers
        assert (await two.read()).headers["idempotency-replayed"] == "true"
        assert len(inlet.records) == 1


@pytest.mark.parametrize(
    ("key", "status"), [("", 400), ("k" * 255, 200), ("k" * 256, 400), ("\xe9", 400), ("a\tb", 400)]
)
def test_a_key_is_printable_ascii(key: str, status: int) -> None:
    @in_loop
    async def test() -> None:
        async with listening() as running, connected(running.url) as client:
            reply = await client.ask("/a/b/c", Idempotency_Key=key)
            assert reply.status == status
            assert status == 200 or reply.code == "bad-idempotency-key"
            assert len(running.inlet.records) == (status == 200)

    test()


# --- replies ------------------------------------------------------------------------------------------------------


@in_loop
async def test_with_a_wait_the_answer_is_the_reply() -> None:
    inlet = FakeInlet(reply=TypedBytes("shop/total", b"\x08\x07"))
    async with listening(inlet) as running, connected(running.url) as client:
        reply = await client.ask("/shop/cart/7", b"x", Prefer="wait=10", Idempotency_Key="k")
        assert (reply.status, reply.body) == (200, b"\x08\x07")
        assert reply.headers["content-type"] == "application/vnd.shop/total"
        assert reply.headers["preference-applied"] == "wait=10"
        ((record, wait, key),) = inlet.asked
        assert (record, wait) == (Record(("shop/cart",), "7", STRING, b"x"), 10)
        assert key is not None
        assert key.endswith("\nk")


@pytest.mark.parametrize(
    ("prefer", "wait"),
    [
        ("wait=1", 1),
        ('respond-async, wait="20"', 20),
        ("Wait = 5; x=y", 5),
        ("wait=3600", 3600),
        ("respond-async", None),
    ],
)
def test_how_long_to_wait(prefer: str, wait: int | None) -> None:
    @in_loop
    async def test() -> None:
        inlet = FakeInlet(reply=TypedBytes("a/b", b""))
        async with listening(inlet) as running, connected(running.url) as client:
            assert (await client.ask("/a/b/c", Prefer=prefer)).status == 200
            assert [each[1] for each in inlet.asked] == ([] if wait is None else [wait])

    test()


@pytest.mark.parametrize(
    "prefer", ["wait", "wait=", "wait=0", "wait=3601", "wait=-1", "wait=1.5", "wait=x", "wait=\xb2"]
)
def test_a_wait_that_is_none(prefer: str) -> None:
    @in_loop
    async def test() -> None:
        async with listening() as running, connected(running.url) as client:
            reply = await client.ask("/a/b/c", Prefer=prefer)
            if prefer == "wait":  # not of this form: a preference that is not known is overlooked
                assert reply.status == 200
            else:
                assert (reply.status, reply.code) == (400, "bad-wait")
                assert not running.inlet.records
                assert not running.inlet.asked

    test()


@in_loop
async def test_no_reply_in_time_says_that_the_message_was_taken_in() -> None:
    async with listening() as running, connected(running.url) as client:
        reply = await client.ask("/a/b/c", Prefer="wait=1")
        assert (reply.status, reply.code) == (504, "no-reply")
        assert "taken in" in reply.problem["hint"]


@in_loop
async def test_whoever_asks_and_goes_away_leaves_nobody_waiting() -> None:
    inlet = FakeInlet(replies_never=True)
    async with listening(inlet) as running:
        async with connected(running.url) as client:
            client.send("/a/b/c", Prefer="wait=3600")
            await inlet.until(1)
        await inlet.abandoned.wait()


@in_loop
async def test_a_stop_does_not_wait_for_a_reply_that_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_GRACE", 0.01)
    inlet = FakeInlet(replies_never=True)
    async with listening(inlet) as running, connected(running.url) as client:
        client.send("/a/b/c", Prefer="wait=3600")
        await inlet.until(1)
        await running.stop()
        assert (await client.read()).code == "outcome-unknown"
        await inlet.abandoned.wait()


@in_loop
async def test_a_reply_whose_type_no_header_can_name() -> None:
    async with listening(FakeInlet(reply=TypedBytes("a/b\r\nX: y", b""))) as running, connected(running.url) as client:
        reply = await client.ask("/a/b/c", Prefer="wait=1")
        assert (reply.status, reply.code) == (502, "reply-type")
        assert "x" not in reply.headers


@in_loop
async def test_in_a_2_x_module_a_string_has_its_name_there() -> None:
    inlet = FakeInlet(protocol=ProtocolVersion.V2)
    name = "type.googleapis.com/google.protobuf.StringValue"
    async with listening(inlet) as running, connected(running.url) as client:
        await client.ask("/a/b/c", b"\x0a\x01x")
        await client.ask("/a/b/c", b"x", Content_Type="text/plain")
        assert inlet.records == [Record(("a/b",), "c", name, b"\x0a\x01x")] * 2


@in_loop
async def test_errors_of_asking_are_those_of_sending() -> None:
    for error, status in ((RepeatedKeyError("used"), 409), (IngressError("stopped"), 503)):
        async with listening(FakeInlet(error=error)) as running, connected(running.url) as client:
            assert (await client.ask("/a/b/c", Prefer="wait=1")).status == status
    inlet = FakeInlet(full={("a/b", "c")})
    async with listening(inlet) as running, connected(running.url) as client:
        assert (await client.ask("/a/b/c", Prefer="wait=1")).status == 429
        assert inlet.asked == []
