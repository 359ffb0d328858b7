"""The store: the lock, damage, versions, folders that cannot be written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from statefun.errors import StoreCorruptError, StoreError, StoreLockedError, StoreVersionError
from statefun.runtime import Store
from statefun.runtime.changes import Changes, StateRow
from statefun.runtime.schema import VERSION


def test_a_second_store_is_refused_in_this_process_and_in_another(tmp_path: Path) -> None:
    program = f"from statefun.runtime import Store; Store({str(tmp_path)!r})"
    with Store(tmp_path):
        with pytest.raises(StoreLockedError, match="another process"):
            Store(tmp_path)
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "[store-locked]" in done.stderr
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_lock_of_a_killed_process_is_gone(tmp_path: Path) -> None:
    program = (
        f"from statefun.runtime import Store; store = Store({str(tmp_path)!r}); print('open', flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        with pytest.raises(StoreLockedError):
            Store(tmp_path)
        process.kill()
    Store(tmp_path).close()


def test_a_store_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    Store(tmp_path).close()
    connection = apsw.Connection(str(tmp_path / "statefun.db"))
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    with pytest.raises(StoreVersionError, match=f"version {VERSION + 1}"):
        Store(tmp_path)


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "statefun.db"))
    connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    with pytest.raises(StoreCorruptError, match="another program"):
        Store(tmp_path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "statefun.db").write_bytes(b"something else altogether" * 100)
    with pytest.raises(StoreCorruptError):
        Store(tmp_path)


def test_a_damaged_store_is_told(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        rows = [StateRow(b"key%d" % number, None, bytes(200), True) for number in range(1000)]
        store.commit(Changes(states=rows))
    path = tmp_path / "statefun.db"
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xaa" * (len(data) - 4096)
    path.write_bytes(data)

    def read_all() -> None:
        with Store(tmp_path) as store:
            store.recover()
            for number in range(1000):
                store.load_states(b"key%d" % number)

    with pytest.raises(StoreCorruptError, match="damaged"):
        read_all()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be made"):
        Store(tmp_path / "file" / "store")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(tmp_path)


def test_a_store_that_is_read_only_is_told_before_anything_is_written(tmp_path: Path) -> None:
    Store(tmp_path).close()
    with pytest.raises(StoreError, match="cannot be written: it, or the file system that it is on, is read-only"):
        Store(tmp_path, connect=lambda name: apsw.Connection(name, flags=apsw.SQLITE_OPEN_READONLY))


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        bad = Changes(positions={"a/b": "1"}, states=[StateRow(b"key", None, b"x", True)])
        bad.outbox = [(1, "a/b", []), (1, "a/b", [])]  # one key twice
        with pytest.raises(StoreError):
            store.commit(bad)
        assert store.positions() == {}
        assert store.count("states") == 0


def test_a_table_that_is_none_is_refused(tmp_path: Path) -> None:
    with Store(tmp_path) as store, pytest.raises(StoreError, match="no table"):
        store.count("sqlite_schema")


def test_each_folder_that_is_made_is_synced_into_the_one_that_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").resolve())
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with Store(tmp_path / "a" / "b"):
        assert synced == [tmp_path, tmp_path / "a"]
    synced.clear()
    with Store(tmp_path / "a" / "b"):
        assert synced == []


def test_a_store_that_is_removed_or_replaced_while_it_is_in_use_commits_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    changes = Changes(positions={"test/in": "1"})
    (tmp_path / "elsewhere").mkdir()
    with Store("s") as store:
        monkeypatch.chdir(tmp_path / "elsewhere")
        store.commit(changes)
        (tmp_path / "s").rename(tmp_path / "moved")
        with pytest.raises(StoreError, match="removed, moved or replaced"):
            store.commit(changes)
        with Store(tmp_path / "s"), pytest.raises(StoreError, match="removed, moved or replaced"):
            store.commit(changes)
