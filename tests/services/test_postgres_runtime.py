"""A PostgreSQL table behind a whole runtime, which works on while its server is killed and comes back."""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg
import pytest

from statefun import STRING, Context, FileIngress, StatefulFunctions
from statefun.model import PostgresEgress
from statefun.runtime import Options, Report, Store
from tests.runtime.outside import ALERT, Alert
from tests.runtime.rig import run
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
    with Server(PROGRAMS) as server:

        def kill_now_and_then(report: Report) -> None:
            if report.groups in (10, 40):
                kills.append(threading.Thread(target=lambda: (server.kill(), server.start())))
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
