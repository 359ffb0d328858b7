"""A context ends with its handler."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from statefun import (
    Context,
    ContextError,
    HandlerError,
)
from statefun.activation import Activation
from statefun.errors import (
    ContextClosedError,
)
from tests.unit.context.running import HERE, OUT, SECOND, TO, running
from tests.unit.rig import Engine

USES: dict[str, Callable[[Context], Any]] = {
    "address": lambda context: context.address,
    "caller": lambda context: context.caller,
    "send": lambda context: context.send(TO, "a"),
    "send_after": lambda context: context.send_after(SECOND, TO, "a"),
    "cancel": lambda context: context.cancel("t"),
    "reply": lambda context: context.reply("a"),
    "reply_after": lambda context: context.reply_after(SECOND, "a"),
    "send_egress": lambda context: context.send_egress(OUT, "a"),
    "get": lambda context: context["count"],
    "set": lambda context: context.__setitem__("count", 1),
    "del": lambda context: context.__delitem__("count"),
    "state": lambda context: context.state("count").value,
    "pack_and_send": lambda context: context.pack_and_send("test/to", "2", "a"),
    "pack_and_send_egress": lambda context: context.pack_and_send_egress("test/out", "a"),
    "pack_and_send_after": lambda context: context.pack_and_send_after(SECOND, "test/to", "2", "a"),
    "pack_and_reply": lambda context: context.pack_and_reply("a"),
}


@pytest.mark.parametrize("use", USES)
def test_a_context_used_after_its_handler_returned_raises(engine: Engine, use: str) -> None:
    kept: list[Context] = []
    running(engine, kept.append, caller="x/y/1")
    with pytest.raises(ContextClosedError, match="a context of test/f, id '1', is used after its handler") as caught:
        USES[use](kept[0])
    assert caught.value.hint


@pytest.mark.parametrize("attribute", Activation.__slots__)
def test_whatever_a_context_asks_of_its_batch_raises_then(engine: Engine, attribute: str) -> None:
    kept: list[Context] = []
    running(engine, kept.append)
    with pytest.raises(ContextClosedError):
        getattr(kept[0]._activation, attribute)


def test_a_context_of_the_invocation_before_raises_too(engine: Engine) -> None:
    kept: list[Context] = []

    @engine.functions.bind("test/f")
    def function(context: Context, message: str) -> None:
        for earlier in kept:
            with pytest.raises(ContextClosedError):
                earlier.send(TO, "lost")
        kept.append(context)
        context.send(TO, message)

    assert [value for _, value in engine.send(HERE, "a", "b").messages] == ["a", "b"]
    assert len({id(each) for each in kept}) == 2


def test_a_context_is_closed_when_its_handler_raised(engine: Engine) -> None:
    kept: list[Context] = []

    def body(context: Context) -> None:
        kept.append(context)
        raise LookupError

    with pytest.raises(HandlerError):
        running(engine, body)
    with pytest.raises(ContextClosedError):
        kept[0].send(TO, "a")


def test_a_closed_context_still_has_a_repr(engine: Engine) -> None:
    kept: list[Context] = []
    running(engine, kept.append)
    assert "Context" in repr(kept[0])


@pytest.mark.parametrize("copying", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_context_is_neither_copied_nor_pickled(engine: Engine, copying: Callable[[Any], Any]) -> None:
    # A copy is not closed with its original: what it sent later would be lost silently.
    def body(context: Context) -> None:
        with pytest.raises(ContextError, match="copied or pickled"):
            copying(context)

    assert running(engine, body).nothing


def test_a_task_that_outlives_its_handler_cannot_use_its_context(async_engine: Engine) -> None:
    seen: list[str] = []
    tasks: list[asyncio.Task[None]] = []

    async def behind(context: Context, gate: asyncio.Event) -> None:
        context.send(TO, "in time")
        await gate.wait()
        with pytest.raises(ContextClosedError):
            context.send(TO, "late")
        seen.append("refused")

    @async_engine.functions.bind("test/f")
    async def function(context: Context, message: str) -> None:
        gate = asyncio.Event()
        tasks.append(asyncio.ensure_future(behind(context, gate)))
        await asyncio.sleep(0)
        gate.set()

    async def main() -> bytes:
        response: bytes = await async_engine.handler(async_engine.request(HERE, "a"))
        await asyncio.gather(*tasks)
        return response

    response = asyncio.run(main())
    assert b"in time" in response
    assert b"late" not in response
    assert seen == ["refused"]


def test_another_thread_uses_a_context_while_its_handler_runs_and_not_after(engine: Engine) -> None:
    kept: list[Context] = []

    def body(context: Context) -> None:
        kept.append(context)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(context.send, TO, "a").result()

    assert running(engine, body).messages == [("test/to/2", "a")]
    with ThreadPoolExecutor(1) as pool, pytest.raises(ContextClosedError):
        pool.submit(kept[0].send, TO, "b").result()
