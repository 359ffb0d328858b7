"""The applications as values: what they refuse to be made of, and what they ask of a server."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from statefun import AsyncRequestReplyHandler, Context, RequestReplyHandler, StatefulFunctions
from statefun.errors import AsyncFunctionError, DefinitionError, StatefunError, UnsupportedError
from statefun.serving.aiohttp import aiohttp_handler, aiohttp_routes
from statefun.serving.asgi import asgi_app
from statefun.serving.wsgi import wsgi_app
from tests.serving.client import V3, Reply, batch
from tests.serving.served import async_functions, threaded_functions

GOOD = batch("example/counter", "good")


def asgi_call(app: Any, events: list[dict[str, Any]], **scope: Any) -> list[dict[str, Any]]:
    """What an ASGI application sends, given the events that it receives one by one."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return events.pop(0)

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)

    headers = [(b"content-type", b"application/octet-stream")]
    asyncio.run(app({"type": "http", "method": "POST", "path": "/", "headers": headers, **scope}, receive, send))
    return sent


def asgi_reply(app: Any, body: bytes, **scope: Any) -> Reply:
    start, end = asgi_call(app, [{"type": "http.request", "body": body}], **scope)
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    return Reply(start["status"], headers, end["body"])


def wsgi_reply(app: Any, body: bytes, **environ: Any) -> Reply:
    started: list[Any] = []
    given: dict[str, Any] = {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "CONTENT_TYPE": "application/octet-stream"}
    given |= {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body), **environ}
    content = b"".join(app(given, lambda status, headers: started.append((status, headers))))
    status, headers = started[0]
    return Reply(int(status.split()[0]), {name.lower(): value for name, value in headers}, content)


@pytest.mark.parametrize("make", [asgi_app, wsgi_app, aiohttp_handler, aiohttp_routes])
def test_a_path_without_its_slash_is_refused(make: Callable[..., object]) -> None:
    with pytest.raises(DefinitionError, match="'statefun' does not begin with a slash"):
        make(threaded_functions(), path="statefun")


@pytest.mark.parametrize("make", [asgi_app, wsgi_app, aiohttp_handler, aiohttp_routes])
def test_a_batch_limit_beside_a_handler_that_has_its_own_is_refused(make: Callable[..., object]) -> None:
    handler = RequestReplyHandler(threaded_functions())
    make(handler)
    with pytest.raises(DefinitionError, match="max_batch_size is given beside a handler"):
        make(handler, max_batch_size=5)


def test_wsgi_refuses_coroutine_functions_and_the_asynchronous_handler_when_it_is_made() -> None:
    with pytest.raises(AsyncFunctionError):
        wsgi_app(async_functions())
    with pytest.raises(AsyncFunctionError, match="asgi_app"):
        wsgi_app(AsyncRequestReplyHandler(async_functions()))


def test_a_handler_serves_as_its_functions_do() -> None:
    for handler in (RequestReplyHandler(threaded_functions()), AsyncRequestReplyHandler(async_functions())):
        assert asgi_reply(asgi_app(handler), GOOD).text(V3) == "good"
    assert wsgi_reply(wsgi_app(RequestReplyHandler(threaded_functions())), GOOD).text(V3) == "good"


def test_the_batch_limit_is_the_one_given() -> None:
    two = batch("example/counter", "a", "b")
    assert asgi_reply(asgi_app(threaded_functions(), max_batch_size=2), two).status == 200
    assert asgi_reply(asgi_app(threaded_functions(), max_batch_size=1), two).problem["code"] == "limit-exceeded"
    assert wsgi_reply(wsgi_app(threaded_functions(), max_batch_size=1), two).problem["code"] == "limit-exceeded"


def test_a_body_of_exactly_the_limit_is_read() -> None:
    for app, call in ((asgi_app, asgi_reply), (wsgi_app, wsgi_reply)):
        assert call(app(threaded_functions(), max_body=len(GOOD)), GOOD).status == 200
        assert call(app(threaded_functions(), max_body=len(GOOD) - 1), GOOD).status == 413


def test_a_path_may_have_letters_of_every_language() -> None:
    path = "/größe"
    assert asgi_reply(asgi_app(threaded_functions(), path=path), GOOD, path=path).status == 200
    as_wsgi_has_it = path.encode().decode("latin-1")
    assert wsgi_reply(wsgi_app(threaded_functions(), path=path), GOOD, PATH_INFO=as_wsgi_has_it).status == 200


def test_a_refusal_names_the_path_and_the_type_that_were_sent(caplog: pytest.LogCaptureFixture) -> None:
    app = wsgi_app(threaded_functions(), path="/statefun")
    elsewhere = wsgi_reply(app, GOOD, PATH_INFO="/statefull\n").problem
    assert elsewhere["detail"] == r"there are no functions at '/statefull\n'"
    assert elsewhere["hint"] == "POST to /statefun"
    of_another_type = wsgi_reply(app, GOOD, PATH_INFO="/statefun", CONTENT_TYPE="text/plain").problem
    assert of_another_type["detail"] == "the body is declared as 'text/plain'"
    assert [record.getMessage() for record in caplog.records] == [
        r"not-found (404): there are no functions at '/statefull\n'",
        "unsupported-media-type (415): the body is declared as 'text/plain'",
    ]


def test_what_a_request_says_is_cut_in_its_answer() -> None:
    body = batch("example/" + "é" * 100_000, "x")
    reply = wsgi_reply(wsgi_app(threaded_functions()), body)
    assert (reply.status, reply.problem["code"]) == (501, "unknown-function")
    assert len(reply.body) < 40_000


@pytest.mark.parametrize("make", [asgi_app, wsgi_app, aiohttp_routes])
@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_that_lets_no_body_through_is_refused(make: Any, limit: int) -> None:
    with pytest.raises(DefinitionError, match=f"max_body={limit}"):
        make(threaded_functions(), max_body=limit)


def test_an_application_under_a_prefix_serves_its_own_path() -> None:
    app = asgi_app(threaded_functions(), path="/statefun")
    assert asgi_reply(app, GOOD, path="/shop/statefun", root_path="/shop").status == 200
    assert asgi_reply(app, GOOD, path="/shop/statefun").status == 404
    assert (
        wsgi_reply(
            wsgi_app(threaded_functions(), path="/statefun"), GOOD, SCRIPT_NAME="/shop", PATH_INFO="/statefun"
        ).status
        == 200
    )


def test_aiohttp_routes_in_a_sub_application_serve_below_its_prefix() -> None:
    async def called() -> list[tuple[int, bytes]]:
        inner = web.Application()
        inner.add_routes(aiohttp_routes(async_functions(), path="/statefun"))
        outer = web.Application()
        outer.add_subapp("/shop", inner)
        async with TestClient(TestServer(outer)) as client:
            headers = {"Content-Type": "application/octet-stream"}
            good = await client.post("/shop/statefun", data=GOOD, headers=headers)
            health = await client.get("/shop/health")
            outside = await client.post("/statefun", data=GOOD, headers=headers)
            return [(each.status, await each.read()) for each in (good, health, outside)]

    good, health, outside = asyncio.run(called())
    assert Reply(good[0], {"content-type": "application/octet-stream"}, good[1]).text(V3) == "good"
    assert health == (200, b"ok\n")
    assert outside[0] == 404


def test_asgi_answers_nothing_to_a_client_that_left() -> None:
    events: list[dict[str, Any]] = [
        {"type": "http.request", "body": GOOD[:5], "more_body": True},
        {"type": "http.disconnect"},
    ]
    assert asgi_call(asgi_app(threaded_functions()), events) == []


def test_a_cancellation_by_the_server_goes_on_to_it() -> None:
    functions = StatefulFunctions()
    runs = asyncio.Event()

    @functions.bind("example/counter")
    async def counter(context: Context, text: str) -> None:
        runs.set()
        await asyncio.Event().wait()

    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": GOOD}

    async def send(event: Any) -> None:
        sent.append(event)

    async def served(scope: dict[str, Any]) -> None:
        await asgi_app(functions)(scope, receive, send)

    async def cancelled() -> None:
        headers = [(b"content-type", b"application/octet-stream")]
        scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/", "headers": headers}
        task = asyncio.create_task(served(scope))
        await runs.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert sent == []


def test_an_error_that_cannot_be_shown_is_answered_too() -> None:
    class UnspeakableError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("cannot be shown")

    def handler(body: bytes) -> bytes:
        raise UnspeakableError

    for reply in (asgi_reply(asgi_app(handler), GOOD), wsgi_reply(wsgi_app(handler), GOOD)):
        assert (reply.status, reply.problem["code"]) == (500, "internal")


def test_asgi_reads_a_body_in_any_pieces() -> None:
    for size in (1, 7, len(GOOD)):
        events: list[dict[str, Any]] = [
            {"type": "http.request", "body": GOOD[start : start + size], "more_body": True}
            for start in range(0, len(GOOD), size)
        ]
        start, _ = asgi_call(asgi_app(threaded_functions()), [*events, {"type": "http.request"}])
        assert start["status"] == 200


def test_asgi_takes_part_in_the_life_of_its_server() -> None:
    events = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent = asgi_call(asgi_app(threaded_functions()), events, type="lifespan")
    assert [event["type"] for event in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_asgi_refuses_a_websocket() -> None:
    with pytest.raises(UnsupportedError, match="'websocket'"):
        asgi_call(asgi_app(threaded_functions()), [], type="websocket")


def test_wsgi_does_not_wait_for_a_body_whose_end_nothing_marks() -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise AssertionError("this would wait for ever")

    reply = wsgi_reply(wsgi_app(threaded_functions()), b"", CONTENT_LENGTH="", **{"wsgi.input": Endless()})
    assert (reply.status, reply.problem["code"]) == (400, "malformed-request")


@pytest.mark.parametrize("length", ["9" * 5000, "33554433"])
def test_a_length_of_any_size_is_refused_unread(length: str) -> None:
    assert wsgi_reply(wsgi_app(threaded_functions()), b"", CONTENT_LENGTH=length).status == 413


def test_an_error_that_is_not_ours_answers_internal_and_says_nothing_of_itself(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def handler(body: bytes) -> bytes:
        raise ZeroDivisionError("the secret")

    for reply in (asgi_reply(asgi_app(handler), GOOD), wsgi_reply(wsgi_app(handler), GOOD)):
        assert (reply.status, reply.problem["code"]) == (500, "internal")
        assert b"secret" not in reply.body
        assert b"ZeroDivision" not in reply.body
    assert caplog.text.count("internal (500): ZeroDivisionError: the secret; at ") == 2


def test_the_log_tells_where_a_handler_raised_though_it_said_much(caplog: pytest.LogCaptureFixture) -> None:
    functions = StatefulFunctions()

    @functions.bind("example/counter")
    def counter(context: Context, text: str) -> None:
        raise ValueError("x" * 100_000)

    wsgi_reply(wsgi_app(functions), GOOD)
    (record,) = caplog.records
    assert len(record.getMessage()) < 3000
    assert f"xxx; at {__file__}:" in record.getMessage()
    assert record.getMessage().endswith(f" in counter; a request of {len(GOOD)} bytes")


class TeapotError(StatefunError):
    code = "teapot"
    status = 599
    default_hint = "pour"


def test_an_error_of_a_users_own_keeps_its_code_status_and_hint() -> None:
    def handler(body: bytes) -> bytes:
        raise TeapotError("the secret")

    for reply in (asgi_reply(asgi_app(handler), GOOD), wsgi_reply(wsgi_app(handler), GOOD)):
        problem = reply.problem
        assert (reply.status, problem["code"], problem["hint"]) == (599, "teapot", "pour")
        assert b"secret" not in reply.body


def test_the_payload_is_never_logged_and_a_traceback_at_debug_alone(caplog: pytest.LogCaptureFixture) -> None:
    functions = StatefulFunctions()

    @functions.bind("example/counter")
    def counter(context: Context, text: str) -> None:
        raise ValueError("what the handler says")

    app = wsgi_app(functions)
    body = batch("example/counter", "private words")
    with caplog.at_level(logging.INFO, "statefun.serving"):
        wsgi_reply(app, body)
    (record,) = caplog.records
    assert "what the handler says" in record.getMessage()
    assert "private words" not in record.getMessage()
    assert record.exc_info is None
    caplog.clear()
    with caplog.at_level(logging.DEBUG, "statefun.serving"):
        wsgi_reply(app, body)
    assert [record.exc_info is not None for record in caplog.records] == [False, True]
