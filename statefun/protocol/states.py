"""The states of a request, of which only what is touched is taken apart.

An engine sends the states of one function type in one order, request after request. So the names are read once, as the bytes
that an entry begins with, and later requests are only compared with them: 64 states cost 64 comparisons, no parsing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import le
from typing import Any, Final

from google.protobuf.message import DecodeError

from statefun.batch import ProtocolVersion
from statefun.errors import MalformedRequestError
from statefun.outgoing import Heads
from statefun.protocol._generated import v2, v3
from statefun.protocol.expected import UNKNOWN, Expected, expected_heads
from statefun.wire import delimited, text

__all__ = ["StateLayout", "encode_entry", "split_entry"]

_parse_v2: Final[Any] = v2.ToFunction.PersistedValue.FromString
_parse_v3: Final[Any] = v3.ToFunction.PersistedValue.FromString
# An entry is laid out as an Any is, a text and then bytes: so its name is read and its value left alone.
_parse_name: Final[Any] = v2.AnyValue.FromString


class StateLayout:
    """The states that a function's requests carry, in the order that its engine sends them.

    Args:
        function: The function's typename.
        entries: The states of one request, each a serialized PersistedValue.
        protocol: The protocol of the request.
        declared: The states that the function declares: the typename of each by its name.

    Attributes:
        names: Their names.
        missing: The declared names that are not among them, in the order of their declaration.

    Raises:
        MalformedRequestError: an entry is no PersistedValue.
    """

    __slots__ = ("_ceilings", "_prefixes", "_states", "_usual", "function", "missing", "names", "protocol")

    def __init__(
        self, function: str, entries: Sequence[bytes], protocol: ProtocolVersion, declared: Mapping[str, str]
    ) -> None:
        names = [_name(entry) for entry in entries]
        self.function: Final = function
        self.protocol: Final = protocol
        # Where each stands, and what it begins with when it holds a value of its declared type.
        self._states: Final = {
            name: (position, *_expected(name, declared.get(name), protocol)) for position, name in enumerate(names)
        }
        self.names: Final = self._states.keys()
        self.missing: Final = tuple(name for name in declared if name not in self._states)
        self._prefixes: Final = tuple(text(b"\x0a", name) for name in names)
        # Bytes that sort between a prefix and its ceiling begin with the prefix, and to compare them twice costs less than to ask whether
        # they do. No field begins with the ceiling's last byte, so nothing that an engine writes sorts behind it.
        self._ceilings: Final = tuple(prefix + b"\xff" for prefix in self._prefixes)
        # An entry that does not begin with its name, which no engine writes, is not recognized again.
        self._usual: Final = all(names) and all(map(bytes.startswith, entries, self._prefixes))

    def fits(self, entries: list[bytes]) -> bool:
        """Whether the states of another request of the same protocol are these, in this order."""
        prefixes = self._prefixes
        if len(prefixes) != len(entries) or not self._usual:
            return False
        if len(entries) == 1:  # the usual number, which needs no iterators
            return prefixes[0] <= entries[0] <= self._ceilings[0]
        return all(map(le, prefixes, entries)) and all(map(le, entries, self._ceilings))

    def value(self, entries: Sequence[bytes], name: str) -> tuple[str, bytes] | None:
        """The typename and bytes of a state of a request that this layout fits; None when it is absent.

        Raises:
            KeyError: the request does not carry the state.
            MalformedRequestError: its entry is malformed.
        """
        position, typename, heads = self._states[name]
        entry = entries[position]
        head, before, value = heads[len(entry)]
        return (typename, entry[value]) if entry[before] == head else _parsed(entry, self.protocol)


def _expected(name: str, typename: str | None, protocol: ProtocolVersion) -> tuple[str, Mapping[int, Expected]]:
    """The name of a state's type, and what its entry begins with when it holds a value of it."""
    if not typename:  # undeclared, or of any type
        return "", UNKNOWN
    return typename, expected_heads(Heads(typename, protocol).second, text(b"\x0a", name))


def _parsed(entry: bytes, protocol: ProtocolVersion) -> tuple[str, bytes] | None:
    try:
        if protocol is ProtocolVersion.V3:
            typed = _parse_v3(entry).state_value
            return (typed.typename, typed.value) if typed.has_value else None
        packed = _parse_v2(entry).state_value
        return (packed.typename, packed.value) if packed.typename else None
    except (DecodeError, UnicodeDecodeError) as error:
        raise MalformedRequestError(f"the {len(entry)} bytes of a state are malformed: {error}") from error


def _name(entry: bytes) -> str:
    """The name that an entry begins with. What follows is not looked into, so that only who reads it stumbles over it."""
    if entry[:1] == b"\x0a" and len(entry) > 1 and (end := 2 + entry[1]) <= min(len(entry), 0x81):
        try:
            return entry[2:end].decode()
        except UnicodeDecodeError as error:
            raise MalformedRequestError(f"the {len(entry)} bytes of a state are malformed: {error}") from error
    return split_entry(entry)[0]


def split_entry(entry: bytes) -> tuple[str, bytes]:
    """The name of a state and its value, still serialized; empty bytes when absent.

    Raises:
        MalformedRequestError: the entry is malformed.
    """
    try:
        parsed = _parse_name(entry)
        return parsed.typename, parsed.value
    except (DecodeError, UnicodeDecodeError) as error:
        raise MalformedRequestError(f"the {len(entry)} bytes of a state are malformed: {error}") from error


def encode_entry(name: str, value: bytes) -> bytes:
    """A state as an engine sends it: its name and its serialized value, empty when absent."""
    return text(b"\x0a", name) + (delimited(b"\x12", value) if value else b"")
