"""The file of a store: how it comes into being and is opened (settings, the lock, whose it is, its version), and what its errors say."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import apsw

from statefun.errors import StoreCorruptError, StoreError, StoreLockedError, StoreVersionError
from statefun.runtime.migration import migrate
from statefun.runtime.schema import APPLICATION_ID, TABLES, VERSION

__all__ = ["file_at", "make_folder", "one_row", "open_database", "store_error", "transaction"]

_SETTINGS: Final = (
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    # A commit of many pages need not wait for a checkpoint each time.
    "PRAGMA wal_autocheckpoint = 8192",
    "PRAGMA cache_size = -65536",
)


def make_folder(folder: Path) -> None:
    """Makes a folder that survives the loss of power: each new one is synced into the one that holds it."""
    folder = folder.absolute()
    new = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in reversed(new):
        holder = os.open(each.parent, os.O_RDONLY)
        try:
            os.fsync(holder)
        finally:
            os.close(holder)


def open_database(connection: Any, path: str) -> None:
    """Takes the lock, and makes the tables, or brings an older store's to this version.

    Raises:
        StoreVersionError: a newer version of this package wrote it.
        StoreCorruptError: it is another program's.
        StoreError: it cannot be written.
    """
    if connection.readonly("main"):  # what SQLite does where it may not write, and tells of much later
        raise StoreError(
            f"{path!r} cannot be written: it, or the file system that it is on, is read-only",
            hint="let the user of this process write it, or name another folder with --store",
        )
    for setting in _SETTINGS:
        connection.execute(setting).fetchall()
    with transaction(connection):  # the lock is taken by the first access and kept
        _check_or_create(connection, path)


@contextmanager
def transaction(connection: Any) -> Generator[None]:
    """A transaction: all that is written in it takes effect at its end, or nothing when something is raised."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:  # neither committed nor ended by an error of the disk
            connection.execute("ROLLBACK")


def _check_or_create(connection: Any, path: str) -> None:
    (tables,) = one_row(connection.execute("SELECT count(*) FROM sqlite_schema"))
    (application,) = one_row(connection.execute("PRAGMA application_id"))
    (version,) = one_row(connection.execute("PRAGMA user_version"))
    if not tables:
        connection.execute(TABLES)
        connection.execute("INSERT INTO store (name) VALUES (lower(hex(randomblob(16))))")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    elif application != APPLICATION_ID:
        raise StoreCorruptError(f"{path!r} is a database of another program")
    elif version > VERSION:
        raise StoreVersionError(f"{path!r} has version {version}; this runtime knows {VERSION}")
    elif version < VERSION:
        migrate(connection, version)


def one_row(cursor: Iterable[Any]) -> Any:
    """The first row of what a query gives."""
    for row in cursor:
        return row
    raise StoreCorruptError("a query that always has an answer had none")


def file_at(path: Path) -> tuple[int, int] | None:
    """Which file has this path; None where none has, as on the disks of tests."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def store_error(path: str, verb: str, error: apsw.Error) -> StoreError:
    """What an error of SQLite means for a store.

    Args:
        path: The file, which the error names.
        verb: What could not be done, as in `written`.
        error: What SQLite raised.
    """
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return StoreLockedError(f"{path!r} is in use by another process")
    if isinstance(error, apsw.NotADBError):
        return StoreCorruptError(f"{path!r} is no SQLite database")
    if isinstance(error, apsw.CorruptError):
        return StoreCorruptError(f"{path!r} is damaged: {error}")
    if isinstance(error, apsw.FullError):
        return StoreError(f"{path!r} cannot be {verb}: the disk is full", hint="make room, then start again")
    return StoreError(f"{path!r} cannot be {verb}: {error}", hint="check the folder's permissions and free space")
