"""How the official SDKs are served: aiohttp, as their documentation shows it."""

import sys
from collections.abc import Awaitable, Callable

from aiohttp import web


def serve(handle: Callable[[bytes], Awaitable[bytes]]) -> None:
    """Serve a handler on the port that is the last argument."""

    async def post(request: web.Request) -> web.Response:
        return web.Response(body=await handle(await request.read()), content_type="application/octet-stream")

    async def health(_request: web.Request) -> web.Response:
        return web.Response()

    # Its default of 1 MiB is too small for a full batch, and it closes idle connections after 75 seconds.
    app = web.Application(client_max_size=32 * 1024 * 1024)
    app.add_routes([web.post("/statefun", post), web.get("/health", health)])
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[-1]), print=None, access_log=None)
