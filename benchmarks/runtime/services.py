"""The contenders that are asked over HTTP: which processes they are, and how an event is posted to them."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common.child import start
from benchmarks.runtime.environments import OURS, RESTATE
from benchmarks.runtime.load import Post
from benchmarks.runtime.servers import Server, ServerFailedError, answers, free_port, listens, post

_LONG = (("content-type", "application/vnd.io.statefun.types/long"),)
_WAIT = (("prefer", "wait=60"),)
_ONE = "\x09\x01" + "\0" * 7
_NONE = "\x09" + "\0" * 8


@dataclass(frozen=True)
class Service:
    """What was started.

    `drains` says that an event is acknowledged before it is counted: then a measurement ends when all are.
    """

    servers: tuple[Server, ...]
    port: int
    event: Post
    total: Post
    drains: bool


Start = Callable[[Path, ExitStack], Service]


def restate(*, sends: bool = False, partitions: int | None = None) -> Start:
    """Restate's server, and the counter on its Python SDK.

    Args:
        sends: Whether an event is sent one-way (acknowledged when it is in the log), or called (when its handler has returned).
        partitions: How many logs there are; None for the server's default.
    """
    chosen = {} if partitions is None else {"RESTATE_DEFAULT_NUM_PARTITIONS": str(partitions)}

    def start_it(folder: Path, stack: ExitStack) -> Service:
        app_port, ingress, admin, fabric = (free_port() for _ in range(4))
        app = Server(
            "restate-app",
            start(RESTATE.python, "benchmarks.runtime.contenders.restate_app", str(app_port)),
            folder,
        )
        stack.callback(app.close)
        binary = next(RESTATE.node_modules.glob("@restatedev/restate-server-*/bin/restate-server"))
        server = Server(
            "restate-server",
            [str(binary), "--base-dir", str(folder / "restate-data"), "--no-logo"],
            folder,
            {
                "RESTATE_BIND_IP": "127.0.0.1",
                "RESTATE_LISTEN_MODE": "tcp",
                "RESTATE_INGRESS__BIND_ADDRESS": f"127.0.0.1:{ingress}",
                "RESTATE_ADMIN__BIND_ADDRESS": f"127.0.0.1:{admin}",
                "RESTATE_BIND_ADDRESS": f"127.0.0.1:{fabric}",
                "RESTATE_DISABLE_TELEMETRY": "true",
                "RESTATE_LOG_FILTER": "warn",
                **chosen,
            },
        )
        stack.callback(server.close)
        app.wait_for(lambda: listens(app_port))
        server.wait_for(lambda: answers(admin, "/health"))
        status = post(admin, "/deployments", f'{{"uri": "http://127.0.0.1:{app_port}"}}')
        if status != 201:
            raise ServerFailedError(f"Restate refused the deployment with {status}:\n{server.words()}\n{app.words()}")
        server.wait_for(lambda: listens(ingress))
        event = Post("/Counter/{key}/add/send" if sends else "/Counter/{key}/add")
        return Service((server, app), ingress, event, Post("/Counter/{key}/total"), sends)

    return start_it


def ours(*, replies: bool) -> Start:
    """`statefun run`, its functions in its own process.

    Args:
        replies: Whether a client waits for the function's reply, or for the commit alone. Both come after the event is counted.
    """

    def start_it(folder: Path, stack: ExitStack) -> Service:
        port = free_port()
        command = [str(OURS.folder / "bin" / "statefun"), "run", "benchmarks.runtime.contenders.over_http:functions"]
        server = Server(
            "statefun-run", [*command, "--store", str(folder / "store")], folder, {"BENCHMARK_PORT": str(port)}
        )
        stack.callback(server.close)
        server.wait_for(lambda: listens(port))
        return Service((server,), port, *_posts(replies), False)

    return start_it


def ours_remote(folder: Path, stack: ExitStack) -> Service:
    """`statefun run` with a module.yaml, the functions in `statefun serve`. A client waits for the function's reply."""
    functions, port = free_port(), free_port()
    statefun = str(OURS.folder / "bin" / "statefun")
    served = Server(
        "statefun-serve",
        [statefun, "serve", "benchmarks.runtime.contenders.counter:functions", "--port", str(functions)],
        folder,
    )
    stack.callback(served.close)
    module = folder / "module.yaml"
    module.write_text(
        "kind: io.statefun.endpoints.v2/http\n"
        "spec:\n"
        "  functions: bench/*\n"
        f"  urlPathTemplate: http://127.0.0.1:{functions}/\n"
        "---\n"
        "kind: io.statefun.playground.v1/ingress\n"
        "spec:\n"
        f"  port: {port}\n",
        encoding="utf-8",
    )
    server = Server("statefun-run", [statefun, "run", str(module), "--store", str(folder / "store")], folder)
    stack.callback(server.close)
    served.wait_for(lambda: listens(functions))
    server.wait_for(lambda: listens(port))
    return Service((server, served), port, *_posts(replies=True), False)


def _posts(replies: bool) -> tuple[Post, Post]:
    path = "/bench/counter/{key}"
    return Post(path, _LONG + _WAIT if replies else _LONG, _ONE), Post(path, _LONG + _WAIT, _NONE)
