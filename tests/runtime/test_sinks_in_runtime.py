"""Sources and sinks in a whole runtime: a crash at any point of a delivery, and what has to come out all the same."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from typing import ClassVar

import pytest

from statefun import STRING, Context, FileIngress, StatefulFunctions
from statefun.batch import ProtocolVersion
from statefun.errors import EgressError
from statefun.model import SqliteEgress, WebhookEgress
from statefun.runtime import Options, Report, Store
from statefun.runtime.backup import back_up
from statefun.runtime.egress.sqlite import SqliteSink
from statefun.webhooks import verify
from tests.runtime.outside import ALERT, Alert
from tests.runtime.rig import run

ROOT = Path(__file__).resolve().parents[2]
RECORDS = 60
POINTS = (
    "before egress write",
    "after egress write",
    "before egress fsync",
    "after egress fsync",
    "before commit",
    "after commit",
)


class CrashError(BaseException):
    """The process is gone."""


class CrashAt:
    """Crashes when a point is passed for the n-th time."""

    def __init__(self, point: str, times: int) -> None:
        self._point = point
        self._left = times

    def __call__(self, point: str) -> None:
        if point == self._point:
            self._left -= 1
            if not self._left:
                raise CrashError(point)

    @property
    def crashed(self) -> bool:
        return self._left <= 0


def functions_of(folder: Path, egress: WebhookEgress | None = None) -> StatefulFunctions:
    functions = StatefulFunctions()

    @functions.bind("test/echo")
    def echo(context: Context, message: str) -> None:
        context.send_egress("test/out", Alert(context.address.id, level=int(message)))

    functions.ingress(
        FileIngress(
            id="test/in", path=folder / "in.csv", message=STRING, key="id", targets=["test/echo"], convert=_level
        )
    )
    table = SqliteEgress(id="test/out", path=folder / "out.db", table="alerts", message=ALERT)
    functions.egress(table if egress is None else egress)
    return functions


def _level(row: object) -> str:
    assert isinstance(row, dict)
    return str(row["level"])


def go(folder: Path, crash_point: Callable[[str], None] | None = None) -> Report:
    with Store(folder / "store") as store:
        return run(functions_of(folder), store, options=Options(max_group=7), crash_point=crash_point)


def rows_of(folder: Path) -> list[tuple[str, int]]:
    connection = sqlite3.connect(folder / "out.db")
    try:
        return connection.execute("SELECT name, level FROM alerts ORDER BY level").fetchall()
    finally:
        connection.close()


@pytest.mark.parametrize("point", POINTS)
def test_a_crash_anywhere_in_a_delivery_leaves_each_row_once(tmp_path: Path, point: str) -> None:
    crashes = 0
    for times in (1, 4):
        folder = tmp_path / str(times)
        folder.mkdir()
        (folder / "in.csv").write_text("id,level\n" + "".join(f"a{n % 5},{n}\n" for n in range(RECORDS)))
        crash = CrashAt(point, times)
        try:
            go(folder, crash)
        except CrashError:
            crashes += 1
        go(folder)
        assert rows_of(folder) == [(f"a{n % 5}", n) for n in range(RECORDS)]
    assert crashes >= 1


def test_each_run_adds_its_rows(tmp_path: Path) -> None:
    """A number that is used again would be taken for one whose rows are in."""
    for count in (3, 3, 10, 11):
        (tmp_path / "in.csv").write_text("id,level\n" + "".join(f"a,{n}\n" for n in range(count)))
        go(tmp_path)
        assert rows_of(tmp_path) == [("a", n) for n in range(count)]


def test_a_copy_that_is_put_back_sends_what_came_after_it_again_and_loses_nothing(tmp_path: Path) -> None:
    lines = [f"a,{n}\n" for n in range(12)]
    (tmp_path / "in.csv").write_text("id,level\n" + "".join(lines[:4]))
    go(tmp_path)
    back_up(tmp_path / "store", tmp_path / "copy.db")
    (tmp_path / "in.csv").write_text("id,level\n" + "".join(lines[:8]))
    go(tmp_path)
    shutil.rmtree(tmp_path / "store")
    (tmp_path / "store").mkdir()
    (tmp_path / "copy.db").rename(tmp_path / "store" / "statefun.db")
    (tmp_path / "in.csv").write_text("id,level\n" + "".join(lines))
    go(tmp_path)
    assert [level for _, level in rows_of(tmp_path)] == [0, 1, 2, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11]


class Hook(BaseHTTPRequestHandler):
    """Answers every third request with 503, and every fourth not at all."""

    received: ClassVar[list[tuple[str, int]]] = []
    requests: ClassVar[int] = 0
    unsigned: ClassVar[int] = 0

    def do_POST(self) -> None:
        Hook.requests += 1
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Hook.unsigned += not verify(body, dict(self.headers), "env-secret", now=time.time())
        if Hook.requests % 3 == 0:
            self.send_response(503)
            self.end_headers()
            return
        Hook.received.append((self.headers["Webhook-Id"], json.loads(body)["level"]))
        if Hook.requests % 4:
            self.send_response(204)
            self.end_headers()
        else:
            self.close_connection = True  # taken, and not answered

    def log_message(self, *_arguments: object) -> None:
        return


def test_a_webhook_that_fails_now_and_then_gets_all_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", "env-secret")
    monkeypatch.setattr("statefun.runtime.outlets._PAUSE", 0.001)
    (tmp_path / "in.csv").write_text("id,level\n" + "".join(f"a,{n}\n" for n in range(9)))
    # A plain TCP server: an HTTPServer would ask for the name of this machine.
    with ThreadingTCPServer(("127.0.0.1", 0), Hook) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        egress = WebhookEgress(id="test/out", url=url, secret="env:HOOK_SECRET")
        with Store(tmp_path / "store") as store:
            run(functions_of(tmp_path, egress), store, options=Options(max_group=7))
        server.shutdown()
    assert Hook.unsigned == 0
    assert Hook.requests > len(Hook.received) > 9
    assert list(dict.fromkeys(level for _, level in Hook.received)) == list(range(9))
    # Each record has one id, the same each time that it came.
    assert len(set(Hook.received)) == len({id for id, _ in Hook.received}) == 9


def test_a_sink_that_forgets_what_it_has_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above: without the number in the table the crash doubles rows."""
    monkeypatch.setattr(SqliteSink, "_last", lambda _self, _connection: None)
    monkeypatch.setattr(SqliteSink, "check_last", lambda *_arguments: None)
    (tmp_path / "in.csv").write_text("id,level\n" + "".join(f"a,{n}\n" for n in range(RECORDS)))
    with pytest.raises(CrashError):
        go(tmp_path, CrashAt("after egress write", 2))
    go(tmp_path)
    assert len(rows_of(tmp_path)) > RECORDS


def test_a_table_that_does_not_fit_ends_the_run_and_keeps_the_records(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,level\na,1\n")
    with sqlite3.connect(tmp_path / "out.db") as connection:
        connection.execute("CREATE TABLE alerts (name TEXT)")
    connection.close()
    with pytest.raises(EgressError, match="no column 'level'"):
        go(tmp_path)
    with sqlite3.connect(tmp_path / "out.db") as connection:
        connection.execute("DROP TABLE alerts")
    connection.close()
    go(tmp_path)
    assert rows_of(tmp_path) == [("a", 1)]


PROGRAM = """
from statefun import STRING, StatefulFunctions, json_type
from statefun.model import StdinIngress, StdoutEgress

functions = StatefulFunctions()

@functions.bind("test/echo")
def echo(context, message: str):
    context.send_egress("test/out", f"{context.address.id} {message}")

functions.ingress(
    StdinIngress(
        id="test/in", message=STRING, key="id", targets=["test/echo"], format="jsonl", convert=lambda row: row["text"], replayed=True
    )
)
functions.egress(StdoutEgress(id="test/out", format="text"))
"""


@pytest.mark.parametrize("protocol", ProtocolVersion)
def test_a_pipe_runs_through_a_program(tmp_path: Path, protocol: ProtocolVersion) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, "-c", "from statefun.cli import main; main()", "run", "program:functions"]
    outputs = []
    for lines in (b'{"id":"a","text":"1"}\n', b'{"id":"a","text":"1"}\n{"id":"b","text":"2"}\n'):
        done = subprocess.run(
            [*command, "--store", "store", "--protocol", protocol.value],
            cwd=tmp_path,
            input=lines,
            capture_output=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout)
    assert outputs == [b"a 1\n", b"b 2\n"]
