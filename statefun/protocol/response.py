"""The function's role: writes what a function answers. Fields are written in the order of their numbers, as protobuf would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from statefun.batch import Cancellation, Delayed, MissingStates, ProtocolVersion
from statefun.expiration import ExpirationMode
from statefun.protocol._generated import v3
from statefun.protocol.values import VALUE_TAG, head
from statefun.wire import LENGTHS, delimited, text, varint

__all__ = ["encode_missing_states", "encode_response"]

_INVOCATION_RESULT: Final = b"\xa2\x06"


class _Heads(dict[str, bytes]):
    """What stands before a value's length, up to the tag of its bytes, by typename.

    A program sends few types, so they are kept, within a bound. Without its last byte, the tag, it is a whole empty value.
    """

    _LIMIT: Final = 4096

    def __init__(self, protocol: ProtocolVersion) -> None:
        super().__init__()
        self._protocol: Final = protocol

    def __missing__(self, typename: str) -> bytes:
        if len(self) >= self._LIMIT:
            self.clear()
        made = self[typename] = head(typename, self._protocol) + VALUE_TAG[self._protocol]
        return made


class _StateNames(dict[str, bytes]):
    """What stands in a mutation before its value's length: the name of the state and the tag of its value, within a bound."""

    _LIMIT: Final = 4096

    def __missing__(self, name: str) -> bytes:
        if len(self) >= self._LIMIT:
            self.clear()
        made = self[name] = b"\x08\x01" + text(b"\x12", name) + b"\x1a"
        return made


class _EgressHeads(dict[str, bytes]):
    """What stands in an EgressMessage before its value's length, by `<namespace>/<name>`, within a bound."""

    _LIMIT: Final = 4096

    def __missing__(self, egress: str) -> bytes:
        if len(self) >= self._LIMIT:
            self.clear()
        namespace, _, name = egress.partition("/")
        made = self[egress] = text(b"\x0a", namespace) + text(b"\x12", name) + b"\x1a"
        return made


_V3: Final = ProtocolVersion.V3
_HEADS_V2: Final = _Heads(ProtocolVersion.V2)
_HEADS_V3: Final = _Heads(ProtocolVersion.V3)
_STATE_NAMES: Final = _StateNames()
_EGRESS_HEADS: Final = _EgressHeads()


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
        messages: For each message: the serialized Address it goes to, its typename and bytes.
        delayed: Delayed messages and cancellations.
        egresses: For each record: the egress, its typename and bytes.
    """
    try:
        return _encode(protocol, mutations, messages, delayed, egresses, LENGTHS)
    except IndexError:  # something is longer than the table of short lengths
        return _encode(protocol, mutations, messages, delayed, egresses, _ANY_LENGTH)


class _AnyLength:
    """Stands in for the table of short lengths, and knows every length."""

    def __getitem__(self, length: int) -> bytes:
        return varint(length)


_ANY_LENGTH: Final = _AnyLength()


def _encode(
    protocol: ProtocolVersion,
    mutations: Sequence[StateMutation],
    messages: Sequence[OutgoingMessage],
    delayed: Sequence[Delayed | Cancellation],
    egresses: Sequence[OutgoingRecord],
    lengths: tuple[bytes, ...] | _AnyLength,
) -> bytes:
    # The hot path. Lengths are added up, not measured, so that each byte is copied once, by the join at the end.
    heads = _HEADS_V3 if protocol is _V3 else _HEADS_V2
    parts: list[bytes] = []
    for name, typed in mutations:
        if typed is None:
            mutation = text(b"\x12", name)
        else:
            typename, payload = typed
            value = heads[typename] + lengths[len(payload)] + payload if payload else heads[typename][:-1]
            mutation = _STATE_NAMES[name] + lengths[len(value)] + value
        parts += (b"\x0a", lengths[len(mutation)], mutation)
    for target, typename, payload in messages:
        size = len(payload)
        if size:
            head, payload_length = heads[typename], lengths[size]
        else:
            head, payload_length = heads[typename][:-1], b""
        size += len(head) + len(payload_length)
        value_length = lengths[size]
        target_size = len(target)
        target_length = lengths[target_size]
        size += 2 + target_size + len(target_length) + len(value_length)
        parts += (
            b"\x12",
            lengths[size],
            b"\x0a",
            target_length,
            target,
            b"\x12",
            value_length,
            head,
            payload_length,
            payload,
        )
    for each in delayed:
        encoded = _delayed(each, heads)
        parts += (b"\x1a", lengths[len(encoded)], encoded)
    for egress, typename, payload in egresses:
        size = len(payload)
        if size:
            head, payload_length = heads[typename], lengths[size]
        else:
            head, payload_length = heads[typename][:-1], b""
        size += len(head) + len(payload_length)
        value_length = lengths[size]
        egress_head = _EGRESS_HEADS[egress]
        size += len(egress_head) + len(value_length)
        parts += (b"\x22", lengths[size], egress_head, value_length, head, payload_length, payload)
    if not parts:
        return b""
    body = b"".join(parts)
    return _INVOCATION_RESULT + varint(len(body)) + body


def _delayed(delayed: Delayed | Cancellation, heads: _Heads) -> bytes:
    if isinstance(delayed, Cancellation):
        return b"\x50\x01" + text(b"\x5a", delayed.token)
    delay = b"\x08" + varint(delayed.delay) if delayed.delay else b""
    start = heads[delayed.typename]
    value = delimited(start, delayed.value) if delayed.value else start[:-1]
    return delay + delimited(b"\x12", delayed.target) + delimited(b"\x1a", value) + text(b"\x5a", delayed.token)


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
