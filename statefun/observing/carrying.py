"""How a trace travels: as two fields of the value around a message, which the engines of both lines carry on undecoded.

| field | type | holds |
|---|---|---|
| 20001 | string | `traceparent` of W3C Trace Context |
| 20002 | string | `tracestate`, if there is one |

They stand behind the fields that the protocol knows, in a `TypedValue` of 3.x as in an `Any` of 2.2, so the bytes of the message
are untouched, and who does not know them skips them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, cast

from google.protobuf.message import DecodeError

from statefun.address import Address, Egress
from statefun.batch import ProtocolVersion, TypedBytes
from statefun.observing.observer import TraceContext
from statefun.outgoing import Heads, Outgoing
from statefun.protocol.request import read_invocation
from statefun.protocol.values import wrap
from statefun.wire import LENGTH_DELIMITED, delimited, text, unknown_fields, varint

__all__ = ["TRACEPARENT", "TRACESTATE", "CarryingOutgoing", "fields", "taken_off"]

TRACEPARENT: Final = 20001
TRACESTATE: Final = 20002

_TRACEPARENT_TAG: Final = varint(TRACEPARENT << 3 | LENGTH_DELIMITED)
_TRACESTATE_TAG: Final = varint(TRACESTATE << 3 | LENGTH_DELIMITED)

# Version ff is forbidden; a later version than 00 may go on behind a dash.
_WELL_FORMED: Final = re.compile(r"(?!ff)[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-[\x21-\x7e]{1,128})?")
_LONGEST_STATE: Final = 512
"""Characters, which is what W3C Trace Context asks to carry at least; a longer one is dropped rather than cut."""


def fields(trace: TraceContext) -> bytes:
    """What is appended to a serialized Any or TypedValue that carries a trace.

    >>> len(fields(TraceContext("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")))
    59
    """
    return text(_TRACEPARENT_TAG, trace.traceparent) + text(_TRACESTATE_TAG, trace.tracestate)


def taken_off(raw: bytes, protocol: ProtocolVersion) -> tuple[bytes, TraceContext | None]:
    """An invocation without the trace that its argument carries, and the trace.

    What carries none is given back as it is, and so is what is malformed: whoever reads it says that.
    """
    if _TRACEPARENT_TAG not in raw:
        return raw, None
    try:
        arguments = [data for number, kind, data in unknown_fields(raw) if number == 2 and kind == LENGTH_DELIMITED]
        carried = {
            number: data.decode()
            for argument in arguments
            for number, kind, data in unknown_fields(argument)
            if number in (TRACEPARENT, TRACESTATE) and kind == LENGTH_DELIMITED
        }
    except (DecodeError, UnicodeDecodeError):
        return raw, None
    if TRACEPARENT not in carried:
        return raw, None  # the bytes of the tag stood somewhere else
    typename, value, caller = read_invocation(raw, protocol)
    argument = wrap(TypedBytes(typename, value), protocol)
    bare = (delimited(b"\x0a", caller) if caller else b"") + delimited(b"\x12", argument)
    if _WELL_FORMED.fullmatch(carried[TRACEPARENT]) is None:
        return bare, None
    state = carried.get(TRACESTATE, "")
    return bare, TraceContext(carried[TRACEPARENT], state if len(state) <= _LONGEST_STATE else "")


class CarryingOutgoing(Outgoing):
    """What a batch sends, each value with the trace of the invocation that sends it.

    Attributes:
        carried: The fields that are appended to each value; empty for none.
    """

    __slots__ = ("carried",)

    def __init__(self) -> None:
        super().__init__()
        self.carried = b""

    def message(self, to: Address[Any], heads: Heads, value: bytes) -> None:
        """Records a message."""
        super().message(to, _longer(heads, self.carried), value + self.carried)

    def record(self, egress: Egress[Any], heads: Heads, value: bytes) -> None:
        """Records a record for an egress."""
        longer = value + self.carried
        before = egress.wire_head + _longer(heads, self.carried).third[len(longer)]
        self.records += (b"\x22" + varint(len(before) + len(longer)) + before, longer)

    def delay(self, delay: int, to: Address[Any], heads: Heads, value: bytes, token: str) -> None:
        """Records a message that is due after so many milliseconds, perhaps with a cancellation token."""
        super().delay(delay, to, _longer(heads, self.carried), value + self.carried, token)


def _longer(heads: Heads, carried: bytes) -> Heads:
    """Heads for values behind whose bytes something is appended, which is no part of the bytes but of the field around them."""
    return cast("Heads", _LongerHeads(heads, len(carried))) if carried else heads


class _LongerHeads:
    __slots__ = ("second", "third")

    def __init__(self, heads: Heads, longer: int) -> None:
        self.second: Final = _Longer(heads.second, longer)
        self.third: Final = _Longer(heads.third, longer)


class _Longer:
    __slots__ = ("_by_size", "_longer")

    def __init__(self, by_size: Mapping[int, bytes], longer: int) -> None:
        self._by_size: Final = by_size
        self._longer: Final = longer

    def __getitem__(self, size: int) -> bytes:
        head = self._by_size[size - self._longer]
        end = 1
        while head[end] > 0x7F:
            end += 1
        inside = head[end + 1 :]  # behind the field's tag and its length, which grows
        return head[:1] + varint(len(inside) + size) + inside
