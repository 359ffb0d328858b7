"""What bytes begin with when they hold a value of an expected type, written as every engine writes it.

Of such bytes all but the value's own are known beforehand: they follow from the type and from how many bytes there are. To
compare them costs a quarter of parsing, and leaves nothing unchecked. Whatever looks different is parsed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from statefun.batch import ProtocolVersion
from statefun.memo import KEPT_BELOW, Memo, MemoBySize
from statefun.outgoing import Heads

__all__ = ["argument_heads", "begins_as_expected", "behind_caller", "expected_heads"]


def expected_heads(heads: Mapping[int, bytes], before: bytes = b"") -> Mapping[int, bytes]:
    """By how many bytes there are in all: what stands before those of the value. Nothing at all where it cannot be told.

    Args:
        heads: What stands before a value's bytes, by how many these are (`Heads.second` or `Heads.third`).
        before: What stands before that.
    """

    def make(size: int) -> bytes:
        if size >= KEPT_BELOW:
            return b""
        shortest = len(before) + len(heads[1])
        # Lengths take more bytes behind a larger value: a few sizes of the value have to be tried.
        for length in range(size - shortest, max(0, size - shortest - 8), -1):
            head = before + heads[length]
            if len(head) + length == size:
                return head
        return b""

    return MemoBySize(make)


_ARGUMENTS_V2: Final[Mapping[str, Mapping[int, bytes]]] = Memo(
    lambda typename: expected_heads(Heads(typename, ProtocolVersion.V2).second)
)
_ARGUMENTS_V3: Final[Mapping[str, Mapping[int, bytes]]] = Memo(
    lambda typename: expected_heads(Heads(typename, ProtocolVersion.V3).second)
)


def argument_heads(typename: str, protocol: ProtocolVersion) -> Mapping[int, bytes]:
    """By how many bytes an invocation without a caller has: what it begins with when its message is of that type."""
    return _ARGUMENTS_V3[typename] if protocol is ProtocolVersion.V3 else _ARGUMENTS_V2[typename]


def begins_as_expected(raw: bytes, heads: Mapping[int, bytes]) -> bool:
    """Whether an invocation, with or without a caller, holds a message of the expected type and protocol."""
    head = heads[len(raw)]
    return bool(head and raw.startswith(head)) or behind_caller(raw, heads) is not None


def behind_caller(raw: bytes, heads: Mapping[int, bytes]) -> tuple[bytes, bytes] | None:
    """The value and the caller of an invocation that begins with its caller and goes on as expected; None of any other."""
    if raw[:1] != b"\x0a" or len(raw) < 2 or raw[1] > 0x7F:
        return None
    end = raw[1] + 2
    rest = raw[end:]
    head = heads[len(rest)]
    return (rest[len(head) :], raw[2:end]) if head and rest.startswith(head) else None
