"""Both codecs in both roles: what is written is read back, and every byte that we write ourselves is one that protobuf would write."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import assume, given
from hypothesis import strategies as st

from statefun.address import Address, Egress, FunctionType, read_address
from statefun.batch import (
    Batch,
    Cancellation,
    Delayed,
    Effects,
    EgressRecord,
    Message,
    MissingStates,
    Mutation,
    ProtocolVersion,
    Target,
    TypedBytes,
)
from statefun.errors import MalformedRequestError, MalformedResponseError
from statefun.outgoing import Heads, Outgoing, deletion
from statefun.protocol._generated import v2, v3
from statefun.protocol.engine import LONGEST_DELAY, RawEffects, decode_response, encode_request, read_response
from statefun.protocol.request import decode_request
from statefun.protocol.response import encode_missing_states, encode_response
from statefun.protocol.states import encode_entry
from statefun.protocol.transit import from_stored, to_stored, unwrap_stored, wrap_stored
from statefun.protocol.values import decode_address, encode_address, unwrap, wrap
from statefun.wire import delimited, text, unknown_fields, varint
from tests.property import strategies

CONTRACTS: dict[ProtocolVersion, Any] = {ProtocolVersion.V2: v2, ProtocolVersion.V3: v3}


def serialized(message: Any) -> bytes:
    data: bytes = message.SerializeToString(deterministic=True)
    return data


def value_message(value: TypedBytes, protocol: ProtocolVersion) -> Any:
    if protocol is ProtocolVersion.V2:
        return v2.AnyValue(typename=value.typename, value=value.value)
    return v3.TypedValue(typename=value.typename, has_value=True, value=value.value)


def address_message(target: Target, protocol: ProtocolVersion) -> Any:
    return CONTRACTS[protocol].Address(namespace=target.namespace, type=target.type, id=target.id)


def request_message(batch: Batch) -> Any:
    """The request as protobuf's own classes hold it."""
    contract = CONTRACTS[batch.protocol]
    request = contract.ToFunction()
    invocation = request.invocation
    invocation.SetInParent()
    invocation.target.MergeFrom(address_message(batch.target, batch.protocol))
    invocation.target.SetInParent()
    for name, state in batch.states.items():
        entry = contract.ToFunction.PersistedValue(state_name=name)
        if state:
            entry.state_value.MergeFromString(state)
        invocation.state.append(serialized(entry))
    for each in batch.invocations:
        made = contract.ToFunction.Invocation()
        if each.caller:
            made.caller = each.caller
        made.argument.MergeFrom(value_message(TypedBytes(each.typename, each.value), batch.protocol))
        made.argument.SetInParent()
        invocation.invocations.append(serialized(made))
    return request


def response_message(effects: Effects, protocol: ProtocolVersion) -> Any:
    """The response as protobuf's own classes hold it."""
    contract = CONTRACTS[protocol]
    response = contract.FromFunction()
    result = response.invocation_result
    for name, value in effects.mutations:
        mutation = result.state_mutations.add(state_name=name)
        if value is not None:
            mutation.mutation_type = contract.FromFunction.PersistedValueMutation.MODIFY
            mutation.state_value = serialized(value_message(value, protocol))
    for target, *value in effects.messages:
        result.outgoing_messages.add(target=target, argument=serialized(value_message(TypedBytes(*value), protocol)))
    for each in effects.delayed:
        if isinstance(each, Cancellation):
            result.delayed_invocations.add(is_cancellation_request=True, cancellation_token=each.token)
        else:
            argument = serialized(value_message(TypedBytes(each.typename, each.value), protocol))
            made = result.delayed_invocations.add(delay_in_ms=each.delay, target=each.target, argument=argument)
            if each.token:
                made.cancellation_token = each.token
    for egress, *value in effects.egresses:
        namespace, _, name = egress.partition("/")
        result.outgoing_egresses.add(
            egress_namespace=namespace,
            egress_type=name,
            argument=serialized(value_message(TypedBytes(*value), protocol)),
        )
    return response


def written(effects: Effects, protocol: ProtocolVersion) -> bytes:
    """What the function's role writes of the effects, recorded as a context records them."""
    outgoing = Outgoing()
    for target, typename, value in effects.messages:
        outgoing.message(address(target), Heads(typename, protocol), value)
    for each in effects.delayed:
        if isinstance(each, Cancellation):
            outgoing.cancel(each.token)
        else:
            heads = Heads(each.typename, protocol)
            outgoing.delay(each.delay, address(each.target), heads, each.value, each.token)
    for egress, typename, value in effects.egresses:
        outgoing.record(Egress(egress), Heads(typename, protocol), value)
    mutations: list[bytes] = []
    for name, typed in effects.mutations:
        if typed is None:
            mutations.append(deletion(name))
        else:
            mutations += (Heads(typed.typename, protocol).mutations[name][len(typed.value)], typed.value)
    return encode_response(mutations, outgoing)


def address(raw: bytes) -> Address[Any]:
    target = decode_address(raw)
    assert target is not None
    return Address(FunctionType(f"{target.namespace}/{target.type}"), target.id)


# --- requests -----------------------------------------------------------------------------------------------------------


@given(strategies.batches)
def test_a_request_is_read_as_it_was_written(batch: Batch) -> None:
    assert decode_request(encode_request(batch)) == batch


@given(strategies.batches)
def test_a_request_is_written_as_protobuf_writes_it(batch: Batch) -> None:
    assert encode_request(batch) == serialized(request_message(batch))


@given(strategies.batches)
def test_a_request_that_protobuf_wrote_is_read(batch: Batch) -> None:
    assert decode_request(serialized(request_message(batch))) == batch


# --- responses ----------------------------------------------------------------------------------------------------------


@given(strategies.answers)
def test_a_response_is_read_as_it_was_written(answer: tuple[ProtocolVersion, Effects]) -> None:
    protocol, effects = answer
    assert decode_response(written(effects, protocol), protocol) == effects


@given(strategies.answers)
def test_a_response_is_written_as_protobuf_writes_it(answer: tuple[ProtocolVersion, Effects]) -> None:
    protocol, effects = answer
    expected = serialized(response_message(effects, protocol)) if any(effects) else b""
    assert written(effects, protocol) == expected


@given(strategies.answers)
def test_a_response_that_protobuf_wrote_is_read(answer: tuple[ProtocolVersion, Effects]) -> None:
    protocol, effects = answer
    assert decode_response(serialized(response_message(effects, protocol)), protocol) == effects


@given(st.lists(strategies.declarations, min_size=1, max_size=4).map(tuple))
def test_missing_states_are_read_as_they_were_written(declarations: Any) -> None:
    missing = MissingStates(declarations)
    assert decode_response(encode_missing_states(missing), ProtocolVersion.V3) == missing


@given(
    st.sampled_from(ProtocolVersion), st.one_of(st.integers(-(2**63), -1), st.integers(LONGEST_DELAY + 1, 2**63 - 1))
)
def test_a_delay_that_no_engine_keeps_is_refused_by_both_readers(protocol: ProtocolVersion, delay: int) -> None:
    response = (v2 if protocol is ProtocolVersion.V2 else v3).FromFunction()
    response.invocation_result.delayed_invocations.add(
        delay_in_ms=delay,
        target=encode_address(Target("test", "a", "1")),
        argument=wrap(TypedBytes("a/b", b""), protocol),
    )
    for read in (decode_response, read_response):
        with pytest.raises(MalformedResponseError, match="delay"):
            read(response.SerializeToString(), protocol)


@given(
    strategies.answers, st.integers(0, 2**16), st.integers(0, 255), st.sampled_from(["keep", "set", "cut", "insert"])
)
def test_a_response_sound_or_damaged_is_read_as_protobuf_reads_it(
    answer: tuple[ProtocolVersion, Effects], position: int, byte: int, change: str
) -> None:
    """RefusedError or not, and if not with the same effects; and `read_response` takes what `decode_response` takes."""
    protocol, effects = answer
    data = bytearray(serialized(response_message(effects, protocol)))
    if data and change != "keep":
        position %= len(data)
        data[position : {"set": position + 1, "cut": len(data), "insert": position}[change]] = (
            b"" if change == "cut" else bytes([byte])
        )
    try:
        expected = read_by_protobuf(bytes(data), protocol)
    except (DecodeError, UnicodeDecodeError, RefusedError):
        for read in (decode_response, read_response):
            with pytest.raises(MalformedResponseError):
                read(bytes(data), protocol)
    else:
        assert decode_response(bytes(data), protocol) == expected
        raw = read_response(bytes(data), protocol)
        assert isinstance(raw, RawEffects)
        assert [len(each) for each in raw] == [len(each) for each in expected]


class RefusedError(Exception):
    """No engine carries it out."""


def read_by_protobuf(data: bytes, protocol: ProtocolVersion) -> Effects:
    """The effects that protobuf's own classes find in a response, by the rules that the engine's role has."""
    contract = CONTRACTS[protocol]
    response = contract.FromFunction.FromString(data)
    assume(protocol is ProtocolVersion.V2 or not response.HasField("incomplete_invocation_context"))
    result = response.invocation_result

    def value(raw: bytes) -> TypedBytes | None:
        held: Any
        if protocol is ProtocolVersion.V2:
            held = v2.AnyValue.FromString(raw)
            return TypedBytes(held.typename, held.value) if held.typename else None
        held = v3.TypedValue.FromString(raw)
        return TypedBytes(held.typename, held.value) if held.has_value else None

    def argument(raw: bytes) -> TypedBytes:
        held = value(raw)
        if held is None:
            raise RefusedError
        return held

    def mutation(each: Any) -> Mutation:
        kinds = contract.FromFunction.PersistedValueMutation
        if each.mutation_type not in (kinds.DELETE, kinds.MODIFY):
            raise RefusedError
        deleted = each.mutation_type == kinds.DELETE
        return Mutation(each.state_name, None if deleted else value(each.state_value) or TypedBytes("", b""))

    def delayed(each: Any) -> Delayed | Cancellation:
        token = "" if protocol is ProtocolVersion.V2 else each.cancellation_token
        if protocol is ProtocolVersion.V3 and each.is_cancellation_request:
            if not token:
                raise RefusedError
            return Cancellation(token)
        if not each.target or not 0 <= each.delay_in_ms <= LONGEST_DELAY:
            raise RefusedError
        return Delayed(each.delay_in_ms, each.target, *argument(each.argument), token)

    return Effects(
        [mutation(each) for each in result.state_mutations],
        [Message(each.target, *argument(each.argument)) for each in result.outgoing_messages],
        [delayed(each) for each in result.delayed_invocations],
        [
            EgressRecord(f"{each.egress_namespace}/{each.egress_type}", *argument(each.argument))
            for each in result.outgoing_egresses
        ],
    )


@given(strategies.typed_bytes, strategies.protocols)
def test_a_value_goes_into_the_store_and_comes_back(value: TypedBytes, protocol: ProtocolVersion) -> None:
    stored = to_stored(wrap(value, protocol), protocol)
    assert stored == wrap_stored(value)
    assert unwrap_stored(stored) == value
    assert from_stored(stored, protocol) == wrap(value, protocol)


# --- parts --------------------------------------------------------------------------------------------------------------


@given(strategies.odd_targets, strategies.protocols)
def test_an_address_is_the_same_bytes_in_both_protocols(target: Target, protocol: ProtocolVersion) -> None:
    data = encode_address(target)
    assert data == serialized(address_message(target, protocol))
    assert decode_address(data) == (target if any(target) else None)


@given(strategies.nearly_addresses)
def test_whatever_bytes_are_read_as_an_address_as_protobuf_reads_them(data: bytes) -> None:
    try:
        expected = v3.Address.FromString(data)
    except (DecodeError, UnicodeDecodeError):
        with pytest.raises(MalformedRequestError):
            read_address(data)
    else:
        assert read_address(data) == (expected.namespace, expected.type, expected.id)


@given(strategies.typed_bytes, strategies.protocols)
def test_a_value_is_wrapped_and_unwrapped(value: TypedBytes, protocol: ProtocolVersion) -> None:
    data = wrap(value, protocol)
    assert data == serialized(value_message(value, protocol))
    assert unwrap(data, protocol) == value


@given(strategies.texts, strategies.typed_bytes, strategies.protocols)
def test_a_state_entry_is_written_as_protobuf_writes_it(
    name: str, value: TypedBytes, protocol: ProtocolVersion
) -> None:
    contract = CONTRACTS[protocol]
    entry = contract.ToFunction.PersistedValue(state_name=name, state_value=value_message(value, protocol))
    assert encode_entry(name, wrap(value, protocol)) == serialized(entry)
    assert encode_entry(name, b"") == serialized(contract.ToFunction.PersistedValue(state_name=name))


@given(st.integers(0, 2**70))
def test_a_varint_is_read_back(number: int) -> None:
    read = shift = 0
    for byte in varint(number):
        read |= (byte & 0x7F) << shift
        shift += 7
    assert read == number
    assert all(byte >= 0x80 for byte in varint(number)[:-1])
    assert varint(number)[-1] < 0x80


@given(st.lists(st.tuples(st.integers(1, 15), strategies.payloads), max_size=5), strategies.names)
def test_fields_of_a_message_of_no_known_type_are_read(fields: list[tuple[int, bytes]], name: str) -> None:
    data = b"".join(delimited(bytes([number << 3 | 2]), payload) for number, payload in fields)
    assert unknown_fields(data) == [(number, 2, payload) for number, payload in fields]
    assert unknown_fields(text(b"\x0a", name)) == [(1, 2, name.encode())]
