"""The engine's role: writes requests and reads responses, of either protocol.

An engine that only carries values on has no use for their typename or bytes: an outgoing argument and the argument of the request
that delivers it are the same bytes, and so are a state mutation and the state of the next request. So `read_response` gives them
undecoded, having checked that each holds a value; it knows all rules of what a function may answer. `decode_response` takes what it
has read apart, for whoever asks what a function said.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, NamedTuple

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
from statefun.outgoing import VALUE_TAGS
from statefun.protocol._generated import v2, v3
from statefun.protocol.states import encode_entry
from statefun.protocol.values import encode_address, unwrap, wrap
from statefun.wire import delimited, varint

__all__ = ["LONGEST_DELAY", "RawDelayed", "RawEffects", "decode_response", "encode_request", "read_response"]

LONGEST_DELAY: Final = 1 << 62
"""Milliseconds: with the present time added it still has a place in the 64 bits in which times are kept."""

_INVOCATION: Final = b"\xa2\x06"


def encode_request(batch: Batch) -> bytes:
    """A batch as an engine sends it."""
    parts = [delimited(b"\x0a", encode_address(batch.target))]
    parts += (delimited(b"\x12", encode_entry(name, state)) for name, state in batch.states.items())
    for invocation in batch.invocations:
        caller = delimited(b"\x0a", invocation.caller) if invocation.caller else b""
        argument = wrap(TypedBytes(invocation.typename, invocation.value), batch.protocol)
        parts.append(delimited(b"\x1a", caller + delimited(b"\x12", argument)))
    return delimited(_INVOCATION, b"".join(parts))


class RawDelayed(NamedTuple):
    """A delayed message, or with no target the cancellation of one."""

    delay: int
    target: bytes
    argument: bytes
    token: str


class RawEffects(NamedTuple):
    """`Effects` whose values are the bytes of an `Any` or a `TypedValue` still."""

    mutations: list[tuple[str, bytes | None]]
    messages: list[tuple[bytes, bytes]]
    delayed: list[RawDelayed]
    egresses: list[tuple[str, bytes]]


_NO_EFFECTS: Final = RawEffects([], [], [], [])
_NOTHING: Final = TypedBytes("", b"")
_EMPTY: Final = {protocol: wrap(_NOTHING, protocol) for protocol in ProtocolVersion}
_FROM_FUNCTION: Final[dict[ProtocolVersion, Any]] = {
    ProtocolVersion.V2: v2.FromFunction,
    ProtocolVersion.V3: v3.FromFunction,
}
# The same numbers in both protocols.
_DELETE: Final = v3.FromFunction.PersistedValueMutation.DELETE
_MODIFY: Final = v3.FromFunction.PersistedValueMutation.MODIFY


def read_response(data: bytes, protocol: ProtocolVersion) -> RawEffects | MissingStates:
    """What a function answered to a batch, values undecoded.

    Raises:
        MalformedResponseError: the bytes are not a response of the protocol, or ask for what no engine does.
    """
    if not data:
        return _NO_EFFECTS
    try:
        response = _FROM_FUNCTION[protocol].FromString(data)
        if protocol is ProtocolVersion.V3 and response.HasField("incomplete_invocation_context"):
            missing = response.incomplete_invocation_context.missing_values
            return MissingStates(tuple(_declaration(value) for value in missing))
        result = response.invocation_result
        return RawEffects(
            [_mutation(each, protocol) for each in result.state_mutations],
            [(each.target, _argument(each.argument, protocol)) for each in result.outgoing_messages],
            [_delayed(each, protocol) for each in result.delayed_invocations],
            [
                (f"{each.egress_namespace}/{each.egress_type}", _argument(each.argument, protocol))
                for each in result.outgoing_egresses
            ],
        )
    except (DecodeError, ProtocolError, ValueError, OverflowError) as error:
        raise MalformedResponseError(
            f"{len(data)} bytes are no response of the {protocol.value} protocol: {error}"
        ) from error


def _mutation(mutation: Any, protocol: ProtocolVersion) -> tuple[str, bytes | None]:
    kind = mutation.mutation_type
    if kind == _DELETE:
        return mutation.state_name, None
    if kind != _MODIFY:
        raise ValueError(f"state {mutation.state_name!r} has the unknown mutation {kind}")
    raw: bytes = mutation.state_value
    if not _is_as_usual(raw, protocol) and unwrap(raw, protocol) is None:
        raw = _EMPTY[protocol]  # a MODIFY without a value stores an empty one, as the engines do
    return mutation.state_name, raw


def _delayed(delayed: Any, protocol: ProtocolVersion) -> RawDelayed:
    token = delayed.cancellation_token if protocol is ProtocolVersion.V3 else ""
    if protocol is ProtocolVersion.V3 and delayed.is_cancellation_request:
        if not token:
            raise ValueError("a cancellation without a token")
        return RawDelayed(0, b"", b"", token)
    delay = delayed.delay_in_ms
    if delay < 0:
        raise ValueError(f"the negative delay {delay} ms")
    if delay > LONGEST_DELAY:
        raise ValueError(f"the delay {delay} ms, after which no time can be told")
    if not delayed.target:
        raise ValueError("a delayed message without a target")
    return RawDelayed(delay, delayed.target, _argument(delayed.argument, protocol), token)


def _argument(raw: bytes, protocol: ProtocolVersion) -> bytes:
    if not _is_as_usual(raw, protocol) and unwrap(raw, protocol) is None:
        raise ValueError("a message without a value")
    return raw


def _is_as_usual(raw: bytes, protocol: ProtocolVersion) -> bool:
    """Whether a value is written as every encoder writes it, to its last byte; whatever looks otherwise must be parsed.

    That is: a name, in a TypedValue that it has a value, and the value's bytes, where there are any.
    """
    if len(raw) < 3 or raw[0] != 0x0A or raw[1] > 0x7F:
        return False
    end = 2 + raw[1]
    if end > len(raw) or not raw[2:end].isascii():
        return False
    if protocol is ProtocolVersion.V3:
        if raw[end : end + 2] != b"\x10\x01":
            return False
        end += 2
    if end == len(raw):
        return end > 2
    if raw[end] != VALUE_TAGS[protocol][0]:
        return False
    for width in (1, 2, 3, 4):
        size = len(raw) - end - 1 - width
        if size >= 0 and raw.startswith(varint(size), end + 1):
            return len(varint(size)) == width
    return False


_MODES: Final = {
    v3.FromFunction.ExpirationSpec.AFTER_WRITE: ExpirationMode.AFTER_WRITE,
    v3.FromFunction.ExpirationSpec.AFTER_INVOKE: ExpirationMode.AFTER_CALL,
}


def _declaration(value: Any) -> StateDeclaration:
    mode = _MODES.get(value.expiration_spec.mode)
    duration = timedelta(milliseconds=value.expiration_spec.expire_after_millis)
    expiration = None if mode is None or duration <= timedelta(0) else Expiration(mode, duration)
    return StateDeclaration(value.state_name, value.type_typename, expiration)


def decode_response(data: bytes, protocol: ProtocolVersion) -> Effects | MissingStates:
    """What a function answered to a batch.

    Raises:
        MalformedResponseError: the bytes are not a response of the protocol, or ask for what no engine does.
    """
    answer = read_response(data, protocol)
    if isinstance(answer, MissingStates):
        return answer

    def typed(raw: bytes) -> TypedBytes:
        return unwrap(raw, protocol) or _NOTHING

    return Effects(
        [Mutation(name, None if raw is None else typed(raw)) for name, raw in answer.mutations],
        [Message(target, *typed(raw)) for target, raw in answer.messages],
        [
            Delayed(each.delay, each.target, *typed(each.argument), each.token)
            if each.target
            else Cancellation(each.token)
            for each in answer.delayed
        ],
        [EgressRecord(egress, *typed(raw)) for egress, raw in answer.egresses],
    )
