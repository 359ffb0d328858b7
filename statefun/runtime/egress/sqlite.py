"""A table of an SQLite file as an egress, exactly once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import apsw

from statefun.errors import EgressError, EgressUnavailableError
from statefun.model import BoundEgress, ColumnKind, SqliteEgress
from statefun.runtime.egress.sink import OutgoingRecord
from statefun.runtime.egress.tables import (
    DELIVERED,
    Found,
    TableSink,
    differences,
    insert_statement,
    plain_cell,
    rows_of,
)

__all__ = ["SqliteSink"]

_Connection: TypeAlias = Any
"""An `apsw.Connection`; Any, since apsw's stubs name a Buffer that pyright does not know before Python 3.12."""

_BUSY_MILLISECONDS: Final = 5000

_TYPES: Final[Mapping[ColumnKind, str]] = {
    ColumnKind.INT32: "INTEGER",
    ColumnKind.INT64: "INTEGER",
    ColumnKind.REAL: "REAL",
    ColumnKind.BOOLEAN: "INTEGER",
    ColumnKind.TEXT: "TEXT",
    ColumnKind.BYTES: "BLOB",
    ColumnKind.TIMESTAMP: "TEXT",
    ColumnKind.JSON: "TEXT",
}
_HOLDS: Final[Mapping[str, frozenset[str]]] = {
    "INTEGER": frozenset({"INTEGER", "NUMERIC", "BLOB"}),
    "REAL": frozenset({"REAL", "NUMERIC", "BLOB"}),
    "TEXT": frozenset({"TEXT", "BLOB"}),
    "BLOB": frozenset({"BLOB"}),
}
"""For each type the affinities of columns that give a value back as it was."""


class SqliteSink(TableSink):
    """Inserts records into a table of an SQLite file. They are on disk when `deliver` returns.

    Args:
        bound: The egress.
    """

    def __init__(self, bound: BoundEgress) -> None:
        super().__init__(bound)
        egress: SqliteEgress = bound.egress
        self._egress: Final = egress
        self._path: Final = str(egress.path)
        self._table: Final = _quoted(egress.table)
        self._connection: _Connection | None = None
        self._lock: Final = threading.Lock()
        """Held by the thread that uses the connection: a run that is cancelled does not wait for it, closing does."""

    async def open(self, store: str, position: str | None) -> None:
        """Opens the file, and makes what is not there.

        Raises:
            EgressUnavailableError: another program has the file locked.
            EgressError: the file cannot be opened, its table does not fit, or it has lost rows.
        """
        await super().open(store, position)
        await asyncio.to_thread(self._open)

    async def insert(self, records: Sequence[OutgoingRecord]) -> None:
        """Inserts the rows that the table does not have, and notes the last sequence number, in one transaction.

        Raises:
            EgressUnavailableError: another program has the file locked.
            EgressError: the file cannot be written, or refuses a row.
        """
        await asyncio.to_thread(self._insert, records)

    async def close(self) -> None:
        """Closes the file."""
        await asyncio.to_thread(self._close)

    # --- in a thread, since SQLite waits for the disk -----------------------------------------------------------------

    def _open(self) -> None:
        with self._lock:
            try:
                connection: _Connection = apsw.Connection(self._path)
                self._connection = connection
                connection.set_busy_timeout(_BUSY_MILLISECONDS)
                # With EXTRA a commit survives the loss of power in each journal mode, whichever the file has.
                connection.execute("PRAGMA synchronous = EXTRA")
                with _transaction(connection):
                    self._prepare(connection)
            except apsw.Error as error:
                raise self._error("opened", error) from error

    def _prepare(self, connection: _Connection) -> None:
        connection.execute(
            f'CREATE TABLE IF NOT EXISTS {DELIVERED} ("store" TEXT NOT NULL, "egress" TEXT NOT NULL, "sequence" INTEGER NOT NULL, '
            'PRIMARY KEY ("store", "egress")) WITHOUT ROWID'
        )
        self.check_last(self._last(connection), self._path)
        found = list(
            connection.execute(
                'SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?)', (self._egress.table,)
            )
        )
        key = self._egress.key
        if not found:
            columns = [f"{_quoted(each.name)} {_TYPES[each.kind]}" for each in self.columns]
            if key:
                columns.append(f"PRIMARY KEY ({', '.join(_quoted(each) for each in key)})")
            connection.execute(f"CREATE TABLE {self._table} ({', '.join(columns)})")
            return
        # An INTEGER PRIMARY KEY numbers the rows by itself.
        there = [
            Found(name, type, bool(notnull) and default is None and not (pk and type.upper() == "INTEGER"))
            for name, type, notnull, default, pk in found
        ]
        problems = differences(self.columns, there, _fits, _TYPES)
        if problems:
            raise EgressError(
                f"the table {self._egress.table!r} in {self._path} does not fit {self.id!r}: {'; '.join(problems)}",
                hint="change the table, or name another, which is made when it is not there",
            )
        names = [each.name for each in self.columns]
        try:
            # SQLite itself says whether the key is one, and whether a trigger or a view is in the way.
            list(connection.execute("EXPLAIN " + self._statement(names), (None,) * len(names)))
        except apsw.SQLError as error:
            raise EgressError(
                f"the table {self._egress.table!r} in {self._path} cannot take rows of {self.id!r}: {error}",
                hint="a `key=` needs a PRIMARY KEY or a UNIQUE index of exactly its columns",
            ) from error

    def _insert(self, records: Sequence[OutgoingRecord]) -> None:
        with self._lock:
            connection = self._connection
            if connection is None:
                raise EgressError(f"{self._path} is closed", hint="open the sink before records are delivered to it")
            try:
                with _transaction(connection):
                    last = self._last(connection) or 0
                    for names, cells in rows_of(self.columns, records, last, plain_cell):
                        connection.executemany(self._statement(names), cells)
                    if records[-1].sequence > last:
                        connection.execute(
                            f'INSERT INTO {DELIVERED} VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET "sequence" = excluded."sequence"',  # noqa: S608  a constant
                            (self.store, self.id, records[-1].sequence),
                        )
            except apsw.Error as error:
                raise self._error("written", error) from error

    def _close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _last(self, connection: _Connection) -> int | None:
        last: Any = connection.execute(
            f'SELECT "sequence" FROM {DELIVERED} WHERE "store" = ? AND "egress" = ?',  # noqa: S608  a constant
            (self.store, self.id),
        ).get
        return None if last is None else int(last)

    def _statement(self, names: Sequence[str]) -> str:
        return insert_statement(self._table, names, self._egress.key, mark="?", quote=_quoted)

    def _error(self, verb: str, error: apsw.Error) -> EgressError:
        if isinstance(error, apsw.BusyError | apsw.LockedError):
            return EgressUnavailableError(
                f"{self._path} cannot be {verb}: another program has it locked",
                hint="let it finish; the records wait meanwhile",
            )
        return EgressError(
            f"{self._path} cannot be {verb}, table {self._egress.table!r}: {error}",
            hint=f"check the path and the table of the egress {self.id!r}",
        )


class _transaction:  # noqa: N801  used as a function
    """One transaction that has the right to write from its beginning, so that what it reads stays true."""

    def __init__(self, connection: _Connection) -> None:
        self._connection: Final = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_rest: object) -> None:
        if kind is None:
            try:
                self._connection.execute("COMMIT")
            except apsw.Error:
                self._rollback()
                raise
        else:
            self._rollback()

    def _rollback(self) -> None:
        if self._connection.in_transaction:  # some errors have ended it already
            self._connection.execute("ROLLBACK")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _fits(kind: ColumnKind, declared: str) -> bool:
    return _affinity(declared) in _HOLDS[_TYPES[kind]]


def _affinity(declared: str) -> str:
    """What SQLite makes of a declared type: https://www.sqlite.org/datatype3.html#determination_of_column_affinity."""
    upper = declared.upper()
    for parts, affinity in (
        (("INT",), "INTEGER"),
        (("CHAR", "CLOB", "TEXT"), "TEXT"),
        (("BLOB",), "BLOB"),
        (("REAL", "FLOA", "DOUB"), "REAL"),
    ):
        if any(part in upper for part in parts):
            return affinity
    return "NUMERIC" if upper else "BLOB"
