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
from statefun.protocol.states import state_entries

__all__ = ["decode_request"]

# What the constructor of a NamedTuple calls, at half of its price.
_tuple: Final[Callable[..., Any]] = tuple.__new__
_parse_v2: Final[Any] = v2.ToFunction.FromString
_parse_v3: Final[Any] = v3.ToFunction.FromString


def decode_request(data: bytes) -> Batch:
    """Reads a request.

    Raises:
        MalformedRequestError: the bytes are not a request of either protocol.
        EmptyBatchError: there is no invocation.
    """
    try:
        batch = _parse_v3(data).invocation
        invocations = batch.invocations
        if not invocations:
            raise (
                EmptyBatchError("the request holds no invocation")
                if data
                else MalformedRequestError("the request is empty")
            )
        argument = invocations[0].argument
        if argument.has_value or any(each.argument.HasField("has_value") for each in invocations):
            protocol = ProtocolVersion.V3
            messages = [
                _tuple(Invocation, (argument.typename, argument.value, each.caller))
                for each in invocations
                for argument in (each.argument,)
            ]
        else:
            protocol = ProtocolVersion.V2
            batch = _parse_v2(data).invocation
            messages = [
                _tuple(Invocation, (argument.type_url, argument.value, each.caller))
                for each in batch.invocations
                for argument in (each.argument,)
            ]
    except DecodeError as error:
        raise MalformedRequestError(f"{len(data)} bytes are no request: {error}") from error
    target = batch.target
    namespace = target.namespace
    name = target.type
    states = state_entries(namespace, name, batch.state)
    decoded: Batch = _tuple(Batch, (protocol, _tuple(Target, (namespace, name, target.id)), states, messages))
    return decoded
