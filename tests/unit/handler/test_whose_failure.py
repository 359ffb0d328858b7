"""Whose failure an error is: of the request, which no retry can mend, or of the handler, however it came by the error."""

from __future__ import annotations

import asyncio

import pytest

from statefun import (
    LONG,
    Context,
    HandlerError,
    RequestReplyHandler,
    StatefulFunction,
    StatefulFunctions,
    StatefunError,
    ValueSpec,
    handles,
)
from statefun.batch import ProtocolVersion
from statefun.errors import (
    EndpointUnavailableError,
    LimitError,
    MalformedRequestError,
    MessageDecodeError,
    UnhandledMessageError,
    UnknownFunctionError,
)
from statefun.protocol.request import decode_request
from tests.unit.handler.counter import HERE
from tests.unit.handler.parts import with_raw_parts
from tests.unit.rig import PROTOCOLS, Engine

OF_REQUESTS = [
    *(MalformedRequestError, MessageDecodeError, LimitError),
    *(UnknownFunctionError, UnhandledMessageError, EndpointUnavailableError),
]


@pytest.mark.parametrize("kind", OF_REQUESTS)
def test_an_error_of_a_request_that_a_handler_raises_is_its_own_failure(
    engine: Engine, kind: type[StatefunError]
) -> None:
    raised = kind("of another request")

    @engine.functions.bind("test/f")
    def function(context: Context, message: str) -> None:
        raise raised

    with pytest.raises(HandlerError, match=rf"{kind.__name__}.*of another request.*message 1 of 1") as caught:
        engine.send(HERE, "a")
    assert caught.value.__cause__ is raised
    assert (caught.value.status, caught.value.function) == (500, "test/f")


def test_so_it_is_where_the_handler_waited_for_it(async_engine: Engine) -> None:
    @async_engine.functions.bind("test/f")
    async def function(context: Context, message: str) -> None:
        await asyncio.sleep(0)
        raise LimitError("of another request")

    with pytest.raises(HandlerError, match="of another request"):
        async_engine.send(HERE, "a")


def test_what_a_handler_decodes_by_itself_is_not_the_request_that_it_serves(engine: Engine) -> None:
    @engine.functions.bind("test/f")
    def function(context: Context, message: str) -> None:
        decode_request(message.encode())

    with pytest.raises(HandlerError) as caught:
        engine.send(HERE, "no request")
    assert isinstance(caught.value.__cause__, MalformedRequestError)


@PROTOCOLS
def test_a_handler_inside_of_a_handler_has_a_request_of_its_own(protocol: ProtocolVersion) -> None:
    inner, outer = StatefulFunctions(), StatefulFunctions()
    bad = with_raw_parts(protocol, caller=b"\xff")

    @inner.bind("test/f")
    def reads(context: Context, message: str) -> None:
        context.caller  # noqa: B018

    served = RequestReplyHandler(inner)

    @outer.bind("test/f")
    def asks(context: Context, message: str) -> None:
        served(bad)

    with pytest.raises(HandlerError) as caught:
        RequestReplyHandler(outer)(with_raw_parts(protocol))
    assert isinstance(caught.value.__cause__, MalformedRequestError)


@PROTOCOLS
def test_what_is_malformed_of_the_request_itself_stays_malformed_in_a_factory_too(protocol: ProtocolVersion) -> None:
    class Reads(StatefulFunction[str], typename="test/f"):
        count: ValueSpec[int] = ValueSpec(LONG, default=0)

        def __init__(self) -> None:
            self.count  # noqa: B018

        @handles
        def on_message(self, context: Context, message: str) -> None: ...

    engine = Engine(protocol).register(Reads)
    with pytest.raises(MalformedRequestError) as caught:
        engine.bytes(with_raw_parts(protocol, states=[b"\x0a\x05count\xff"]))
    assert caught.value.status == 400


@pytest.mark.parametrize("kind", OF_REQUESTS)
def test_an_object_whose_making_raises_an_error_of_a_request_could_not_be_made(
    engine: Engine, kind: type[StatefunError]
) -> None:
    raised = kind("of another request")

    class Raises(StatefulFunction[str], typename="test/f"):
        def __init__(self) -> None:
            raise raised

        @handles
        def on_message(self, context: Context, message: str) -> None: ...

    engine.register(Raises)
    with pytest.raises(HandlerError, match="no object of test/f") as caught:
        engine.send(HERE, "a")
    assert caught.value.__cause__ is raised


@PROTOCOLS
def test_an_error_about_its_own_request_that_a_handler_raises_anew_is_still_about_it(protocol: ProtocolVersion) -> None:
    engine = Engine(protocol)

    @engine.functions.bind("test/f", specs=[ValueSpec(LONG, name="count")])
    def function(context: Context, message: str) -> None:
        try:
            context.caller  # noqa: B018
        except MalformedRequestError as error:
            raise error from None

    with pytest.raises(MalformedRequestError):
        engine.bytes(with_raw_parts(protocol, caller=b"\xff", states=[b"\x0a\x05count"]))
