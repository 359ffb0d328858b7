"""The two programs of the seed's page, run as they are written there, in the servers that they start themselves.

| what is put before the page's block | why |
|---|---|
| `app = Flask(__name__)`, its import, the functions and `handler = RequestReplyHandler(functions)` | the page shows them in earlier blocks |
| `functions = StatefulFunctions()`, its import and `compute_greeting` | the page leaves them out |

Indentation is restored; nothing else is changed, which a test holds against the page. The programs' own ports would collide between two runs of the tests, so each is
started with a socket that listens already: Flask's server takes it from the environment, as it does from its reloader, and aiohttp's
`run_app` is given it as `sock=` in place of `port=`.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from statefun.batch import ProtocolVersion
from tests.conformance.seed.repairs import lines, page_blocks
from tests.serving.client import V2, V3, Connection, Reply, batch
from tests.serving.commands import ROOT

FLASK = """
from flask import Flask, make_response, request
from statefun import RequestReplyHandler, StatefulFunctions

app = Flask(__name__)
functions = StatefulFunctions()

@functions.bind("example/hello")
def hello(context, message):
    context.reply(message)

handler = RequestReplyHandler(functions)

@app.route('/statefun', methods=['POST'])
def handle():
    response_data = handler(request.data)
    response = make_response(response_data)
    response.headers.set('Content-Type', 'application/octet-stream')
    return response


if __name__ == "__main__":
    app.run()
"""

AIOHTTP = """
import asyncio
from statefun import AsyncRequestReplyHandler, StatefulFunctions

functions = StatefulFunctions()

async def compute_greeting(message):
    await asyncio.sleep(0)
    return message

@functions.bind("example/hello")
async def hello(context, message):
    response = await compute_greeting(message)
    context.reply(response)

from aiohttp import web

handler = AsyncRequestReplyHandler(functions)

async def handle(request):
    req = await request.read()
    res = await handler(req)
    return web.Response(body=res, content_type="application/octet-stream")

app = web.Application()
app.add_routes([web.post('/statefun', handle)])

if __name__ == '__main__':
    web.run_app(app, port=5000)
"""

# Runs a file as `python file` does, with the listening socket in the place of the port.
RUN = """
import os, runpy, socket, sys
from aiohttp import web

listener = socket.socket(fileno=int(os.environ["WERKZEUG_SERVER_FD"]))
run_app = web.run_app
web.run_app = lambda app, *, port: run_app(app, sock=listener, print=None)
runpy.run_path(sys.argv[1], run_name="__main__")
"""


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[[str], socket.socket]]:
    listener = socket.create_server(("127.0.0.1", 0))
    started: list[subprocess.Popen[bytes]] = []

    def start(program: str) -> socket.socket:
        file = tmp_path / "program.py"
        file.write_text(program)
        inherited = {"PYTHONPATH": str(ROOT), "WERKZEUG_RUN_MAIN": "true", "WERKZEUG_SERVER_FD": str(listener.fileno())}
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", RUN, str(file)],
                env=os.environ | inherited,
                pass_fds=[listener.fileno()],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        return listener

    yield start
    for process in started:
        process.terminate()
        process.wait(60)
    listener.close()


def call(listener: socket.socket, body: bytes) -> Reply:
    with Connection(listener.getsockname()) as connection:
        return connection.call(body)


@pytest.mark.parametrize(("program", "number"), [(FLASK, 9), (AIOHTTP, 10)], ids=["flask", "aiohttp"])
def test_the_program_ends_with_the_lines_of_the_page(program: str, number: int) -> None:
    block = page_blocks()[number - 1]
    assert lines(program)[-len(block) :] == block


@pytest.mark.parametrize("protocol", [V2, V3], ids=["2.2", "3.x"])
@pytest.mark.parametrize("program", [FLASK, AIOHTTP], ids=["flask", "aiohttp"])
def test_the_seeds_program_serves(run: Callable[[str], socket.socket], program: str, protocol: ProtocolVersion) -> None:
    listener = run(program)
    for text in ("one", "two"):
        reply = call(listener, batch("example/hello", text, protocol=protocol, states={}))
        assert reply.text(protocol) == text


@pytest.mark.parametrize("program", [FLASK, AIOHTTP], ids=["flask", "aiohttp"])
def test_the_seeds_program_outlives_a_bad_request(run: Callable[[str], socket.socket], program: str) -> None:
    listener = run(program)
    reply = call(listener, b"not a request")
    assert reply.status == 500  # without our applications every error is the framework's own
    assert b"Traceback" not in reply.body
    assert call(listener, batch("example/hello", "after it", states={})).text(V3) == "after it"
