"""The function's role: reads a request of either protocol.

Which one a request speaks is read from its bytes: **it is 3.x if and only if an argument has a varint in field 2.** That field
is `has_value` of a TypedValue, which an engine of the 3.x line sets on every argument; field 2 of an Any is its bytes. State
says nothing, and an Any whose message is empty has a type URL alone, so a request without such an argument is 2.2. No engine
mixes the two, so the first argument that has a field 2, of either kind, decides.

A parser keeps a field of another wire type aside as unknown, so a 2.2 request parses as a 3.x one whose arguments lack
`has_value`, and is then parsed once more as what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from google.protobuf.message import DecodeError

from statefun.batch import Batch, Invocation, ProtocolVersion, Target
from statefun.errors import EmptyBatchError, MalformedRequestError
from statefun.protocol._generated import v2, v3
from statefun.protocol.states import split_entry

__all__ = ["InvocationMessage", "Request", "decode_request", "read_request"]

_V2: Final = ProtocolVersion.V2
_V3: Final = ProtocolVersion.V3
_parse_v2: Final[Any] = v2.ToFunction.FromString
_parse_v3: Final[Any] = v3.ToFunction.FromString

InvocationMessage = v2.ToFunction.Invocation | v3.ToFunction.Invocation
"""One invocation as it was parsed; its fields have the same names in both protocols."""

Request = tuple[ProtocolVersion, str, str, str, Sequence[bytes], Sequence[InvocationMessage]]
"""A `Batch` on the hot path, with nothing taken apart that a handler may not need: protocol; the target's namespace, type and
id; the states, each a serialized PersistedValue; the invocations."""


def read_request(data: bytes) -> Request:
    """Reads a request as the handler needs it.

    Raises:
        MalformedRequestError: the bytes are not a request of either protocol.
        EmptyBatchError: there is no invocation.
    """
    try:
        batch = _parse_v3(data).invocation
        invocations = batch.invocations
        if not invocations:
            raise _nothing_to_do(data)
        protocol = _V3
        if not invocations[0].argument.has_value:
            batch = _parse_v2(data).invocation
            if not batch.invocations[0].argument.value and any(
                each.argument.HasField("has_value") for each in invocations
            ):
                batch = _parse_v3(data).invocation
            else:
                protocol = _V2
                invocations = batch.invocations
        target = batch.target
        return protocol, target.namespace, target.type, target.id, batch.state[:], invocations
    except DecodeError as error:
        raise MalformedRequestError(f"{len(data)} bytes are no request: {error}") from error


def _nothing_to_do(data: bytes) -> MalformedRequestError | EmptyBatchError:
    if data:
        return EmptyBatchError("the request holds no invocation")
    return MalformedRequestError("the request is empty")


def decode_request(data: bytes) -> Batch:
    """Reads a request as a neutral value.

    Raises:
        MalformedRequestError: the bytes are not a request of either protocol.
        EmptyBatchError: there is no invocation.
    """
    protocol, namespace, name, identity, entries, invocations = read_request(data)
    return Batch(
        protocol,
        Target(namespace, name, identity),
        dict(split_entry(entry) for entry in entries),
        [Invocation(each.argument.typename, each.argument.value, each.caller) for each in invocations],
    )
