"""A PostgreSQL table as an egress on a real server: each record is a row once, whoever is killed when."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from google.protobuf.type_pb2 import Field

from statefun.binding.egresses import bind_egress
from statefun.errors import EgressError, EgressUnavailableError
from statefun.model import PostgresEgress
from statefun.runtime.egress.postgres import PostgresSink
from statefun.runtime.egress.sink import Confirmed, OutgoingRecord
from tests.runtime.outside import Alert, alert, outgoing, wait
from tests.services.postgres import PASSWORD, Server, find_programs

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = find_programs()

pytestmark = pytest.mark.skipif(
    PROGRAMS is None, reason="no PostgreSQL server is installed: on Debian and Ubuntu, apt-get install postgresql"
)


@pytest.fixture(scope="module")
def shared() -> Iterator[Server]:
    """A server for all tests that leave it running."""
    assert PROGRAMS is not None
    with Server(PROGRAMS) as running:
        yield running


@pytest.fixture
def server(shared: Server) -> Server:
    """The same, empty."""
    sql(shared, "DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP SCHEMA IF EXISTS reports CASCADE")
    return shared


def sql(server: Server, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description is not None else []


def sink(server: Server, **settings: Any) -> PostgresSink:
    given = {"id": "test/out", "dsn": server.dsn, "table": "alerts", "message": Alert, **settings}
    return PostgresSink(bind_egress(PostgresEgress(**given)))


async def deliver(made: PostgresSink, records: list[OutgoingRecord], position: str | None = None) -> Confirmed | None:
    await made.open("store", position)
    try:
        await made.deliver(records)
        return await made.confirm()
    finally:
        await made.close()


def numbered(made: PostgresSink, count: int) -> list[OutgoingRecord]:
    return outgoing(made, *([alert(str(number))] for number in range(count)))


def names(server: Server) -> list[str]:
    return [name for (name,) in sql(server, "SELECT name FROM alerts")]


def test_the_fields_of_a_message_are_the_columns(server: Server) -> None:
    made = sink(server)
    records = outgoing(made, [alert("a", level=2**40, ratio=0.5, open=True, tags=["é"], raw=b"\0")], [alert("b")])
    assert wait(deliver(made, records)) == Confirmed(2, "store 2")
    assert sql(server, "SELECT * FROM alerts") == [
        ("a", 2**40, 0.5, True, ["é"], b"\0"),
        ("b", 0, None, False, [], b""),
    ]


def test_protobuf_fields_and_odd_names_are_quoted(server: Server) -> None:
    sql(server, 'CREATE SCHEMA "reports"')
    made = sink(server, message=Field, table='reports.100% "al;erts"', key="name")
    value = Field(kind=Field.TYPE_INT64, number=7, name="'; DROP TABLE x; --")
    value.options.add(name="o")
    record = ("type.googleapis.com/google.protobuf.Field", value.SerializeToString())
    wait(deliver(made, outgoing(made, [record], [record])))
    assert sql(server, 'SELECT kind, number, name, options FROM reports."100% ""al;erts"""') == [
        ("TYPE_INT64", 7, "'; DROP TABLE x; --", [{"name": "o"}])
    ]
    assert sql(server, "SELECT sequence FROM reports.statefun_delivered") == [(2,)]


def test_without_a_message_type_a_row_is_a_typename_and_bytes(server: Server) -> None:
    made = sink(server, message=None)
    wait(deliver(made, outgoing(made, [("a/b", b"\0\x01"), ("c/d", b"")])))
    assert sql(server, "SELECT typename, value FROM alerts") == [("a/b", b"\0\x01"), ("c/d", b"")]


def test_records_that_come_again_are_left_out(server: Server) -> None:
    first = sink(server)
    records = numbered(first, 4)
    wait(deliver(first, records[:3]))
    wait(deliver(sink(server), records))
    wait(deliver(sink(server), records, position="store 4"))
    assert names(server) == ["0", "1", "2", "3"]


def test_a_key_replaces_the_row_that_is_there(server: Server) -> None:
    made = sink(server, key="name")
    wait(deliver(made, outgoing(made, [alert("a"), alert("b"), alert("a", level=1)], [alert("a", level=2)])))
    assert sql(server, "SELECT name, level FROM alerts ORDER BY name") == [("a", 2), ("b", 0)]


def test_a_row_that_is_refused_takes_its_whole_transaction_back_and_is_not_shown(server: Server) -> None:
    sql(
        server,
        "CREATE TABLE alerts (name text UNIQUE, level bigint, ratio float8, open boolean, tags jsonb, raw bytea)",
    )
    made = sink(server)
    with pytest.raises(EgressError, match=r"UniqueViolation \(23505\) at alerts_name_key") as caught:
        wait(deliver(made, outgoing(made, [alert("secret-value")], [alert("b"), alert("secret-value")])))
    assert not isinstance(caught.value, EgressUnavailableError)
    assert "secret-value" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert names(server) == []


@pytest.mark.parametrize(
    ("table", "settings", "told"),
    [
        (
            """CREATE TABLE alerts (name varchar(5), level integer, ratio float8, open boolean, tags json,
               id integer NOT NULL, n integer GENERATED ALWAYS AS IDENTITY, d integer NOT NULL DEFAULT 1)""",
            {},
            "'name' is character varying(5), not text; 'level' is integer, not bigint; no column 'raw' (bytea); 'id' must",
        ),
        (
            "CREATE TABLE alerts (name text, level bigint, ratio float8, open boolean, tags jsonb, raw bytea)",
            {"key": "name"},
            "there is no unique or exclusion constraint matching the ON CONFLICT specification",
        ),
    ],
)
def test_a_table_that_does_not_fit_is_told_with_what_differs(
    server: Server, table: str, settings: dict[str, Any], told: str
) -> None:
    sql(server, table)
    made = sink(server, **settings)
    with pytest.raises(EgressError) as caught:
        wait(deliver(made, []))
    assert told in str(caught.value)
    # The next delivery looks again instead of going on with what was refused.
    with pytest.raises(EgressError, match=r"does not fit|cannot take rows"):
        wait(deliver(made, numbered(made, 1)))


def test_a_database_that_forgot_its_rows_is_refused(server: Server) -> None:
    made = sink(server)
    wait(deliver(made, numbered(made, 2)))
    sql(server, "DROP TABLE alerts, statefun_delivered")
    with pytest.raises(EgressError, match="up to the number 0, though those up to 2"):
        wait(deliver(sink(server), [], position="store 2"))


def test_a_user_who_may_only_use_the_tables_is_enough(server: Server) -> None:
    wait(deliver(sink(server), numbered(sink(server), 1)))
    sql(
        server,
        "DROP ROLE IF EXISTS writer; CREATE ROLE writer LOGIN PASSWORD 'w'; "
        "GRANT USAGE ON SCHEMA public TO writer; GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO writer",
    )
    dsn = f"postgresql://writer:w@127.0.0.1:{server.port}/postgres"
    wait(deliver(sink(server, dsn=dsn), numbered(sink(server), 3)))
    assert names(server) == ["0", "1", "2"]


def test_a_wrong_password_is_not_shown(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPORTS_DSN", f"postgresql://statefun:wrong-{PASSWORD[:2]}@127.0.0.1:{server.port}/postgres")
    made = sink(server, dsn="env:REPORTS_DSN")
    with pytest.raises(EgressUnavailableError, match="password authentication failed") as caught:
        wait(deliver(made, numbered(made, 1)))
    assert "wrong-" not in str(caught.value)


KILLED = """
import asyncio, os, sys
from tests.services.test_postgres_sink import numbered, sink

class Given:
    dsn = "env:TEST_DSN"

async def run():
    made = sink(Given)
    records = numbered(made, 200)
    await made.open("store", None)
    for start in range(0, 200, 10):
        await made.deliver(records[start : start + 10])
        if start == int(sys.argv[1]):
            os.kill(os.getpid(), 9)

asyncio.run(run())
"""


@pytest.mark.parametrize("at", [0, 90, 190])
def test_a_kill_between_the_commit_and_the_confirmation_doubles_nothing(server: Server, at: int) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TEST_DSN": server.dsn}
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(at)], cwd=ROOT, capture_output=True, check=False, env=environment
    )
    assert killed.returncode == -9, killed.stderr
    assert len(names(server)) == at + 10
    made = sink(server)
    wait(deliver(made, numbered(made, 200)))
    assert names(server) == [str(number) for number in range(200)]


def test_a_server_that_is_killed_three_times_has_each_record_once(server: Server) -> None:
    del server  # this one is killed, and is not the shared one
    assert PROGRAMS is not None
    with Server(PROGRAMS) as mortal:
        made = sink(mortal)
        records = numbered(made, 600)
        failures = 0

        async def run() -> None:
            nonlocal failures
            await made.open("store", None)
            kills: list[threading.Thread] = []
            start = 0
            while start < len(records):
                if start in (100, 300, 500) and len(kills) < (start + 100) // 200:
                    # It dies while the next records are on their way.
                    kills.append(threading.Thread(target=lambda: (mortal.kill(), mortal.start())))
                    kills[-1].start()
                try:
                    await made.deliver(records[start : start + 5])
                except EgressUnavailableError:
                    failures += 1
                    await asyncio.sleep(0.02)
                    continue
                if start in (100, 300, 500):
                    await asyncio.to_thread(kills[-1].join)
                start += 5
            await made.close()

        wait(run())
        assert failures >= 1
        assert names(mortal) == [str(number) for number in range(600)]


class Proxy:
    """Passes bytes on between clients and the server; told to, it drops a client that has sent a COMMIT, once the server has answered."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._open: list[asyncio.StreamWriter] = []
        self.drops = False
        self.dropped = 0

    async def start(self) -> int:
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._listener.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        self._listener.close()
        for each in self._open:
            each.close()
            with contextlib.suppress(ConnectionError):
                await each.wait_closed()

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection("127.0.0.1", self._server.port)
        self._open += [to_client, to_server]
        answers = asyncio.ensure_future(self._answer(server, to_client))
        while data := await client.read(65536):
            if self.drops and b"COMMIT" in data:
                answers.cancel()
                await asyncio.gather(answers, return_exceptions=True)
                to_server.write(data)
                await server.read(1)
                self.dropped += 1
                break
            to_server.write(data)
        to_server.close()
        to_client.close()

    async def _answer(self, server: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        while data := await server.read(65536):
            to_client.write(data)


def test_a_commit_whose_answer_is_lost_doubles_nothing(server: Server) -> None:
    async def run() -> None:
        proxy = Proxy(server)
        port = await proxy.start()
        made = sink(server, dsn=server.dsn.replace(f"port={server.port}", f"port={port}"))
        records = numbered(made, 4)
        await made.open("store", None)
        await made.deliver(records[:2])
        proxy.drops = True
        with pytest.raises(EgressUnavailableError):
            await made.deliver(records[2:])
        proxy.drops = False
        assert proxy.dropped == 1
        await made.deliver(records[2:])
        await made.close()
        await proxy.stop()

    wait(run())
    assert names(server) == ["0", "1", "2", "3"]


def test_a_dead_runtimes_last_transaction_is_waited_for(server: Server) -> None:
    """Its rows may be committed by the server after the next runtime has begun."""
    wait(deliver(sink(server), []))

    async def run() -> None:
        made = sink(server)
        records = numbered(made, 2)
        dead = await psycopg.AsyncConnection.connect(server.dsn)
        await dead.execute("SELECT sequence FROM statefun_delivered FOR UPDATE")
        await dead.execute("INSERT INTO alerts (name) VALUES ('0')")
        await dead.execute("UPDATE statefun_delivered SET sequence = 1")
        await made.open("store", None)
        delivery = asyncio.ensure_future(made.deliver(records))
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        while await asyncio.to_thread(sql, server, waiting) != [(1,)]:
            assert not delivery.done()
        await dead.commit()
        await delivery
        await made.close()
        await dead.close()

    wait(run())
    assert names(server) == ["0", "1"]
