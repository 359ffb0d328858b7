"""Requests that no encoder of ours would write."""

from __future__ import annotations

from collections.abc import Sequence

from statefun.batch import ProtocolVersion
from statefun.protocol.values import encode_address, wrap
from statefun.wire import delimited
from tests.exchange import address
from tests.unit.handler.counter import HERE
from tests.unit.rig import typed


def with_raw_parts(protocol: ProtocolVersion, *, caller: bytes | None = None, states: Sequence[bytes] = ()) -> bytes:
    """A request of one text for test/f/1, with a caller and states that no encoder of ours would write."""
    argument = delimited(b"\x12", wrap(typed("a", protocol), protocol))
    invocation = argument if caller is None else delimited(b"\x0a", caller) + argument
    parts = [delimited(b"\x0a", encode_address(address(HERE))), *(delimited(b"\x12", state) for state in states)]
    return delimited(b"\xa2\x06", b"".join((*parts, delimited(b"\x1a", invocation))))
