"""The function's role: writes what a function answers. Fields are written in the order of their numbers, as protobuf would."""

from __future__ import annotations

from typing import Final

from statefun.batch import Cancellation, Delayed, Effects, MissingStates, ProtocolVersion
from statefun.expiration import ExpirationMode
from statefun.protocol._generated import v3
from statefun.protocol.values import VALUE_TAG, head
from statefun.wire import delimited, text, varint

__all__ = ["encode_missing_states", "encode_response"]

_INVOCATION_RESULT: Final = b"\xa2\x06"


class _Heads(dict[str, bytes]):
    """What stands before a value's bytes, by typename: a program sends few types, so they are kept, within a bound."""

    _LIMIT: Final = 4096

    def __init__(self, protocol: ProtocolVersion) -> None:
        super().__init__()
        self._protocol: Final = protocol

    def __missing__(self, typename: str) -> bytes:
        if len(self) >= self._LIMIT:
            self.clear()
        made = self[typename] = head(typename, self._protocol)
        return made


class _EgressHeads(dict[str, bytes]):
    """The fields 1 and 2 of an EgressMessage, by `<namespace>/<name>`, within a bound."""

    _LIMIT: Final = 4096

    def __missing__(self, egress: str) -> bytes:
        if len(self) >= self._LIMIT:
            self.clear()
        namespace, _, name = egress.partition("/")
        made = self[egress] = text(b"\x0a", namespace) + text(b"\x12", name)
        return made


_HEADS: Final = {protocol: _Heads(protocol) for protocol in ProtocolVersion}
_EGRESS_HEADS: Final = _EgressHeads()


def encode_response(effects: Effects, protocol: ProtocolVersion) -> bytes:
    """The answer to a batch that succeeded; no bytes at all where it has no effects."""
    heads = _HEADS[protocol]
    tag = VALUE_TAG[protocol]
    parts: list[bytes] = []
    for name, typed in effects.mutations:
        if typed is None:
            mutation = text(b"\x12", name)
        else:
            value = _value(heads[typed.typename], tag, typed.value)
            mutation = b"\x08\x01" + text(b"\x12", name) + delimited(b"\x1a", value)
        parts += (b"\x0a", varint(len(mutation)), mutation)
    for target, typename, payload in effects.messages:
        value = _value(heads[typename], tag, payload)
        message = b"\x0a" + varint(len(target)) + target + b"\x12" + varint(len(value)) + value
        parts += (b"\x12", varint(len(message)), message)
    for delayed in effects.delayed:
        encoded = _delayed(delayed, heads, tag)
        parts += (b"\x1a", varint(len(encoded)), encoded)
    for egress, typename, payload in effects.egresses:
        value = _value(heads[typename], tag, payload)
        record = _EGRESS_HEADS[egress] + b"\x1a" + varint(len(value)) + value
        parts += (b"\x22", varint(len(record)), record)
    if not parts:
        return b""
    body = b"".join(parts)
    return _INVOCATION_RESULT + varint(len(body)) + body


def _value(start: bytes, tag: bytes, payload: bytes) -> bytes:
    return start + tag + varint(len(payload)) + payload if payload else start


def _delayed(delayed: Delayed | Cancellation, heads: _Heads, tag: bytes) -> bytes:
    if isinstance(delayed, Cancellation):
        return b"\x50\x01" + text(b"\x5a", delayed.token)
    delay = b"\x08" + varint(delayed.delay) if delayed.delay else b""
    value = _value(heads[delayed.typename], tag, delayed.value)
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
