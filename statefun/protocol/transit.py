"""Values in transit: from a function's answer into the store, and from the store into the next request.

The store keeps every value as a TypedValue, whichever protocol wrote it. On 3.x that is what a response and a request carry, and no
byte of it is touched; `to_stored` and `from_stored` convert where the protocol's own values are something else.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.message import DecodeError

from statefun.batch import ProtocolVersion, TypedBytes
from statefun.protocol._generated import v2, v3
from statefun.protocol.values import unwrap, unwrap_v3, wrap
from statefun.wire import unknown_fields

__all__ = ["from_stored", "to_stored", "unwrap_stored", "wrap_stored"]


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
