"""`wsgi_app`: the functions as a WSGI application, for gunicorn, uWSGI, mod_wsgi or a mount in a larger application."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from statefun.errors import LimitError, MalformedRequestError
from statefun.functions import StatefulFunctions
from statefun.serving.answers import Answer, failure
from statefun.serving.asking import Handler, reply, sync_handler
from statefun.serving.gate import MAX_BODY, Gate

__all__ = ["wsgi_app"]

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

_CHUNK = 1 << 20


def wsgi_app(
    functions: StatefulFunctions | Handler,
    *,
    path: str | None = None,
    max_body: int = MAX_BODY,
    max_batch_size: int | None = None,
) -> Application:
    """Serves plain functions, each request on the thread or process that the server gives it.

    Args:
        functions: The registry, or a handler that was made from it.
        path: The only path that is served beside `/health`; None serves every path.
        max_body: The most bytes of a request's body.
        max_batch_size: The most invocations of a request, counted before it is parsed; 100,000 when None.

    Raises:
        AsyncFunctionError: a registered function is a coroutine function, or the handler is an asynchronous one.
        DefinitionError: `path` has no leading slash, a limit is no number from 1 on, `functions` is neither of the two, or
            `max_batch_size` is given beside a handler, which has its own.

    >>> from statefun import StatefulFunctions
    >>> app = wsgi_app(StatefulFunctions(), path="/statefun")  # gunicorn package.module:app --threads 8 --keep-alive 90
    """
    handler = sync_handler(functions, max_batch_size)
    gate = Gate(path, max_body)

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        answer = _answer(environ)
        start_response(f"{answer.status} {answer.reason}", list(answer.headers))
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def _answer(environ: Environ) -> Answer:
        length = environ.get("CONTENT_LENGTH") or ""
        # WSGI has the bytes of a path as Latin-1, whatever they are.
        inside = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
        refusal = gate.before_body(environ["REQUEST_METHOD"], inside, environ.get("CONTENT_TYPE") or "", length)
        if refusal is not None:
            return refusal
        try:
            body = _body(environ, length, gate)
        except (LimitError, MalformedRequestError) as error:
            return failure(error)
        return reply(handler, body)

    return app


def _body(environ: Environ, length: str, gate: Gate) -> bytes:
    """The whole body: as long as its length says, or up to its end where the server marks the end of chunked bodies."""
    expected = int(length) if length.isdecimal() else None
    if expected is None and not environ.get("wsgi.input_terminated"):
        return b""  # without either, reading might wait for ever
    # One byte more than the limit and no further: a read waits until it has all that it was asked for.
    end = gate.max_body + 1 if expected is None else expected
    body = bytearray()
    while len(body) < end:
        try:
            chunk = environ["wsgi.input"].read(min(_CHUNK, end - len(body)))
        except OSError as error:
            raise MalformedRequestError(f"the body cannot be read: {error}") from error
        if not chunk:
            break
        body += chunk
    if len(body) > gate.max_body:
        raise gate.too_large()
    if expected is not None and len(body) < expected:
        raise MalformedRequestError(f"the body ended after {len(body)} of {expected} bytes")
    return bytes(body)
