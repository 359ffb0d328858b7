"""The functions that the servers of these tests serve, and the applications that hold them."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import Any

from statefun import LONG, STRING, Context, StatefulFunction, StatefulFunctions, ValueSpec, handles
from statefun.serving.asgi import asgi_app
from statefun.serving.wsgi import wsgi_app

PATH = "/statefun"


class Panic(BaseException):
    """An exception that is no `Exception`, as some libraries have for their own control flow."""


UNUSUAL = {
    "memory": MemoryError("no more"),
    "recursion": RecursionError("too deep"),
    "exit": SystemExit(3),
    "panic": Panic("the secret"),
    "group": BaseExceptionGroup("several", [Panic("the secret")]),
    "cancelled": asyncio.CancelledError("the secret"),
    "closed": GeneratorExit("the secret"),
}
"""What handlers raise beside the usual exceptions."""


class Counter(StatefulFunction[str], typename="example/counter"):
    seen: ValueSpec[int] = ValueSpec(LONG, default=0)

    @handles
    def on_text(self, context: Context, text: str) -> None:
        self.seen += 1
        context.reply(text)


class Failing(StatefulFunction[str], typename="example/failing"):
    seen: ValueSpec[int] = ValueSpec(LONG, default=0)

    @handles
    def on_text(self, context: Context, text: str) -> None:
        self.seen += 1
        context.send(Counter.at("a"), "this must not be sent")
        if text == "broken":
            raise ValueError("the secret\nof the \x1b[31mpayload")
        if text == "undeclared":
            context["nowhere"] = 1
        if text in UNUSUAL:
            raise UNUSUAL[text]


def register_plain(functions: StatefulFunctions) -> StatefulFunctions:
    functions.register(Counter)
    functions.register(Failing)

    @functions.bind("example/pid")
    def pid(context: Context, text: str) -> None:
        context.reply(str(os.getpid()))

    # What the recorded requests are for; the engines' own values are left as they are.
    @functions.bind("example/greeter", specs=[ValueSpec(LONG, name="count"), ValueSpec(STRING, name="note")])
    def greeter(context: Context, message: Any) -> None:
        context.send("example/echo", context.address.id, message)

    @functions.bind("example/echo")
    def echo(context: Context, message: Any) -> None:
        if context.caller is not None:
            context.reply(message)

    return functions


def threaded_functions() -> StatefulFunctions:
    """Plain functions; two requests to `example/meet` must be there at once for either to return."""
    functions = register_plain(StatefulFunctions())
    both = threading.Barrier(2, timeout=30)

    @functions.bind("example/meet")
    def meet(context: Context, text: str) -> None:
        both.wait()
        context.reply(text)

    return functions


def async_functions() -> StatefulFunctions:
    """The same with coroutine functions beside plain ones."""
    functions = register_plain(StatefulFunctions())
    waiting: list[asyncio.Event] = []

    @functions.bind("example/meet")
    async def meet(context: Context, text: str) -> None:
        if waiting:
            waiting.pop().set()
        else:
            here = asyncio.Event()
            waiting.append(here)
            await asyncio.wait_for(here.wait(), 30)
        context.reply(text)

    @functions.bind("example/cancelled")
    async def cancelled(context: Context, text: str) -> None:
        task = asyncio.ensure_future(asyncio.Event().wait())
        task.cancel()
        await task

    @functions.bind("example/exiting")
    async def exiting(context: Context, text: str) -> None:
        await asyncio.sleep(0)
        raise SystemExit(text)

    @functions.bind("example/panicking")
    async def panicking(context: Context, text: str) -> None:
        await asyncio.sleep(0)
        raise Panic(text)

    return functions


asgi = asgi_app(async_functions(), path=PATH)
wsgi = wsgi_app(threaded_functions(), path=PATH)
