"""`aiohttp_routes` and `aiohttp_handler`: the functions inside an aiohttp application.

aiohttp's own limit of a body, `client_max_size`, is 1 MiB unless the application raises it, and an engine's batches grow beyond that. These
handlers read the body themselves, under their own limit, so nothing needs to be set.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from statefun.arguments import TEXT, check
from statefun.errors import MalformedRequestError
from statefun.extras import extra
from statefun.functions import StatefulFunctions
from statefun.serving.answers import Answer, failure
from statefun.serving.asking import AnyHandler, async_handler, reply_async
from statefun.serving.gate import MAX_BODY, Gate

with extra("aiohttp"):
    from aiohttp import web

__all__ = ["aiohttp_handler", "aiohttp_routes"]

RequestHandler = Callable[[web.Request], Awaitable[web.Response]]


def aiohttp_handler(
    functions: StatefulFunctions | AnyHandler,
    *,
    path: str | None = None,
    max_body: int = MAX_BODY,
    max_batch_size: int | None = None,
) -> RequestHandler:
    """One request handler, to be routed by hand for every method.

    Args:
        functions: The registry, or a handler that was made from it.
        path: The only path that is served beside `/health`, as clients ask for it, so with the prefix of a sub-application; None
            serves every path that is routed here.
        max_body: The most bytes of a request's body.
        max_batch_size: The most invocations of a request, counted before it is parsed; 100,000 when None.

    Raises:
        DefinitionError: `path` has no leading slash, a limit is no number from 1 on, `functions` is neither of the two, or
            `max_batch_size` is given beside a handler, which has its own.

    >>> from statefun import StatefulFunctions
    >>> app = web.Application()
    >>> route = app.router.add_route("*", "/statefun", aiohttp_handler(StatefulFunctions()))
    """
    return _serving(async_handler(functions, max_batch_size), Gate(path, max_body))


def _serving(handler: AnyHandler, gate: Gate, routed: str | None = None) -> RequestHandler:
    """A request handler; `routed` is the path that aiohttp has found for it, where the path of the request may have a prefix."""

    async def handle(request: web.Request) -> web.Response:
        headers = request.headers
        path = request.path if routed is None else routed
        answer = gate.before_body(
            request.method, path, headers.get("Content-Type", ""), headers.get("Content-Length", "")
        )
        return _response(await _answer(request) if answer is None else answer)

    async def _answer(request: web.Request) -> Answer:
        body = bytearray()
        try:
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > gate.max_body:
                    return failure(gate.too_large())
        except (ConnectionError, web.RequestPayloadError) as error:
            return failure(MalformedRequestError(f"the body broke off after {len(body)} bytes: {error}"))
        return await reply_async(handler, bytes(body))

    return handle


def aiohttp_routes(
    functions: StatefulFunctions | AnyHandler,
    *,
    path: str = "/statefun",
    max_body: int = MAX_BODY,
    max_batch_size: int | None = None,
) -> list[web.RouteDef]:
    """The routes of the functions and of `/health`: `app.add_routes(aiohttp_routes(functions))`.

    Arguments and errors are those of `aiohttp_handler`. In a sub-application they serve below its prefix.

    >>> from statefun import StatefulFunctions
    >>> app = web.Application()
    >>> [route.path for route in aiohttp_routes(StatefulFunctions())]
    ['/statefun', '/health']
    """
    check("aiohttp_routes", "path", path, TEXT)
    handler, gate = async_handler(functions, max_batch_size), Gate(path, max_body)
    return [web.route("*", each, _serving(handler, gate, routed=each)) for each in (path, "/health")]


def _response(answer: Answer) -> web.Response:
    return web.Response(status=answer.status, headers=dict(answer.headers), body=answer.body)
