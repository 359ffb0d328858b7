"""A context ends with its handler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from statefun import (
    Context,
    HandlerError,
)
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
    with pytest.raises(ContextClosedError) as caught:
        USES[use](kept[0])
    assert caught.value.hint


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
