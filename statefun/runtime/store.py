"""The store: one SQLite file that holds everything a runtime must not lose.

It is opened for one process at a time: SQLite's exclusive locking mode holds the file's lock from the first access to the
last, and the operating system lets go of it when the process dies, however it dies. Commits are durable before they return
(`synchronous=FULL`), so power may be lost at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from os import PathLike
from pathlib import Path
from threading import RLock
from typing import Any, Final, NamedTuple, Self

import apsw

from statefun.address import FunctionType, parse_typename
from statefun.arguments import FLAG, FUNCTION, PATH, check
from statefun.batch import Target, TypedBytes
from statefun.errors import StoreError
from statefun.protocol.transit import unwrap_stored
from statefun.protocol.values import decode_address, encode_address
from statefun.runtime.changes import Changes, ExpirationRow
from statefun.runtime.database import file_at, make_folder, one_row, open_database, store_error, transaction
from statefun.runtime.packing import unpack_messages, unpack_records, unpack_states
from statefun.runtime.timers import Timer
from statefun.runtime.values import Recovered
from statefun.runtime.writing import write

__all__ = ["FILE_NAME", "Connect", "DeadMessage", "Store"]

Connect = Callable[[str], apsw.Connection]
"""Opens the database of that name; tests bring a file system of their own through it."""

FILE_NAME: Final = "statefun.db"
"""What the file in the folder is called."""

# An address is a serialized message whose field 3 is the id: those of one function type lie between these behind its head.
_ID: Final = b"\x1a"
_AFTER_ID: Final = b"\x1b"

_PAGE: Final = 1000
"""How many addresses are read at once where all are asked for."""


class DeadMessage(NamedTuple):
    """A message that was given up, as the store tells of it.

    Attributes:
        sequence: What it is called by.
        at: When, milliseconds since 1970.
        target: The address that it was for.
        caller: The one that it came from; None for an ingress.
        message: Its typename and bytes.
        attempts: How often it was tried.
        error: What the last attempt raised.
        code: The stable name of that error; empty for what is no error of ours.
    """

    sequence: int
    at: int
    target: Target | None
    caller: Target | None
    message: TypedBytes
    attempts: int
    error: str
    code: str = ""


def _connect(name: str) -> apsw.Connection:
    return apsw.Connection(name)


class Store:
    """The store in a folder, which is made when it is not there.

    Args:
        folder: Where the file is.
        connect: Opens the database.
        must_exist: Whether a folder without a store is refused.

    Raises:
        StoreLockedError: another process, or another store of this one, has it open.
        StoreVersionError: a newer version of this package wrote it.
        StoreCorruptError: the file is damaged or no store.
        StoreError: it cannot be opened or made.
        DefinitionError: an argument is of another type.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder, Store(folder) as store:
    ...     store.count("dead"), store.function_types()
    (0, [])
    """

    def __init__(self, folder: str | PathLike[str], *, connect: Connect = _connect, must_exist: bool = False) -> None:
        check("a Store", "folder", folder, PATH)
        check("a Store", "connect", connect, FUNCTION)
        check("a Store", "must_exist", must_exist, FLAG)
        self.folder: Final = Path(folder)
        self.path: Final = self.folder / FILE_NAME
        self._place: Final = self.path.absolute()  # a function may go to another folder
        if must_exist and not self.path.is_file():
            raise StoreError(
                f"{str(self.folder)!r} holds no store", hint="name the folder that `--store` of a run named"
            )
        try:
            make_folder(self.folder)
        except OSError as error:
            raise StoreError(f"the folder {str(self.folder)!r} cannot be made: {error.strerror or error}") from error
        with self._errors("opened"):
            # Any, since apsw's stubs name a Buffer that pyright does not know before Python 3.12.
            self._connection: Final[Any] = connect(str(self.path))
        # A commit may be written in a thread: who reads meanwhile would see half of it.
        self._writing: Final = RLock()
        with ExitStack() as unless_made:  # nobody else can close what is not made
            unless_made.callback(self.close)
            with self._errors("opened"):
                self._open()
            self._file: Final = file_at(self._place)
            unless_made.pop_all()

    def _open(self) -> None:
        open_database(self._connection, str(self.path))

    def close(self) -> None:
        """Lets go of the file. Closing twice does nothing."""
        with self._errors("closed"):
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    # --- what a runtime asks ------------------------------------------------------------------------------------------

    def recover(self) -> Recovered:
        """What a core starts from."""
        with self._errors("read"):
            execute = self._connection.execute
            inbox = [
                (sequence, address, list(unpack_messages(data)))
                for sequence, address, data in execute("SELECT sequence, address, data FROM inbox ORDER BY sequence")
            ]
            following = {
                table: one_row(execute(f"SELECT coalesce(max(sequence), 0) + 1 FROM {table}"))[0]  # noqa: S608  our own names
                for table in ("inbox", "timers", "outbox")
            }
            # A number of a record that was delivered is never used again: a sink may know the record by it.
            (delivered,) = one_row(execute("SELECT coalesce(max(sequence), 0) + 1 FROM egress"))
        return Recovered(
            inbox, following["inbox"], following["timers"], max(following["outbox"], delivered), self.expirations()
        )

    @property
    def name(self) -> str:
        """What no other store is called, nor a copy of this one."""
        with self._errors("read"):
            (name,) = one_row(self._connection.execute("SELECT name FROM store"))
        return str(name)

    def expirations(self) -> list[ExpirationRow]:
        """When the states of the functions that have run on it expire, as each registered them last."""
        with self._errors("read"):
            query = "SELECT function, state, mode, milliseconds FROM expirations"
            return [ExpirationRow(*each) for each in self._connection.execute(query)]

    def has_key(self, ingress: str, key: str, *, now: int) -> bool:
        """Whether records that an ingress put under a key took effect, and the key is not forgotten at that time."""
        with self._errors("read"):
            query = "SELECT count(*) FROM keys WHERE ingress = ? AND key = ? AND expires > ?"
            (found,) = one_row(self._connection.execute(query, (ingress, key, now)))
        return bool(found)

    def next_forgotten(self) -> int | None:
        """When the next key may be forgotten, milliseconds since 1970; None where there is none."""
        with self._errors("read"):
            (found,) = one_row(self._connection.execute("SELECT min(expires) FROM keys"))
        return None if found is None else int(found)

    def load_states(self, address: bytes) -> tuple[int | None, bytes] | None:
        """The packed states of an address, and when something in them may be reclaimed; None when it has none."""
        try:
            found: Any = self._connection.execute("SELECT reclaim, data FROM states WHERE address = ?", (address,)).get
        except apsw.Error as error:
            raise store_error(str(self.path), "read", error) from error
        row: tuple[int | None, bytes] | None = found
        return row

    def timers_from(self, due: int, sequence: int, limit: int) -> list[Timer]:
        """The first timers from a due time and sequence on, in that order."""
        with self._errors("read"):
            rows = self._connection.execute(
                "SELECT due, sequence, sender, token, target, argument FROM timers"
                " WHERE (due, sequence) >= (?, ?) ORDER BY due, sequence LIMIT ?",
                (due, sequence, limit),
            )
            return [
                Timer(due, sequence, sender, token or "", target, argument, stored=True)
                for due, sequence, sender, token, target, argument in rows
            ]

    def reclaimable(self, now: int, limit: int) -> list[bytes]:
        """Addresses some of whose states have expired at that time, in milliseconds since 1970."""
        with self._errors("read"):
            rows = self._connection.execute(
                "SELECT address FROM states WHERE reclaim IS NOT NULL AND reclaim <= ? LIMIT ?", (now, limit)
            )
            return [address for (address,) in rows]

    def positions(self) -> dict[str, str]:
        """Where each ingress goes on."""
        with self._errors("read"):
            return dict(self._rows("SELECT id, position FROM ingress"))

    def egress_positions(self) -> dict[str, str]:
        """What each egress holds for certain."""
        with self._errors("read"):
            return dict(self._rows("SELECT id, position FROM egress"))

    def undelivered(self) -> Iterator[tuple[int, str, list[bytes]]]:
        """Egress records that are committed and not known to be delivered, in order: sequence, egress, records."""
        with self._errors("read"):
            rows = self._rows("SELECT sequence, egress, data FROM outbox ORDER BY sequence")
        for sequence, egress, data in rows:
            yield sequence, egress, list(unpack_records(data))

    def commit(self, changes: Changes) -> None:
        """Writes the changes in one transaction; they are on disk when it returns.

        Raises:
            StoreError: they could not be written, and none of them was; or they were, into a file that has not this path any more.
        """
        with self.transaction() as connection:
            write(connection, changes)
        # SQLite goes on writing to what nobody finds.
        if self._file is not None and file_at(self._place) != self._file:
            raise StoreError(
                f"{str(self.path)!r} was removed, moved or replaced while it was in use",
                hint="put back the whole folder if it was moved; what was in a removed one is lost",
            )

    @contextmanager
    def transaction(self) -> Generator[Any]:
        """One transaction, on disk when its block is left; none of it took effect when that raises.

        Returns:
            The connection.

        Raises:
            StoreError: something could not be written.
        """
        with self._writing, self._errors("written"), transaction(self._connection):
            yield self._connection

    @contextmanager
    def reading(self) -> Generator[Any]:
        """The connection, to read from.

        Raises:
            StoreError: something could not be read.
        """
        with self._errors("read"):
            yield self._connection

    # --- what a person asks ---------------------------------------------------------------------------------------------

    def states(
        self, function: FunctionType[Any] | type[Any] | str, *, now: int = 0
    ) -> Iterator[tuple[str, dict[str, TypedBytes]]]:
        """The states of all addresses of a function type, by id; while a runtime goes on, what is committed when each is read.

        Args:
            function: Its typename, its FunctionType, or a class that has one.
            now: A time in milliseconds since 1970; what has expired by then is left out.

        Returns:
            For each id its states by name, each a typename and bytes.
        """
        head = _head(_target(function, ""))
        first, end = head + _ID, head + _AFTER_ID
        while True:
            with self._writing, self._errors("read"):
                rows = self._rows(
                    "SELECT address, data FROM states WHERE address >= ? AND address < ? ORDER BY address LIMIT ?",
                    (first, end, _PAGE),
                )
            for address, data in rows:
                target = decode_address(address)
                states = _living(data, now)
                if target is not None and states:
                    yield target.id, states
            if len(rows) < _PAGE:
                return
            first = rows[-1][0] + b"\0"

    def states_of(
        self, function: FunctionType[Any] | type[Any] | str, id: str, *, now: int = 0
    ) -> dict[str, TypedBytes]:
        """The states of one address by name; none of them where it has none.

        Args:
            function: Its typename, its FunctionType, or a class that has one.
            id: Its id.
            now: A time in milliseconds since 1970; what has expired by then is left out.
        """
        row = self.load_states(encode_address(_target(function, id)))
        return {} if row is None else _living(row[1], now)

    def function_types(self) -> list[str]:
        """The function types that have states, in no particular order."""
        found: list[str] = []
        first = b""
        with self._writing, self._errors("read"):
            while rows := self._rows("SELECT min(address) FROM states WHERE address >= ?", (first,)):
                if (target := decode_address(rows[0][0] or b"")) is None:
                    break
                found.append(f"{target.namespace}/{target.type}")
                first = _head(target) + _AFTER_ID
        return found

    def waiting(self) -> dict[str, int]:
        """How many messages wait for each function type, in inboxes or until their time has come."""
        found: dict[str, int] = {}
        with self._errors("read"):
            inbox = self._rows("SELECT address, data FROM inbox")
            timers = self._rows("SELECT target, count(*) FROM timers GROUP BY target")
        counts = [*((address, sum(1 for _ in unpack_messages(data))) for address, data in inbox), *timers]
        for address, count in counts:
            if (target := decode_address(address)) is not None:
                typename = f"{target.namespace}/{target.type}"
                found[typename] = found.get(typename, 0) + count
        return found

    def dead_messages(self) -> Iterator[DeadMessage]:
        """The messages that were given up, the oldest first."""
        with self._errors("read"):
            rows = self._rows(
                "SELECT sequence, at, target, sender, argument, attempts, error, code FROM dead ORDER BY sequence"
            )
        for sequence, at, target, sender, argument, attempts, error, code in rows:
            yield DeadMessage(
                sequence,
                at,
                decode_address(target),
                decode_address(sender),
                unwrap_stored(argument),
                attempts,
                error,
                code,
            )

    def count(self, table: str) -> int:
        """How many rows a table has.

        Raises:
            StoreError: there is no such table.
        """
        if table not in ("states", "inbox", "timers", "outbox", "dead", "keys"):
            raise StoreError(f"a store has no table {table!r}")
        with self._errors("read"):
            (found,) = one_row(self._connection.execute(f"SELECT count(*) FROM {table}"))  # noqa: S608  one of the above
        return int(found)

    def _rows(self, query: str, values: tuple[Any, ...] = ()) -> list[Any]:
        rows: list[Any] = self._connection.execute(query, values).fetchall()
        return rows

    # --- errors ---------------------------------------------------------------------------------------------------------

    @contextmanager
    def _errors(self, verb: str) -> Generator[None]:
        try:
            yield
        except apsw.Error as error:
            raise store_error(str(self.path), verb, error) from error


def _target(function: FunctionType[Any] | type[Any] | str, id: str) -> Target:
    named = getattr(function, "function_type", function)
    typename = named.typename if isinstance(named, FunctionType) else str(named)
    return Target(*parse_typename(typename), id)


def _head(target: Target) -> bytes:
    """An address but for its id."""
    return encode_address(target._replace(id=""))


def _living(data: bytes, now: int) -> dict[str, TypedBytes]:
    return {name: unwrap_stored(value) for name, expires, value in unpack_states(data) if not expires or expires > now}
