"""Tables of SQLite and PostgreSQL as egresses: each record is a row, exactly once."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from attrs import Attribute, field, frozen

from statefun.arguments import NAME, instance_of, list_of
from statefun.errors import BindingError
from statefun.errors.showing import shown
from statefun.model.checks import (
    as_egress_id,
    as_path,
    as_texts,
    is_a,
    is_id,
    is_path,
    is_secret,
    is_text_value,
    name_of,
)

if TYPE_CHECKING:
    from os import PathLike

__all__ = ["UNTYPED", "Column", "ColumnKind", "PostgresEgress", "SqliteEgress", "TableEgress"]

_LONGEST_NAME: Final = 63
"""Bytes; PostgreSQL cuts longer ones."""


class ColumnKind(Enum):
    """What a column holds. Each kind of database has types of its own for them."""

    INT32 = "int32"
    INT64 = "int64"
    REAL = "real"
    BOOLEAN = "boolean"
    TEXT = "text"
    BYTES = "bytes"
    TIMESTAMP = "timestamp"
    JSON = "json"


@frozen
class Column:
    """A column of the rows that an egress writes.

    Attributes:
        name: Its name, that of the field.
        kind: What it holds.
    """

    name: str = field(validator=is_text_value)
    kind: ColumnKind = field(validator=is_a(instance_of(ColumnKind)))


UNTYPED: Final = (Column("typename", ColumnKind.TEXT), Column("value", ColumnKind.BYTES))
"""The columns where no message type is given."""


def _is_table(made: object, attribute: Attribute[str], value: Any) -> None:
    is_text_value(made, attribute, value)
    if "\0" in value or any(not part or len(part.encode()) > _LONGEST_NAME for part in value.split(".")):
        raise BindingError(
            f"{name_of(made)} has table={shown(value)}",
            hint=f"give a name of at most {_LONGEST_NAME} bytes, in PostgreSQL perhaps with its schema: `reports.alerts`",
        )


_are_names: Final = is_a(list_of(NAME, "the name of a column, or several"))


def _is_key(made: Any, attribute: Attribute[Any], value: tuple[Any, ...]) -> None:
    _are_names(made, attribute, value)
    if value and made.message is None:
        raise BindingError(
            f"{name_of(made)} has a `key=` and no `message=`", hint="give the type whose fields are the columns"
        )
    if len(set(value)) != len(value):
        raise BindingError(f"{name_of(made)} has key={shown(value)}", hint="give the name of a column, or several")


@frozen(kw_only=True)
class TableEgress:
    """What the egresses have in common that write rows.

    Attributes:
        id: `<namespace>/<name>`.
        table: The table.
        message: The type of the records, whose fields are the columns; None for the columns `typename` and `value`.
        key: The columns that say which row a record replaces; none where each record is a row of its own.
    """

    id: str = field(converter=as_egress_id, validator=is_id)
    table: str = field(validator=_is_table)
    message: Any = None
    key: tuple[str, ...] = field(default=(), converter=as_texts, validator=_is_key)


@frozen(kw_only=True)
class SqliteEgress(TableEgress):
    """A table of an SQLite file of its own (not the store's), in which each record is a row, exactly once.

    The rows and the number of the last transaction they came from are committed together in that file; what comes a second time after
    a kill is known by its number and left out. The number is kept in the table `statefun_delivered`, by store and egress.

    The table is made when it is not there. One that is there must have the columns, of types that hold the values, and no other
    column that must be filled.

    Args:
        id: `<namespace>/<name>`, or an `Egress`: where functions send to.
        path: The SQLite file; made when it is not there.
        table: The table.
        message: The type of all records: a protobuf class, or an attrs class or dataclass that `json_type` named. Its fields are
            the columns; messages, lists and maps become JSON, what is unset becomes NULL. Without it records of any type become
            rows of `typename` and `value`, the serialized bytes.
        key: The column, or columns, by which a record replaces the row that is there (`INSERT … ON CONFLICT … DO UPDATE`).

    Raises:
        BindingError: an argument is none of its choices.
        TypenameError: the id has another form.

    >>> SqliteEgress(id="shop/alerts", path="alerts.db", table="alerts").key
    ()
    """

    path: str | PathLike[str] = field(converter=as_path, validator=is_path)


@frozen(kw_only=True)
class PostgresEgress(TableEgress):
    """A table of a PostgreSQL database, in which each record is a row, exactly once.

    The rows and the number of the last transaction they came from are committed together; what comes a second time after a kill of
    the runtime, of the server or of the connection between them is known by its number and left out. The number is kept in the
    table `statefun_delivered` of the same schema, by store and egress. While there is no server records wait in the store.

    The table is made when it is not there. One that is there must have the columns, of types that hold the values, and no other
    column that must be filled.

    Args:
        id: `<namespace>/<name>`, or an `Egress`: where functions send to.
        dsn: How to connect: a URL or `key=value` pairs, as libpq reads them. `"env:NAME"` takes it from an environment
            variable, where a password belongs. No error, log or repr shows it.
        table: The table, perhaps with its schema: `reports.alerts`.
        message: As for a `SqliteEgress`.
        key: As for a `SqliteEgress`.

    Raises:
        BindingError: an argument is none of its choices.
        TypenameError: the id has another form.

    >>> PostgresEgress(id="shop/alerts", dsn="postgresql://me:secret@db/shop", table="alerts")
    PostgresEgress(id='shop/alerts', table='alerts', message=None, key=())
    """

    dsn: str = field(validator=is_secret, repr=False)
