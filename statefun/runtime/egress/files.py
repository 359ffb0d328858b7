"""A file as an egress, exactly once.

Records are appended after the commit that holds them in the outbox. Once they are on disk, the next commit takes them out of the
outbox and notes the file's length. What the file holds beyond that length when a runtime starts is cut off, and what is in the
outbox is appended again: a kill at any point leaves each record in the file once.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Final, Protocol

from statefun.errors import EgressError
from statefun.model import BoundEgress
from statefun.runtime.egress.sink import Confirmed, OutgoingRecord, Sink

__all__ = ["AppendFile", "FileSink", "FileWriter", "SystemFile"]


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
        self._path: Final = os.path.abspath(path)  # a function may go to another folder
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._file: Final = os.open(path, flags, 0o644)
        with ExitStack() as unless_made:  # nobody else can close what is not made
            unless_made.callback(os.close, self._file)
            _sync_folder(os.path.dirname(self._path))
            unless_made.pop_all()

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
        """Returns when all that was written is on disk, in the file that has this path."""
        os.fsync(self._file)
        # One that was removed, renamed or replaced takes what is written to it all the same, for nobody.
        if not os.path.samestat(os.fstat(self._file), os.stat(self._path)):
            raise OSError(errno.ESTALE, "another file took its place")

    def close(self) -> None:
        """Closes it."""
        os.close(self._file)


class FileSink(Sink):
    """Appends records to one file, each once.

    Args:
        bound: The egress.
    """

    prompt = True

    def __init__(self, bound: BoundEgress) -> None:
        super().__init__(bound.egress.id)
        self._encode: Final = bound.encode
        self._path: Final = str(bound.egress.path)
        self.open_file: Callable[[str], AppendFile] = SystemFile
        """Opens the file."""
        self._writer: FileWriter | None = None

    def encode(self, typename: str, value: bytes) -> bytes:
        """The record in the file's format."""
        return self._encode(typename, value)

    async def open(self, store: str, position: str | None) -> None:
        """Opens the file and cuts it back to what is committed of it."""
        self._writer = FileWriter(self.id, self._path, position, self.open_file)

    async def deliver(self, records: Sequence[OutgoingRecord]) -> None:
        """Appends records."""
        if self._writer is not None:
            self._writer.deliver(records[-1].sequence, [each.data for each in records])

    async def confirm(self) -> Confirmed | None:
        """Syncs the file; the position is its length."""
        return None if self._writer is None else Confirmed(*self._writer.sync())

    async def close(self) -> None:
        """Closes the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


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
        try:
            self._file: Final = open_file(path)
        except OSError as error:
            raise self._error("opened", error) from error
        with ExitStack() as unless_made:
            unless_made.callback(self._file.close)
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
                raise self._error("opened", error) from error
            unless_made.pop_all()

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
        self._delivered = sequence

    def sync(self) -> tuple[int, str]:
        """Makes what was delivered last, and gives the last sequence number of it and the length to commit."""
        try:
            self._file.sync()
            size = self._file.size()
        except OSError as error:
            raise self._error("written", error) from error
        if size != self._length:  # the length would tell where to cut, and stand within other data
            raise EgressError(
                f"{self.path} holds {size} bytes, where {self._length} were written: something else writes or cuts it",
                hint="give it a file of its own; the next run delivers again what is not known to be in it",
            )
        return self._delivered, str(self._length)

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
