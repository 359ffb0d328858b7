"""`statefun backup`: a whole copy or none, of a store at rest and under load, whatever is killed; and a run that goes on from it."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import apsw
import pytest

from statefun.batch import ProtocolVersion, Target, TypedBytes
from statefun.cli import main
from statefun.errors import StoreError, StoreLockedError
from statefun.protocol.transit import wrap_stored
from statefun.protocol.values import encode_address
from statefun.runtime import Store
from statefun.runtime.backup import Backup, BackupError, BackupService, back_up
from statefun.runtime.changes import Changes, StateRow
from statefun.runtime.checking import check as problems
from statefun.runtime.packing import pack_states
from tests.runtime import killing
from tests.runtime.test_kill import check

ROOT = Path(__file__).resolve().parents[2]
RECORDS = 12_000
SEEDS = range(int(os.environ.get("STATEFUN_BACKUP_SEEDS", "4")))
WORK = """
import sys
from pathlib import Path
from statefun.batch import ProtocolVersion
from tests.runtime.killing import work
work(Path(sys.argv[1]), ProtocolVersion.V3, "")
"""
BACKUPS = """
import sys
from pathlib import Path
from statefun.runtime.backup import back_up
sys.stdin.readline()
for number in range(1000):
    back_up(Path(sys.argv[1]) / "store", Path(sys.argv[1]) / f"copy{number}.db")
    print(number, flush=True)
"""


STATES = pack_states([(b"a", 0, wrap_stored(TypedBytes("test/value", b"x" * 480)))])


def key(id: str) -> bytes:
    return encode_address(Target("test", "work", id))


def filled(folder: Path, rows: int) -> Store:
    store = Store(folder)
    store.commit(Changes(states=[StateRow(key(f"{number:06}"), None, STATES, True) for number in range(rows)]))
    return store


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def restored(copy: Path, folder: Path) -> Store:
    folder.mkdir()
    shutil.copy(copy, folder / "statefun.db")
    return Store(folder)


def start(program: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate(timeout=60)


def run_to_the_end(folder: Path) -> None:
    process = start(WORK, folder)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told


def prepare(folder: Path) -> None:
    rows = killing.rows(RECORDS)
    (folder / "in.csv").write_text("id,value\n" + "".join(f"{id},{value}\n" for id, value in rows))


def runs_to_the_right_end(copy: Path, source: Path, folder: Path) -> None:
    """A run on the copy, with the files as they are now, ends as one that was never stopped."""
    folder.mkdir()
    for name in ("in.csv", "out.txt"):
        shutil.copy(source / name, folder / name)
    with restored(copy, folder / "store") as store:
        assert list(problems(store)) == []
    run_to_the_end(folder)
    check(folder, ProtocolVersion.V3, RECORDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_copy_made_under_load_is_whole_whatever_is_killed(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    source = tmp_path / "source"
    source.mkdir()
    prepare(source)
    # The one that copies first: an interpreter takes its time to start, and the runtime lasts for two seconds.
    backups = start(BACKUPS, source)
    runtime = start(WORK, source)
    try:
        due = time.monotonic() + 60
        while not (source / "out.txt").exists() or not (source / "out.txt").read_bytes():
            assert time.monotonic() < due
            time.sleep(0.005)
        assert backups.stdin is not None
        assert backups.stdout is not None
        assert backups.stderr is not None
        backups.stdin.write("go\n")
        backups.stdin.flush()
        assert backups.stdout.readline() == "0\n", backups.stderr.read()
        assert runtime.poll() is None, "the copy was to be made under load"
        time.sleep(chance.uniform(0, 0.3))
        for process in chance.sample([runtime, backups], 2):
            end(process)
            time.sleep(chance.uniform(0, 0.02))
    finally:
        for process in (runtime, backups):
            end(process)
    copies = sorted(source.glob("copy*.db"))
    for number, copy in enumerate({copies[0], copies[-1]}):
        runs_to_the_right_end(copy, source, tmp_path / f"restored{number}")
    # The store itself goes on too, and takes over a request that nobody waits for any more.
    run_to_the_end(source)
    check(source, ProtocolVersion.V3, RECORDS)


def test_a_plain_copy_of_the_file_under_load_would_not_do(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    prepare(source)
    runtime = start(WORK, source)
    due = time.monotonic() + 60
    while not (source / "out.txt").exists() or len((source / "out.txt").read_bytes()) < 1000:
        assert time.monotonic() < due
        time.sleep(0.005)
    shutil.copy(source / "store" / "statefun.db", tmp_path / "copy.db")
    end(runtime)
    with pytest.raises((AssertionError, StoreError)):
        runs_to_the_right_end(tmp_path / "copy.db", source, tmp_path / "restored")


def test_a_copy_holds_what_was_committed_while_it_was_made(tmp_path: Path) -> None:
    with filled(tmp_path / "s", 4000) as store:
        backup = Backup(store, tmp_path / "copy.db")
        assert not backup.step(10)
        assert not (tmp_path / "copy.db").exists()
        store.commit(Changes(states=[StateRow(key("000000"), None, b"new", False)], positions={"a/b": "7"}))
        store.commit(Changes(states=[StateRow(key("zzz"), None, b"new", True)]))
        while not backup.step(10):
            store.commit(Changes(positions={"a/b": "8"}))
    with restored(tmp_path / "copy.db", tmp_path / "r") as copy:
        assert (copy.load_states(key("000000")), copy.load_states(key("zzz"))) == ((None, b"new"), (None, b"new"))
        assert copy.positions() == {"a/b": "8"}
        assert copy.count("states") == 4001
        with copy.reading() as connection:
            assert connection.execute("PRAGMA integrity_check").get == "ok"
    assert names(tmp_path) == ["copy.db", "r", "s"]


def test_a_copy_that_is_abandoned_leaves_the_older_one(tmp_path: Path) -> None:
    with filled(tmp_path / "s", 4000) as store:
        back = Backup(store, tmp_path / "copy.db")
        while not back.step():
            pass
        before = (tmp_path / "copy.db").read_bytes()
        store.commit(Changes(positions={"a/b": "8"}))
        half = Backup(store, tmp_path / "copy.db")
        assert not half.step(10)
        half.abandon()
        store.commit(Changes(positions={"a/b": "9"}))
    assert (tmp_path / "copy.db").read_bytes() == before
    assert names(tmp_path) == ["copy.db", "s"]


def test_a_runtime_makes_a_copy_in_slices_and_answers(tmp_path: Path) -> None:
    with filled(tmp_path / "s", 20_000) as store:
        service = BackupService(store)
        service.work()
        assert not service.busy
        (store.folder / "backup.request").write_text(json.dumps({"id": "x", "file": str(tmp_path / "copy.db")}))
        assert service.wanted
        slices = 0
        while service.wanted:
            service.work()
            slices += 1
        assert slices > 2
        assert json.loads((store.folder / "backup.answer").read_text()) == {"id": "x"}
    with restored(tmp_path / "copy.db", tmp_path / "r") as copy:
        assert copy.count("states") == 20_000


@pytest.mark.parametrize("asked", ["", "[]", "{}", '{"id": 1}', '{"id": "x", "file": "/nowhere/at/all.db"}', "null"])
def test_a_request_that_cannot_be_met_is_answered_and_does_the_runtime_no_harm(tmp_path: Path, asked: str) -> None:
    with filled(tmp_path, 10) as store:
        service = BackupService(store)
        (tmp_path / "backup.request").write_text(asked)
        service.work()
        assert not service.wanted
        assert not service.busy
        assert "error" in json.loads((tmp_path / "backup.answer").read_text())
        store.commit(Changes(positions={"a/b": "8"}))


def test_a_full_disk_leaves_no_copy_and_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = apsw.Connection

    def small(name: str, **settings: Any) -> apsw.Connection:
        connection = connect(name, **settings)
        if name.endswith(".partial"):
            connection.execute("PRAGMA max_page_count = 20").fetchall()
        return connection

    with filled(tmp_path / "s", 4000) as store:
        monkeypatch.setattr(apsw, "Connection", small)
        backup = Backup(store, tmp_path / "copy.db")
        with pytest.raises(BackupError, match="cannot be made"):
            backup.step(1_000_000)
        store.commit(Changes(positions={"a/b": "8"}))
    assert names(tmp_path) == ["s"]


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as left:
        main(["backup", *words])
    told = capsys.readouterr()
    return int(str(left.value.code)), told.out + told.err


def test_what_is_no_copy_is_never_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filled(tmp_path / "s", 10).close()
    (tmp_path / "text").write_text("mine")
    other = apsw.Connection(str(tmp_path / "other.db"))
    other.execute("CREATE TABLE theirs (a)")
    other.close()
    for file in ("text", "other.db", "s/statefun.db", "s/copy.db", "nowhere/copy.db"):
        before = (tmp_path / file).read_bytes() if (tmp_path / file).exists() else None
        status, told = said(capsys, "--store", str(tmp_path / "s"), str(tmp_path / file))
        assert (status, "[backup-failed]" in told) == (1, True)
        assert ((tmp_path / file).read_bytes() if (tmp_path / file).exists() else None) == before
    for _ in range(2):
        assert said(capsys, "--store", str(tmp_path / "s"), str(tmp_path / "copy.db"))[0] == 0
    restored(tmp_path / "copy.db", tmp_path / "r").close()
    assert names(tmp_path) == ["copy.db", "other.db", "r", "s", "text"]


def test_a_store_that_is_held_by_something_else_than_a_runtime_is_told(tmp_path: Path) -> None:
    with filled(tmp_path / "s", 10):
        with pytest.raises(StoreLockedError, match="made no copy"):
            back_up(tmp_path / "s", tmp_path / "copy.db", timeout=0.2)
        assert not (tmp_path / "s" / "backup.request").exists()
    assert not (tmp_path / "copy.db").exists()
    assert back_up(tmp_path / "s", tmp_path / "copy.db") is False


def test_a_runtime_that_waits_for_a_delayed_message_makes_a_copy(tmp_path: Path) -> None:
    waiting = f"""
from datetime import timedelta
from statefun import *
from statefun.runtime import run_until_idle, Store
functions = StatefulFunctions()
@functions.bind("wait/f")
def f(context, word: str):
    if word == "first":
        context.send_after(timedelta(hours=1), "wait/f", "1", "later")
open("in.csv", "w").write("word\\nfirst\\n")
functions.ingress(FileIngress(id="wait/in", path="in.csv", message=STRING, key="word", targets=["wait/f"], convert=lambda row: row["word"]))
run_until_idle(RequestReplyHandler(functions), Store({str(tmp_path / "s")!r}), states=functions.specs(), ingresses=functions.ingresses,
    progress=lambda report: print(report.records, flush=True))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", waiting],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n"
        assert back_up(tmp_path / "s", tmp_path / "copy.db", timeout=60) is True
    finally:
        end(process)
    with restored(tmp_path / "copy.db", tmp_path / "r") as copy:
        assert copy.count("timers") == 1
