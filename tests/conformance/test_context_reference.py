"""The context reference at the bottom of the seed's page, line by line, on both protocols: addresses and what is sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf import any_pb2, struct_pb2, wrappers_pb2
from google.protobuf.empty_pb2 import Empty

from statefun import Address, StatefulFunctions
from statefun.batch import Cancellation, Delayed, Effects, ProtocolVersion, TypedBytes
from statefun.errors import AddressError, DelayError, NoCallerError, TypenameError, UnsupportedError, ValueTypeError
from statefun.wire import delimited, text
from tests.conformance.messages import Response, User
from tests.conformance.reference import CALLER, MINUTE, SETH, TARGET, Run, rig
from tests.conformance.rig import V2, V3, Rig, packed, to, unpacked

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
def test_every_way_to_send_sends_one_message_and_nothing_else(run: Run, how: str) -> None:
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
def test_every_way_to_send_after_a_delay_sends_one_delayed_message_and_nothing_else(run: Run, how: str) -> None:
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
def test_every_way_to_send_to_an_egress_sends_one_record_and_nothing_else(run: Run, how: str) -> None:
    effects = run(lambda context, _message: EGRESSES[how](context))
    [record] = effects.egresses
    assert record.egress == "example/out"
    assert unpacked(record, User) == SETH
    assert [*effects.mutations, *effects.messages, *effects.delayed] == []
