"""The engine's role without taking values apart: what a function sends goes into the next request, or the store, as it is.

An engine that only carries values on has no use for their typename or bytes: an outgoing argument and the argument of the
request that delivers it are the same bytes, and so are a state mutation and the state of the next request. `read_response` gives
them undecoded, having checked that each holds a value. The store keeps every value as a TypedValue; `to_stored` and
`from_stored` convert where the protocol's own values are something else.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from google.protobuf.message import DecodeError

from statefun.batch import MissingStates, ProtocolVersion, TypedBytes
from statefun.errors import MalformedResponseError, ProtocolError
from statefun.outgoing import VALUE_TAGS
from statefun.protocol._generated import v2, v3
from statefun.protocol.engine import checked_delay, missing_states
from statefun.protocol.values import unwrap, unwrap_v3, wrap
from statefun.wire import unknown_fields, varint

__all__ = ["RawDelayed", "RawEffects", "from_stored", "read_response", "to_stored", "unwrap_stored", "wrap_stored"]


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


NO_EFFECTS: Final = RawEffects([], [], [], [])
_FROM_FUNCTION: Final[dict[ProtocolVersion, Any]] = {
    ProtocolVersion.V2: v2.FromFunction,
    ProtocolVersion.V3: v3.FromFunction,
}
_EMPTY: Final = {
    ProtocolVersion.V2: wrap(TypedBytes("", b""), ProtocolVersion.V2),
    ProtocolVersion.V3: wrap(TypedBytes("", b""), ProtocolVersion.V3),
}


def read_response(data: bytes, protocol: ProtocolVersion) -> RawEffects | MissingStates:
    """What a function answered to a batch, values undecoded.

    Raises:
        MalformedResponseError: the bytes are not a response of the protocol, or ask for what no engine does.
    """
    if not data:
        return NO_EFFECTS
    try:
        response = _FROM_FUNCTION[protocol].FromString(data)
        is_v3 = protocol is ProtocolVersion.V3
        if is_v3 and response.HasField("incomplete_invocation_context"):
            return missing_states(response)
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
        if isinstance(error, MalformedResponseError):
            raise
        raise MalformedResponseError(
            f"{len(data)} bytes are no response of the {protocol.value} protocol: {error}"
        ) from error


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


def _mutation(mutation: Any, protocol: ProtocolVersion) -> tuple[str, bytes | None]:
    kind = mutation.mutation_type
    if kind == 0:
        return mutation.state_name, None
    if kind != 1:
        raise ValueError(f"state {mutation.state_name!r} has the unknown mutation {kind}")
    raw: bytes = mutation.state_value
    try:
        return mutation.state_name, _argument(raw, protocol)
    except ValueError:
        # A MODIFY without a value stores an empty one, as the engines do.
        return mutation.state_name, _EMPTY[protocol]


def _delayed(delayed: Any, protocol: ProtocolVersion) -> RawDelayed:
    token = delayed.cancellation_token if protocol is ProtocolVersion.V3 else ""
    if protocol is ProtocolVersion.V3 and delayed.is_cancellation_request:
        if not token:
            raise ValueError("a cancellation without a token")
        return RawDelayed(0, b"", b"", token)
    delay = checked_delay(delayed.delay_in_ms)
    if not delayed.target:
        raise ValueError("a delayed message without a target")
    return RawDelayed(delay, delayed.target, _argument(delayed.argument, protocol), token)


def to_stored(raw: bytes, protocol: ProtocolVersion) -> bytes:
    """A value of the protocol as the store keeps it, with the fields that it has beside those of the protocol."""
    if protocol is ProtocolVersion.V3:
        return raw
    stored = wrap(unwrap(raw, protocol) or TypedBytes("", b""), ProtocolVersion.V3)
    return stored if len(stored) == len(raw) + _HAS_VALUE else stored + _others(v2.AnyValue.FromString(raw))


def from_stored(stored: bytes, protocol: ProtocolVersion) -> bytes:
    """A value that the store keeps, as the protocol carries it."""
    if protocol is ProtocolVersion.V3:
        return stored
    raw = wrap(unwrap_stored(stored), protocol)
    return raw if len(stored) == len(raw) + _HAS_VALUE else raw + _others(v3.TypedValue.FromString(stored))


_HAS_VALUE: Final = 2
"""By so many bytes a TypedValue is longer than an Any of the same name and bytes, unless there is more in one of them."""


def _others(value: Any) -> bytes:
    """The fields of a value that neither an Any nor a TypedValue has; engines carry them on, and a trace travels in them."""
    for known in value.DESCRIPTOR.fields:
        value.ClearField(known.name)
    others: bytes = value.SerializeToString()
    try:
        fields = unknown_fields(others)
    except DecodeError:  # more of them than anybody's trace has
        return b""
    return others if all(number > _LAST_OF_A_VALUE for number, _, _ in fields) else b""


_LAST_OF_A_VALUE: Final = 3


def unwrap_stored(stored: bytes) -> TypedBytes:
    """The typename and bytes of a value that the store keeps."""
    return unwrap_v3(stored) or TypedBytes("", b"")


def wrap_stored(value: TypedBytes) -> bytes:
    """A value as the store keeps it."""
    return wrap(value, ProtocolVersion.V3)
