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

__all__ = ["UNKNOWN", "Expected", "argument_heads", "behind_caller", "expected_heads"]

Expected = tuple[bytes, slice, slice]
"""What stands before the bytes of the value; where it stands; where the value stands."""

_NEVER: Final[Expected] = (b"-", slice(0), slice(0))
"""Where it cannot be told: no bytes at all are not these."""

_SLICES: Final[Mapping[int, tuple[slice, slice]]] = MemoBySize(lambda size: (slice(size), slice(size, None)))
"""Up to so many bytes, and from there on: shared, since heads are kept for many sizes of a value and few have another length."""

UNKNOWN: Final[Mapping[int, Expected]] = MemoBySize(lambda _size: _NEVER)
"""What is expected of a type that is not known yet: bytes never begin so, however many there are."""


def expected_heads(heads: Mapping[int, bytes], before: bytes = b"") -> Mapping[int, Expected]:
    """By how many bytes there are in all: what they begin with when they hold a value of the type.

    Args:
        heads: What stands before a value's bytes, by how many these are (`Heads.second` or `Heads.third`).
        before: What stands before that.
    """

    def make(size: int) -> Expected:
        if size >= KEPT_BELOW:
            return _NEVER
        shortest = len(before) + len(heads[1])
        # Lengths take more bytes behind a larger value: a few sizes of the value have to be tried.
        for length in range(size - shortest, max(0, size - shortest - 8), -1):
            head = before + heads[length]
            if len(head) + length == size:
                return head, *_SLICES[len(head)]
        return _NEVER

    return MemoBySize(make)


_ARGUMENTS_V2: Final[Mapping[str, Mapping[int, Expected]]] = Memo(
    lambda typename: expected_heads(Heads(typename, ProtocolVersion.V2).second)
)
_ARGUMENTS_V3: Final[Mapping[str, Mapping[int, Expected]]] = Memo(
    lambda typename: expected_heads(Heads(typename, ProtocolVersion.V3).second)
)


def argument_heads(typename: str, protocol: ProtocolVersion) -> Mapping[int, Expected]:
    """By how many bytes an invocation without a caller has: what it begins with when its message is of that type."""
    return _ARGUMENTS_V3[typename] if protocol is ProtocolVersion.V3 else _ARGUMENTS_V2[typename]


def behind_caller(raw: bytes, heads: Mapping[int, Expected]) -> tuple[bytes, bytes] | None:
    """The value and the caller of an invocation that begins with its caller and goes on as expected; None of any other."""
    if raw[:1] != b"\x0a" or len(raw) < 2 or raw[1] > 0x7F:
        return None
    end = raw[1] + 2
    argument = raw[end:]
    head, before, value = heads[len(argument)]
    return (argument[value], raw[2:end]) if argument[before] == head else None
