"""A copy of a store in one file, made while a runtime goes on, by SQLite's online backup; and how a running runtime is asked for it.

A runtime alone may read its store, so it makes the copy itself: a slice of pages after each transaction, and what it writes
meanwhile goes into the copy too. It is asked by a file in the store's folder, and answers by another. With no runtime, whoever asks
takes the lock and makes the copy. The copy grows under another name, reaches the disk, is checked, and only then gets its own: there is
never half a copy under that, nor a damaged one.

SQLite copies pages as they are, and a runtime must not stand still while a large copy is looked through. So whoever asks has it made under a
name that nobody else knows, checks it, and gives it the name that it is to have.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import Callable, Generator
from itertools import islice
from pathlib import Path
from typing import Any, Final, cast
from uuid import uuid4

import apsw

from statefun.errors import StoreCorruptError, StoreError, StoreLockedError
from statefun.runtime.checking import Problem, check_database
from statefun.runtime.schema import APPLICATION_ID
from statefun.runtime.store import Store

__all__ = ["Backup", "BackupError", "BackupService", "back_up"]

_REQUEST: Final = "backup.request"
_ANSWER: Final = "backup.answer"
_POLL: Final = 0.05
_SLICE: Final = 1024
"""Pages in a slice, of 4 KiB each: what one transaction may wait for a backup."""
_MOST_PROBLEMS: Final = 100
"""More of them in a copy are not counted."""
_DAMAGED: Final = (
    "`statefun check-store` tells what is damaged in a store that no runtime has open; restore an older copy, or, to keep what there is, "
    "copy the folder while nothing runs"
)


class BackupError(StoreError):
    """A copy of the store cannot be made; the store is as it was, and so is an older copy."""

    code = "backup-failed"
    default_hint = "name a file in a folder that exists, can be written and has room, outside of the store's own"


class Backup:
    """One copy in the making, which nobody has checked.

    Args:
        store: What is copied; no transaction may be open on it during `step`.
        file: The copy. An older copy of that name is replaced when this one is whole.

    Raises:
        BackupError: the file cannot be made, or is something else than a copy of a store.
        StoreCorruptError: what is to be copied is damaged so much that SQLite notices.
    """

    def __init__(self, store: Store, file: Path) -> None:
        self.file: Final = file
        self._partial: Final = file.with_name(file.name + ".partial")
        self._store: Final = store
        self._target: Any = None
        self._copying: Any = None
        _check(store.folder, file)
        with self._errors(), store.reading() as source:
            self._remove()
            self._target = apsw.Connection(str(self._partial))
            # What is torn when the machine stops is thrown away: no journal, and one sync at the end.
            for setting in ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF"):
                self._target.execute(setting).fetchall()
            self._copying = self._target.backup("main", source, "main")

    def step(self, pages: int = _SLICE) -> bool:
        """Copies some pages, and tells whether the copy is whole and under its name.

        Raises:
            BackupError: it cannot be written; what there was of it is removed.
            StoreCorruptError: SQLite cannot read what it has copied; the same.
        """
        with self._errors():
            self._copying.step(pages)
            if not self._copying.done:
                return False
            self._copying.finish()
            # A copy that is put back begins again at older numbers: under the old name a table would take new records for
            # some that it has. Under a name of its own they come again, and none is lost.
            self._target.execute("UPDATE store SET name = lower(hex(randomblob(16)))")
            self._target.close()
            _sync(self._partial, os.O_RDWR)
            self._partial.replace(self.file)
            _sync(self.file.parent, os.O_RDONLY)
        return True

    def abandon(self) -> None:
        """Ends it, and removes what there is of the copy."""
        with contextlib.suppress(apsw.Error, OSError):
            if self._copying is not None:
                self._copying.close(True)
        with contextlib.suppress(apsw.Error, OSError):
            if self._target is not None:
                self._target.close(True)
        with contextlib.suppress(OSError):
            self._remove()

    def _remove(self) -> None:
        for tail in ("", "-journal", "-wal", "-shm"):
            self._partial.with_name(self._partial.name + tail).unlink(missing_ok=True)

    @contextlib.contextmanager
    def _errors(self) -> Generator[None]:
        try:
            yield
        except (apsw.CorruptError, apsw.NotADBError) as error:
            self.abandon()
            raise _damaged(self._store.folder, str(error)) from error
        except (apsw.Error, OSError) as error:
            self.abandon()
            raise BackupError(f"{str(self.file)!r} cannot be made: {error}") from error


class BackupService:
    """Makes the copies that a running runtime is asked for, a slice at a time.

    Args:
        store: The runtime's.
    """

    def __init__(self, store: Store) -> None:
        self._store: Final = store
        self._request: Final = str(store.folder / _REQUEST)
        self._backup: Backup | None = None
        self._id = ""

    @property
    def wanted(self) -> bool:
        """Whether somebody asks for a copy."""
        return os.path.exists(self._request)

    @property
    def busy(self) -> bool:
        """Whether a copy is in the making."""
        return self._backup is not None

    async def watch(self, wake: Callable[[], object]) -> None:
        """Wakes the runtime as often as somebody asks for a copy, until it is cancelled."""
        while True:
            await asyncio.sleep(_POLL)
            if self.wanted:
                wake()

    def work(self) -> None:
        """Begins a copy that is asked for, or goes on with it. A copy that cannot be made is no error of the runtime's."""
        if self._backup is not None and str(_read(Path(self._request)).get("id")) != self._id:
            self.close()  # whoever asked for it has gone
        if self._backup is None and not self.wanted:
            return
        try:
            if self._backup is None:
                self._backup = self._begin()
            if self._backup is None or not self._backup.step():
                return
        except StoreError as error:
            self._answer({"error": error.message, "code": error.code})
        else:
            self._answer({})
        self._backup = None

    def close(self) -> None:
        """Leaves a copy that is not whole to whoever asked for it: the store will be free soon."""
        if self._backup is not None:
            self._backup.abandon()
            self._backup = None

    def _begin(self) -> Backup | None:
        try:
            asked = json.loads(Path(self._request).read_bytes())
            file, self._id = Path(asked["file"]), str(asked["id"])
        except FileNotFoundError:
            return None  # it was taken back
        except (OSError, ValueError, TypeError, KeyError):
            self._id = ""
            raise BackupError("what is asked for cannot be read") from None
        return Backup(self._store, file)

    def _answer(self, told: dict[str, str]) -> None:
        with contextlib.suppress(OSError):  # then nobody learns of it, and the store is none the worse
            answer = self._store.folder / _ANSWER
            _write(answer, {"id": self._id, **told})
        with contextlib.suppress(OSError):
            os.unlink(self._request)


def back_up(folder: Path, file: Path, *, timeout: float = 300.0) -> bool:
    """Copies a store, which a runtime may be using, into a file, and checks the copy as `statefun check-store` checks a store.

    Whatever is raised leaves the file as it was, and nothing beside it.

    Args:
        folder: The store's.
        file: The copy.
        timeout: How many seconds a process that has the store open may take.

    Returns:
        Whether a runtime made the copy; this process did otherwise.

    Raises:
        BackupError: the copy cannot be made.
        StoreCorruptError: the copy is damaged, and not kept.
        StoreLockedError: what has the store open did not make a copy in that time.
        StoreError: the store cannot be opened.
    """
    file = file.absolute()
    _check(folder, file)
    own = uuid4().hex
    # Of its own, so that of two commands for one file none names what the other has not checked.
    copy = file.with_name(f"{file.name}.{own[:8]}.unchecked")
    try:
        by_runtime = _copy(folder, copy, own, timeout)
        _inspect(folder, copy)
        _check(folder, file)  # it may have become something else meanwhile
        try:
            copy.replace(file)
            _sync(file.parent, os.O_RDONLY)
        except OSError as error:
            raise BackupError(f"{str(file)!r} cannot be made: {error}") from error
    finally:
        with contextlib.suppress(OSError):  # it is not there when all is well
            copy.unlink()
    return by_runtime


def _copy(folder: Path, file: Path, own: str, timeout: float) -> bool:
    """Makes a copy, or has it made, and tells whether a runtime did."""
    due = time.monotonic() + timeout
    asked = False
    try:
        while True:
            try:
                with Store(folder, must_exist=True) as store:
                    backup = Backup(store, file)
                    try:
                        while not backup.step():
                            pass
                    finally:
                        backup.abandon()  # removes nothing of a copy that is whole
                return False
            except StoreLockedError as error:
                if time.monotonic() >= due:
                    raise StoreLockedError(
                        f"{error.message}, which made no copy in {timeout:g} s", hint="only a running runtime makes one"
                    ) from error
            asked = asked or _ask(folder, file, own)
            time.sleep(_POLL)  # who answers is another process, and a file is all that both see
            answer = _read(folder / _ANSWER)
            if asked and answer.get("id") == own:
                (folder / _ANSWER).unlink(missing_ok=True)
                if answer.get("code") == StoreCorruptError.code:
                    raise StoreCorruptError(str(answer["error"]), hint=_DAMAGED)
                if "error" in answer:
                    raise BackupError(str(answer["error"]))
                return True
    finally:
        # Also one that a runtime that was killed left behind, unless it is another's.
        if _read(folder / _REQUEST).get("id") == own:
            (folder / _REQUEST).unlink(missing_ok=True)


def _inspect(folder: Path, copy: Path) -> None:
    """Refuses a copy in which `statefun check-store` would find a problem."""
    try:
        # Nobody else has it, so SQLite needs no lock and no file beside it.
        name = f"{copy.as_uri()}?immutable=1"
        with contextlib.closing(apsw.Connection(name, apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)) as connection:
            found = list(islice(check_database(connection), _MOST_PROBLEMS))
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise _damaged(folder, str(error)) from error
    except apsw.Error as error:
        raise BackupError(f"the copy of {str(folder)!r}, {str(copy)!r}, cannot be read: {error}") from error
    if found:
        raise _damaged(folder, _told(found))


def _told(found: list[Problem]) -> str:
    table, row, text = found[0]
    more = " or more" if len(found) == _MOST_PROBLEMS else ""
    count = "a problem" if len(found) == 1 else f"{len(found)}{more} problems, the first"
    return f"it has {count}: {table} {row}: {text}" if row else f"it has {count}: {table}: {text}"


def _damaged(folder: Path, why: str) -> StoreCorruptError:
    return StoreCorruptError(f"the copy of {str(folder)!r} is damaged, and is not kept: {why}", hint=_DAMAGED)


def _ask(folder: Path, file: Path, own: str) -> bool:
    """Asks, unless somebody else does."""
    new = folder / f"{_REQUEST}.{own}"
    try:
        _write(new, {"id": own, "file": str(file)})
        os.link(new, folder / _REQUEST)
    except FileExistsError:
        return False
    except OSError as error:
        raise BackupError(f"the runtime cannot be asked through {str(folder)!r}: {error}") from error
    finally:
        new.unlink(missing_ok=True)
    return True


def _check(folder: Path, file: Path) -> None:
    if file.resolve().parent == folder.resolve():
        raise BackupError(f"{str(file)!r} is in the folder of the store")
    if not file.parent.is_dir():
        raise BackupError(f"{str(file.parent)!r} is no folder")
    try:
        with file.open("rb") as old:
            head = old.read(72)
    except FileNotFoundError:
        return
    except OSError as error:
        raise BackupError(f"{str(file)!r} cannot be replaced: {error.strerror or error}") from error
    if head[:15] != b"SQLite format 3" or head[68:72] != APPLICATION_ID.to_bytes(4):
        raise BackupError(f"{str(file)!r} is there, and is no copy of a store")


def _write(file: Path, content: dict[str, str]) -> None:
    new = file.with_name(file.name + ".new")
    new.write_text(json.dumps(content), encoding="utf-8")
    new.replace(file)


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return cast("dict[str, Any]", content) if isinstance(content, dict) else {}


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
