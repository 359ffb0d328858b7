"""The engine's role refuses what no function may answer, with a typed error, and reads all else."""

from __future__ import annotations

from typing import Any

import pytest

from statefun.batch import Effects, MissingStates, Mutation, ProtocolVersion, TypedBytes
from statefun.errors import MalformedResponseError
from statefun.protocol._generated import v2, v3
from statefun.protocol.engine import decode_response, read_response
from tests.unit.rig import PROTOCOLS, V2, V3

CONTRACTS: dict[ProtocolVersion, Any] = {V2: v2, V3: v3}
READERS = pytest.mark.parametrize("read", [decode_response, read_response])
VALUE = {V2: b"\x0a\x03a/b", V3: b"\x0a\x03a/b\x10\x01"}


@PROTOCOLS
def test_an_empty_answer_asks_for_nothing(protocol: ProtocolVersion) -> None:
    nothing = Effects([], [], [], [])
    assert decode_response(b"", protocol) == nothing
    assert not any(read_response(b"", protocol))
    assert decode_response(CONTRACTS[protocol].FromFunction().SerializeToString(), protocol) == nothing


@PROTOCOLS
@READERS
@pytest.mark.parametrize("data", [b"\xff", b"\xa2\x06\x05", b"\xa2\x06\x04\x12\x02\x0a\xff"])
def test_bytes_that_are_no_response_are_malformed(protocol: ProtocolVersion, read: Any, data: bytes) -> None:
    with pytest.raises(MalformedResponseError) as caught:
        read(data, protocol)
    assert caught.value.status == 502
    assert caught.value.hint


def answer(protocol: ProtocolVersion, fill: Any) -> bytes:
    response = CONTRACTS[protocol].FromFunction()
    response.invocation_result.SetInParent()
    fill(response.invocation_result)
    data: bytes = response.SerializeToString()
    return data


@PROTOCOLS
@READERS
def test_what_no_engine_carries_out_is_malformed(protocol: ProtocolVersion, read: Any) -> None:
    value = VALUE[protocol]
    for fill in (
        lambda result: result.delayed_invocations.add(delay_in_ms=-1, target=b"\x0a\x01a", argument=value),
        lambda result: result.delayed_invocations.add(delay_in_ms=1, argument=value),
        lambda result: result.delayed_invocations.add(delay_in_ms=1, target=b"\x0a\x01a"),
        lambda result: result.outgoing_messages.add(target=b"\x0a\x01a"),
        lambda result: result.outgoing_egresses.add(egress_namespace="a", egress_type="b"),
        lambda result: result.state_mutations.add(mutation_type=7, state_name="a"),
    ):
        with pytest.raises(MalformedResponseError):
            read(answer(protocol, fill), protocol)


@PROTOCOLS
@READERS
@pytest.mark.parametrize(
    "argument", [b"", b"\x0a", b"\x0a\x03a/b\x12", b"\x0a\x7fa/b", b"\x0a\x01\xff", b"\x0a\x03a/b\x10"]
)
def test_an_argument_that_is_no_value_is_malformed(protocol: ProtocolVersion, read: Any, argument: bytes) -> None:
    data = answer(protocol, lambda result: result.outgoing_messages.add(target=b"\x0a\x01a", argument=argument))
    with pytest.raises(MalformedResponseError):
        read(data, protocol)


@READERS
def test_a_cancellation_without_a_token_is_malformed(read: Any) -> None:
    data = answer(V3, lambda result: result.delayed_invocations.add(is_cancellation_request=True))
    with pytest.raises(MalformedResponseError):
        read(data, V3)


@READERS
def test_an_expiration_beyond_what_a_timedelta_holds_is_malformed(read: Any) -> None:
    response = v3.FromFunction()
    spec = response.incomplete_invocation_context.missing_values.add(state_name="a", type_typename="b/c")
    spec.expiration_spec.mode = v3.FromFunction.ExpirationSpec.AFTER_WRITE
    spec.expiration_spec.expire_after_millis = 2**63 - 1
    with pytest.raises(MalformedResponseError):
        read(response.SerializeToString(), V3)


def test_missing_states_without_an_expiration_have_none() -> None:
    response = v3.FromFunction()
    context = response.incomplete_invocation_context
    context.missing_values.add(state_name="a", type_typename="b/c")
    none = context.missing_values.add(state_name="d", type_typename="b/c")
    none.expiration_spec.mode = v3.FromFunction.ExpirationSpec.AFTER_WRITE
    read = decode_response(response.SerializeToString(), V3)
    assert isinstance(read, MissingStates)
    assert [state.expiration for state in read.states] == [None, None]


@PROTOCOLS
def test_a_modification_without_a_value_stores_an_empty_one(protocol: ProtocolVersion) -> None:
    """As the engines do."""
    modify = CONTRACTS[protocol].FromFunction.PersistedValueMutation.MODIFY
    data = answer(protocol, lambda result: result.state_mutations.add(mutation_type=modify, state_name="a"))
    read = decode_response(data, protocol)
    assert isinstance(read, Effects)
    assert read.mutations == [Mutation("a", TypedBytes("", b""))]
