"""A PostgreSQL table behind a whole runtime, which works on while its server is killed and comes back."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from statefun import STRING, Context, FileIngress, StatefulFunctions
from statefun.model import PostgresEgress
from statefun.runtime import Options, Report, Store
from tests.runtime.outside import ALERT, Alert
from tests.runtime.rig import run
from tests.runtime.test_sinks_in_runtime import POINTS, CrashAt, CrashError
from tests.services.postgres import Server, find_programs

PROGRAMS = find_programs()
RECORDS = 400

pytestmark = pytest.mark.skipif(
    PROGRAMS is None, reason="no PostgreSQL server is installed: on Debian and Ubuntu, apt-get install postgresql"
)


def functions_of(folder: Path, dsn: str) -> StatefulFunctions:
    functions = StatefulFunctions()

    @functions.bind("test/echo")
    def echo(context: Context, message: str) -> None:
        context.send_egress("test/out", Alert(context.address.id, level=int(message)))

    functions.ingress(
        FileIngress(
            id="test/in",
            path=folder / "in.csv",
            message=STRING,
            key="id",
            targets=["test/echo"],
            convert=lambda row: row["level"],
        )
    )
    functions.egress(PostgresEgress(id="test/out", dsn=dsn, table="alerts", message=ALERT))
    return functions


def test_a_server_that_is_killed_under_a_runtime_has_each_row_once(tmp_path: Path) -> None:
    assert PROGRAMS is not None
    (tmp_path / "in.csv").write_text("id,level\n" + "".join(f"a{n % 5},{n}\n" for n in range(RECORDS)))
    kills: list[threading.Thread] = []
    one_at_a_time = threading.Lock()
    with Server(PROGRAMS) as server:

        def kill_and_start() -> None:
            with one_at_a_time:
                server.kill()
                server.start()

        def kill_now_and_then(report: Report) -> None:
            if report.groups in (10, 40):
                kills.append(threading.Thread(target=kill_and_start))
                kills[-1].start()

        with Store(tmp_path / "store") as store:
            report = run(
                functions_of(tmp_path, server.dsn), store, options=Options(max_group=5), progress=kill_now_and_then
            )
        for each in kills:
            each.join()
        assert report.records == RECORDS
        assert len(kills) == 2
        with psycopg.connect(server.dsn) as connection:
            rows = connection.execute("SELECT name, level FROM alerts ORDER BY level").fetchall()
    assert rows == [(f"a{n % 5}", n) for n in range(RECORDS)]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server for all tests that leave it running."""
    assert PROGRAMS is not None
    with Server(PROGRAMS) as running:
        yield running


@pytest.mark.parametrize("point", POINTS)
def test_a_crash_anywhere_in_a_delivery_leaves_each_row_once(tmp_path: Path, server: Server, point: str) -> None:
    (tmp_path / "in.csv").write_text("id,level\n" + "".join(f"a{n % 5},{n}\n" for n in range(60)))
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS alerts, statefun_delivered")
        for crash in (CrashAt(point, 2), None):
            with Store(tmp_path / "store") as store:
                options = Options(max_group=7)
                if crash is None:
                    run(functions_of(tmp_path, server.dsn), store, options=options)
                    continue
                with contextlib.suppress(CrashError):
                    run(functions_of(tmp_path, server.dsn), store, options=options, crash_point=crash)
                assert crash.crashed or "egress" in point  # records may be delivered, and confirmed, all at once
        rows = connection.execute("SELECT name, level FROM alerts ORDER BY level").fetchall()
    assert rows == [(f"a{n % 5}", n) for n in range(60)]
