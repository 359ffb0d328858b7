"""A store of an older version: brought to this one in one transaction, whatever happens in its middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from statefun import STRING
from statefun.batch import Target, TypedBytes
from statefun.errors import StoreCorruptError, StoreVersionError
from statefun.protocol.transit import wrap_stored
from statefun.protocol.values import encode_address
from statefun.runtime import Store
from statefun.runtime.changes import Changes
from statefun.runtime.migration import STEPS
from statefun.runtime.packing import pack_messages, pack_records, pack_states
from statefun.runtime.schema import APPLICATION_ID, VERSION

ROOT = Path(__file__).resolve().parents[2]

# The tables of version 1 as they were: written down here, since no later change of the schema may change them.
TABLES_1 = """
CREATE TABLE ingress (id TEXT PRIMARY KEY, position TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE states (address BLOB PRIMARY KEY, reclaim INTEGER, data BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX states_reclaim ON states (reclaim) WHERE reclaim IS NOT NULL;
CREATE TABLE inbox (sequence INTEGER PRIMARY KEY, address BLOB NOT NULL, data BLOB NOT NULL);
CREATE TABLE timers (
    sequence INTEGER PRIMARY KEY, due INTEGER NOT NULL, sender BLOB NOT NULL, token TEXT, target BLOB NOT NULL,
    argument BLOB NOT NULL
);
CREATE INDEX timers_due ON timers (due, sequence);
CREATE UNIQUE INDEX timers_token ON timers (sender, token) WHERE token IS NOT NULL;
CREATE TABLE outbox (sequence INTEGER PRIMARY KEY, egress TEXT NOT NULL, data BLOB NOT NULL);
CREATE TABLE egress (id TEXT PRIMARY KEY, position TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE dead (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, target BLOB NOT NULL, sender BLOB NOT NULL,
    argument BLOB NOT NULL, attempts INTEGER NOT NULL, error TEXT NOT NULL
);
"""
ADDRESS = encode_address(Target("old", "work", "1"))
VALUE = wrap_stored(TypedBytes(STRING.typename, STRING.v3.encode("text")))


def old_store(folder: Path) -> apsw.Connection:
    connection = apsw.Connection(str(folder / "statefun.db"))
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    connection.execute(TABLES_1)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1")
    connection.execute("INSERT INTO ingress VALUES ('old/in', '{\"offset\": 7, \"line\": 1}')")
    connection.execute("INSERT INTO states VALUES (?, NULL, ?)", (ADDRESS, pack_states([(b"word", 0, VALUE)])))
    connection.execute("INSERT INTO inbox VALUES (3, ?, ?)", (ADDRESS, pack_messages([(b"", VALUE)])))
    connection.execute("INSERT INTO timers VALUES (5, 1000, ?, 'token', ?, ?)", (ADDRESS, ADDRESS, VALUE))
    connection.execute("INSERT INTO egress VALUES ('old/out', '0')")
    connection.execute("INSERT INTO outbox VALUES (7, 'old/out', ?)", (pack_records([b"line\n"]),))
    for sequence, error in enumerate(["[handler-failed] the handler [x] raised", "KeyError: '[y] z'", "[cut"], 1):
        connection.execute("INSERT INTO dead VALUES (?, 9, ?, x'', ?, 5, ?)", (sequence, ADDRESS, VALUE, error))
    return connection


def version_of(folder: Path) -> tuple[int, bool]:
    """The version of a store, and whether its tables are those of version 1."""
    connection = apsw.Connection(str(folder / "statefun.db"))
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    columns = [row[1] for row in connection.execute("PRAGMA table_info(dead)")]
    connection.close()
    return version, "code" not in columns


def check(folder: Path) -> None:
    with Store(folder) as store:
        assert store.positions() == {"old/in": '{"offset": 7, "line": 1}'}
        assert store.states_of("old/work", "1") == {"word": TypedBytes(STRING.typename, STRING.v3.encode("text"))}
        recovered = store.recover()
        assert recovered.expirations == []
        assert recovered.inbox == [(3, ADDRESS, [(b"", VALUE)])]
        assert (recovered.next_inbox, recovered.next_timer, recovered.next_outbox) == (4, 6, 8)
        assert [(each.due, each.token) for each in store.timers_from(0, 0, 10)] == [(1000, "token")]
        assert list(store.undelivered()) == [(7, "old/out", [b"line\n"])]
        assert [(each.sequence, each.code) for each in store.dead_messages()] == [
            (1, "handler-failed"),
            (2, ""),
            (3, ""),
        ]
    assert version_of(folder) == (VERSION, False)


def test_a_store_of_version_1_is_migrated_and_keeps_everything(tmp_path: Path) -> None:
    old_store(tmp_path).close()
    assert version_of(tmp_path) == (1, True)
    check(tmp_path)
    check(tmp_path)


def test_the_tables_of_a_migrated_store_are_those_of_a_new_one(tmp_path: Path) -> None:
    shapes = []
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        if name == "old":
            old_store(tmp_path / name).close()
        with Store(tmp_path / name) as store, store.reading() as connection:
            tables = [
                row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE name NOT GLOB 'sqlite_*'")
            ]
            shapes.append({each: connection.execute(f"PRAGMA table_info({each})").fetchall() for each in tables})
    assert shapes[0] == shapes[1]


def test_a_migration_that_fails_leaves_the_older_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old_store(tmp_path).close()
    step = STEPS[1]

    def fails(connection: apsw.Connection) -> None:
        step(connection)
        raise RuntimeError("in the middle")

    with monkeypatch.context() as patch:
        patch.setitem(STEPS, 1, fails)
        with pytest.raises(RuntimeError):
            Store(tmp_path)
    assert version_of(tmp_path) == (1, True)
    check(tmp_path)


KILLED = """
import os, signal, sys
from statefun.runtime import Store, migration
def kill():
    os.kill(os.getpid(), signal.SIGKILL)
step = migration.STEPS[int(sys.argv[3])]
class Dying:
    # Counts statements, and is killed behind the one that it was told.
    def __init__(self, connection): self.connection, self.left = connection, int(sys.argv[2])
    def execute(self, *words):
        self.connection.execute(*words)
        # Pages may reach the log before the commit: make sure that they do.
        self.connection.cache_flush()
        self.left -= 1
        if not self.left: kill()
def dying(connection):
    step(Dying(connection))
    kill()
migration.STEPS[int(sys.argv[3])] = dying
Store(sys.argv[1])
"""


@pytest.mark.parametrize(
    ("step", "statement"), [(1, 1), (1, 2), (1, 3), *((2, each) for each in range(1, 7)), (3, 1), (3, 2)]
)
def test_a_kill_in_the_middle_of_a_migration_leaves_the_older_version(
    tmp_path: Path, step: int, statement: int
) -> None:
    old_store(tmp_path).close()
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), str(statement), str(step)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert version_of(tmp_path) == (1, True)
    check(tmp_path)


def test_a_version_that_never_was_and_one_that_is_newer_are_refused_and_left(tmp_path: Path) -> None:
    for version, error in ((0, StoreCorruptError), (-3, StoreCorruptError), (VERSION + 1, StoreVersionError)):
        folder = tmp_path / str(version)
        folder.mkdir()
        connection = old_store(folder)
        connection.execute(f"PRAGMA user_version = {version}")
        connection.close()
        with pytest.raises(error):
            Store(folder)
        assert version_of(folder) == (version, True)


def test_a_step_outside_of_the_transaction_would_be_noticed(tmp_path: Path) -> None:
    """A step that commits on its own is what a kill must not find: then this suite would tell."""
    connection = old_store(tmp_path)
    STEPS[1](connection)
    connection.close()
    assert version_of(tmp_path) == (1, False)
    with pytest.raises(Exception, match="duplicate column"):
        Store(tmp_path)


def test_a_new_store_has_the_present_version(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.commit(Changes(positions={"a/b": "1"}))
    assert version_of(tmp_path) == (VERSION, False)
