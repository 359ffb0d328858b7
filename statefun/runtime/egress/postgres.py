"""A table of a PostgreSQL database as an egress, exactly once.

The number of the last transaction is read and changed in the transaction that inserts the rows, with its row locked. So it is right
too when the connection breaks during a commit, and when a killed runtime's last transaction is still on its way in the server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import psycopg
from psycopg import conninfo

from statefun.errors import EgressError, EgressUnavailableError
from statefun.model import BoundEgress, ColumnKind, PostgresEgress
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
from statefun.runtime.references import dereferenced

__all__ = ["PostgresSink"]

_Connection: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]

_CONNECTION: Final[Mapping[str, Any]] = {
    "application_name": "statefun",
    "connect_timeout": 10,
    # A server that is gone without a word is noticed within this many milliseconds.
    "tcp_user_timeout": 30_000,
}
_SESSION: Final = (
    # A timestamp without a zone is UTC, wherever the server stands.
    b"SET TIME ZONE 'UTC'",
    # Another runtime's transaction that holds the number is waited for, but not for ever.
    b"SET lock_timeout = '30s'",
    # A server that does not wait for its disk could lose rows that were confirmed.
    b"SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
)

_TYPES: Final[Mapping[ColumnKind, str]] = {
    ColumnKind.INT32: "integer",
    ColumnKind.INT64: "bigint",
    ColumnKind.REAL: "double precision",
    ColumnKind.BOOLEAN: "boolean",
    ColumnKind.TEXT: "text",
    ColumnKind.BYTES: "bytea",
    ColumnKind.TIMESTAMP: "timestamp with time zone",
    ColumnKind.JSON: "jsonb",
}
_OTHERS: Final[Mapping[ColumnKind, frozenset[str]]] = {
    ColumnKind.INT32: frozenset({"bigint", "numeric"}),
    ColumnKind.INT64: frozenset({"numeric"}),
    ColumnKind.TEXT: frozenset({"character varying"}),
    ColumnKind.JSON: frozenset({"json"}),
}
"""What holds the values of a kind as well."""

_COLUMNS: Final = b"""
SELECT attname, format_type(atttypid, atttypmod), attnotnull AND NOT atthasdef AND attidentity = ''
FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""

_UNAVAILABLE: Final = (
    psycopg.OperationalError,  # no connection, the server stops or is short of something, a deadlock
    psycopg.InterfaceError,  # the connection was lost before
    psycopg.errors.ReadOnlySqlTransaction,  # a standby, until it is promoted
)


_ZERO: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_QUOTED: Final = re.compile(r"(['\"]).*\1")


class PostgresSink(TableSink):
    """Inserts records into a table of a PostgreSQL database. They are on its disk when `deliver` returns.

    Args:
        bound: The egress.
    """

    def __init__(self, bound: BoundEgress) -> None:
        super().__init__(bound)
        egress: PostgresEgress = bound.egress
        self._egress: Final = egress
        parts = egress.table.split(".")
        self._table: Final = ".".join(_quoted(each) for each in parts)
        self._delivered_table: Final = ".".join(_quoted(each) for each in [*parts[:-1], DELIVERED])
        self._parameters: dict[str, Any] = {}
        self._connection: _Connection | None = None

    def encode(self, typename: str, value: bytes) -> bytes:
        """The row of a value, as a JSON object.

        Raises:
            EgressError: it is no row of the table, or holds a text with a zero byte, which PostgreSQL has no place for.
        """
        data = super().encode(typename, value)
        if b"\\u0000" in data and _ZERO.search(data):
            raise EgressError(
                f"a value of {typename!r} is sent to {self.id!r} with a zero byte in a text",
                hint="PostgreSQL keeps none in a text or in JSON: leave it out, or send it as bytes",
            )
        return data

    async def open(self, store: str, position: str | None) -> None:
        """Connects, and makes what is not there. Where there is no server now, the first delivery does it.

        Raises:
            EgressError: the dsn cannot be read, the table does not fit, or the database has lost rows.
        """
        await super().open(store, position)
        self._parameters = _parameters(self._egress)
        try:
            await self._connected()
        except EgressUnavailableError:
            return

    async def insert(self, records: Sequence[OutgoingRecord]) -> None:
        """Inserts the rows that the table does not have, and notes the last sequence number, in one transaction.

        Raises:
            EgressUnavailableError: there is no server, or it cannot take rows now.
            EgressError: the table does not fit, or refuses a row.
        """
        connection = await self._connected()
        try:
            async with connection.transaction():
                last = await self._last(connection, " FOR UPDATE")
                if last is None:
                    raise EgressError(
                        f"the number of {self.id!r} is gone from {DELIVERED}",
                        hint="put its row back, or run again to begin with a new one",
                    )
                async with connection.cursor() as cursor:
                    for names, cells in rows_of(self.columns, records, last, plain_cell):
                        statement = insert_statement(
                            self._table.replace("%", "%%"), names, self._egress.key, mark="%s", quote=_quoted_in_query
                        )
                        await cursor.executemany(statement.encode(), cells)
                if records[-1].sequence > last:
                    await connection.execute(
                        f'UPDATE {self._in_query} SET "sequence" = %s WHERE "store" = %s AND "egress" = %s'.encode(),  # noqa: S608
                        (records[-1].sequence, self.store, self.id),
                    )
        except psycopg.Error as error:
            raise await self._failed(error) from None

    async def close(self) -> None:
        """Closes the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    # --- inside -------------------------------------------------------------------------------------------------------

    @property
    def _in_query(self) -> str:
        return self._delivered_table.replace("%", "%%")

    async def _connected(self) -> _Connection:
        if self._connection is not None and not self._connection.closed:
            return self._connection
        connection: _Connection | None = None
        try:
            connection = await psycopg.AsyncConnection.connect(autocommit=True, **self._parameters)
            for setting in _SESSION:
                await connection.execute(setting)
            async with connection.transaction():
                await self._prepare(connection)
        except BaseException as error:
            if connection is not None:
                await connection.close()
            if isinstance(error, psycopg.Error):
                raise await self._failed(error) from None
            raise
        self._connection = connection
        return connection

    async def _prepare(self, connection: _Connection) -> None:
        # Asked for first, each time: to make a table, even one that is there, takes a right that to use it does not.
        if not await _found(connection, self._delivered_table):
            await connection.execute(
                f'CREATE TABLE IF NOT EXISTS {self._delivered_table} ("store" text NOT NULL, "egress" text NOT NULL, '
                '"sequence" bigint NOT NULL, PRIMARY KEY ("store", "egress"))'.encode()
            )
        last = await self._last(connection)
        self.check_last(last, "the database")
        if last is None:  # the row is there from now on, so that there is something to lock
            await connection.execute(
                f"INSERT INTO {self._in_query} VALUES (%s, %s, 0) ON CONFLICT DO NOTHING".encode(),  # noqa: S608
                (self.store, self.id),
            )
        found = await _found(connection, self._table)
        if not found:
            columns = [f"{_quoted(each.name)} {_TYPES[each.kind]}" for each in self.columns]
            if self._egress.key:
                columns.append(f"PRIMARY KEY ({', '.join(_quoted(each) for each in self._egress.key)})")
            await connection.execute(f"CREATE TABLE IF NOT EXISTS {self._table} ({', '.join(columns)})".encode())
            return
        problems = differences(self.columns, found, _fits, _TYPES)
        if problems:
            raise EgressError(
                f"the table {self._egress.table!r} does not fit {self.id!r}: {'; '.join(problems)}",
                hint="change the table, or name another, which is made when it is not there",
            )
        names = [each.name for each in self.columns]
        statement = insert_statement(self._table, names, self._egress.key, mark="NULL", quote=_quoted)
        try:
            # The server itself says whether the key is one, and whether a view or a generated column is in the way.
            await connection.execute(f"EXPLAIN {statement}".encode())
        except psycopg.ProgrammingError as error:
            raise EgressError(
                f"the table {self._egress.table!r} cannot take rows of {self.id!r}: {error.diag.message_primary}",
                hint="a `key=` needs a primary key or a unique index of exactly its columns",
            ) from error

    async def _last(self, connection: _Connection, lock: str = "") -> int | None:
        query = f'SELECT "sequence" FROM {self._in_query} WHERE "store" = %s AND "egress" = %s{lock}'  # noqa: S608
        row = await (await connection.execute(query.encode(), (self.store, self.id))).fetchone()
        return None if row is None else int(row[0])

    async def _failed(self, error: psycopg.Error) -> EgressError:
        """What an error of the driver means; the connection is not used again after one that leaves it in doubt."""
        if isinstance(error, _UNAVAILABLE):
            await self.close()
            return EgressUnavailableError(f"{self.id!r} has no database now: {self._reason(error)}")
        # What the server says of a refused row may hold its values, so only the names of things are told.
        about = ", ".join(each for each in (error.diag.column_name, error.diag.constraint_name) if each)
        return EgressError(
            f"PostgreSQL refuses rows of {self.id!r} in the table {self._egress.table!r}: {type(error).__name__}"
            f"{f' ({error.sqlstate})' if error.sqlstate else ''}{f' at {about}' if about else ''}",
            hint="the log of the server tells which; change the table, or what is sent",
        )

    def _reason(self, error: psycopg.Error) -> str:
        """Why there is no connection, without what the dsn holds."""
        # libpq names hosts and users, and a mistake in the dsn moves a password to one of their places.
        if error.sqlstate is not None:
            return f"{error.diag.message_primary} ({error.sqlstate})"
        lines = str(error).strip().splitlines()
        reason = lines[0].rpartition("failed: ")[2] if lines else type(error).__name__
        reason = _QUOTED.sub("…", reason)
        for name in ("password", "host", "user", "dbname"):
            value = str(self._parameters.get(name) or "")
            reason = reason.replace(value, "…") if len(value) > 1 else reason
        return reason


def _parameters(egress: PostgresEgress) -> dict[str, Any]:
    dsn = dereferenced(egress.dsn, f"the dsn of {egress.id!r}", error=EgressError)
    try:
        read = conninfo.conninfo_to_dict(dsn)
    except psycopg.Error:
        # Neither shown nor chained: libpq quotes what it does not understand, which may be the password.
        raise EgressError(
            f"the dsn of {egress.id!r} cannot be read, and is not shown since it may hold a password",
            hint="write a URL, `postgresql://user@host/database`, with what is special in it percent-encoded; or `key=value` pairs",
        ) from None
    return {**_CONNECTION, **read}


async def _found(connection: _Connection, table: str) -> list[Found]:
    """The columns of a table, none where it is not there."""
    rows = await (await connection.execute(_COLUMNS, (table,))).fetchall()
    return [Found(name, type, required) for name, type, required in rows]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _quoted_in_query(name: str) -> str:
    """As part of a statement with parameters, in which a percent sign begins one."""
    return _quoted(name).replace("%", "%%")


def _fits(kind: ColumnKind, type: str) -> bool:
    return type == _TYPES[kind] or type in _OTHERS.get(kind, ())
