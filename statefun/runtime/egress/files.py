"""A file as an egress, exactly once.

Records are appended after the commit that holds them in the outbox. Once they are on disk, the next commit takes them out of the
outbox and notes the file's length. What the file holds beyond that length when a runtime starts is cut off, and what is in the
outbox is appended again: a kill at any point leaves each record in the file once.
"""

from __future__ import annotations

import os
from typing import Final

from statefun.errors import EgressError

__all__ = ["FileWriter"]

_SYNC_AFTER: Final = 1 << 20


class FileWriter:
    """Appends to one file.

    Args:
        id: The egress.
        path: The file; made when it is not there.
        position: The length that is committed, as `position` gave it; None at the first use, when the file's length counts.

    Raises:
        EgressError: the file cannot be opened, or is shorter than the committed length.
    """

    def __init__(self, id: str, path: str, position: str | None) -> None:
        self.id: Final = id
        self.path: Final = path
        self._delivered = 0
        self._unsynced = 0
        try:
            folder = os.path.dirname(os.path.abspath(path))
            self._file: Final = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
            _sync_folder(folder)
            size = os.fstat(self._file).st_size
            self._length = size if position is None else int(position)
            if size < self._length:
                os.close(self._file)
                raise EgressError(
                    f"{path} holds {size} bytes, though {self._length} were delivered to it",
                    hint="put the file back, or start with an empty store",
                )
            os.ftruncate(self._file, self._length)
        except OSError as error:
            raise self._error("opened", error) from error

    def deliver(self, sequence: int, records: list[bytes]) -> None:
        """Appends records that are committed."""
        data = b"".join(records)
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._file, view) :]
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
            os.fsync(self._file)
        except OSError as error:
            raise self._error("written", error) from error
        sequence = self._delivered
        self._delivered = 0
        self._unsynced = 0
        return sequence, str(self._length)

    def close(self) -> None:
        """Closes the file."""
        os.close(self._file)

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
