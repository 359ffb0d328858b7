"""A file as an egress, exactly once.

Records are appended after the commit that holds them in the outbox. Once they are on disk, the next commit takes them out of the
outbox and notes the file's length. What the file holds beyond that length when a runtime starts is cut off, and what is in the
outbox is appended again: a kill at any point leaves each record in the file once.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, Protocol

from statefun.errors import EgressError

__all__ = ["AppendFile", "FileWriter", "SystemFile"]

_SYNC_AFTER: Final = 1 << 20


class AppendFile(Protocol):
    """What a writer asks of an open file. Tests give one of a disk that loses power."""

    def size(self) -> int:
        """Its length in bytes."""
        ...

    def truncate(self, size: int) -> None:
        """Cuts it to that length."""
        ...

    def append(self, data: memoryview) -> int:
        """Writes at its end, and gives how much of it was written."""
        ...

    def sync(self) -> None:
        """Returns when all that was written is on disk."""
        ...

    def close(self) -> None:
        """Closes it."""
        ...


class SystemFile:
    """A file of this machine, made when it is not there; its folder is on disk with it.

    Args:
        path: Where it is.
    """

    def __init__(self, path: str) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._file: Final = os.open(path, flags, 0o644)
        try:
            _sync_folder(os.path.dirname(os.path.abspath(path)))
        except BaseException:
            os.close(self._file)
            raise

    def size(self) -> int:
        """Its length in bytes."""
        return os.fstat(self._file).st_size

    def truncate(self, size: int) -> None:
        """Cuts it to that length."""
        os.ftruncate(self._file, size)

    def append(self, data: memoryview) -> int:
        """Writes at its end, and gives how much of it was written."""
        return os.write(self._file, data)

    def sync(self) -> None:
        """Returns when all that was written is on disk."""
        os.fsync(self._file)

    def close(self) -> None:
        """Closes it."""
        os.close(self._file)


class FileWriter:
    """Appends to one file.

    Args:
        id: The egress.
        path: The file; made when it is not there.
        position: The length that is committed, as `position` gave it; None at the first use, when the file's length counts.
        open_file: Opens the file.

    Raises:
        EgressError: the file cannot be opened, or is shorter than the committed length.
    """

    def __init__(
        self, id: str, path: str, position: str | None, open_file: Callable[[str], AppendFile] = SystemFile
    ) -> None:
        self.id: Final = id
        self.path: Final = path
        self._delivered = 0
        self._unsynced = 0
        try:
            self._file: Final = open_file(path)
        except OSError as error:
            raise self._error("opened", error) from error
        try:
            size = self._file.size()
            self._length = size if position is None else int(position)
            if size < self._length:
                raise EgressError(
                    f"{path} holds {size} bytes, though {self._length} were delivered to it",
                    hint="put the file back, or start with an empty store",
                )
            self._file.truncate(self._length)
        except OSError as error:
            self._file.close()
            raise self._error("opened", error) from error
        except BaseException:
            self._file.close()
            raise

    def deliver(self, sequence: int, records: list[bytes]) -> None:
        """Appends records that are committed."""
        data = b"".join(records)
        view = memoryview(data)
        try:
            while view:
                view = view[self._file.append(view) :]
        except OSError as error:
            raise self._error("written", error) from error
        self._length += len(data)
        self._unsynced += len(data)
        self._delivered = sequence

    @property
    def wants_sync(self) -> bool:
        """Whether so much was appended that the outbox had better be emptied."""
        return self._unsynced >= _SYNC_AFTER

    @property
    def unconfirmed(self) -> bool:
        """Whether anything was delivered since `sync`."""
        return self._delivered > 0

    def sync(self) -> tuple[int, str]:
        """Makes what was delivered last, and gives the last sequence number of it and the length to commit."""
        try:
            self._file.sync()
        except OSError as error:
            raise self._error("written", error) from error
        sequence = self._delivered
        self._delivered = 0
        self._unsynced = 0
        return sequence, str(self._length)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _error(self, verb: str, error: OSError) -> EgressError:
        return EgressError(
            f"{self.path} cannot be {verb}: {error.strerror or error}", hint=f"check the path of the egress {self.id!r}"
        )


def _sync_folder(folder: str) -> None:
    """A new file is there after a loss of power only when its folder is on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
