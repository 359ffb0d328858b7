"""The SQLite table as an egress: each record is a row once, whatever is repeated; what does not fit is told."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import apsw
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.protobuf.type_pb2 import Field
from google.protobuf.wrappers_pb2 import UInt64Value

from statefun import LONG
from statefun.binding.egresses import bind_egress
from statefun.errors import BindingError, EgressError, EgressUnavailableError
from statefun.model import SqliteEgress
from statefun.runtime.egress.sink import Confirmed, OutgoingRecord
from statefun.runtime.egress.sqlite import SqliteSink
from tests.runtime.outside import ALERT, Alert, alert, outgoing, wait

ROOT = Path(__file__).resolve().parents[2]


def sink(folder: Path, **settings: Any) -> SqliteSink:
    given = {"id": "test/out", "path": folder / "out.db", "table": "alerts", "message": Alert, **settings}
    return SqliteSink(bind_egress(SqliteEgress(**given)))


def sql(folder: Path, statement: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(folder / "out.db")
    try:
        with connection:
            return connection.execute(statement).fetchall()
    finally:
        connection.close()


async def deliver(made: SqliteSink, records: list[OutgoingRecord], position: str | None = None) -> Confirmed | None:
    """Everything that a run does with a sink."""
    await made.open("store", position)
    try:
        await made.deliver(records)
        return await made.confirm()
    finally:
        await made.close()


def test_the_fields_of_a_message_are_the_columns(tmp_path: Path) -> None:
    made = sink(tmp_path)
    records = outgoing(
        made, [alert("a", level=3, ratio=0.5, open=True, tags=["x", "é"], raw=b"\x00\xff")], [alert("b")]
    )
    assert wait(deliver(made, records)) == Confirmed(2, "store 2")
    assert sql(tmp_path, "SELECT * FROM alerts") == [
        ("a", 3, 0.5, 1, '["x","é"]', b"\x00\xff"),
        ("b", 0, None, 0, "[]", b""),
    ]


def test_protobuf_fields_are_columns_and_what_is_unset_is_null(tmp_path: Path) -> None:
    made = sink(tmp_path, message=Field)
    value = Field(kind=Field.TYPE_INT64, number=7, name='"quoted"; DROP TABLE alerts', packed=True)
    value.options.add(name="o")
    wait(deliver(made, outgoing(made, [("type.googleapis.com/google.protobuf.Field", value.SerializeToString())])))
    assert sql(tmp_path, "SELECT kind, number, name, packed, options FROM alerts") == [
        ("TYPE_INT64", 7, '"quoted"; DROP TABLE alerts', 1, '[{"name":"o"}]')
    ]


def test_without_a_message_type_a_row_is_a_typename_and_bytes(tmp_path: Path) -> None:
    made = sink(tmp_path, message=None)
    wait(deliver(made, outgoing(made, [("a/b", b"\x01"), ("c/d", b"")])))
    assert sql(tmp_path, "SELECT typename, value FROM alerts") == [("a/b", b"\x01"), ("c/d", b"")]


def test_records_that_come_again_are_left_out(tmp_path: Path) -> None:
    first = sink(tmp_path)
    records = outgoing(first, [alert("a"), alert("b")], [alert("c")], [alert("d")])
    wait(deliver(first, records[:3], position=""))  # nothing was confirmed so far
    # The confirmation was lost: the same records come again, with more behind them.
    wait(deliver(sink(tmp_path), records))
    wait(deliver(sink(tmp_path), records, position="store 3"))
    assert sql(tmp_path, "SELECT name FROM alerts ORDER BY rowid") == [("a",), ("b",), ("c",), ("d",)]


def test_stores_and_egresses_are_told_apart(tmp_path: Path) -> None:
    async def run() -> None:
        for store, id in (("s1", "test/out"), ("s2", "test/out"), ("s1", "test/other")):
            made = sink(tmp_path, id=id)
            await made.open(store, None)
            await made.deliver(outgoing(made, [alert(f"{store} {id}")]))
            await made.close()

    wait(run())
    assert len(sql(tmp_path, "SELECT * FROM alerts")) == 3


KILLED = """
import asyncio, os, sys
from pathlib import Path
from tests.runtime.outside import alert, outgoing
from tests.runtime.test_sqlite_sink import sink

async def run():
    made = sink(Path(sys.argv[1]))
    records = outgoing(made, *([alert(str(number))] for number in range(200)))
    await made.open("store", None)
    for start in range(0, 200, 10):
        await made.deliver(records[start : start + 10])
        print(start, flush=True)
        if start == int(sys.argv[2]):
            os.kill(os.getpid(), 9)

asyncio.run(run())
"""


@pytest.mark.parametrize("at", [0, 90, 190])
def test_a_kill_between_the_commit_and_the_confirmation_doubles_nothing(tmp_path: Path, at: int) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), str(at)],
        cwd=ROOT,
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert killed.returncode == -9, killed.stderr
    assert len(sql(tmp_path, "SELECT * FROM alerts")) == at + 10
    made = sink(tmp_path)
    wait(deliver(made, outgoing(made, *([alert(str(number))] for number in range(200)))))
    rows = sql(tmp_path, "SELECT name FROM alerts ORDER BY rowid")
    assert rows == [(str(number),) for number in range(200)]


def test_a_row_that_is_refused_takes_its_whole_transaction_back(tmp_path: Path) -> None:
    sql(
        tmp_path,
        "CREATE TABLE alerts (name TEXT UNIQUE, level INTEGER, ratio REAL, open INTEGER, tags TEXT, raw BLOB)",
    )
    made = sink(tmp_path)
    with pytest.raises(EgressError, match=r"alerts.*UNIQUE constraint") as caught:
        wait(deliver(made, outgoing(made, [alert("a")], [alert("b"), alert("a")])))
    assert not isinstance(caught.value, EgressUnavailableError)
    assert sql(tmp_path, "SELECT * FROM alerts") == []
    assert sql(tmp_path, "SELECT * FROM statefun_delivered") == []


def test_a_key_replaces_the_row_that_is_there(tmp_path: Path) -> None:
    made = sink(tmp_path, key="name")
    wait(deliver(made, outgoing(made, [alert("a"), alert("b"), alert("a", level=1)], [alert("a", level=2)])))
    assert sql(tmp_path, "SELECT name, level FROM alerts ORDER BY name") == [("a", 2), ("b", 0)]


def test_a_key_of_all_columns_keeps_one_row_of_each(tmp_path: Path) -> None:
    made = sink(tmp_path, message=Timestamp, key=["seconds", "nanos"])
    value = ("type.googleapis.com/google.protobuf.Timestamp", Timestamp(seconds=5).SerializeToString())
    wait(deliver(made, outgoing(made, [value, value])))
    assert sql(tmp_path, "SELECT * FROM alerts") == [(5, 0)]


@pytest.mark.parametrize(
    ("table", "settings", "told"),
    [
        (
            "CREATE TABLE alerts (name BLOB, level TEXT, ratio REAL, open INTEGER, tags TEXT, id INTEGER NOT NULL)",
            {},
            "'level' is TEXT, not INTEGER; no column 'raw' (BLOB); 'id' must be filled and is not of the message",
        ),
        (
            "CREATE TABLE alerts (name TEXT, level INT, ratio REAL, open BOOLEAN, tags TEXT, raw BLOB)",
            {"key": "name"},
            "ON CONFLICT clause does not match any PRIMARY KEY or UNIQUE constraint",
        ),
        (
            "CREATE VIEW alerts AS SELECT 'a' AS name, 1 AS level, 1.0 AS ratio, 1 AS open, '' AS tags, x'' AS raw",
            {},
            "cannot modify alerts because it is a view",
        ),
    ],
)
def test_a_table_that_does_not_fit_is_told_with_what_differs(
    tmp_path: Path, table: str, settings: dict[str, Any], told: str
) -> None:
    sql(tmp_path, table)
    with pytest.raises(EgressError) as caught:
        wait(sink(tmp_path, **settings).open("store", None))
    assert told in str(caught.value)
    assert sql(tmp_path, "SELECT name FROM sqlite_schema WHERE name LIKE 'statefun%'") == []


def test_a_table_with_more_columns_that_need_nothing_fits(tmp_path: Path) -> None:
    sql(
        tmp_path,
        "CREATE TABLE alerts (id INTEGER PRIMARY KEY, at TEXT NOT NULL DEFAULT 'now', raw, tags CLOB, open BOOLEAN, "
        "ratio DOUBLE, level BIGINT, name VARCHAR(20))",
    )
    made = sink(tmp_path)
    wait(deliver(made, outgoing(made, [alert("a", raw=b"r")])))
    assert sql(tmp_path, "SELECT id, at, raw, name FROM alerts") == [(1, "now", b"r", "a")]


def test_a_file_that_forgot_its_rows_is_refused(tmp_path: Path) -> None:
    made = sink(tmp_path)
    records = outgoing(made, [alert("a")], [alert("b")])
    assert wait(deliver(made, records)) == Confirmed(2, "store 2")
    (tmp_path / "out.db").unlink()
    with pytest.raises(EgressError, match="up to the number 0, though those up to 2"):
        wait(sink(tmp_path).open("store", "store 2"))


def test_a_file_that_is_locked_is_not_available_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statefun.runtime.egress.sqlite._BUSY_MILLISECONDS", 1)
    made = sink(tmp_path)
    records = outgoing(made, [alert("a")])

    async def run() -> None:
        await made.open("store", None)
        # By apsw as well: the locks of a process do not keep two builds of SQLite in it from each other.
        other = apsw.Connection(str(tmp_path / "out.db"))
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(EgressUnavailableError, match="another program has it locked"):
            await made.deliver(records)
        assert await made.confirm() is None
        other.execute("ROLLBACK")
        other.close()
        await made.deliver(records)
        await made.close()

    wait(run())
    assert sql(tmp_path, "SELECT name FROM alerts") == [("a",)]


def test_what_is_no_database_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "out.db").write_text("this is no database, and is long enough to be one: " + "x" * 1000)
    with pytest.raises(EgressError, match=r"out\.db cannot be opened.*not a database"):
        wait(sink(tmp_path).open("store", None))
    with pytest.raises(EgressError, match=r"out\.db cannot be opened"):
        wait(sink(tmp_path / "nowhere").open("store", None))


def test_a_cancelled_delivery_is_whole_or_not_there(tmp_path: Path) -> None:
    made = sink(tmp_path)
    records = outgoing(made, [alert(str(number)) for number in range(5000)])

    async def run() -> None:
        await made.open("store", None)
        task = asyncio.ensure_future(made.deliver(records))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await made.close()

    wait(run())
    assert len(sql(tmp_path, "SELECT * FROM alerts")) in (0, 5000)
    again = sink(tmp_path)
    wait(deliver(again, records))
    assert len(sql(tmp_path, "SELECT * FROM alerts")) == 5000


@pytest.mark.parametrize(
    ("typename", "value", "message", "told"),
    [
        ("test/other", b"{}", Alert, "takes 'test/alert' and is sent a value of 'test/other'"),
        (ALERT.typename, b"{", Alert, "is no row of 'test/out'"),
        (ALERT.typename, b'{"name":"\\ud800"}', Alert, "surrogates not allowed"),
        (
            "type.googleapis.com/google.protobuf.UInt64Value",
            UInt64Value(value=2**63).SerializeToString(),
            UInt64Value,
            "value is beyond 64 bits",
        ),
    ],
)
def test_a_value_that_is_no_row_fails_the_message_that_sent_it(
    tmp_path: Path, typename: str, value: bytes, message: Any, told: str
) -> None:
    with pytest.raises(EgressError, match=told):
        sink(tmp_path, message=message).encode(typename, value)


def test_a_row_without_its_key_fails_the_message_that_sent_it(tmp_path: Path) -> None:
    with pytest.raises(EgressError, match="without 'ratio', which is its key"):
        sink(tmp_path, key="ratio").encode(*alert("a"))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"message": LONG}, "cannot make columns of"),
        ({"key": "nothing"}, "has the key 'nothing'"),
        ({"message": None, "key": "value"}, "a `key=` and no `message=`"),
        ({"table": ""}, "has table=''"),
        ({"table": "a" * 64}, "has table='a"),
        ({"key": ["name", "name"]}, "has key="),
    ],
)
def test_what_cannot_be_a_table_is_refused_when_it_is_bound(
    tmp_path: Path, settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(BindingError, match=told):
        sink(tmp_path, **settings)
