"""`asgi_app`: the functions as an ASGI 3 application, for uvicorn, granian, hypercorn or a mount in a larger application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from statefun.arguments import Kind
from statefun.errors import LimitError, UnsupportedError
from statefun.functions import StatefulFunctions
from statefun.serving.answers import Answer, failure
from statefun.serving.asking import AnyHandler, async_handler, reply_async
from statefun.serving.gate import MAX_BODY, Gate

__all__ = ["APPLICATION", "Application", "Receive", "Scope", "Send", "asgi_app", "send_answer"]

# As the ASGI specification has them.
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


APPLICATION: Final = Kind(callable, "an ASGI application, such as `asgi_app(functions)`")
"""What takes one."""


def asgi_app(
    functions: StatefulFunctions | AnyHandler,
    *,
    path: str | None = None,
    max_body: int = MAX_BODY,
    max_batch_size: int | None = None,
) -> Application:
    """Serves functions, coroutine functions and plain ones; a plain one runs on the event loop and holds it up meanwhile.

    Args:
        functions: The registry, or a handler that was made from it.
        path: The only path that is served beside `/health`; None serves every path.
        max_body: The most bytes of a request's body.
        max_batch_size: The most invocations of a request, counted before it is parsed; 100,000 when None.

    Raises:
        DefinitionError: `path` has no leading slash, a limit is no number from 1 on, `functions` is neither of the two, or
            `max_batch_size` is given beside a handler, which has its own.

    >>> from statefun import StatefulFunctions
    >>> app = asgi_app(StatefulFunctions(), path="/statefun")  # uvicorn package.module:app --timeout-keep-alive 90
    """
    handler = async_handler(functions, max_batch_size)
    gate = Gate(path, max_body)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] != "http":
            raise UnsupportedError(f"a connection of the type {scope['type']!r} is opened", hint="POST over HTTP")
        else:
            answer = await _answer(scope, receive)
            if answer is not None:
                await send_answer(send, answer)

    async def _answer(scope: Scope, receive: Receive) -> Answer | None:
        content_type = content_length = b""
        for name, value in scope["headers"]:
            if name == b"content-type":
                content_type = value
            elif name == b"content-length":
                content_length = value
        inside = scope["path"].removeprefix(scope.get("root_path", ""))
        refusal = gate.before_body(
            scope["method"], inside, content_type.decode("latin-1"), content_length.decode("latin-1")
        )
        if refusal is not None:
            return refusal
        try:
            body = await _body(receive, gate)
        except LimitError as error:
            return failure(error)
        return None if body is None else await reply_async(handler, body)

    return app


async def send_answer(send: Send, answer: Answer) -> None:
    """Sends a whole answer."""
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _body(receive: Receive, gate: Gate) -> bytes | None:
    """The whole body, or None when the client left before it was complete."""
    body = bytearray()  # not a list of chunks: a body in chunks of one byte must not cost fifty times its size
    while True:
        event = await receive()
        if event["type"] != "http.request":
            return None
        chunk: bytes = event.get("body", b"")
        if len(body) + len(chunk) > gate.max_body:
            raise gate.too_large()
        if not body and not event.get("more_body", False):
            return chunk
        body += chunk
        if not event.get("more_body", False):
            return bytes(body)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        event = await receive()
        await send({"type": f"{event['type']}.complete"})
        if event["type"] == "lifespan.shutdown":
            return
