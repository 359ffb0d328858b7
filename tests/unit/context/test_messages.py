"""Whom a handler is called by, and the messages that it sends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from google.protobuf import any_pb2
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import ListValue, Struct
from google.protobuf.timestamp_pb2 import Timestamp

from statefun import (
    INT,
    Address,
    Context,
    ContextError,
    FunctionType,
    StatefunError,
)
from statefun.batch import TypedBytes
from statefun.errors import (
    AddressError,
    NoCallerError,
    TypenameError,
)
from tests.unit.context.running import HERE, OUT, SECOND, TO, refusing, running
from tests.unit.rig import Engine, Later

# --- whom it is about ------------------------------------------------------------------------------------------------


def test_address_is_the_one_that_was_invoked(engine: Engine) -> None:
    def body(context: Context) -> None:
        address = context.address
        assert (address.namespace, address.type, address.identity, address.id) == ("test", "f", "1", "1")
        assert address.typename() == "test/f"
        assert str(address) == HERE

    running(engine, body)


def test_caller_is_the_sender(engine: Engine) -> None:
    def body(context: Context) -> None:
        assert context.caller == Address.parse("other/sender/a/b")
        assert context.caller is not None
        assert context.caller.identity == "a/b"

    running(engine, body, caller="other/sender/a/b")


def test_caller_is_none_when_the_message_came_from_an_ingress(engine: Engine) -> None:
    running(engine, lambda context: context.send(TO, str(context.caller is None)))
    assert engine.send(HERE, "b").messages == [("test/to/2", "True")]


def test_each_invocation_has_its_own_caller(engine: Engine) -> None:
    seen = []

    @engine.functions.bind("test/f")
    def function(context: Context, message: str) -> None:
        seen.append(context.caller)

    engine.send(HERE, "a", caller="x/y/1")
    engine.send(HERE, "b")
    assert seen == [Address.parse("x/y/1"), None]


# --- messages --------------------------------------------------------------------------------------------------------


def test_send_takes_an_address_or_a_typename_and_an_id(engine: Engine) -> None:
    def body(context: Context) -> None:
        context.send(TO, "a")
        context.send("test/to", "2", "b")
        context.send(typename="test/to", id="2", message="c")
        context.pack_and_send("test/to", "2", "d")

    assert running(engine, body).messages == [("test/to/2", each) for each in "abcd"]


def test_effects_keep_their_order_in_each_list(engine: Engine) -> None:
    def body(context: Context) -> None:
        for number in range(3):
            context.send(TO, number)
            context.send_after(SECOND, TO, number)
            context.send_egress(OUT, number)

    answer = running(engine, body)
    assert [value for _, value in answer.messages] == [0, 1, 2]
    assert [each.value for each in answer.later if isinstance(each, Later)] == [0, 1, 2]
    assert [value for _, value in answer.egresses] == [0, 1, 2]


def test_effects_of_all_invocations_of_a_batch_come_in_order(engine: Engine) -> None:
    @engine.functions.bind("test/f")
    def function(context: Context, message: str) -> None:
        context.send(TO, message)

    assert [value for _, value in engine.send(HERE, "a", "b", "c").messages] == ["a", "b", "c"]


def test_reply_goes_to_the_caller(engine: Engine) -> None:
    def body(context: Context) -> None:
        context.reply("a")
        context.pack_and_reply("b")
        context.reply(5, type=INT)
        context.reply_after(SECOND, "c")

    answer = running(engine, body, caller="x/y/1")
    assert answer.messages == [("x/y/1", "a"), ("x/y/1", "b"), ("x/y/1", 5)]
    assert answer.later == [Later(1000, "x/y/1", "c")]


@pytest.mark.parametrize(
    "body",
    [
        lambda context: context.reply("a"),
        lambda context: context.pack_and_reply("a"),
        lambda context: context.reply_after(SECOND, "a"),
    ],
)
def test_a_reply_without_a_caller_is_refused(engine: Engine, body: Callable[[Context], Any]) -> None:
    refusing(engine, NoCallerError, body, match=HERE)


def test_payloads_are_encoded_when_they_are_sent(engine: Engine) -> None:
    def body(context: Context) -> None:
        moment = Timestamp(seconds=1)
        packed = any_pb2.Any()
        packed.Pack(moment)
        for _ in range(2):
            context.send(TO, moment)
            context.send(TO, packed)
            context.send_after(SECOND, TO, moment)
            context.send_egress(OUT, packed)
            moment.seconds += 1
            packed.Pack(moment)

    answer = running(engine, body)
    assert [value.seconds for _, value in answer.messages] == [1, 1, 2, 2]
    assert [each.value.seconds for each in answer.later if isinstance(each, Later)] == [1, 2]
    assert [value.seconds for _, value in answer.egresses] == [1, 2]


def test_an_any_travels_field_by_field(engine: Engine) -> None:
    """Untyped code is the same on both protocols: type_url ⇄ typename, value ⇄ value."""

    @engine.functions.bind("test/f")
    def function(context: Context, message: Any) -> None:
        assert isinstance(message, any_pb2.Any)
        context.send(TO, message)
        context.send_after(SECOND, TO, message)
        context.send_egress(OUT, message)

    sent = TypedBytes("whatever.host/some.Type", b"\xff\x00not parsed")
    effects = engine.send(HERE, sent).effects
    assert [TypedBytes(*each[1:]) for each in effects.messages] == [sent]
    assert [TypedBytes(*each[1:]) for each in effects.egresses] == [sent]
    assert [(each.typename, each.value) for each in effects.delayed if not isinstance(each, str)] == [sent]


def test_empty_messages_are_messages(engine: Engine) -> None:
    values = [Empty(), Struct(), ListValue(), "", 0, 0.0, False]
    answer = running(engine, lambda context: [context.send(TO, value) for value in values])
    assert [value for _, value in answer.messages] == values


@pytest.mark.parametrize("id", [pytest.param(each, id=repr(each)) for each in ("é", "a/b", " ", "\0", "x" * 70_000)])
def test_an_id_is_any_text_of_at_least_one_character(engine: Engine, id: str) -> None:
    answer = running(engine, lambda context: context.send("test/to", id, "a"))
    assert answer.messages == [(f"test/to/{id}", "a")]


@pytest.mark.parametrize(
    ("error", "body"),
    [
        (AddressError, lambda context: context.send("test/to", "", "a")),
        (AddressError, lambda context: context.send("test/to", 5, "a")),
        (AddressError, lambda context: context.send("test/to", None, "a")),
        (AddressError, lambda context: context.send("test/to", "\ud800", "a")),
        (AddressError, lambda context: context.send_after(SECOND, "test/to", "\ud800", "a")),
        (AddressError, lambda context: context.send(Address(FunctionType("test/to"), ""), "a")),
        (AddressError, lambda context: context.send(Address(FunctionType("test/to"), cast("str", 5)), "a")),
        (AddressError, lambda context: context.send_after(SECOND, Address(FunctionType("test/to"), ""), "a")),
        (AddressError, lambda context: context.send("test/to/1", "a")),
        (AddressError, lambda context: context.send_after(SECOND, "test/to/1", "a")),
        (AddressError, lambda context: context.send_after(SECOND, "test/to", "", "a")),
        (TypenameError, lambda context: context.send("to", "2", "a")),
        (TypenameError, lambda context: context.send("a/b/c", "2", "a")),
        (TypenameError, lambda context: context.send("/b", "2", "a")),
        (TypenameError, lambda context: context.send("a/", "2", "a")),
        (TypenameError, lambda context: context.send("a/\ud800", "2", "a")),
        (TypenameError, lambda context: context.send_egress("out", "a")),
        (TypenameError, lambda context: context.send_egress("a/b/c", "a")),
        (AddressError, lambda context: context.send(Address(FunctionType("test/to"), 5), "a")),
        (AddressError, lambda context: context.send(Address("test/to", "1"), Timestamp())),
        (ContextError, lambda context: context.send(HERE, "a")),
        (ContextError, lambda context: context.send(FunctionType("test/to"), "a")),
        (ContextError, lambda context: context.send(None, "a")),
    ],
)
def test_what_is_no_address_is_refused(
    engine: Engine, error: type[StatefunError], body: Callable[[Context], Any]
) -> None:
    refusing(engine, error, body)
