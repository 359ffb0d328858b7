"""What a batch sends, written as fields of the response at the moment it is recorded.

A value must be encoded when it is sent (changing it afterwards changes nothing), so its field is written then and there, and
the response is one join. The two protocols differ in what stands before a value's bytes, `Heads`, and in nothing else.

The numbers are those of InvocationResponse: outgoing_messages 2, delayed_invocations 3, outgoing_egresses 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from statefun.address import Address, Egress, check_address
from statefun.batch import ProtocolVersion
from statefun.memo import Memo, MemoBySize
from statefun.wire import LENGTHS, delimited, text, varint

__all__ = ["VALUE_TAGS", "Heads", "Outgoing", "deletion", "value_head"]

VALUE_TAGS: Final = {ProtocolVersion.V2: b"\x12", ProtocolVersion.V3: b"\x1a"}
"""The tag of the bytes inside a value: field 2 of an Any, field 3 of a TypedValue."""


def value_head(typename: str, protocol: ProtocolVersion) -> bytes:
    """The name in an Any or a TypedValue and, in the latter, that it has a value."""
    name = text(b"\x0a", typename)
    return name + b"\x10\x01" if protocol is ProtocolVersion.V3 else name


_KEPT_NAMES: Final = 256
"""Of egresses or states, of which a program has a few: for each of them a head is kept for every size."""


class Heads:
    """What stands before the bytes of a value of one type where it is a field of something else, by how many they are.

    That is: the field's tag and length, the value's name, the tag and the length of its bytes.

    Args:
        typename: The name of the type.
        protocol: The protocol.

    Attributes:
        second: Where the value is field 2, as the argument of a message.
        third: Where it is field 3, as the argument of a delayed message or of an egress record, or the value of a state.
        records: From the tag of an egress record on, by the names of the egress (`Egress.wire_head`).
        mutations: From the tag of a mutation on that stores it, by the name of the state.

    >>> heads = Heads("a/b", ProtocolVersion.V2)
    >>> heads.second[2].hex()
    '12090a03612f621202'
    >>> heads.mutations["n"][2].hex()
    '0a10080112016e1a090a03612f621202'
    """

    __slots__ = ("mutations", "records", "second", "third")

    def __init__(self, typename: str, protocol: ProtocolVersion) -> None:
        name = value_head(typename, protocol)
        tag = VALUE_TAGS[protocol]

        def length_and_head(size: int) -> bytes:
            head = name + tag + varint(size) if size else name
            return varint(len(head) + size) + head

        def behind(before: bytes, field: bytes) -> Mapping[int, bytes]:
            def make(size: int) -> bytes:
                head = before + third[size]
                return field + varint(len(head) + size) + head

            return MemoBySize(make)

        third: Mapping[int, bytes] = MemoBySize(lambda size: b"\x1a" + length_and_head(size))
        self.second: Final[Mapping[int, bytes]] = MemoBySize(lambda size: b"\x12" + length_and_head(size))
        self.third: Final = third
        self.records: Final[Mapping[bytes, Mapping[int, bytes]]] = Memo(
            lambda names: behind(names, b"\x22"), limit=_KEPT_NAMES
        )
        self.mutations: Final[Mapping[str, Mapping[int, bytes]]] = Memo(
            lambda name: behind(b"\x08\x01" + text(b"\x12", name), b"\x0a"), limit=_KEPT_NAMES
        )


def deletion(name: str) -> bytes:
    """The mutation that deletes a state."""
    return delimited(b"\x0a", text(b"\x12", name))


class Outgoing:
    """The messages, delayed messages and egress records of a batch, each a few pieces of bytes.

    Order is kept inside each list, not between lists.
    """

    __slots__ = ("delayed", "messages", "records")

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.delayed: list[bytes] = []
        self.records: list[bytes] = []

    @property
    def message_count(self) -> int:
        """How many messages are recorded; each is six pieces."""
        return len(self.messages) // 6

    @property
    def record_count(self) -> int:
        """How many records are recorded; each is two pieces."""
        return len(self.records) // 2

    def message(self, to: Address[Any], heads: Heads, value: bytes) -> None:
        """Records a message."""
        try:
            encoded = to.identity.encode()
            head = to.function_type.wire_heads[len(encoded)]
        except (AttributeError, UnicodeEncodeError):
            check_address(to)
            raise
        length = len(value)
        argument = heads.second[length]
        size = len(head) + len(encoded) + len(argument) + length
        self.messages += (b"\x12", LENGTHS[size] if size < 16384 else varint(size), head, encoded, argument, value)

    def record(self, egress: Egress[Any], heads: Heads, value: bytes) -> None:
        """Records a record for an egress."""
        records = self.records
        records.append(heads.records[egress.wire_head][len(value)])
        records.append(value)

    def delay(self, delay: int, to: Address[Any], heads: Heads, value: bytes, token: str) -> None:
        """Records a message that is due after so many milliseconds, perhaps with a cancellation token."""
        try:
            encoded = to.identity.encode()
            head = to.function_type.wire_heads[len(encoded)]
        except (AttributeError, UnicodeEncodeError):
            check_address(to)
            raise
        due = b"\x08" + varint(delay) if delay else b""
        target = b"\x12" + head[1:]
        field = b"".join((due, target, encoded, heads.third[len(value)], value, text(b"\x5a", token)))
        self.delayed.append(delimited(b"\x1a", field))

    def cancel(self, token: str) -> None:
        """Records that the delayed message which was armed with the token is taken back."""
        self.delayed.append(delimited(b"\x1a", b"\x50\x01" + text(b"\x5a", token)))
