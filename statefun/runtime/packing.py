"""What the store's rows hold: several values packed into one row, since rows are what a commit costs.

Values are serialized TypedValues, whichever protocol wrote them (`protocol.transit`). A pack is a sequence of parts, each with a
fixed head of its sizes.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct
from typing import Final

from statefun.errors import StoreCorruptError

__all__ = ["pack_messages", "pack_records", "pack_states", "unpack_messages", "unpack_records", "unpack_states"]

_STATE: Final = Struct("<HqI")
_MESSAGE: Final = Struct("<HI")
_RECORD: Final = Struct("<I")


def pack_states(states: Iterable[tuple[bytes, int, bytes]]) -> bytes:
    """The states of one address: for each its name, when it expires (ms since 1970, 0 for never) and its value.

    >>> list(unpack_states(pack_states([(b"count", 0, b"x")])))
    [('count', 0, b'x')]
    """
    pack = _STATE.pack
    return b"".join([pack(len(name), expires, len(value)) + name + value for name, expires, value in states])


def unpack_states(data: bytes) -> Iterable[tuple[str, int, bytes]]:
    """The states in a pack."""
    position = 0
    end = len(data)
    while position < end:
        if position + 14 > end:
            raise _cut("states", end)
        name_length, expires, length = _STATE.unpack_from(data, position)
        position += 14
        value_at = position + name_length
        position = value_at + length
        if position > end:
            raise _cut("states", end)
        try:
            name = data[value_at - name_length : value_at].decode()
        except UnicodeDecodeError as error:
            raise StoreCorruptError(f"the name of a state is no text: {error}") from error
        yield name, expires, data[value_at:position]


def pack_messages(messages: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Messages to one address: for each its sender, as the caller's field of a request, and its value.

    >>> list(unpack_messages(pack_messages([(b"", b"x")])))
    [(b'', b'x')]
    """
    pack = _MESSAGE.pack
    return b"".join([pack(len(sender), len(value)) + sender + value for sender, value in messages])


def unpack_messages(data: bytes) -> Iterable[tuple[bytes, bytes]]:
    """The messages in a pack."""
    position = 0
    size = len(data)
    while position < size:
        if position + 6 > size:
            raise _cut("messages", size)
        sender_length, length = _MESSAGE.unpack_from(data, position)
        value_at = position + 6 + sender_length
        end = value_at + length
        if end > size:
            raise _cut("messages", size)
        yield data[position + 6 : value_at], data[value_at:end]
        position = end


def pack_records(records: Iterable[bytes]) -> bytes:
    """Records for one egress.

    >>> list(unpack_records(pack_records([b"a", b""])))
    [b'a', b'']
    """
    return b"".join([_RECORD.pack(len(record)) + record for record in records])


def unpack_records(data: bytes) -> Iterable[bytes]:
    """The records in a pack."""
    position = 0
    size = len(data)
    while position < size:
        if position + 4 > size:
            raise _cut("records", size)
        (length,) = _RECORD.unpack_from(data, position)
        position += 4 + length
        if position > size:
            raise _cut("records", size)
        yield data[position - length : position]


def _cut(what: str, size: int) -> StoreCorruptError:
    return StoreCorruptError(f"a row of {what} ends inside of one, after {size} bytes")
