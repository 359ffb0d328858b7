"""The function's role: reads a request of either protocol.

Which one a request speaks is read from its bytes: **it is 3.x if and only if an argument has a varint in field 2.** That field
is `has_value` of a TypedValue, which an engine of the 3.x line sets on every argument; field 2 of an Any is its bytes. State
says nothing, and an Any whose message is empty has a type URL alone, so a request without such an argument is 2.2.

A parser keeps a field of another wire type aside as unknown, so a 2.2 request parses as a 3.x one whose arguments lack
`has_value`, and is then parsed once more as what it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from google.protobuf.message import DecodeError

from statefun.batch import Batch, Invocation, ProtocolVersion, Target
from statefun.errors import EmptyBatchError, MalformedRequestError
from statefun.protocol._generated import v2, v3

__all__ = ["decode_request"]

_new_invocation: Final[Callable[[type[Invocation], tuple[str, bytes, bytes]], Invocation]] = tuple.__new__
"""What the NamedTuple's own constructor calls, at half of its price."""


def decode_request(data: bytes) -> Batch:
    """Reads a request.

    Raises:
        MalformedRequestError: the bytes are not a request of either protocol.
        EmptyBatchError: there is no invocation.
    """
    batch = _parse(v3.ToFunction, data)
    invocations: Any = batch.invocations
    if not invocations:
        raise EmptyBatchError("the request holds no invocation")
    if invocations[0].argument.has_value or any(each.argument.HasField("has_value") for each in invocations):
        protocol = ProtocolVersion.V3
        messages = [
            _new_invocation(Invocation, (argument.typename, argument.value, each.caller))
            for each in invocations
            for argument in (each.argument,)
        ]
    else:
        protocol = ProtocolVersion.V2
        batch = _parse(v2.ToFunction, data)
        messages = [
            _new_invocation(Invocation, (argument.type_url, argument.value, each.caller))
            for each in batch.invocations
            for argument in (each.argument,)
        ]
    target = batch.target
    return Batch(
        protocol,
        Target(target.namespace, target.type, target.id),
        {state.state_name: state.state_value for state in batch.state},
        messages,
    )


def _parse(message_class: Any, data: bytes) -> Any:
    try:
        request = message_class.FromString(data)
    except DecodeError as error:
        raise MalformedRequestError(f"{len(data)} bytes are no request: {error}") from error
    if not data:
        raise MalformedRequestError("the request is empty")
    return request.invocation
