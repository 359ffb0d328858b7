"""The function's role: writes what a function answers. Fields are written in the order of their numbers, as protobuf would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from statefun.batch import Cancellation, Delayed, MissingStates, ProtocolVersion
from statefun.expiration import ExpirationMode
from statefun.made import Made
from statefun.protocol._generated import v3
from statefun.protocol.values import VALUE_TAG, head
from statefun.wire import LENGTHS, delimited, text, varint

__all__ = ["encode_missing_states", "encode_response"]

_INVOCATION_RESULT: Final = b"\xa2\x06"
_V3: Final = ProtocolVersion.V3


def _values_by_size(typename: str, protocol: ProtocolVersion) -> Mapping[int, bytes]:
    """What stands before the bytes of a value of that type, by how many they are: its own length and all its fields' heads."""
    start = head(typename, protocol)

    def make(size: int) -> bytes:
        whole = start + VALUE_TAG[protocol] + varint(size) if size else start
        return varint(len(whole) + size) + whole

    return Made(make, limit=1024)


def _state_head(name: str) -> bytes:
    """What stands in a mutation before its value's length."""
    return b"\x08\x01" + text(b"\x12", name) + b"\x1a"


def _egress_head(egress: str) -> bytes:
    """What stands in an EgressMessage before its value's length."""
    namespace, _, name = egress.partition("/")
    return text(b"\x0a", namespace) + text(b"\x12", name) + b"\x1a"


_VALUES_V2: Final[Mapping[str, Mapping[int, bytes]]] = Made(
    lambda typename: _values_by_size(typename, ProtocolVersion.V2)
)
_VALUES_V3: Final[Mapping[str, Mapping[int, bytes]]] = Made(
    lambda typename: _values_by_size(typename, ProtocolVersion.V3)
)
_STATE_HEADS: Final = Made(_state_head)
_EGRESS_HEADS: Final = Made(_egress_head)

StateMutation = tuple[str, tuple[str, bytes] | None]
OutgoingMessage = tuple[bytes, str, bytes]
OutgoingRecord = tuple[str, str, bytes]
"""`Mutation`, `Message` and `EgressRecord` without their names: the hot path makes plain tuples."""


def encode_response(
    protocol: ProtocolVersion,
    mutations: Sequence[StateMutation],
    messages: Sequence[OutgoingMessage],
    delayed: Sequence[Delayed | Cancellation],
    egresses: Sequence[OutgoingRecord],
) -> bytes:
    """The answer to a batch that succeeded; no bytes at all where it has no effects.

    Args:
        protocol: The protocol of the request.
        mutations: For each state: its name, and its typename and bytes, or None to delete it.
        messages: For each message: the serialized Address it goes to, behind its length, its typename and bytes.
        delayed: Delayed messages, their targets likewise, and cancellations.
        egresses: For each record: the egress, its typename and bytes.
    """
    # The hot path: heads are looked up, lengths are added up, and each byte is copied once, by the join at the end.
    values = _VALUES_V3 if protocol is _V3 else _VALUES_V2
    parts: list[bytes] = []
    for name, typed in mutations:
        if typed is None:
            mutation = text(b"\x12", name)
        else:
            typename, payload = typed
            mutation = _STATE_HEADS[name] + values[typename][len(payload)] + payload
        parts += (b"\x0a", varint(len(mutation)), mutation)
    for target, typename, payload in messages:
        size = len(payload)
        value = values[typename][size]
        size += len(target) + len(value) + 2
        parts += (b"\x12", LENGTHS[size] if size < 16384 else varint(size), b"\x0a", target, b"\x12", value, payload)
    for each in delayed:
        parts.append(delimited(b"\x1a", _delayed(each, values)))
    for egress, typename, payload in egresses:
        size = len(payload)
        value = values[typename][size]
        start = _EGRESS_HEADS[egress]
        size += len(start) + len(value)
        parts += (b"\x22", LENGTHS[size] if size < 16384 else varint(size), start, value, payload)
    if not parts:
        return b""
    body = b"".join(parts)
    size = len(body)
    return _INVOCATION_RESULT + (LENGTHS[size] if size < 16384 else varint(size)) + body


def _delayed(delayed: Delayed | Cancellation, values: Mapping[str, Mapping[int, bytes]]) -> bytes:
    if isinstance(delayed, Cancellation):
        return b"\x50\x01" + text(b"\x5a", delayed.token)
    _, target, typename, payload, token = delayed
    delay = b"\x08" + varint(delayed.delay) if delayed.delay else b""
    value = values[typename][len(payload)]
    return b"".join((delay, b"\x12", target, b"\x1a", value, payload, text(b"\x5a", token)))


_EXPIRE_MODES: Final = {
    None: v3.FromFunction.ExpirationSpec.NONE,
    ExpirationMode.AFTER_WRITE: v3.FromFunction.ExpirationSpec.AFTER_WRITE,
    ExpirationMode.AFTER_CALL: v3.FromFunction.ExpirationSpec.AFTER_INVOKE,
}


def encode_missing_states(missing: MissingStates) -> bytes:
    """The 3.x answer to a request that lacks declared states."""
    response = v3.FromFunction()
    context = response.incomplete_invocation_context
    context.SetInParent()
    for state in missing.states:
        value = context.missing_values.add(state_name=state.name, type_typename=state.typename)
        if state.expiration is not None:
            value.expiration_spec.mode = _EXPIRE_MODES[state.expiration.mode]
            value.expiration_spec.expire_after_millis = state.expiration.milliseconds
    return response.SerializeToString()
