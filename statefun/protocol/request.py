"""The function's role: reads a request of either protocol.

Which one a request speaks is read from its bytes: **it is 3.x if and only if an argument has a varint in field 2.** That field
is `has_value` of a TypedValue, which an engine of the 3.x line sets on every argument; field 2 of an Any is its bytes. State
says nothing, and an Any whose message is empty has a type URL alone, so a request without such an argument is 2.2. No engine
mixes the two, so the first argument that has a field 2, of either kind, decides.

The request itself is the same on the wire in both protocols, down to its invocations, so it is parsed before that is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from google.protobuf.message import DecodeError

from statefun.batch import Batch, Invocation, ProtocolVersion, Target
from statefun.errors import EmptyBatchError, MalformedRequestError
from statefun.protocol._generated import v2, v3
from statefun.protocol.states import split_entry

__all__ = ["Request", "decode_request", "protocol_of", "read_invocation", "read_request"]

_parse: Final[Any] = v3.ToFunction.FromString
_parse_v2: Final[Any] = v2.ToFunction.Invocation.FromString
_parse_v3: Final[Any] = v3.ToFunction.Invocation.FromString

Request = tuple[str, str, str, list[bytes], list[bytes]]
"""A `Batch` on the hot path, with nothing taken apart that a handler may not need: the target's namespace, type and id; the
states, each a serialized PersistedValue; the invocations, each a serialized Invocation."""


def read_request(data: bytes) -> Request:
    """Reads a request of either protocol as the handler needs it.

    Raises:
        MalformedRequestError: the bytes are not a request of either protocol.
        EmptyBatchError: there is no invocation.
    """
    try:
        batch = _parse(data).invocation
        invocations = batch.invocations[:]
        if not invocations:
            raise _nothing_to_do(data)
        target = batch.target
        return target.namespace, target.type, target.id, batch.state[:], invocations
    except (DecodeError, UnicodeDecodeError) as error:
        raise MalformedRequestError(f"{len(data)} bytes are no request: {error}") from error


def protocol_of(invocations: Sequence[bytes]) -> ProtocolVersion:
    """The protocol that a request speaks, by the rule at the top of this file.

    Raises:
        MalformedRequestError: an invocation is malformed.
    """
    try:
        for raw in invocations:
            if _parse_v3(raw).argument.HasField("has_value"):
                return ProtocolVersion.V3
            if _parse_v2(raw).argument.value:
                return ProtocolVersion.V2
    except (DecodeError, UnicodeDecodeError) as error:
        raise MalformedRequestError(f"an invocation is malformed: {error}") from error
    return ProtocolVersion.V2


def read_invocation(raw: bytes, protocol: ProtocolVersion) -> tuple[str, bytes, bytes]:
    """The typename and bytes of a message, and its caller's serialized Address, empty when there is none.

    Raises:
        MalformedRequestError: the invocation is malformed.
    """
    try:
        invocation = _parse_v3(raw) if protocol is ProtocolVersion.V3 else _parse_v2(raw)
    except (DecodeError, UnicodeDecodeError) as error:
        raise MalformedRequestError(f"the {len(raw)} bytes of an invocation are malformed: {error}") from error
    argument = invocation.argument
    return argument.typename, argument.value, invocation.caller


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
    namespace, name, identity, entries, invocations = read_request(data)
    protocol = protocol_of(invocations)
    return Batch(
        protocol,
        Target(namespace, name, identity),
        dict(split_entry(entry) for entry in entries),
        [Invocation(*read_invocation(raw, protocol)) for raw in invocations],
    )
