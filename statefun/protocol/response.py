"""The function's role: writes what a function answers. Fields are written in the order of their numbers, as protobuf would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from statefun.batch import MissingStates
from statefun.errors import ValueTypeError
from statefun.errors.showing import shown
from statefun.expiration import ExpirationMode
from statefun.memo import MemoBySize
from statefun.outgoing import Outgoing
from statefun.protocol._generated import v3
from statefun.wire import varint

__all__ = ["encode_missing_states", "encode_response"]

_RESULT_HEADS: Final[Mapping[int, bytes]] = MemoBySize(lambda size: b"\xa2\x06" + varint(size) if size else b"")
"""The tag and the length of a result, by its size; one without effects is no bytes at all."""


def encode_response(mutations: Sequence[bytes], outgoing: Outgoing) -> bytes:
    """The answer to a batch that succeeded; no bytes at all where it has no effects.

    Args:
        mutations: What becomes of its states, in pieces.
        outgoing: What the batch sends.

    Raises:
        ValueTypeError: a user's encoder has given something else than bytes.
    """
    pieces: list[Any] = [*mutations, *outgoing.messages, *outgoing.delayed, *outgoing.records]
    try:
        body = b"".join(pieces)
    except TypeError as error:
        wrong = next(each for each in pieces if not isinstance(each, bytes | bytearray | memoryview))
        raise ValueTypeError(
            f"{shown(wrong)} was encoded for a message, a record or a state, and is no bytes",
            hint="let `encode` of the ValueType return bytes",
        ) from error
    return _RESULT_HEADS[len(body)] + body


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
