"""The core alone: what it asks of functions, byte for byte, and what it does with what they answer."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statefun.batch import (
    Batch,
    Invocation,
    MissingStates,
    ProtocolVersion,
    StateDeclaration,
    Target,
    TypedBytes,
)
from statefun.errors import MalformedResponseError, ProtocolError
from statefun.protocol._generated import v2, v3
from statefun.protocol.engine import encode_request
from statefun.protocol.response import encode_missing_states
from statefun.protocol.values import encode_address, wrap
from statefun.runtime.core import Core
from statefun.runtime.entries import Function
from statefun.runtime.packing import unpack_states
from statefun.runtime.values import Limits, Recovered
from statefun.wire import delimited

NAMES = ("first", "second")


def core_of(protocol: ProtocolVersion, **settings: Any) -> Core:
    declared = {"test/a": [StateDeclaration(name, "test/value") for name in NAMES]}
    given = {"states": declared, "load": lambda _key: None, "egresses": {}, "limits": Limits(), "jitter": lambda: 0.0}
    core = Core(protocol=protocol, recovered=Recovered(), **{**given, **settings})
    core.begin(0)
    return core


def from_function(protocol: ProtocolVersion) -> Any:
    return (v2 if protocol is ProtocolVersion.V2 else v3).FromFunction()


def mutation(protocol: ProtocolVersion, name: str, value: TypedBytes | None) -> bytes:
    response = from_function(protocol)
    each = response.invocation_result.state_mutations.add(state_name=name)
    if value is not None:
        each.mutation_type = 1
        each.state_value = wrap(value, protocol)
    return response.SerializeToString()


values = st.builds(TypedBytes, st.text(min_size=1, max_size=200), st.binary(max_size=300))
senders = st.one_of(
    st.just(b""), st.builds(lambda identity: encode_address(Target("test", "b", identity)), st.text(min_size=1))
)


@given(
    st.sampled_from(ProtocolVersion),
    st.text(min_size=1, max_size=200),
    st.lists(st.tuples(values, senders), min_size=1, max_size=4),
    values,
)
def test_a_request_is_what_the_protocol_says(
    protocol: ProtocolVersion, id: str, messages: list[tuple[TypedBytes, bytes]], state: TypedBytes
) -> None:
    core = core_of(protocol)
    target = Target("test", "a", id)

    def send_all() -> Any:
        for value, sender in messages:
            core.send(encode_address(target), delimited(b"\x0a", sender) if sender else b"", wrap(value, protocol))
        return core.next(0)

    def expected(states: dict[str, bytes]) -> bytes:
        invocations = [Invocation(value.typename, value.value, sender) for value, sender in messages]
        return encode_request(Batch(protocol, target, states, invocations))

    call = send_all()
    if protocol is ProtocolVersion.V3:
        assert call.request == expected({})
        missing = MissingStates(tuple(StateDeclaration(name, "test/value") for name in NAMES))
        core.answered(call, encode_missing_states(missing), 0)
        call = core.next(0)
    assert call.request == expected(dict.fromkeys(NAMES, b""))
    core.answered(call, mutation(protocol, "second", state), 0)
    assert send_all().request == expected({"first": b"", "second": wrap(state, protocol)})


@given(st.sampled_from(ProtocolVersion), values)
def test_the_store_keeps_typename_and_bytes_whichever_protocol_wrote_them(
    protocol: ProtocolVersion, value: TypedBytes
) -> None:
    core = core_of(protocol)
    if protocol is ProtocolVersion.V3:
        core._addresses.functions["test/a"] = Function(
            "test/a", core._lanes[0], [StateDeclaration(name, "test/value") for name in NAMES]
        )
    core.send(encode_address(Target("test", "a", "1")), b"", wrap(TypedBytes("t/m", b""), protocol))
    call = core.next(0)
    assert call is not None
    core.answered(call, mutation(protocol, "first", value), 0)
    (row,) = core.collect().states
    assert list(unpack_states(row.data)) == [("first", 0, wrap(value, ProtocolVersion.V3))]


def test_an_address_that_is_spelt_otherwise_is_the_same_address() -> None:
    core = core_of(ProtocolVersion.V2)
    usual = encode_address(Target("test", "a", "1"))
    backwards = b"\x1a\x011\x12\x01a\x0a\x04test"
    for target in (usual, backwards, usual):
        core.send(target, b"", wrap(TypedBytes("t/m", b""), ProtocolVersion.V2))
    call = core.next(0)
    assert call is not None
    assert call.messages == 3
    assert core.next(0) is None


def wrong_target(protocol: ProtocolVersion) -> bytes:
    response = from_function(protocol)
    result = response.invocation_result
    result.outgoing_messages.add(
        target=encode_address(Target("test", "b", "1")), argument=wrap(TypedBytes("t/m", b""), protocol)
    )
    result.outgoing_messages.add(target=b"\x0a\x01x", argument=wrap(TypedBytes("t/m", b""), protocol))
    return response.SerializeToString()


def wrong_delay(protocol: ProtocolVersion) -> bytes:
    response = from_function(protocol)
    target = encode_address(Target("test", "b", "1"))
    response.invocation_result.delayed_invocations.add(
        delay_in_ms=-1, target=target, argument=wrap(TypedBytes("t/m", b""), protocol)
    )
    return response.SerializeToString()


def no_value(protocol: ProtocolVersion) -> bytes:
    response = from_function(protocol)
    response.invocation_result.outgoing_messages.add(target=encode_address(Target("test", "b", "1")), argument=b"")
    return response.SerializeToString()


def wrong_state(protocol: ProtocolVersion) -> bytes:
    return mutation(protocol, "never declared", TypedBytes("t/v", b""))


@pytest.mark.parametrize("answer", [wrong_target, wrong_delay, no_value, wrong_state, lambda _protocol: b"\xff"])
@pytest.mark.parametrize("protocol", ProtocolVersion)
def test_an_answer_that_asks_for_what_no_engine_does_has_no_effect(protocol: ProtocolVersion, answer: Any) -> None:
    core = core_of(protocol, limits=Limits(attempts=1))
    core.send(encode_address(Target("test", "a", "1")), b"", wrap(TypedBytes("t/m", b""), protocol))
    call = core.next(0)
    assert call is not None
    with pytest.raises(MalformedResponseError) as caught:
        core.answered(call, answer(protocol), 0)
    assert core.pending == 1
    core.failed(call, caught.value, 0)
    changes = core.collect()
    assert core.next(0) is None
    assert (changes.states, changes.inbox, list(changes.timers), len(changes.dead)) == ([], [], [[], [], []], 1)


def test_a_function_that_asks_for_states_without_end_fails() -> None:
    core = core_of(ProtocolVersion.V3)
    core.send(encode_address(Target("test", "a", "1")), b"", wrap(TypedBytes("t/m", b""), ProtocolVersion.V3))
    answer = encode_missing_states(MissingStates((StateDeclaration("first", "test/value"),)))
    call = core.next(0)
    assert call is not None
    core.answered(call, answer, 0)
    again = core.next(0)
    assert again is not None
    with pytest.raises(MalformedResponseError, match="asks again"):
        core.answered(again, answer, 0)


def test_the_same_inputs_give_the_same_outputs() -> None:
    def trace() -> list[bytes]:
        core = core_of(ProtocolVersion.V2)
        for number in range(20):
            target = encode_address(Target("test", "a", str(number % 3)))
            core.send(target, b"", wrap(TypedBytes("t/m", bytes([number])), ProtocolVersion.V2))
        requests = []
        while (call := core.next(0)) is not None:
            requests.append(call.request)
            core.answered(call, mutation(ProtocolVersion.V2, "first", TypedBytes("t/v", b"x")), 0)
        return requests

    assert trace() == trace()


@given(
    st.lists(
        st.tuples(st.text(min_size=1, max_size=130), st.text(min_size=1, max_size=130), st.text(min_size=1)), max_size=4
    )
)
def test_every_address_finds_its_function_at_first_and_again(addresses: list[tuple[str, str, str]]) -> None:
    core = core_of(ProtocolVersion.V2)
    for _ in range(2):
        for namespace, name, identity in addresses:
            for each in (identity, identity + "x"):
                target = Target(namespace, name, each)
                entry = core._addresses.entry(encode_address(target))
                assert entry.key == encode_address(target)
                assert entry.function.typename == f"{namespace}/{name}"
    assert len(core._entries) == len({(*each[:2], id) for each in addresses for id in (each[2], each[2] + "x")})


@pytest.mark.parametrize(
    "target", [b"", b"\x0a", b"\x0a\x01x", b"\x0a\x04test\x12\x01a", b"\x0a\x04test\x12\x01a\x1a\x00", b"\xff"]
)
def test_bytes_that_are_no_address_are_refused(target: bytes) -> None:
    core = core_of(ProtocolVersion.V2)
    core._addresses.entry(encode_address(Target("test", "a", "1")))
    with pytest.raises(ProtocolError):
        core._addresses.entry(target)
