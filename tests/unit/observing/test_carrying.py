"""How a trace travels: what is appended to which values, that nothing else changes, and what is made of malformed ones."""

from __future__ import annotations

import pytest
from google.protobuf.wrappers_pb2 import BytesValue, Int64Value
from hypothesis import given
from hypothesis import strategies as st

from statefun.batch import Batch, Invocation, ProtocolVersion, Target, TypedBytes
from statefun.observing import TraceContext
from statefun.observing.carrying import CarryingOutgoing, fields, taken_off
from statefun.outgoing import Heads, Outgoing
from statefun.protocol._generated import v3
from statefun.protocol.engine import RawEffects, encode_request, read_response
from statefun.protocol.request import read_request
from statefun.protocol.transit import from_stored, to_stored, unwrap_stored
from statefun.protocol.values import wrap
from tests.unit.observing.seen import RECORDS, TRACE, Relay, Seen, carried, engine, with_trace
from tests.unit.rig import PROTOCOLS, V2, V3, Engine

CARRIED = {20001: TRACE.traceparent, 20002: TRACE.tracestate}


def sent(outgoing: Outgoing, value: bytes) -> bytes:
    """A value sent in every way."""
    heads = Heads("a/b", V3)
    outgoing.message(Relay.at("1"), heads, value)
    outgoing.delay(7, Relay.at("1"), heads, value, "token")
    outgoing.record(RECORDS, heads, value)
    return b"".join(outgoing.messages + outgoing.delayed + outgoing.records)


@given(st.binary(max_size=300) | st.integers(0, 70_000).map(bytes))
def test_values_of_every_size_carry_it_and_are_what_they_were(value: bytes) -> None:
    carrying = CarryingOutgoing()
    assert sent(carrying, value) == sent(Outgoing(), value)
    carrying = CarryingOutgoing()
    carrying.carried = fields(TRACE)
    with_it = v3.FromFunction.InvocationResponse.FromString(sent(carrying, value))
    without = v3.FromFunction.InvocationResponse.FromString(sent(Outgoing(), value))
    for one, other in zip(_values(with_it), _values(without), strict=True):
        assert one == other + fields(TRACE)
        assert v3.TypedValue.FromString(one).value == value
    for each in _all(with_it):
        each.ClearField("argument")
    for each in _all(without):
        each.ClearField("argument")
    assert with_it == without


def _all(result: v3.FromFunction.InvocationResponse) -> list:
    return [*result.outgoing_messages, *result.delayed_invocations, *result.outgoing_egresses]


def _values(result: v3.FromFunction.InvocationResponse) -> list[bytes]:
    return [each.argument for each in _all(result)]


@given(
    typename=st.text(min_size=1, max_size=200),
    value=st.binary(max_size=300),
    caller=st.sampled_from([b"", b"\x0a\x01a\x12\x01b\x1a\x01c"]),
)
def test_taking_it_off_gives_what_was_there_before(typename: str, value: bytes, caller: bytes) -> None:
    for protocol in (V2, V3):
        request = encode_request(Batch(protocol, Target("a", "b", "c"), {}, [Invocation(typename, value, caller)]))
        [plain], [traced] = read_request(request)[4], read_request(with_trace(request))[4]
        assert taken_off(plain, protocol) == (plain, None)
        assert taken_off(traced, protocol) == (plain, TRACE)


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda data: b"\x12" + bytes([len(data)]) + data))
def test_bytes_of_any_kind_are_let_through(raw: bytes) -> None:
    for protocol in (V2, V3):
        assert taken_off(raw, protocol) == (raw, None)
        spoilt = raw + fields(TRACE)
        assert taken_off(spoilt, protocol) == (spoilt, None)


def test_the_bytes_of_its_tag_in_a_payload_are_no_trace() -> None:
    seen = Seen()
    made = Engine(V3, observer=seen)
    got: list[bytes] = []

    @made.functions.bind("seen/bytes")
    def take(context: object, message: BytesValue) -> None:
        got.append(message.value)

    payload = fields(TRACE)
    made.send("seen/bytes/1", BytesValue(value=payload))
    assert got == [payload]
    assert seen.told[1].trace is None


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        "nonsense",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n",
        "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-" + 200 * "x",
    ],
)
def test_what_is_no_traceparent_is_not_carried_on(traceparent: str) -> None:
    seen = Seen()
    made = engine(V3, False, seen)
    response = made.bytes(with_trace(made.request("seen/relay/1", Int64Value(value=4)), TraceContext(traceparent)))
    assert seen.told[1].trace is None
    assert carried(response) == [{}, {}, {}]


def test_a_tracestate_beyond_all_measure_is_dropped() -> None:
    seen = Seen()
    made = engine(V3, False, seen)
    trace = TraceContext(TRACE.traceparent, "a=" + 600 * "x")
    made.bytes(with_trace(made.request("seen/relay/1", Int64Value(value=4)), trace))
    assert seen.told[1].trace == TraceContext(TRACE.traceparent)


@PROTOCOLS
@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_what_an_invocation_sends_carries_what_the_observer_says(protocol: ProtocolVersion, asynchronous: bool) -> None:
    made = engine(protocol, asynchronous, Seen(gives=TRACE))
    response = made.bytes(made.request("seen/relay/1", Int64Value(value=4), Int64Value(value=5)))
    assert carried(response) == [CARRIED] * 6


@PROTOCOLS
def test_an_observer_that_knows_nothing_of_traces_lets_them_through(protocol: ProtocolVersion) -> None:
    made = engine(protocol, False, Seen())
    response = made.bytes(with_trace(made.request("seen/relay/1", Int64Value(value=4))))
    assert carried(response) == [CARRIED] * 3


def test_each_invocation_carries_its_own() -> None:
    made = engine(V3, False, Seen())
    traced = read_request(with_trace(made.request("seen/relay/1", Int64Value(value=4))))[4]
    request = v3.ToFunction.FromString(made.request("seen/relay/1", Int64Value(value=5), Int64Value(value=6)))
    request.invocation.invocations[:] = [request.invocation.invocations[0], *traced, request.invocation.invocations[1]]
    response = v3.FromFunction.FromString(made.bytes(request.SerializeToString())).invocation_result
    assert [fields(TRACE) in each.argument for each in response.outgoing_messages] == [False, True, False]


@PROTOCOLS
def test_states_carry_nothing(protocol: ProtocolVersion) -> None:
    made = engine(protocol, False, Seen(gives=TRACE))
    plain = engine(protocol, False, None)
    answers = [each.send("seen/relay/1", Int64Value(value=4)).effects.mutations for each in (made, plain)]
    assert answers[0] == answers[1]


@PROTOCOLS
def test_it_survives_the_store_of_the_embedded_runtime_whichever_protocol_wrote_it(protocol: ProtocolVersion) -> None:
    made = engine(protocol, False, Seen(gives=TRACE))
    effects = read_response(made.bytes(made.request("seen/relay/1", Int64Value(value=4))), protocol)
    assert isinstance(effects, RawEffects)
    arguments = [*(argument for _, argument in effects.messages), *(each.argument for each in effects.delayed)]
    value = TypedBytes("type.googleapis.com/google.protobuf.Int64Value", b"\x08\x04")
    for argument in arguments:
        stored = to_stored(argument, protocol)
        assert stored == wrap(value, V3) + fields(TRACE)
        assert unwrap_stored(stored) == value
        for reads in (V2, V3):
            assert from_stored(stored, reads) == wrap(value, reads) + fields(TRACE)


def test_a_field_of_an_any_that_would_be_one_of_a_typed_value_is_not_kept() -> None:
    value = TypedBytes("a/b", b"value")
    assert to_stored(wrap(value, V2) + b"\x1a\x05other" + fields(TRACE), V2) == wrap(value, V3)
