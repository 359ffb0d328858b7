"""The engine's role: writes requests and reads responses, of either protocol."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from google.protobuf.message import DecodeError

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
    StateDeclaration,
    TypedBytes,
)
from statefun.errors import MalformedResponseError, ProtocolError
from statefun.expiration import Expiration, ExpirationMode
from statefun.protocol._generated import v2, v3
from statefun.protocol.states import encode_entry
from statefun.protocol.values import encode_address, unwrap, wrap
from statefun.wire import delimited

__all__ = ["LONGEST_DELAY", "checked_delay", "decode_response", "encode_request", "missing_states"]

LONGEST_DELAY: Final = 1 << 62
"""Milliseconds: with the present time added it still has a place in the 64 bits in which times are kept."""

_INVOCATION: Final = b"\xa2\x06"
_FROM_FUNCTION: Final[dict[ProtocolVersion, Any]] = {
    ProtocolVersion.V2: v2.FromFunction,
    ProtocolVersion.V3: v3.FromFunction,
}


def encode_request(batch: Batch) -> bytes:
    """A batch as an engine sends it."""
    parts = [delimited(b"\x0a", encode_address(batch.target))]
    parts += (delimited(b"\x12", encode_entry(name, state)) for name, state in batch.states.items())
    for invocation in batch.invocations:
        caller = delimited(b"\x0a", invocation.caller) if invocation.caller else b""
        argument = wrap(TypedBytes(invocation.typename, invocation.value), batch.protocol)
        parts.append(delimited(b"\x1a", caller + delimited(b"\x12", argument)))
    return delimited(_INVOCATION, b"".join(parts))


def decode_response(data: bytes, protocol: ProtocolVersion) -> Effects | MissingStates:
    """What a function answered to a batch.

    Raises:
        MalformedResponseError: the bytes are not a response of the protocol, or ask for what no engine does.
    """
    try:
        response = _FROM_FUNCTION[protocol].FromString(data)
        if protocol is ProtocolVersion.V3 and response.HasField("incomplete_invocation_context"):
            return missing_states(response)
        return _effects(response.invocation_result, protocol)
    except (DecodeError, ProtocolError, ValueError, OverflowError) as error:
        raise MalformedResponseError(
            f"{len(data)} bytes are no response of the {protocol.value} protocol: {error}"
        ) from error


def missing_states(response: Any) -> MissingStates:
    """The states that a parsed FromFunction of 3.x asks for."""
    missing = response.incomplete_invocation_context.missing_values
    return MissingStates(tuple(_declaration(value) for value in missing))


def _effects(result: Any, protocol: ProtocolVersion) -> Effects:
    return Effects(
        [_mutation(each, protocol) for each in result.state_mutations],
        [Message(each.target, *_argument(each.argument, protocol)) for each in result.outgoing_messages],
        [_delayed(each, protocol) for each in result.delayed_invocations],
        [
            EgressRecord(f"{each.egress_namespace}/{each.egress_type}", *_argument(each.argument, protocol))
            for each in result.outgoing_egresses
        ],
    )


def _argument(raw: bytes, protocol: ProtocolVersion) -> TypedBytes:
    value = unwrap(raw, protocol)
    if value is None:
        raise ValueError("a message without a value")
    return value


def _mutation(mutation: Any, protocol: ProtocolVersion) -> Mutation:
    if mutation.mutation_type == v3.FromFunction.PersistedValueMutation.DELETE:
        return Mutation(mutation.state_name, None)
    if mutation.mutation_type != v3.FromFunction.PersistedValueMutation.MODIFY:
        raise ValueError(f"state {mutation.state_name!r} has the unknown mutation {mutation.mutation_type}")
    # A MODIFY without a value stores an empty one, as the engines do.
    return Mutation(mutation.state_name, unwrap(mutation.state_value, protocol) or TypedBytes("", b""))


def checked_delay(milliseconds: int) -> int:
    """A delay that an engine can keep.

    Raises:
        ValueError: it is negative, or so long that no time can be told at which it is over.
    """
    if milliseconds < 0:
        raise ValueError(f"the negative delay {milliseconds} ms")
    if milliseconds > LONGEST_DELAY:
        raise ValueError(f"the delay {milliseconds} ms, after which no time can be told")
    return milliseconds


def _delayed(delayed: Any, protocol: ProtocolVersion) -> Delayed | Cancellation:
    token = delayed.cancellation_token if protocol is ProtocolVersion.V3 else ""
    if protocol is ProtocolVersion.V3 and delayed.is_cancellation_request:
        if not token:
            raise ValueError("a cancellation without a token")
        return Cancellation(token)
    return Delayed(checked_delay(delayed.delay_in_ms), delayed.target, *_argument(delayed.argument, protocol), token)


_MODES: Final = {
    v3.FromFunction.ExpirationSpec.AFTER_WRITE: ExpirationMode.AFTER_WRITE,
    v3.FromFunction.ExpirationSpec.AFTER_INVOKE: ExpirationMode.AFTER_CALL,
}


def _declaration(value: Any) -> StateDeclaration:
    mode = _MODES.get(value.expiration_spec.mode)
    duration = timedelta(milliseconds=value.expiration_spec.expire_after_millis)
    expiration = None if mode is None or duration <= timedelta(0) else Expiration(mode, duration)
    return StateDeclaration(value.state_name, value.type_typename, expiration)
