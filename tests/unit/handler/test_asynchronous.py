"""Coroutine functions, and what the synchronous handler says to them."""

from __future__ import annotations

import asyncio
import functools
import gc
import threading
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import any_pb2

from statefun import (
    LONG,
    AsyncRequestReplyHandler,
    Context,
    HandlerError,
    RequestReplyHandler,
    StatefulFunction,
    StatefulFunctions,
    ValueSpec,
    handles,
    handles_other,
)
from statefun.batch import ProtocolVersion
from statefun.errors import (
    AsyncFunctionError,
    ContextClosedError,
)
from tests.unit.handler.counter import HERE, TO, Counter
from tests.unit.rig import PROTOCOLS, Engine


def test_coroutine_functions_run_on_the_async_handler(async_engine: Engine) -> None:
    class Awaits(StatefulFunction[str], typename="test/f"):
        count: ValueSpec[int] = ValueSpec(LONG, default=0)

        @handles
        async def on_message(self, context: Context, message: str) -> None:
            before = self.count
            await asyncio.sleep(0)
            self.count = before + 1
            context.send(TO, message)

    async_engine.register(Awaits)
    answer = async_engine.send(HERE, "a", "b")
    assert answer.states == {"count": 2}
    assert [value for _, value in answer.messages] == ["a", "b"]


def test_messages_of_a_batch_are_handled_one_after_the_other(async_engine: Engine) -> None:
    seen = []

    @async_engine.functions.bind("test/f")
    async def function(context: Context, message: str) -> None:
        seen.append("start " + message)
        await asyncio.sleep(0)
        seen.append("end " + message)

    async_engine.send(HERE, "a", "b")
    assert seen == ["start a", "end a", "start b", "end b"]


def test_a_coroutine_function_that_raises_is_a_handler_error(async_engine: Engine) -> None:
    @async_engine.functions.bind("test/f")
    async def function(context: Context, message: str) -> None:
        context.send(TO, "lost")
        await asyncio.sleep(0)
        raise LookupError("on purpose")

    with pytest.raises(HandlerError, match="on purpose") as caught:
        async_engine.send(HERE, "a")
    assert isinstance(caught.value.__cause__, LookupError)


def test_a_plain_function_may_return_an_awaitable_to_the_async_handler(async_engine: Engine) -> None:
    async def work(context: Context) -> None:
        await asyncio.sleep(0)
        context.send(TO, "done")

    @async_engine.functions.bind("test/f")
    def function(context: Context, message: str) -> Awaitable[None]:
        return work(context)

    assert async_engine.send(HERE, "a").messages == [("test/to/2", "done")]


def test_a_sync_class_runs_on_the_async_handler(async_engine: Engine) -> None:
    async_engine.register(Counter)
    answer = async_engine.send(HERE, "a", "b")
    assert answer.states == {"count": 2}
    assert [value for _, value in answer.messages] == ["a", "b"]


def test_a_plain_handler_on_the_async_handler_runs_on_the_event_loop_and_the_documentation_says_so(
    async_engine: Engine,
) -> None:
    seen: list[Any] = []

    @async_engine.functions.bind("test/f")
    def function(context: Context, message: str) -> None:
        seen.append((asyncio.get_running_loop(), threading.get_ident()))

    async def main() -> None:
        await async_engine.handler(async_engine.request(HERE, "a"))
        assert seen == [(asyncio.get_running_loop(), threading.get_ident())]

    asyncio.run(main())
    docs = Path(__file__).resolve().parents[3] / "docs"
    for page in ("python.md", "serving.md"):
        assert "holds up the event loop" in (docs / page).read_text().replace(
            "runs on the event loop and holds it up", "holds up the event loop"
        )


def async_definitions() -> dict[str, Callable[[StatefulFunctions], Any]]:
    async def function(context: Context, message: str) -> None: ...

    class Method(StatefulFunction[str], typename="test/f"):
        @handles
        async def on_message(self, context: Context, message: str) -> None: ...

    class Other(StatefulFunction[Any], typename="test/f"):
        @handles_other
        async def on_other(self, context: Context, message: any_pb2.Any) -> None: ...

    class Calls:
        async def __call__(self, context: Context, message: str) -> None: ...

    return {
        "function": lambda functions: functions.register("test/f", function),
        "partial": lambda functions: functions.register("test/f", functools.partial(function)),
        "method": lambda functions: functions.register(Method),
        "other": lambda functions: functions.register(Other),
        "object": lambda functions: functions.register("test/f", Calls()),
    }


@pytest.mark.parametrize("kind", async_definitions())
def test_an_async_function_on_the_sync_handler_is_refused_at_construction(kind: str) -> None:
    functions = StatefulFunctions()
    async_definitions()[kind](functions)
    with pytest.raises(AsyncFunctionError, match="test/f") as caught:
        RequestReplyHandler(functions)
    assert "AsyncRequestReplyHandler" in caught.value.hint
    AsyncRequestReplyHandler(functions)


@PROTOCOLS
def test_an_awaitable_that_a_plain_function_returns_to_the_sync_handler_is_refused(protocol: ProtocolVersion) -> None:
    engine = Engine(protocol)

    async def work() -> None: ...

    @engine.functions.bind("test/f")
    def function(context: Context, message: str) -> Awaitable[None]:
        return work()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(AsyncFunctionError):
            engine.send(HERE, "a")
        gc.collect()


def test_a_cancelled_batch_ends_inside_its_handler_and_nothing_of_it_can_be_used_any_more(async_engine: Engine) -> None:
    ended: list[Any] = []
    kept: list[tuple[Waits, Context]] = []

    class Waits(StatefulFunction[str], typename="test/f"):
        count: ValueSpec[int] = ValueSpec(LONG, default=0)

        @handles
        async def on_message(self, context: Context, message: str) -> None:
            kept.append((self, context))
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(message)

    async def cancelled() -> None:
        task = asyncio.ensure_future(async_engine.handler(async_engine.request(HERE, "a")))
        while not kept:  # noqa: ASYNC110  the handler is what is tested; it has no event to set
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async_engine.register(Waits).store(HERE, "count", 1)
    asyncio.run(cancelled())
    assert ended == ["a"]
    waits, context = kept[0]
    with pytest.raises(ContextClosedError):
        context.send(TO, "late")
    with pytest.raises(ContextClosedError):
        waits.count += 1
