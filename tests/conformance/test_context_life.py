"""The life of a context: it ends with its handler, shares nothing with another, and leaves nothing where the handler failed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from google.protobuf.empty_pb2 import Empty

from statefun import AsyncRequestReplyHandler, StatefulFunctions
from statefun.batch import Effects, ProtocolVersion
from statefun.errors import ContextClosedError, HandlerError
from statefun.protocol.engine import decode_response
from tests.conformance.messages import User
from tests.conformance.reference import ANY_SPEC, CALLER, MINUTE, SETH, TARGET, rig
from tests.conformance.rig import V3, Rig, to, unpacked


def test_a_handler_that_raises_leaves_nothing_of_its_batch(protocol: ProtocolVersion) -> None:
    def body(context: Any, message: Any) -> None:
        context["count"] = message
        context.reply(message)
        if message.Is(Empty.DESCRIPTOR):
            raise RuntimeError("no")

    engine = rig(protocol, body, ANY_SPEC)
    with pytest.raises(HandlerError, match=r"RuntimeError: no .*message 2 of 2"):
        engine.send(TARGET, SETH, Empty(), caller=CALLER)
    assert engine.state(TARGET, "count") is None


def test_a_context_is_closed_when_its_handler_returned(protocol: ProtocolVersion) -> None:
    kept: list[Any] = []
    engine = rig(protocol, lambda context, _message: kept.append(context), ANY_SPEC)
    engine.send(TARGET, SETH, caller=CALLER)
    [context] = kept
    for use in (
        lambda: context.send("a/b", "c", SETH),
        lambda: context.reply(SETH),
        lambda: context.send_egress("a/b", SETH),
        lambda: context.pack_and_send_after(MINUTE, "a/b", "c", SETH),
        lambda: context["count"],
        lambda: context.state("count").pack(SETH),
        lambda: context.address,
        lambda: context.caller,
    ):
        with pytest.raises(ContextClosedError):
            use()


def test_requests_that_overlap_share_nothing(protocol: ProtocolVersion) -> None:
    functions = StatefulFunctions()
    gate = asyncio.Barrier(2)

    @functions.bind("example/function", specs=[ANY_SPEC])
    async def function(context: Any, message: Any) -> None:
        context["count"] = message
        await gate.wait()
        context.send("example/hello", context.address.identity, context["count"])

    handler = AsyncRequestReplyHandler(functions)
    engine = Rig(functions, protocol, {"example/function": ["count"]}, handler=handler)
    if protocol is V3:
        engine.declared["example/function"] = functions.specs()["example/function"]
    requests = [engine.request(f"example/function/{name}", User(name=name)) for name in "ab"]

    async def both() -> list[bytes]:
        return await asyncio.gather(*map(handler, requests))

    for name, answer in zip("ab", asyncio.run(both()), strict=True):
        effects = decode_response(answer, protocol)
        assert isinstance(effects, Effects)
        assert [to(message) for message in effects.messages] == [f"example/hello/{name}"]
        assert unpacked(effects.messages[0], User).name == name
