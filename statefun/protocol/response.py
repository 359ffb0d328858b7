"""The function's role: writes what a function answers. Fields are written in the order of their numbers, as protobuf would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from statefun.batch import MissingStates, ProtocolVersion
from statefun.expiration import ExpirationMode
from statefun.memo import Memo
from statefun.outgoing import Heads, Outgoing
from statefun.protocol._generated import v3
from statefun.wire import LENGTHS, text, varint

__all__ = ["encode_missing_states", "encode_response"]

_INVOCATION_RESULT: Final = b"\xa2\x06"


def _mutation_head(name: str) -> bytes:
    """What stands in a mutation before its value."""
    return b"\x08\x01" + text(b"\x12", name)


_MUTATION_HEADS: Final = Memo(_mutation_head)
_VALUES_V2: Final[Mapping[str, Heads]] = Memo(lambda typename: Heads(typename, ProtocolVersion.V2))
_VALUES_V3: Final[Mapping[str, Heads]] = Memo(lambda typename: Heads(typename, ProtocolVersion.V3))


def encode_response(
    protocol: ProtocolVersion, mutations: Sequence[tuple[str, tuple[str, bytes] | None]], outgoing: Outgoing
) -> bytes:
    """The answer to a batch that succeeded; no bytes at all where it has no effects.

    Args:
        protocol: The protocol of the request.
        mutations: For each state its name, and its typename and bytes, or None to delete it.
        outgoing: What the batch sends.
    """
    parts: list[bytes] = []
    if mutations:
        values = _VALUES_V3 if protocol is ProtocolVersion.V3 else _VALUES_V2
        for name, typed in mutations:
            if typed is None:
                mutation = text(b"\x12", name)
            else:
                typename, payload = typed
                mutation = _MUTATION_HEADS[name] + values[typename].third[len(payload)] + payload
            size = len(mutation)
            parts += (b"\x0a", LENGTHS[size] if size < 16384 else varint(size), mutation)
    parts += outgoing.messages
    parts += outgoing.delayed
    parts += outgoing.records
    body = b"".join(parts)
    size = len(body)
    if not size:
        return b""
    return _INVOCATION_RESULT + (LENGTHS[size] if size < 16384 else varint(size)) + body


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
