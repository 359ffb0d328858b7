"""From the tables of an older version to those of this one, a step for each version, all in the transaction that opens a store.

A kill in the middle leaves the older version, whole; the next start begins again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from statefun.errors import StoreCorruptError
from statefun.runtime.schema import VERSION

__all__ = ["STEPS", "migrate"]


def _code_of_dead_letters(connection: Any) -> None:
    connection.execute("ALTER TABLE dead ADD COLUMN code TEXT NOT NULL DEFAULT ''")
    # An error of ours was written as `[code] text`.
    connection.execute("UPDATE dead SET code = substr(error, 2, instr(error, '] ') - 2) WHERE error LIKE '[%] %'")


def _name_keys_and_sequences(connection: Any) -> None:
    connection.execute("CREATE TABLE store (name TEXT NOT NULL)")
    connection.execute("INSERT INTO store (name) VALUES (lower(hex(randomblob(16))))")
    connection.execute(
        "CREATE TABLE keys (ingress TEXT NOT NULL, key TEXT NOT NULL, expires INTEGER NOT NULL, PRIMARY KEY (ingress, key))"
        " WITHOUT ROWID"
    )
    connection.execute("CREATE INDEX keys_expires ON keys (expires)")
    connection.execute("ALTER TABLE egress ADD COLUMN sequence INTEGER NOT NULL DEFAULT 0")


def _expirations(connection: Any) -> None:
    connection.execute(
        "CREATE TABLE expirations (function TEXT NOT NULL, state TEXT NOT NULL, mode TEXT, milliseconds INTEGER,"
        " PRIMARY KEY (function, state)) WITHOUT ROWID"
    )


STEPS: Final[dict[int, Callable[[Any], None]]] = {
    1: _code_of_dead_letters,
    2: _name_keys_and_sequences,
    3: _expirations,
}
"""For each older version what makes the next one of it, inside of a transaction."""


def migrate(connection: Any, version: int) -> None:
    """Makes the tables those of `VERSION`. The caller has begun a transaction, and commits it.

    Raises:
        StoreCorruptError: no version of this package was called that.
    """
    for each in range(version, VERSION):
        step = STEPS.get(each)
        if step is None:
            raise StoreCorruptError(f"a store of version {version} was never written by this package")
        step(connection)
    connection.execute(f"PRAGMA user_version = {VERSION}")
