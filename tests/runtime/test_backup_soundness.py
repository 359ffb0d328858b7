"""What `statefun backup` does not keep: a damaged copy, and what it was interrupted at."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from statefun.errors import StoreCorruptError
from statefun.runtime import Store
from statefun.runtime.backup import BackupService, back_up
from statefun.runtime.changes import Changes
from tests.runtime.test_backup import ROOT, filled, key, names, restored, said

# --- damage -----------------------------------------------------------------------------------------------------------


def damage(store: Path, page: int) -> None:
    with store.open("r+b") as file:
        file.seek(page * 4096)
        file.write(b"\xaa" * 64)


def test_a_store_with_a_damaged_page_is_not_copied_and_the_older_copy_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(tmp_path / "s", 3000).close()
    store, copy = tmp_path / "s" / "statefun.db", tmp_path / "copy.db"
    assert said(capsys, "--store", str(store.parent), str(copy))[0] == 0
    before, sound = copy.read_bytes(), store.read_bytes()
    for page in range(1, len(sound) // 4096, 29):
        store.write_bytes(sound)
        damage(store, page)
        for file in (copy, tmp_path / "new.db"):
            status, told = said(capsys, "--store", str(store.parent), str(file))
            assert (status, "[store-corrupt]" in told) == (1, True), (page, told)
            assert "damaged" in told
        assert copy.read_bytes() == before
        assert names(tmp_path) == ["copy.db", "s"]


def test_a_store_with_a_row_that_check_store_tells_of_is_not_copied(tmp_path: Path) -> None:
    with filled(tmp_path / "s", 10) as store:
        store.commit(Changes(inbox=[(number, key("1"), b"") for number in (1, 2)]))
    with pytest.raises(StoreCorruptError) as caught:
        back_up(tmp_path / "s", tmp_path / "copy.db")
    assert caught.value.message.endswith("it has 2 problems, the first: inbox 1: a row without a message")
    assert "statefun check-store" in (caught.value.hint or "")
    assert names(tmp_path) == ["s"]


def serving(service: BackupService, asking: Callable[[], Any]) -> Any:
    """What a call returns that asks a running runtime for a copy."""
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(asking)
        while not asked.done():
            service.work()
    return asked.result()


def elsewhere(folder: Path, file: Path) -> Callable[[], tuple[int, str]]:
    """`statefun backup` in a process of its own, for which the store is locked."""

    def ask() -> tuple[int, str]:
        process = start_backup(folder, file)
        _, told = process.communicate(timeout=60)
        return process.returncode, told

    return ask


def start_backup(folder: Path, file: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "statefun", "backup", "--store", str(folder), str(file)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_runtime_that_has_a_damaged_store_open_goes_on_and_its_copy_is_not_kept(tmp_path: Path) -> None:
    filled(tmp_path / "s", 3000).close()
    for page in (100, 200):
        damage(tmp_path / "s" / "statefun.db", page)
    with Store(tmp_path / "s") as store:
        status, told = serving(BackupService(store), elsewhere(tmp_path / "s", tmp_path / "copy.db"))
        assert (status, "[store-corrupt]" in told) == (1, True), told
        assert "the copy of " in told
        store.commit(Changes(positions={"a/b": "8"}))
    assert names(tmp_path) == ["s"]
    assert names(tmp_path / "s") == ["statefun.db"]


def test_a_runtime_that_cannot_copy_for_the_damage_says_that_the_store_is_damaged(tmp_path: Path) -> None:
    with filled(tmp_path / "s", 10) as store, store.reading() as connection:
        page: int = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'store'").get
    damage(tmp_path / "s" / "statefun.db", page - 1)
    with Store(tmp_path / "s") as store:
        status, told = serving(BackupService(store), elsewhere(tmp_path / "s", tmp_path / "copy.db"))
    assert (status, "[store-corrupt]" in told) == (1, True), told
    assert names(tmp_path) == ["s"]


def test_a_copy_of_a_sound_store_that_a_runtime_has_open_is_checked_and_kept(tmp_path: Path) -> None:
    with filled(tmp_path / "s", 3000) as store:
        status, told = serving(BackupService(store), elsewhere(tmp_path / "s", tmp_path / "copy.db"))
        assert status == 0, told
    assert names(tmp_path) == ["copy.db", "s"]
    with restored(tmp_path / "copy.db", tmp_path / "r") as copy:
        assert copy.count("states") == 3000


# --- interruption -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_is_interrupted_takes_its_question_back_and_the_runtime_its_copy(
    tmp_path: Path, number: signal.Signals
) -> None:
    with filled(tmp_path / "s", 20_000) as store:
        service = BackupService(store)
        process = start_backup(tmp_path / "s", tmp_path / "copy.db")
        while not service.busy:
            assert process.poll() is None
            service.work()
        process.send_signal(number)
        _, told = process.communicate(timeout=60)
        assert (process.returncode, "Traceback" in told) == (1, False), told
        assert service.busy
        service.work()
        assert not service.busy
        assert names(tmp_path) == ["s"]
        # Another one may ask meanwhile: the first one's copy is not for it.
        assert serving(service, elsewhere(tmp_path / "s", tmp_path / "copy.db"))[0] == 0
    assert names(tmp_path) == ["copy.db", "s"]


@pytest.mark.parametrize("where", ["step", "check_database"])
def test_a_command_that_is_interrupted_while_it_copies_or_checks_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    filled(tmp_path / "s", 3000).close()

    def interrupted(*_values: object) -> bool:
        assert len(names(tmp_path)) == 2, "it was to be interrupted when there is something"
        raise KeyboardInterrupt

    monkeypatch.setattr(f"statefun.runtime.backup.{'Backup.' if where == 'step' else ''}{where}", interrupted)
    with pytest.raises(KeyboardInterrupt):
        back_up(tmp_path / "s", tmp_path / "copy.db")
    assert names(tmp_path) == ["s"]


def test_a_copy_that_the_runtime_made_where_this_process_does_not_see_it_is_told(tmp_path: Path) -> None:
    with filled(tmp_path / "s", 10) as store:
        asking = start_backup(tmp_path / "s", tmp_path / "copy.db")
        request = tmp_path / "s" / "backup.request"
        while not request.exists():
            assert asking.poll() is None
        asked = json.loads(request.read_text())
        request.unlink()
        (store.folder / "backup.answer").write_text(json.dumps({"id": asked["id"]}))
        _, told = asking.communicate(timeout=60)
    assert (asking.returncode, "[backup-failed]" in told) == (1, True), told
    assert names(tmp_path) == ["s"]
