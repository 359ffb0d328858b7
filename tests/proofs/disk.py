"""A disk in memory that loses power, runs full and fails: below SQLite as an apsw VFS, and below the files of egresses.

What is written stands in a cache until it is synced. A *kill* keeps the cache. A *cut* of the power loses it: of what was not synced any
subset of 512-byte sectors may have reached the platter, in the order it was written or in none, and files whose folder was not synced
may be gone. After either every operation fails: the process is no more, whatever it still tries.
"""

# ruff: noqa: N802  the methods have the names that SQLite calls them by

from __future__ import annotations

import errno
import itertools
import os
import random
from collections.abc import Callable
from typing import Any

import apsw

SECTOR = 512
_numbers = itertools.count()


class File:
    """What the process sees, what is on the platter, and the writes between the two: place and bytes, or None for a cut to a length."""

    def __init__(self) -> None:
        self.cache = bytearray()
        self.platter = bytearray()
        self.pending: list[tuple[int, bytes | None]] = []
        self.entered = False

    def write(self, at: int, data: bytes) -> None:
        _apply(self.cache, at, data)
        self.pending.append((at, data))

    def truncate(self, size: int) -> None:
        _apply(self.cache, size, None)
        self.pending.append((size, None))

    def sync(self) -> None:
        self.platter = bytearray(self.cache)
        self.pending.clear()

    def lose(self, chance: random.Random) -> None:
        """The power is gone: the cache becomes what happens to be on the platter."""
        how = chance.choice(("nothing", "in order", "torn", "out of order"))
        pieces = [piece for write in self.pending for piece in _sectors(*write)]
        if how == "nothing":
            kept = []
        elif how == "in order":
            kept = pieces[: chance.randint(0, len(pieces))]
        elif how == "torn":
            share = chance.random()
            kept = [piece for piece in pieces if chance.random() < share]
        else:
            share = chance.random()
            kept = [piece for piece in pieces if chance.random() < share]
            chance.shuffle(kept)
        for piece in kept:
            _apply(self.platter, *piece)
        self.cache = bytearray(self.platter)
        self.pending.clear()


def _apply(content: bytearray, at: int, data: bytes | None) -> None:
    if data is None:
        if len(content) > at:
            del content[at:]
        else:
            content.extend(bytes(at - len(content)))
        return
    if len(content) < at:
        content.extend(bytes(at - len(content)))
    content[at : at + len(data)] = data


def _sectors(at: int, data: bytes | None) -> list[tuple[int, bytes | None]]:
    if data is None:
        return [(at, None)]
    pieces: list[tuple[int, bytes | None]] = []
    start = 0
    while start < len(data):
        end = min(len(data), (at + start) // SECTOR * SECTOR + SECTOR - at)
        pieces.append((at + start, data[start:end]))
        start = end
    return pieces


Trap = Callable[[int, str], str | None]
"""Told the number of an operation and its verb; gives `cut`, `io`, `full`, `readonly` or None."""


class Disk:
    """The files by name, and a trap that decides what becomes of each operation.

    Attributes:
        operations: How many there were since the last `restart`.
        dead: Whether the process that used it is gone.
        failed: How many operations failed on purpose.
    """

    def __init__(self, chance: random.Random) -> None:
        self.files: dict[str, File] = {}
        self.chance = chance
        self.operations = 0
        self.failed = 0
        self.life = 0
        self.dead = False
        self.trap: Trap = lambda _number, _verb: None
        self.syncs_files = True

    def restart(self) -> None:
        """A new process, whose operations count from 1."""
        self.life += 1
        self.operations = 0
        self.dead = False

    def kill(self) -> None:
        """The process is gone; what it wrote is still there."""
        self.dead = True
        self.life += 1

    def cut(self) -> None:
        """The power is gone."""
        self.kill()
        for name, file in list(self.files.items()):
            if not file.entered and self.chance.random() < 0.5:
                del self.files[name]
            else:
                file.lose(self.chance)

    def operate(self, life: int, verb: str) -> str | None:
        """Counts an operation; gives what goes wrong with it."""
        if self.dead or life != self.life:
            return "gone"
        self.operations += 1
        wrong = self.trap(self.operations, verb)
        if wrong == "cut":
            self.cut()
            return "gone"
        if wrong is not None:
            self.failed += 1
        return wrong

    def sync_folder(self) -> None:
        for file in self.files.values():
            file.entered = True

    def file_system(self) -> FileSystem:
        """A VFS for SQLite, good for this life only."""
        return FileSystem(self)

    def open_file(self, path: str) -> AppendedFile:
        """Opens the file of an egress."""
        return AppendedFile(self, path)


# --- below SQLite --------------------------------------------------------------------------------------------------------------

_PARTS = {
    "read": apsw.SQLITE_IOERR_READ,
    "write": apsw.SQLITE_IOERR_WRITE,
    "sync": apsw.SQLITE_IOERR_FSYNC,
    "truncate": apsw.SQLITE_IOERR_TRUNCATE,
    "delete": apsw.SQLITE_IOERR_DELETE,
}


class FileSystem(apsw.VFS):
    """The disk as SQLite's VFS."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.life = disk.life
        self.name = f"proof{next(_numbers)}"
        super().__init__(self.name, "")

    def connect(self, name: str) -> apsw.Connection:
        self.held = apsw.Connection(name, vfs=self.name)
        return self.held

    def operate(self, verb: str) -> None:
        wrong = self.disk.operate(self.life, verb)
        if wrong is None:
            return
        if wrong == "full":
            raise apsw.FullError("no space left on the disk")
        if wrong == "readonly":
            raise apsw.ReadOnlyError("the disk is read-only")
        error = apsw.IOError(f"the disk does not {verb}")
        error.extendedresult = _PARTS.get(verb, apsw.SQLITE_IOERR)
        raise error

    def xOpen(self, name: Any, flags: list[int]) -> Any:
        path = str(name if name is None or isinstance(name, str) else name.filename())
        if path not in self.disk.files:
            if not flags[0] & apsw.SQLITE_OPEN_CREATE:
                raise apsw.CantOpenError("no such file")
            self.operate("write")
            self.disk.files[path] = File()
        flags[1] = flags[0]
        return DatabaseFile(self, path, flags[0])

    def xDelete(self, filename: str, syncdir: bool) -> None:
        self.operate("delete")
        self.disk.files.pop(filename, None)

    def xAccess(self, pathname: str, flags: int) -> bool:
        return pathname in self.disk.files

    def xFullPathname(self, name: str) -> str:
        return os.path.abspath(name)


class DatabaseFile:
    """An open file, as the VFS of this machine gives it: what a torn write does not touch stays as it is."""

    def __init__(self, system: FileSystem, path: str, flags: int) -> None:
        self.system = system
        self.file = system.disk.files[path]
        self.names_folder = bool(flags & (apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL))

    def xClose(self) -> None: ...

    def xRead(self, amount: int, offset: int) -> bytes:
        self.system.operate("read")
        return bytes(self.file.cache[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:
        self.system.operate("write")
        self.file.write(offset, bytes(data))

    def xTruncate(self, size: int) -> None:
        self.system.operate("truncate")
        self.file.truncate(size)

    def xSync(self, flags: int) -> None:
        self.system.operate("sync")
        self.file.sync()
        if self.names_folder:
            self.system.disk.sync_folder()

    def xFileSize(self) -> int:
        return len(self.file.cache)

    def xLock(self, level: int) -> None: ...

    def xUnlock(self, level: int) -> None: ...

    def xCheckReservedLock(self) -> bool:
        return False

    def xFileControl(self, op: int, pointer: int) -> bool:
        return False

    def xSectorSize(self) -> int:
        return 4096

    def xDeviceCharacteristics(self) -> int:
        return apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE


# --- below an egress -----------------------------------------------------------------------------------------------------------

_NUMBERS = {"io": errno.EIO, "full": errno.ENOSPC, "readonly": errno.EROFS, "gone": errno.ENODEV}


class AppendedFile:
    """The file of an egress on the disk."""

    def __init__(self, disk: Disk, path: str) -> None:
        self.disk = disk
        self.life = disk.life
        self.operate("open")
        self.file = disk.files.setdefault(path, File())
        self.operate("sync folder")
        disk.sync_folder()

    def operate(self, verb: str) -> None:
        wrong = self.disk.operate(self.life, f"egress {verb}")
        if wrong is not None:
            number = _NUMBERS[wrong]
            raise OSError(number, os.strerror(number))

    def size(self) -> int:
        return len(self.file.cache)

    def truncate(self, size: int) -> None:
        self.operate("truncate")
        self.file.truncate(size)

    def append(self, data: memoryview) -> int:
        self.operate("write")
        # A system may take a part of a write only.
        taken = bytes(data[: self.disk.chance.randint(1, len(data))] if self.disk.chance.random() < 0.2 else data)
        self.file.write(len(self.file.cache), taken)
        return len(taken)

    def sync(self) -> None:
        self.operate("sync")
        if self.disk.syncs_files:
            self.file.sync()

    def close(self) -> None: ...
