"""What a handler may do, as an engine sees it, and what is refused before an engine could fall over it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, Generic, TypeVar

import pytest
from google.protobuf import any_pb2
from google.protobuf.descriptor_pb2 import UninterpretedOption
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import ListValue, Struct
from google.protobuf.timestamp_pb2 import Timestamp

from statefun import (
    BOOL,
    BYTES,
    DOUBLE,
    FLOAT,
    INT,
    LONG,
    STRING,
    Address,
    Context,
    ContextError,
    Egress,
    FunctionType,
    HandlerError,
    KafkaRecord,
    StatefulFunction,
    StatefunError,
    ValueType,
    handles,
    json_type,
)
from statefun.batch import TypedBytes
from statefun.errors import (
    AddressError,
    CancellationTokenError,
    ContextClosedError,
    DelayError,
    NoCallerError,
    TypenameError,
    UnsupportedError,
    ValueTypeError,
)
from tests.unit.rig import V2, V3, Answer, Engine, Later

HERE = "test/f/1"
TO: Address[Any] = Address.parse("test/to/2")
OUT: Egress[Any] = Egress("test/out")
SECOND = timedelta(seconds=1)


def running(engine: Engine, body: Callable[[Context], Any], *, caller: str | None = None) -> Answer:
    """One invocation of a handler with that body."""

    @engine.functions.bind("test/f")
    def function(context: Context, message: Any) -> None:
        body(context)

    return engine.send(HERE, "a", caller=caller)


def refusing(
    engine: Engine, error: type[StatefunError], body: Callable[[Context], Any], match: str | None = None
) -> None:
    """The body raises that error, to its handler already, and records nothing by it."""

    def refused(context: Context) -> None:
        with pytest.raises(error, match=match) as caught:
            body(context)
        assert caught.value.hint

    assert running(engine, refused).nothing


# --- whom it is about ---------------------------------------------------------------------------------------------------


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


# --- messages -----------------------------------------------------------------------------------------------------------


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
    assert [(each.typename, each.value) for each in effects.delayed if not isinstance(each, str)] == [sent]  # type: ignore[union-attr]


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
        (ContextError, lambda context: context.send(HERE, "a")),
        (ContextError, lambda context: context.send(FunctionType("test/to"), "a")),
        (ContextError, lambda context: context.send(None, "a")),
    ],
)
def test_what_is_no_address_is_refused(
    engine: Engine, error: type[StatefunError], body: Callable[[Context], Any]
) -> None:
    refusing(engine, error, body)


# --- later --------------------------------------------------------------------------------------------------------------


def test_a_delay_is_milliseconds_rounded_up(engine: Engine) -> None:
    def body(context: Context) -> None:
        for delay in (
            timedelta(0),
            timedelta(microseconds=1),
            timedelta(milliseconds=1),
            timedelta(microseconds=1001),
            timedelta(days=1),
            timedelta.max,
        ):
            context.send_after(delay, TO, "a")

    delays = [each.delay for each in running(engine, body).later if isinstance(each, Later)]
    assert delays == [0, 1, 1, 2, 86_400_000, 86_399_999_999_999_999 + 1]


def test_a_delayed_message_is_sent_to_an_address_or_a_typename_and_an_id(engine: Engine) -> None:
    def body(context: Context) -> None:
        context.send_after(SECOND, TO, "a")
        context.send_after(SECOND, "test/to", "2", "b")
        context.send_after(delay=SECOND, typename="test/to", id="2", message="c")
        context.pack_and_send_after(SECOND, "test/to", "2", "d")

    assert running(engine, body).later == [Later(1000, "test/to/2", each) for each in "abcd"]


def test_the_delay_may_stand_third_as_in_the_seeds_example(engine: Engine) -> None:
    answer = running(engine, lambda context: context.pack_and_send_after("test/to", "2", SECOND, "a"))
    assert answer.later == [Later(1000, "test/to/2", "a")]


@pytest.mark.parametrize("delay", [timedelta(microseconds=-1), timedelta.min, 1, 1.5, None, "1s"])
def test_a_negative_delay_and_what_is_no_timedelta_are_refused(engine: Engine, delay: Any) -> None:
    def body(context: Context) -> None:
        context.send_after(delay, TO, "a")

    refusing(engine, DelayError, body)


def test_a_token_carries_the_senders_function_type_and_is_cancelled_before_it_is_armed() -> None:
    """The engine keys tokens by id alone, and restarts its job over one that is armed while it is live."""

    def body(context: Context) -> None:
        context.send_after(SECOND, TO, "a", cancellation_token="t")
        context.send_after(SECOND, "test/to", "2", "b", cancellation_token="t")
        context.cancel("t")
        context.reply_after(SECOND, "c", cancellation_token="u")

    token = "test/f/t"
    assert running(Engine(V3), body, caller=str(TO)).later == [
        token,
        Later(1000, "test/to/2", "a", token),
        token,
        Later(1000, "test/to/2", "b", token),
        token,
        "test/f/u",
        Later(1000, "test/to/2", "c", "test/f/u"),
    ]


@pytest.mark.parametrize("token", ["", None, 5, b"t", "\ud800"])
def test_an_empty_cancellation_token_is_refused(token: Any) -> None:
    refusing(Engine(V3), CancellationTokenError, lambda context: context.cancel(token))
    if token is not None:
        refusing(
            Engine(V3),
            CancellationTokenError,
            lambda context: context.send_after(SECOND, TO, "a", cancellation_token=token),
        )


def test_cancellation_is_refused_on_2_2_with_that_reason() -> None:
    for body in (
        lambda context: context.cancel("t"),
        lambda context: context.send_after(SECOND, TO, "a", cancellation_token="t"),
        lambda context: context.send_after(SECOND, TO, "a", cancellation_token=""),
    ):
        refusing(Engine(V2), UnsupportedError, body, match=r"2\.2 protocol has no cancellation")


# --- egress -------------------------------------------------------------------------------------------------------------


def test_send_egress_takes_an_egress_or_a_typename(engine: Engine) -> None:
    def body(context: Context) -> None:
        context.send_egress(OUT, "a")
        context.send_egress("test/out", "b")
        context.send_egress(typename="test/out", message="c")
        context.pack_and_send_egress("test/out", "d")
        context.send_egress(OUT, 5, type=INT)

    assert running(engine, body).egresses == [("test/out", each) for each in ("a", "b", "c", "d", 5)]


# --- how values are named -----------------------------------------------------------------------------------------------


def names(engine: Engine, value_type: ValueType[Any]) -> str:
    return value_type.encoding(engine.protocol).typename


@pytest.mark.parametrize(("value", "natural"), [("a", STRING), (True, BOOL), (1, LONG), (1.5, DOUBLE)])
def test_plain_values_travel_as_string_bool_long_and_double(
    engine: Engine, value: Any, natural: ValueType[Any]
) -> None:
    def body(context: Context) -> None:
        context.send(TO, value)
        context.send_after(SECOND, TO, value)
        context.send_egress(OUT, value)

    answer = running(engine, body)
    sent = [answer.messages[0][1], answer.later[0].value, answer.egresses[0][1]]  # type: ignore[union-attr]
    assert repr(sent) == repr([value] * 3)
    assert answer.effects.messages[0].typename == names(engine, natural)


TAGS: ValueType[list[Any]] = json_type("test/int-json", int)


@pytest.mark.parametrize(
    ("accepts", "value", "expected"),
    [
        (FunctionType[int], True, LONG),
        (FunctionType[float], 1, DOUBLE),
        (FunctionType[float], True, DOUBLE),
        (FunctionType[int | float], 1, LONG),
        (FunctionType[bool | int], True, BOOL),
        (FunctionType[str | None], "a", STRING),
        (FunctionType["int"], True, LONG),
        (FunctionType[Annotated[int, INT]], 1, INT),
        (FunctionType[Annotated[int, INT]], True, INT),
        (FunctionType[Annotated[float, FLOAT] | str], 1, FLOAT),
        (FunctionType[Annotated[int, TAGS]], 1, TAGS),
        (FunctionType[bytes], b"a", BYTES),
        (FunctionType[str], 1, LONG),
        (FunctionType[Any], 1, LONG),
        (FunctionType["Nowhere"], 1, LONG),  # type: ignore[name-defined]
        (FunctionType, True, BOOL),
    ],
)
def test_plain_values_travel_as_what_the_address_declares(
    engine: Engine, accepts: Any, value: Any, expected: ValueType[Any]
) -> None:
    to = accepts("test/to")

    def body(context: Context) -> None:
        context.send(to.at("2"), value)
        context.send_after(SECOND, to.at("2"), value)

    effects = running(engine, body).effects
    assert effects.messages[0].typename == names(engine, expected)
    assert effects.delayed[0].typename == names(engine, expected)  # type: ignore[union-attr]


def test_plain_values_travel_as_what_the_egress_declares(engine: Engine) -> None:
    out = Egress[Annotated[int, INT]]("test/out")
    effects = running(engine, lambda context: context.send_egress(out, 1)).effects
    assert effects.egresses[0].typename == names(engine, INT)


E = TypeVar("E")


class GenericBase(StatefulFunction[E], Generic[E]):
    @handles
    def on_message(self, context: Context, message: E) -> None: ...


def test_plain_values_travel_as_what_the_class_declares(engine: Engine) -> None:
    class Takes(StatefulFunction[Annotated[int, INT] | float], typename="test/to"):
        @handles
        def on_int(self, context: Context, message: Annotated[int, INT]) -> None: ...

        @handles
        def on_float(self, context: Context, message: float) -> None: ...

    def body(context: Context) -> None:
        context.send(Takes.at("2"), 1)
        context.send(Takes.at("2"), 1.0)

    effects = running(engine, body).effects
    assert [each.typename for each in effects.messages] == [names(engine, INT), names(engine, DOUBLE)]


def test_a_declared_type_that_a_generic_base_passes_on_counts_too(engine: Engine) -> None:
    class Takes(GenericBase[Annotated[int, INT]], typename="test/to"): ...

    engine.register(Takes)
    effects = running(engine, lambda context: context.send(Takes.at("2"), 1)).effects
    assert effects.messages[0].typename == names(engine, INT)


@pytest.mark.parametrize(
    ("value", "value_type"), [(5, INT), (1.5, FLOAT), (b"a", BYTES), ({"a": 1}, json_type("test/object", dict))]
)
def test_anything_else_goes_with_its_value_type_beside_it(
    engine: Engine, value: Any, value_type: ValueType[Any]
) -> None:
    def body(context: Context) -> None:
        for _ in range(2):
            context.send(TO, value, type=value_type)
            context.send("test/to", "2", value, type=value_type)
            context.send_after(SECOND, TO, value, type=value_type)
            context.send_egress(OUT, value, type=value_type)

    effects = running(engine, body).effects
    expected = tuple(value_type.encode(value, engine.protocol))
    for sent in (*effects.messages, *effects.egresses):
        assert sent[1:] == expected
    assert all((each.typename, each.value) == expected for each in effects.delayed)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("value", "value_type"),
    [
        (b"a", None),
        (None, None),
        ({}, None),
        ([], None),
        (object(), None),
        (Timestamp, None),
        (any_pb2.Any(), None),
        (2**63, None),
        ("\ud800", None),
        ("a", INT),
        (1, BOOL),
        (2**31, INT),
        (1e300, FLOAT),
        (10**400, DOUBLE),
        ("a", object()),
        ("a", dict),
        ({"a": object()}, json_type("test/any-json")),
        (float("nan"), json_type("test/any-json")),
        ([], json_type("test/object", dict)),
        (UninterpretedOption.NamePart(), None),
        (KafkaRecord(topic="t", value=object()), None),
        (KafkaRecord(topic="t", value=5), None),
        (KafkaRecord(topic="t", value="\ud800"), None),
    ],
)
def test_a_value_that_has_no_name_or_does_not_encode_is_refused_where_it_is_sent(
    engine: Engine, value: Any, value_type: Any
) -> None:
    """At the first send and at every other: what is remembered of a class changes no error."""

    def body(context: Context) -> None:
        for send in (
            lambda: context.send(TO, value, type=value_type),
            lambda: context.send_after(SECOND, TO, value, type=value_type),
            lambda: context.send_egress(OUT, value, type=value_type),
        ):
            for _ in range(2):
                with pytest.raises(ValueTypeError) as caught:
                    send()
                assert caught.value.hint

    with contextlib.suppress(ValueTypeError):  # so that the class is known, if it can be
        running(Engine(engine.protocol), lambda context: context.send(TO, value))
    assert running(engine, body).nothing


# --- lifetime -----------------------------------------------------------------------------------------------------------

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
