"""What the sinks have in common that write rows: which records are new, what their cells are, and the statements for them.

A table keeps `statefun_delivered` beside it: for each store and egress the sequence number of the last transaction whose records it
has. It changes in the transaction that inserts them, so records that come again are known and left out, whatever was killed between the
commit of the rows and their confirmation.
"""

from __future__ import annotations

import base64
import json
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple

from statefun.errors import EgressError
from statefun.model import BoundEgress, Column, ColumnKind
from statefun.runtime.egress.sink import Confirmed, OutgoingRecord, Sink

__all__ = ["DELIVERED", "Found", "Rows", "TableSink", "differences", "insert_statement", "plain_cell", "rows_of"]

DELIVERED: Final = "statefun_delivered"
"""The table of the sequence numbers."""


class Rows(NamedTuple):
    """Rows that one statement inserts.

    Attributes:
        names: The columns.
        cells: The cells of each row, in the order of the columns.
    """

    names: tuple[str, ...]
    cells: list[list[Any]]


class Found(NamedTuple):
    """A column of a table that is there.

    Attributes:
        name: Its name.
        type: Its type, as the database calls it.
        required: Whether a row without it is refused.
    """

    name: str
    type: str
    required: bool


class TableSink(Sink):
    """Writes rows; subclasses know a kind of database.

    Args:
        bound: The egress.
    """

    def __init__(self, bound: BoundEgress) -> None:
        super().__init__(bound.egress.id)
        self._encode: Final = bound.encode
        self.columns: Final = bound.columns
        self.store = ""
        self.confirmed = 0
        """The sequence number that the store knows of."""
        self._delivered = 0

    def encode(self, typename: str, value: bytes) -> bytes:
        """The row of a value, as a JSON object."""
        return self._encode(typename, value)

    async def open(self, store: str, position: str | None) -> None:
        """Notes whose records come, and up to which they were confirmed.

        A copy of a store that was put back has a name of its own, under which nothing was delivered yet.
        """
        self.store = store
        name, _, number = (position or "").partition(" ")
        self.confirmed = int(number) if name == store else 0

    async def deliver(self, records: Sequence[OutgoingRecord]) -> None:
        """Inserts the rows that the table does not have, in one transaction."""
        if records:
            await self.insert(records)
            self._delivered = records[-1].sequence

    @abstractmethod
    async def insert(self, records: Sequence[OutgoingRecord]) -> None:
        """Inserts the rows that the table does not have, and notes the last sequence number, in one transaction."""

    async def confirm(self) -> Confirmed | None:
        """What was inserted is on disk already."""
        return Confirmed(self._delivered, f"{self.store} {self._delivered}") if self._delivered else None

    def check_last(self, last: int | None, place: str) -> None:
        """Refuses a database that has forgotten what it was given.

        Args:
            last: The sequence number that it holds, None for none.
            place: The database, for the error.

        Raises:
            EgressError: it holds less than was confirmed.
        """
        if (last or 0) < self.confirmed:
            raise EgressError(
                f"{place} has rows of {self.id!r} up to the number {last or 0}, though those up to {self.confirmed} were delivered to it",
                hint="put the database back, or start with an empty store",
            )


def rows_of(
    columns: Iterable[Column], records: Iterable[OutgoingRecord], after: int, cell: Callable[[ColumnKind, Any], Any]
) -> Iterator[Rows]:
    """The records that are new as rows, in their order; those in a row that have the same columns stand together.

    Args:
        columns: The columns of the egress.
        records: Records, with those that were inserted before.
        after: The sequence number up to which they were.
        cell: From a kind and a cell that is not None to what the driver is given.
    """
    kinds = {each.name: each.kind for each in columns}
    loaded: Iterator[dict[str, Any]] = (json.loads(each.data) for each in records if each.sequence > after)
    for names, rows in groupby(loaded, key=tuple):
        # What was sent before a field went out of the message is written as the text or the number that it is.
        row_kinds = [kinds.get(name, ColumnKind.TEXT) for name in names]
        cells = [
            [None if value is None else cell(kind, value) for kind, value in zip(row_kinds, row.values(), strict=True)]
            for row in rows
        ]
        yield Rows(names, cells)


def plain_cell(kind: ColumnKind, value: Any) -> Any:
    """A cell as every driver takes it: bytes as bytes, JSON as its text, all else as it is."""
    if kind is ColumnKind.BYTES:
        return base64.b64decode(value)
    if kind is ColumnKind.JSON:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return value


def insert_statement(
    table: str, names: Sequence[str], key: Sequence[str], *, mark: str, quote: Callable[[str], str]
) -> str:
    """The statement that inserts a row, or puts it in the place of the one that has its key.

    Args:
        table: The table, quoted.
        names: The columns.
        key: Those that say which row it replaces.
        mark: What stands for a parameter.
        quote: Makes an identifier of a name.

    >>> insert_statement('"t"', ["id", "n"], ["id"], mark="?", quote=lambda name: f'"{name}"')
    'INSERT INTO "t" ("id", "n") VALUES (?, ?) ON CONFLICT ("id") DO UPDATE SET "n" = excluded."n"'
    """
    listed = ", ".join(quote(each) for each in names)
    marks = ", ".join(mark for _ in names)
    statement = f"INSERT INTO {table} ({listed}) VALUES ({marks})"  # noqa: S608  identifiers are quoted, values are bound
    if not key:
        return statement
    changes = ", ".join(f"{quote(each)} = excluded.{quote(each)}" for each in names if each not in key)
    conflict = f" ON CONFLICT ({', '.join(quote(each) for each in key)}) DO "
    return statement + conflict + (f"UPDATE SET {changes}" if changes else "NOTHING")


def differences(
    columns: Sequence[Column],
    found: Sequence[Found],
    fits: Callable[[ColumnKind, str], bool],
    expected: Mapping[ColumnKind, str],
) -> list[str]:
    """What keeps the rows of an egress from a table that is there, a text for each column.

    Args:
        columns: The columns of the egress.
        found: Those of the table.
        fits: Whether a column of that type holds each value of a kind.
        expected: The type that a kind has in a table that is made here.
    """
    types = {each.name: each.type for each in found}
    names = {each.name for each in columns}
    return [
        *(
            f"no column {each.name!r} ({expected[each.kind]})"
            if each.name not in types
            else f"{each.name!r} is {types[each.name] or 'of no type'}, not {expected[each.kind]}"
            for each in columns
            if each.name not in types or not fits(each.kind, types[each.name])
        ),
        *(
            f"{each.name!r} must be filled and is not of the message"
            for each in found
            if each.required and each.name not in names
        ),
    ]
