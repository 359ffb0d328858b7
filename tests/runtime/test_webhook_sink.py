"""The webhook as an egress: what a receiver gets, in which order, and what each of its answers does."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from email.utils import formatdate
from typing import Any

import pytest
from aiohttp import web
from google.protobuf.wrappers_pb2 import StringValue

from statefun.binding.egresses import bind_egress
from statefun.errors import BindingError, EgressError, EgressUnavailableError
from statefun.model import WebhookEgress
from statefun.runtime.egress.webhook import WebhookSink
from statefun.webhooks import sign, verify
from tests.runtime.outside import alert, outgoing, wait

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TEXT = "type.googleapis.com/google.protobuf.StringValue"


class Receiver:
    """Answers as it is told, in turn, with 204 when it is told nothing; keeps what came, in order."""

    def __init__(self, *answers: web.Response | int | None) -> None:
        self._answers: Iterator[web.Response | int | None] = iter(answers)
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.elsewhere = 0
        self.url = ""
        self.release = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Receiver]:
        application = web.Application()
        application.router.add_post("/hook", self._hook)
        application.router.add_post("/elsewhere", self._elsewhere)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook?token=to-ken"
        try:
            yield self
        finally:
            self.release.set()
            await runner.cleanup()

    async def _hook(self, request: web.Request) -> web.Response:
        self.requests.append((dict(request.headers), await request.read()))
        answer = next(self._answers, 204)
        if answer is None:  # none, as long as anybody waits
            await self.release.wait()
            answer = 204
        return web.Response(status=answer) if isinstance(answer, int) else answer

    async def _elsewhere(self, _request: web.Request) -> web.Response:
        self.elsewhere += 1
        return web.Response(status=204)

    @property
    def bodies(self) -> list[bytes]:
        return [body for _, body in self.requests]

    @property
    def ids(self) -> list[str]:
        return [headers["Webhook-Id"] for headers, _ in self.requests]


class Time:
    """Seconds that pass when something waits."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@asynccontextmanager
async def opened(receiver: Receiver, time: Time | None = None, **settings: Any) -> AsyncIterator[WebhookSink]:
    clock = Time() if time is None else time
    egress = WebhookEgress(**{"id": "test/out", "url": receiver.url, "secret": SECRET, **settings})
    made = WebhookSink(bind_egress(egress), clock=clock, sleep=clock.sleep)
    try:
        await made.open("a store", None)
        yield made
    finally:
        await made.close()


def texts(made: WebhookSink, *values: str) -> Any:
    return outgoing(made, *([(TEXT, StringValue(value=value).SerializeToString())] for value in values))


def test_each_record_is_a_signed_request_of_its_own_in_order() -> None:
    async def run() -> None:
        receiver = Receiver()
        async with receiver.running(), opened(receiver, headers={"X-Tenant": "7"}) as made:
            await made.deliver(outgoing(made, [alert("a"), alert("b", level=2)], [alert("c")]))
            assert await made.confirm() is None  # all of them
        assert [body[:11] for body in receiver.bodies] == [b'{"name":"a"', b'{"name":"b"', b'{"name":"c"']
        assert receiver.ids == ["a%20store/test/out/1/0", "a%20store/test/out/1/1", "a%20store/test/out/2/0"]
        for headers, body in receiver.requests:
            assert headers["Content-Type"] == "application/json"
            assert headers["X-Tenant"] == "7"
            assert headers["Webhook-Timestamp"] == "1700000000"
            assert verify(body, headers, SECRET, now=1_700_000_100)
            assert not verify(body + b" ", headers, SECRET, now=1_700_000_100)
            assert not verify(body, {**headers, "Webhook-Id": "other"}, SECRET, now=1_700_000_100)
            assert not verify(body, headers, "other", now=1_700_000_100)

    wait(run())


@pytest.mark.parametrize(
    ("format", "content_type", "body"),
    [
        ("json", "application/json", '"é"'.encode()),
        ("text", "text/plain; charset=utf-8", "é".encode()),
        ("bytes", "application/octet-stream", StringValue(value="é").SerializeToString()),
    ],
)
def test_a_body_is_what_the_format_says(format: str, content_type: str, body: bytes) -> None:
    async def run() -> None:
        receiver = Receiver()
        async with receiver.running(), opened(receiver, format=format) as made:
            await made.deliver(outgoing(made, [(TEXT, StringValue(value="é").SerializeToString())]))
        assert receiver.requests[0][0]["Content-Type"] == content_type
        # A str is itself among bytes too.
        assert receiver.bodies[0] == (body if format != "bytes" else "é".encode())

    wait(run())


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_an_answer_that_asks_for_later_is_asked_again_and_what_arrived_is_not_repeated(status: int) -> None:
    async def run() -> None:
        receiver = Receiver(204, status, status, 204)
        async with receiver.running(), opened(receiver) as made:
            records = texts(made, "a", "b", "c")
            for _ in range(2):
                with pytest.raises(EgressUnavailableError, match=f"answered {status}"):
                    await made.deliver(records)
            await made.deliver(records)
        assert receiver.bodies == [b'"a"', b'"b"', b'"b"', b'"b"', b'"c"']
        assert len(set(receiver.ids)) == 3

    wait(run())


def test_a_new_run_repeats_what_was_not_confirmed_with_the_same_id() -> None:
    async def run() -> None:
        receiver = Receiver()
        async with receiver.running():
            for _ in range(2):
                async with opened(receiver) as made:
                    await made.deliver(texts(made, "a", "b"))
        assert receiver.bodies == [b'"a"', b'"b"'] * 2
        assert receiver.ids[:2] == receiver.ids[2:]

    wait(run())


@pytest.mark.parametrize(
    ("retry_after", "slept"),
    [
        ("7", [7.0]),
        (formatdate(1_700_000_030, usegmt=True), [30.0]),
        (formatdate(1_600_000_000, usegmt=True), []),
        ("999999", [3600.0]),
        ("soon", []),
        ("-5", []),
        ("", []),
    ],
)
def test_retry_after_is_waited_for(retry_after: str, slept: list[float]) -> None:
    async def run() -> None:
        receiver = Receiver(web.Response(status=503, headers={"Retry-After": retry_after}))
        time = Time()
        async with receiver.running(), opened(receiver, time) as made:
            records = texts(made, "a")
            with pytest.raises(EgressUnavailableError):
                await made.deliver(records)
            await made.deliver(records)
        assert time.slept == slept

    wait(run())


def test_no_connection_is_for_later_and_shows_no_url() -> None:
    async def run() -> None:
        receiver = Receiver()
        with socket.create_server(("127.0.0.1", 0)) as free:
            receiver.url = f"http://127.0.0.1:{free.getsockname()[1]}/to-ken"
        async with opened(receiver) as made:
            with pytest.raises(EgressUnavailableError, match="Connect") as caught:
                await made.deliver(texts(made, "a"))
        assert "to-ken" not in str(caught.value)
        assert caught.value.__suppress_context__

    wait(run())


def test_no_answer_in_time_is_for_later() -> None:
    async def run() -> None:
        receiver = Receiver(None)
        async with receiver.running(), opened(receiver, timeout=timedelta(milliseconds=50)) as made:
            with pytest.raises(EgressUnavailableError, match="it took too long"):
                await made.deliver(texts(made, "a"))

    wait(run())


@pytest.mark.parametrize("status", [400, 401, 404, 410])
def test_a_record_that_is_refused_stops_the_run_or_is_left_out(status: int, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        receiver = Receiver(status, 204, status)
        async with receiver.running():
            async with opened(receiver) as made:
                with pytest.raises(EgressError, match=f"answered {status} to the record") as caught:
                    await made.deliver(texts(made, "a", "b"))
                assert not isinstance(caught.value, EgressUnavailableError)
                assert "to-ken" not in str(caught.value)
            async with opened(receiver, on_refused="drop") as made:
                with caplog.at_level(logging.WARNING):
                    await made.deliver(texts(made, "a", "b", "c"))
                assert made.dropped == 1
        assert receiver.bodies == [b'"a"', b'"a"', b'"b"', b'"c"']
        assert "answered" in caplog.text
        assert "/2/0, which is left out" in caplog.text
        assert "to-ken" not in caplog.text
        assert '"b"' not in caplog.text

    wait(run())


@pytest.mark.parametrize("policy", ["stop", "drop"])
def test_a_redirect_is_not_followed(policy: str) -> None:
    async def run() -> None:
        receiver = Receiver(web.Response(status=307, headers={"Location": "/elsewhere"}))
        async with receiver.running(), opened(receiver, on_refused=policy) as made:
            with pytest.raises(EgressError, match="redirects are not followed"):
                await made.deliver(texts(made, "a"))
        assert receiver.elsewhere == 0

    wait(run())


def test_several_secrets_sign_side_by_side_and_none_signs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", f"{SECRET} plain-secret")

    async def run() -> None:
        receiver = Receiver()
        async with receiver.running():
            for secret in ("env:HOOK_SECRET", None):
                async with opened(receiver, secret=secret) as made:
                    await made.deliver(texts(made, "a"))
        (headers, body), (unsigned, _) = receiver.requests
        for each in (SECRET, "plain-secret", f"old {SECRET}"):
            assert verify(body, headers, each, now=1_700_000_000)
        assert "Webhook-Signature" not in unsigned

    wait(run())


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"url": "env:HOOK_URL"}, "'HOOK_URL', which is not set"),
        ({"url": "http://"}, "the url of 'test/out' cannot be read"),
        ({"url": "http://to-ken:to-ken/x"}, "the url of 'test/out' cannot be read"),
        ({"secret": "env:HOOK_SECRET"}, "'HOOK_SECRET', which is not set"),
        ({"headers": {"X-A": "env:HOOK_HEADER"}}, "'HOOK_HEADER', which is not set"),
        ({"headers": {"X-A": "a\r\nX-B: b"}}, "the header 'X-A' of 'test/out' holds a line break"),
    ],
)
def test_what_cannot_be_used_is_told_before_the_first_record(
    settings: dict[str, Any], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOOK_URL", "HOOK_SECRET", "HOOK_HEADER"):
        monkeypatch.delenv(name, raising=False)

    async def run() -> None:
        receiver = Receiver()
        receiver.url = "http://127.0.0.1/"
        async with opened(receiver, **settings):
            raise AssertionError("it opened")

    with pytest.raises(EgressError, match=told) as caught:
        wait(run())
    assert "to-ken" not in str(caught.value)


def test_a_secret_that_is_none_is_refused_and_not_shown() -> None:
    for secret in ("whsec_no base64", "whsec_%%%%", " "):
        with pytest.raises(BindingError) as caught:
            sign(b"", "a", 0, secret)
        assert "%%%%" not in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"Webhook-Timestamp": "1699999699"},
        {"Webhook-Timestamp": "1700000301"},
        {"Webhook-Timestamp": "-1700000000"},
        {"Webhook-Timestamp": "१७०००००००००"},
        {"Webhook-Timestamp": "9" * 10_000},
        {"Webhook-Id": ""},
        {"Webhook-Signature": ""},
        {"Webhook-Signature": "v1,é v2,x ,"},
    ],
)
def test_a_request_with_other_headers_is_not_believed(changes: dict[str, str]) -> None:
    headers = {"Webhook-Id": "a", "Webhook-Timestamp": "1700000000"}
    headers["Webhook-Signature"] = sign(b"{}", "a", 1_700_000_000, SECRET)
    assert verify(b"{}", headers, SECRET, now=1_700_000_000)
    changed = {**headers, **changes}
    if changes.get("Webhook-Timestamp", "").isdecimal() and len(changes["Webhook-Timestamp"]) < 20:
        changed["Webhook-Signature"] = sign(b"{}", "a", int(changes["Webhook-Timestamp"]), SECRET)
    assert not verify(b"{}", changed, SECRET, now=1_700_000_000)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"url": "ftp://to-ken"}, "begins with none of"),
        ({"secret": ""}, "secret=''"),
        ({"on_refused": "ignore"}, "on_refused='ignore'"),
        ({"format": "xml"}, "format='xml'"),
        ({"timeout": timedelta(0)}, "timeout="),
    ],
)
def test_what_no_webhook_is_is_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(BindingError, match=told) as caught:
        WebhookEgress(**{"id": "a/b", "url": "https://h/", "secret": "s", **settings})
    assert "to-ken" not in str(caught.value)
