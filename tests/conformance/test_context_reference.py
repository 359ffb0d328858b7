"""The context reference at the bottom of the seed's page, line by line, on both protocols; and what it leaves open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf import any_pb2, struct_pb2, wrappers_pb2
from google.protobuf.empty_pb2 import Empty

from statefun import LONG, Address, AsyncRequestReplyHandler, Context, StatefulFunctions, ValueSpec
from statefun.batch import Cancellation, Delayed, Effects, ProtocolVersion, TypedBytes
from statefun.errors import (
    AddressError,
    ContextClosedError,
    DelayError,
    HandlerError,
    MissingStateError,
    NoCallerError,
    StateTypeError,
    TypenameError,
    UndeclaredStateError,
    UnsupportedError,
    ValueTypeError,
)
from statefun.protocol.engine import decode_response
from statefun.wire import delimited, text
from tests.conformance.messages import Count, Response, User
from tests.conformance.rig import PROTOCOLS, V2, V3, Rig, packed, to, typed, unpacked

TARGET = "example/function/a"
CALLER = "other.space/sender/b/c"
SETH = User(user_id="user1", name="Seth")
ANY_SPEC = ValueSpec(any_pb2.Any, name="count")


@pytest.fixture(params=PROTOCOLS, ids=lambda protocol: protocol.value, autouse=True)
def protocol(request: pytest.FixtureRequest) -> ProtocolVersion:
    return request.param


Run = Callable[..., Effects]


def rig(protocol: ProtocolVersion, handler: Callable[[Any, Any], Any], *specs: ValueSpec[Any]) -> Rig:
    functions = StatefulFunctions()
    functions.register("example/function", handler, specs=specs)
    return Rig(functions, protocol, {"example/function": ["count"]})


@pytest.fixture
def run(protocol: ProtocolVersion) -> Run:
    def of(body: Callable[[Context, Any], Any], *, caller: str | None = CALLER, message: Any = SETH) -> Effects:
        return rig(protocol, body).send(TARGET, message, caller=caller)

    return of


# --- address and caller ---------------------------------------------------------------------------------------------


def test_address_is_the_function_that_runs(run: Run) -> None:
    def check(context: Any, _message: Any) -> None:
        address = context.address
        assert (address.namespace, address.type, address.identity) == ("example", "function", "a")
        assert address.typename() == "example/function"
        assert str(address) == TARGET

    run(check)


def test_caller_is_the_sender_and_its_identity_may_hold_slashes(run: Run) -> None:
    def check(context: Any, _message: Any) -> None:
        caller = context.caller
        assert (caller.namespace, caller.type, caller.identity) == ("other.space", "sender", "b/c")
        assert caller.typename() == "other.space/sender"
        assert caller == Address.parse(CALLER)

    run(check)


def test_caller_is_none_for_a_message_from_an_ingress(run: Run) -> None:
    def check(context: Any, _message: Any) -> None:
        assert context.caller is None

    run(check, caller=None)


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("empty", [b"", b"\x0a\x00\x12\x00\x1a\x00"], ids=["no fields", "empty fields"])
def test_an_empty_address_as_2_2_sends_it_is_no_caller(
    protocol: ProtocolVersion, empty: bytes, asynchronous: bool
) -> None:
    seen = []
    functions = StatefulFunctions()
    functions.register("example/function", lambda context, _message: seen.append(context.caller))
    name = SETH.DESCRIPTOR.full_name
    value = text(b"\x0a", f"type.googleapis.com/{name}")
    value += b"\x10\x01" + delimited(b"\x1a", b"") if protocol is V3 else b""
    invocation = delimited(b"\x1a", delimited(b"\x0a", empty) + delimited(b"\x12", value))
    target = delimited(b"\x0a", text(b"\x0a", "example") + text(b"\x12", "function") + text(b"\x1a", "a"))
    Rig(functions, protocol, asynchronous=asynchronous).call(delimited(b"\xa2\x06", target + invocation))
    assert seen == [None]


def test_each_invocation_of_a_batch_has_its_own_caller(protocol: ProtocolVersion) -> None:
    seen = []
    engine = rig(protocol, lambda context, _message: seen.append(str(context.caller)))
    engine.send(TARGET, SETH, caller=CALLER)
    engine.send(TARGET, SETH, SETH)
    assert seen == [CALLER, "None", "None"]


# --- send, pack_and_send --------------------------------------------------------------------------------------------


SENDS: dict[str, Callable[[Any], None]] = {
    "send": lambda context: context.send("example/hello", "user1", packed(SETH)),
    "send with names": lambda context: context.send(typename="example/hello", id="user1", message=packed(SETH)),
    "send a message": lambda context: context.send("example/hello", "user1", SETH),
    "pack_and_send": lambda context: context.pack_and_send("example/hello", "user1", SETH),
    "pack_and_send with names": lambda context: context.pack_and_send(
        typename="example/hello", id="user1", message=SETH
    ),
}


@pytest.mark.parametrize("how", SENDS)
def test_send(run: Run, how: str) -> None:
    effects = run(lambda context, _message: SENDS[how](context))
    [message] = effects.messages
    assert to(message) == "example/hello/user1"
    assert unpacked(message, User) == SETH
    assert [*effects.mutations, *effects.delayed, *effects.egresses] == []


def test_the_message_itself_can_be_passed_on_still_packed(run: Run) -> None:
    [message] = run(lambda context, message: context.send("example/hello", "user1", message)).messages
    assert unpacked(message, User) == SETH


def test_any_passes_a_value_through_field_by_field_whatever_its_type(run: Run) -> None:
    foreign = TypedBytes("com.googleapis/shop.Order", b"\x08\x07")
    [message] = run(lambda context, message: context.send("example/hello", "user1", message), message=foreign).messages
    assert (message.typename, message.value) == foreign


@pytest.mark.parametrize(
    "empty", [struct_pb2.Struct(), struct_pb2.ListValue(), Empty(), User()], ids=lambda each: type(each).__name__
)
def test_an_empty_message_is_a_message(run: Run, empty: Any) -> None:
    def body(context: Any, message: Any) -> None:
        assert message.type_url == f"type.googleapis.com/{empty.DESCRIPTOR.full_name}"
        context.pack_and_send("example/hello", "user1", empty)
        context.pack_and_reply(empty)

    assert [unpacked(each, type(empty)) for each in run(body, message=empty).messages] == [empty, empty]


def test_one_any_sent_twice_is_not_aliased(run: Run) -> None:
    def body(context: Any, _message: Any) -> None:
        envelope = any_pb2.Any()
        envelope.Pack(User(name="first"))
        context.send("example/hello", "a", envelope)
        envelope.Pack(User(name="second"))
        context.send("example/hello", "b", envelope)
        context.send_egress("example/out", envelope)
        envelope.Pack(Response(message="third"))
        context.send_after(timedelta(seconds=1), "example/hello", "c", envelope)
        envelope.Clear()

    effects = run(body)
    assert [unpacked(each, User).name for each in effects.messages] == ["first", "second"]
    assert unpacked(effects.egresses[0], User).name == "second"
    assert unpacked(effects.delayed[0], Response).message == "third"


def test_a_message_changed_after_it_was_sent_does_not_change_what_was_sent(run: Run) -> None:
    def body(context: Any, _message: Any) -> None:
        user = User(name="sent")
        context.pack_and_send("example/hello", "a", user)
        context.pack_and_reply(user)
        context.pack_and_send_after(timedelta(0), "example/hello", "a", user)
        context.pack_and_send_egress("example/out", user)
        user.name = "changed"

    effects = run(body)
    for sent in (*effects.messages, *effects.delayed, *effects.egresses):
        assert unpacked(sent, User).name == "sent"


def test_messages_keep_their_order(run: Run) -> None:
    def body(context: Any, _message: Any) -> None:
        for name in "abc":
            context.pack_and_send("example/hello", name, SETH)

    assert [to(message)[-1] for message in run(body).messages] == ["a", "b", "c"]


def test_send_refuses_an_empty_id_a_bad_typename_and_an_unpacked_any(run: Run) -> None:
    def body(context: Any, _message: Any) -> None:
        with pytest.raises(AddressError, match="the id of an address of example/hello is empty"):
            context.send("example/hello", "", packed(SETH))
        with pytest.raises(TypenameError):
            context.pack_and_send("hello", "user1", SETH)
        with pytest.raises(AddressError, match="lacks an id"):
            context.send("example/hello", packed(SETH))
        with pytest.raises(ValueTypeError, match="an Any without a type URL"):
            context.send("example/hello", "user1", any_pb2.Any())
        with pytest.raises(ValueTypeError):
            context.send("example/hello", "user1", object())

    assert run(body) == Effects([], [], [], [])


@pytest.mark.parametrize(
    ("value", "v2", "v3"),
    [
        ("text", wrappers_pb2.StringValue(value="text"), "io.statefun.types/string"),
        (7, wrappers_pb2.Int64Value(value=7), "io.statefun.types/long"),
        (True, wrappers_pb2.BoolValue(value=True), "io.statefun.types/bool"),
        (0.5, wrappers_pb2.DoubleValue(value=0.5), "io.statefun.types/double"),
    ],
)
def test_a_plain_value_travels_by_the_name_of_its_protocol(
    run: Run, protocol: ProtocolVersion, value: Any, v2: Any, v3: str
) -> None:
    [message] = run(lambda context, _message: context.send("example/hello", "user1", value)).messages
    if protocol is V2:
        assert unpacked(message, type(v2)) == v2
    else:
        assert message.typename == v3


# --- reply, pack_and_reply ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [
        lambda context: context.reply(packed(SETH)),
        lambda context: context.reply(message=packed(SETH)),
        lambda context: context.reply(SETH),
        lambda context: context.pack_and_reply(SETH),
        lambda context: context.pack_and_reply(message=SETH),
    ],
    ids=["reply", "reply with names", "reply a message", "pack_and_reply", "pack_and_reply with names"],
)
def test_reply_goes_to_the_caller(run: Run, reply: Callable[[Any], None]) -> None:
    [message] = run(lambda context, _message: reply(context)).messages
    assert to(message) == CALLER
    assert unpacked(message, User) == SETH


@pytest.mark.parametrize("reply", ["reply", "pack_and_reply"])
def test_reply_without_a_caller_is_an_error_that_says_so(run: Run, reply: str) -> None:
    with pytest.raises(NoCallerError, match="example/function/a has no caller to reply to"):
        run(lambda context, _message: getattr(context, reply)(SETH), caller=None)


def test_reply_without_a_caller_can_be_handled(run: Run) -> None:
    def body(context: Any, _message: Any) -> None:
        with pytest.raises(NoCallerError):
            context.reply_after(timedelta(seconds=1), SETH)

    assert run(body, caller=None) == Effects([], [], [], [])


# --- send_after, pack_and_send_after --------------------------------------------------------------------------------

MINUTE = timedelta(minutes=1)

DELAYED: dict[str, Callable[[Any], None]] = {
    "send_after": lambda context: context.send_after(MINUTE, "example/hello", "user1", packed(SETH)),
    "send_after with names": lambda context: context.send_after(
        delay=MINUTE, typename="example/hello", id="user1", message=packed(SETH)
    ),
    "pack_and_send_after, delay first": lambda context: context.pack_and_send_after(
        MINUTE, "example/hello", "user1", SETH
    ),
    "pack_and_send_after, delay third": lambda context: context.pack_and_send_after(
        "example/hello", "user1", MINUTE, SETH
    ),
    "pack_and_send_after with names": lambda context: context.pack_and_send_after(
        delay=MINUTE, typename="example/hello", id="user1", message=SETH
    ),
}


@pytest.mark.parametrize("how", DELAYED)
def test_send_after(run: Run, how: str) -> None:
    effects = run(lambda context, _message: DELAYED[how](context))
    [delayed] = effects.delayed
    assert isinstance(delayed, Delayed)
    assert (to(delayed), delayed.delay, delayed.token) == ("example/hello/user1", 60_000, "")
    assert unpacked(delayed, User) == SETH
    assert [*effects.mutations, *effects.messages, *effects.egresses] == []


@pytest.mark.parametrize(
    ("delay", "expected"),
    [
        (timedelta(0), 0),
        (timedelta(microseconds=1), 1),
        (timedelta(milliseconds=1, microseconds=1), 2),
        (timedelta(days=400), 34_560_000_000),
    ],
)
def test_a_delay_is_zero_or_more_and_rounded_up_to_milliseconds(run: Run, delay: timedelta, expected: int) -> None:
    [delayed] = run(lambda context, _message: context.pack_and_send_after(delay, "a/b", "c", SETH)).delayed
    assert isinstance(delayed, Delayed)
    assert delayed.delay == expected


@pytest.mark.parametrize("delay", [timedelta(microseconds=-1), 5, None])
def test_a_negative_delay_and_what_is_no_timedelta_are_refused(run: Run, delay: Any) -> None:
    def body(context: Any, _message: Any) -> None:
        for send in (context.send_after, context.pack_and_send_after):
            with pytest.raises(DelayError):
                send(delay, "a/b", "c", SETH)

    assert run(body) == Effects([], [], [], [])


def test_pack_and_send_after_without_a_delay_in_either_place_is_a_delay_error(run: Run) -> None:
    def body(context: Any, _message: Any) -> None:
        with pytest.raises(DelayError):
            context.pack_and_send_after("a/b", "c", 5, SETH)

    run(body)


def test_cancellation_is_there_on_3_x_and_refused_on_2_2(run: Run, protocol: ProtocolVersion) -> None:
    def body(context: Any, _message: Any) -> None:
        context.send_after(MINUTE, "example/hello", "user1", SETH, cancellation_token="later")
        context.cancel("later")

    if protocol is V2:
        with pytest.raises(UnsupportedError, match=r"the 2\.2 protocol has no cancellation"):
            run(body)
    else:
        delayed = run(body).delayed
        token = "example/function/later"
        assert [type(each) for each in delayed] == [Cancellation, Delayed, Cancellation]
        assert {each.token for each in delayed} == {token}


# --- send_egress, pack_and_send_egress ------------------------------------------------------------------------------

EGRESSES: dict[str, Callable[[Any], None]] = {
    "send_egress": lambda context: context.send_egress("example/out", packed(SETH)),
    "send_egress with names": lambda context: context.send_egress(typename="example/out", message=packed(SETH)),
    "send_egress a message": lambda context: context.send_egress("example/out", SETH),
    "pack_and_send_egress": lambda context: context.pack_and_send_egress("example/out", SETH),
    "pack_and_send_egress with names": lambda context: context.pack_and_send_egress(
        typename="example/out", message=SETH
    ),
}


@pytest.mark.parametrize("how", EGRESSES)
def test_send_egress(run: Run, how: str) -> None:
    effects = run(lambda context, _message: EGRESSES[how](context))
    [record] = effects.egresses
    assert record.egress == "example/out"
    assert unpacked(record, User) == SETH
    assert [*effects.mutations, *effects.messages, *effects.delayed] == []


# --- context["name"], context.state("name") -------------------------------------------------------------------------


def stored(protocol: ProtocolVersion, message: Any) -> TypedBytes:
    """A message as the state of an untyped function: 2.2 stores its Any, 3.x an Any as the value of its type."""
    return typed(packed(message) if protocol is V2 else packed(packed(message)))


def test_item_access_gets_sets_and_deletes_an_any(protocol: ProtocolVersion) -> None:
    seen: list[Any] = []

    def body(context: Any, message: Any) -> None:
        seen.append(context["count"])
        context["count"] = message
        seen.append(context["count"])
        del context["count"]
        seen.append(context["count"])
        context["count"] = message

    engine = rig(protocol, body, ANY_SPEC)
    effects = engine.send(TARGET, SETH)
    assert seen == [None, packed(SETH), None]
    assert effects.mutations == [("count", stored(protocol, SETH))]
    engine.send(TARGET, User(name="Ann"))
    assert seen[3:] == [packed(SETH), packed(User(name="Ann")), None]


def test_an_any_changed_in_place_is_stored(protocol: ProtocolVersion) -> None:
    def body(context: Any, _message: Any) -> None:
        if context["count"] is not None:
            context["count"].Pack(Count(value=2))

    engine = rig(protocol, body, ANY_SPEC)
    assert engine.send(TARGET, SETH).mutations == []
    engine.states[TARGET]["count"] = stored(protocol, Count(value=1))
    assert engine.send(TARGET, SETH).mutations == [("count", stored(protocol, Count(value=2)))]


def test_a_state_that_is_only_read_is_not_written(protocol: ProtocolVersion) -> None:
    engine = rig(protocol, lambda context, _message: context["count"], ANY_SPEC)
    engine.send(TARGET, SETH)
    engine.states[TARGET]["count"] = stored(protocol, SETH)
    assert engine.send(TARGET, SETH, SETH) == Effects([], [], [], [])


def test_none_deletes_like_del(protocol: ProtocolVersion) -> None:
    def body(context: Any, _message: Any) -> None:
        context["count"] = None
        assert context["count"] is None

    engine = rig(protocol, body, ANY_SPEC)
    assert engine.send(TARGET, SETH).mutations == []
    engine.states[TARGET]["count"] = stored(protocol, SETH)
    assert engine.send(TARGET, SETH).mutations == [("count", None)]


def test_the_last_of_set_and_del_wins_over_a_batch(protocol: ProtocolVersion) -> None:
    def body(context: Any, message: Any) -> None:
        if message.Is(User.DESCRIPTOR):
            context["count"] = message
        else:
            del context["count"]

    engine = rig(protocol, body, ANY_SPEC)
    assert engine.send(TARGET, Empty(), SETH).mutations == [("count", stored(protocol, SETH))]
    assert engine.send(TARGET, SETH, Empty()).mutations == [("count", None)]


def test_state_packs_and_unpacks(protocol: ProtocolVersion) -> None:
    seen: list[Any] = []

    def body(context: Any, _message: Any) -> None:
        counter = context.state("count").unpack(Count)
        seen.append(counter)
        counter = Count(value=1) if counter is None else Count(value=counter.value + 1)
        context.state("count").pack(counter)
        seen.append(context.state("count").unpack(Count))

    engine = rig(protocol, body, ANY_SPEC)
    engine.send(TARGET, SETH)
    assert engine.state(TARGET, "count") == stored(protocol, Count(value=1))
    engine.send(TARGET, SETH)
    assert seen == [None, Count(value=1), Count(value=1), Count(value=2)]


def test_state_has_a_value_that_can_be_set_and_deleted(protocol: ProtocolVersion) -> None:
    def body(context: Any, message: Any) -> None:
        handle = context.state("count")
        handle.value = message
        assert handle.value == message
        del handle.value
        assert handle.value is None
        assert handle.unpack(User) is None
        handle.value = message

    engine = rig(protocol, body, ANY_SPEC)
    assert engine.send(TARGET, SETH).mutations == [("count", stored(protocol, SETH))]


def test_state_that_holds_another_message_does_not_unpack(protocol: ProtocolVersion) -> None:
    def body(context: Any, _message: Any) -> None:
        context.state("count").unpack(Count)

    engine = rig(protocol, body, ANY_SPEC)
    engine.send(TARGET, SETH)
    engine.states[TARGET]["count"] = stored(protocol, SETH)
    with pytest.raises(StateTypeError, match=r"example\.User.*example\.Count"):
        engine.send(TARGET, SETH)


def test_a_declared_long_reads_and_writes_as_an_int(protocol: ProtocolVersion) -> None:
    seen = []

    def body(context: Any, _message: Any) -> None:
        seen.append(context["count"])
        context["count"] = (context["count"] or 0) + 1

    engine = rig(protocol, body, ValueSpec(LONG, name="count"))
    engine.send(TARGET, SETH, SETH)
    engine.send(TARGET, SETH)
    assert seen == [None, 1, 2]
    value = engine.state(TARGET, "count")
    assert value is not None
    if protocol is V2:
        assert unpacked(value, wrappers_pb2.Int64Value) == wrappers_pb2.Int64Value(value=3)
    else:
        assert value == ("io.statefun.types/long", b"\x09" + (3).to_bytes(8, "little"))
        [declared] = engine.declared["example/function"]
        assert (declared.name, declared.typename) == ("count", "io.statefun.types/long")


def test_a_declared_message_takes_the_message_and_the_any_that_holds_it(protocol: ProtocolVersion) -> None:
    def body(context: Any, _message: Any) -> None:
        context["count"] = packed(Count(value=1))
        assert context["count"] == Count(value=1)
        context["count"].value += 1
        assert context.state("count").unpack(Count) == Count(value=2)
        context.state("count").pack(Count(value=3))
        with pytest.raises(StateTypeError):
            context["count"] = packed(SETH)
        with pytest.raises(StateTypeError):
            context["count"] = SETH

    engine = rig(protocol, body, ValueSpec(Count, name="count"))
    assert engine.send(TARGET, SETH).mutations == [("count", typed(Count(value=3)))]


def test_a_default_reads_where_nothing_is_stored(protocol: ProtocolVersion) -> None:
    def body(context: Any, _message: Any) -> None:
        assert context["count"] == 10
        del context["count"]
        assert context["count"] == 10

    assert rig(protocol, body, ValueSpec(LONG, default=10, name="count")).send(TARGET, SETH).mutations == []


def test_an_undeclared_state_needs_module_yaml_on_2_2_and_specs_on_3_x(protocol: ProtocolVersion) -> None:
    def body(context: Any, message: Any) -> None:
        context["count"] = message

    engine = rig(protocol, body)
    if protocol is V2:
        assert engine.send(TARGET, SETH).mutations == [("count", typed(SETH))]
    else:
        with pytest.raises(UndeclaredStateError) as caught:
            engine.send(TARGET, SETH)
        assert "specs=" in caught.value.hint


@pytest.mark.parametrize("use", ["get", "set", "del", "state"])
def test_a_name_that_nobody_lists_is_refused_however_it_is_used(protocol: ProtocolVersion, use: str) -> None:
    def body(context: Any, message: Any) -> None:
        if use == "get":
            context["unknown"]
        elif use == "set":
            context["unknown"] = message
        elif use == "del":
            del context["unknown"]
        else:
            context.state("unknown").unpack(User)

    with pytest.raises(MissingStateError if protocol is V2 else UndeclaredStateError, match="'unknown'"):
        rig(protocol, body).send(TARGET, SETH)


def test_on_2_2_an_undeclared_state_and_a_declared_one_of_the_same_bytes_agree() -> None:
    untyped = rig(V2, lambda context, message: context.__setitem__("count", packed(Count(value=4))))
    untyped.send(TARGET, SETH)
    seen = []
    declared = rig(V2, lambda context, message: seen.append(context["count"]), ValueSpec(Count, name="count"))
    declared.states = untyped.states
    declared.send(TARGET, SETH)
    assert seen == [Count(value=4)]


def test_an_error_of_a_state_names_the_state_and_the_function_type(protocol: ProtocolVersion) -> None:
    def body(context: Any, _message: Any) -> None:
        with pytest.raises(StateTypeError, match="state 'count' of example/function is declared as"):
            context["count"] = "text"

    rig(protocol, body, ValueSpec(LONG, name="count")).send(TARGET, SETH)


# --- the life of a context ------------------------------------------------------------------------------------------


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
