"""Runs one real server on a socket that it inherits: `python -m tests.serving.server NAME FD`.

The parent listens before the server starts, so that a request waits in the kernel until it is taken and nothing has to be polled.
"""

from __future__ import annotations

import logging
import socket
import sys

logging.basicConfig(level=logging.INFO, format="%(name)s %(levelname)s %(message)s")


def uvicorn_asgi(listener: socket.socket) -> None:
    import uvicorn

    from tests.serving import served

    config = uvicorn.Config(served.asgi, log_config=None, timeout_keep_alive=90)
    uvicorn.Server(config).run(sockets=[listener])


def gunicorn_wsgi(listener: socket.socket) -> None:
    from gunicorn.app.wsgiapp import run

    options = ["--threads", "4", "--keep-alive", "90"]
    sys.argv = ["gunicorn", "--bind", f"fd://{listener.fileno()}", *options, "tests.serving.served:wsgi"]
    run()


def werkzeug_wsgi(listener: socket.socket) -> None:
    from werkzeug.serving import make_server

    from tests.serving import served

    host = "unix://inherited" if listener.family == socket.AF_UNIX else "127.0.0.1"
    make_server(host, 0, served.wsgi, threaded=True, fd=listener.fileno()).serve_forever()


def aiohttp_routes(listener: socket.socket) -> None:
    from aiohttp import web

    from statefun.serving.aiohttp import aiohttp_routes as routes
    from tests.serving import served

    app = web.Application()
    app.add_routes(routes(served.async_functions(), path=served.PATH))
    web.run_app(app, sock=listener, print=None, access_log=None)


SERVERS = {each.__name__: each for each in (uvicorn_asgi, gunicorn_wsgi, werkzeug_wsgi, aiohttp_routes)}

if __name__ == "__main__":
    SERVERS[sys.argv[1]](socket.socket(fileno=int(sys.argv[2])))
