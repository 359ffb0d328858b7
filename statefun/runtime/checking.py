"""What `statefun check-store` looks at: SQLite's own structure, and what this package means by its rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

from statefun.address import parse_typename
from statefun.batch import Target
from statefun.errors import StatefunError
from statefun.expiration import ExpirationMode
from statefun.protocol.values import decode_address, encode_address, unwrap_v3
from statefun.runtime.packing import unpack_messages, unpack_records, unpack_states
from statefun.runtime.schema import VERSION
from statefun.runtime.store import Store

__all__ = ["Problem", "check", "check_database", "counts"]

_TABLES: Final = ("ingress", "keys", "states", "expirations", "inbox", "timers", "egress", "outbox", "dead")
_PAGES: Final = "sqlite"
_MODES: Final = {each.value for each in ExpirationMode}


class Problem(NamedTuple):
    """Something in a store that should not be.

    Attributes:
        table: Where it is; `sqlite` for what SQLite itself found.
        row: Which row, as a text; empty for none in particular.
        text: What is wrong with it.
    """

    table: str
    row: str
    text: str


class _WrongError(Exception):
    """A row that should not be as it is."""


def check(store: Store) -> Iterator[Problem]:
    """Looks at every row of a store, and gives what is wrong.

    Raises:
        StoreError: SQLite cannot read the file any further.
    """
    with store.reading() as connection:
        yield from check_database(connection)


def check_database(connection: Any) -> Iterator[Problem]:
    """Looks at every row of a store through a connection of one's own, and gives what is wrong.

    Raises:
        apsw.Error: SQLite cannot read the file any further.
    """
    damaged = False
    for (told,) in connection.execute("PRAGMA integrity_check"):
        if told != "ok":
            damaged = True
            # One text may hold many of them, below a line that names the database.
            lines = [each for each in told.splitlines() if not each.startswith("***")]
            yield from (Problem(_PAGES, "", each) for each in lines or [told])
    if damaged:
        return  # rows of a damaged tree are anybody's guess
    if connection.execute("PRAGMA user_version").get != VERSION:
        return  # a runtime of another version made it, which alone knows what its rows mean
    for table, query, look in _LOOKS:
        yield from _rows(connection, query, table, look)


def counts(store: Store) -> dict[str, int]:
    """How many rows each table has."""
    with store.reading() as connection:
        return {
            each: connection.execute(f"SELECT count(*) FROM {each}").get  # noqa: S608  our own names
            for each in _TABLES
        }


def _rows(connection: Any, query: str, table: str, look: Callable[..., None]) -> Iterator[Problem]:
    for name, *values in connection.execute(query):
        try:
            look(*values)
        except _WrongError as error:
            yield Problem(table, str(name), str(error))
        except StatefunError as error:
            yield Problem(table, str(name), error.message)
        except (TypeError, AttributeError):
            kinds = ", ".join(type(each).__name__ for each in values)
            yield Problem(table, str(name), f"values of other kinds than the table's columns: {kinds}")


# --- one row of each table --------------------------------------------------------------------------------------------


def _ingress(id: str, position: str) -> None:
    parse_typename(id)
    _need(bool(position), "an empty position")
    if not position.startswith("{"):
        return  # what it means is the ingress's own
    try:
        numbers = json.loads(position)
    except ValueError as error:
        raise _WrongError(f"a position that is no JSON: {error}") from error
    for name in ("offset", "line"):
        if name in numbers:
            number = numbers[name]
            _need(type(number) is int and number >= 0, f"a position whose {name} is {number!r}")


def _states(address: bytes, reclaim: int | None, data: bytes) -> None:
    _address(address)
    _need(bool(data), "a row without a state")
    names: set[str] = set()
    first = 0
    for name, expires, value in unpack_states(data):
        _need(name not in names, f"the state {name!r} twice")
        names.add(name)
        _need(expires >= 0, f"the state {name!r} expires at {expires}")
        _value(value, f"the state {name!r}")
        if expires:
            first = min(first or expires, expires)
    _need(not first or reclaim is not None, "a state that expires, in a row that would never be looked at for it")


def _expiration(function: str, state: str, mode: str | None, milliseconds: int | None) -> None:
    parse_typename(function)
    _need(type(state) is str and bool(state), "a state without a name")
    if mode is None:
        _need(milliseconds is None, f"a state that never expires, after {milliseconds} ms")
    else:
        _need(mode in _MODES, f"a state that expires {mode!r}")
        _need(type(milliseconds) is int and milliseconds > 0, f"a state that expires after {milliseconds!r} ms")


def _inbox(sequence: int, address: bytes, data: bytes) -> None:
    _need(sequence > 0, "a number that is not above 0")
    _address(address)
    count = 0
    for sender, value in unpack_messages(data):
        count += 1
        _sender(sender)
        _value(value, "a message")
    _need(count > 0, "a row without a message")


def _timer(sequence: int, due: int, sender: bytes, token: str | None, target: bytes, argument: bytes) -> None:
    _need(sequence > 0, "a number that is not above 0")
    _need(due >= 0, f"due at {due}")
    _need(token != "", "an empty token")
    _sender(sender)
    _address(target)
    _value(argument, "the message")


def _egress(id: str, position: str) -> None:
    parse_typename(id)
    if position.lstrip("-").isdigit():
        _need(int(position) >= 0, f"a length of {position}")


def _outbox(sequence: int, egress: str, data: bytes, known: int) -> None:
    _need(sequence > 0, "a number that is not above 0")
    parse_typename(egress)
    _need(bool(known), f"records for the egress {egress!r}, of which no position is kept")
    _need(_length(unpack_records(data)) > 0, "a row without a record")


def _dead(at: int, target: bytes, sender: bytes, argument: bytes, attempts: int, error: str, code: str) -> None:
    _need(at >= 0, f"given up at {at}")
    found = decode_address(target)
    if found is not None and not found.id:  # a record that became no message
        _need(bool(found.namespace and found.type), "an address without a namespace or a type")
        _need(attempts == 0, f"{attempts} attempts of what is no message")
    else:
        _address(target)
        _need(attempts > 0, f"{attempts} attempts")
    if sender:
        _address(sender)
    _value(argument, "the message")
    _need(type(error) is str and type(code) is str, "an error that is no text")


def _key(ingress: str, key: str, expires: int) -> None:
    parse_typename(ingress)
    _need(type(key) is str and bool(key), "an empty key")
    _need(expires > 0, f"a key that is forgotten at {expires}")


def _name(name: str, rows: int) -> None:
    _need(rows == 1, f"one of {rows} names")
    _need(len(name) == 32 and not set(name) - set("0123456789abcdef"), f"the name {name!r}")


# A query gives how a row is called, and then what its look takes.
_LOOKS: Final[tuple[tuple[str, str, Callable[..., None]], ...]] = (
    ("ingress", "SELECT id, id, position FROM ingress", _ingress),
    ("states", "SELECT hex(address), address, reclaim, data FROM states", _states),
    (
        "expirations",
        "SELECT function || ' ' || state, function, state, mode, milliseconds FROM expirations",
        _expiration,
    ),
    ("inbox", "SELECT sequence, sequence, address, data FROM inbox", _inbox),
    ("timers", "SELECT sequence, sequence, due, sender, token, target, argument FROM timers", _timer),
    ("egress", "SELECT id, id, position FROM egress", _egress),
    ("outbox", "SELECT sequence, sequence, egress, data, egress IN (SELECT id FROM egress) FROM outbox", _outbox),
    ("dead", "SELECT sequence, at, target, sender, argument, attempts, error, code FROM dead", _dead),
    ("keys", "SELECT key, ingress, key, expires FROM keys", _key),
    ("store", "SELECT rowid, name, (SELECT count(*) FROM store) FROM store", _name),
)


# --- its parts --------------------------------------------------------------------------------------------------------


def _need(holds: bool, otherwise: str) -> None:
    if not holds:
        raise _WrongError(otherwise)


def _address(raw: bytes) -> None:
    target: Target | None = decode_address(raw)
    _need(target is not None and all(target), "an address without a namespace, a type or an id")
    _need(target is not None and encode_address(target) == raw, "an address that is not written as this package does")


def _sender(field: bytes) -> None:
    """The caller's field of a request: empty, or a tag, a length and an address."""
    if not field:
        return
    _need(field[0] == 0x0A, "a sender that is none")
    start = 1
    length = shift = 0
    while start < len(field):
        byte = field[start]
        length |= (byte & 0x7F) << shift
        start += 1
        shift += 7
        if byte < 0x80:
            break
    _need(length == len(field) - start, "a sender that is cut")
    _address(field[start:])


def _value(raw: bytes, of: str) -> None:
    value = unwrap_v3(raw)
    _need(value is not None, f"{of} holds no value")
    _need(value is not None and bool(value.typename), f"{of} holds a value without a type")


def _length(each: Iterable[Any]) -> int:
    return sum(1 for _ in each)
