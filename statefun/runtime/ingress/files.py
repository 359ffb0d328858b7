"""A file as an ingress: in any of the formats, plain, gzipped, or alone in a ZIP archive.

The position is where the next record begins: its byte in the (unpacked) file and its line, `{"offset": 81, "line": 3}`. It is
committed with what the records before it caused.
"""

from __future__ import annotations

import gzip
import io
import logging
import os
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import IO, Any, Final

from statefun.batch import ProtocolVersion
from statefun.errors import IngressError, PositionError, RecordError, RecordKeyError, StatefunError
from statefun.model import BoundIngress
from statefun.runtime.ingress.formats import LARGEST_RECORD, Bad, check_key, open_records, position_of, without_key
from statefun.runtime.ingress.source import Inlet, Record

__all__ = ["FileReader", "FileSource"]

_LOG: Final = logging.getLogger("statefun.runtime")


class FileSource:
    """Puts the records of one file, from the position on that is committed to the end.

    Args:
        bound: The ingress.
    """

    def __init__(self, bound: BoundIngress) -> None:
        self._bound: Final = bound
        self.id: Final[str] = bound.ingress.id

    async def run(self, inlet: Inlet) -> None:
        """Reads the file to its end. That every single record was skipped is warned of: it looks like a mistake of the ingress.

        Raises:
            IngressError: the file cannot be read, its header lacks the key, or a record is bad and the ingress stops at such.
        """
        taken = skipped = 0
        first: StatefunError | None = None
        with closing(FileReader(self._bound, inlet.protocol, inlet.position)) as reader:
            while not reader.exhausted:
                records = reader.read(inlet.limit)
                for error in reader.left_out:
                    inlet.skipped(error)
                    first = error if first is None else first
                taken += len(records)
                skipped += len(reader.left_out)
                if records or reader.left_out:
                    await inlet.put(records, reader.position)
        if first is not None and not taken:
            _LOG.warning(
                "the ingress %s skipped every record that it read of %s, %d in all; the first: %s",
                self.id,
                reader.path,
                skipped,
                first.message,
            )


class FileReader:
    """Reads one file, from where a position says.

    Args:
        bound: The ingress.
        protocol: The protocol that the messages are encoded for.
        position: Where to go on; None for the beginning.
        largest: The most bytes that a record may have.

    Raises:
        IngressError: the file cannot be opened, or has no header, or one that lacks the key.
        PositionError: it is shorter than the position.
    """

    def __init__(
        self, bound: BoundIngress, protocol: ProtocolVersion, position: str | None, *, largest: int = LARGEST_RECORD
    ) -> None:
        self._bound: Final = bound
        self.id: Final = bound.ingress.id
        self.path: Final = str(bound.ingress.path)
        self._encode: Final = bound.encoders[protocol]
        self._skips: Final = bound.ingress.on_bad_record == "skip"
        self.exhausted = False
        """Whether every record was read."""
        self.left_out: list[StatefunError] = []
        """What was wrong with the records that the last `read` left out."""
        self._file: Final = self._open()
        with ExitStack() as unless_made:  # nobody else can close what is not made
            unless_made.callback(self.close)
            try:
                self._records: Final = open_records(bound.ingress.format, self._file, self.path, largest=largest)
                check_key(self._records, bound.ingress.key, self.id)
                if position is not None:
                    self._records.resume(position)
            except (OSError, EOFError, zipfile.BadZipFile) as error:
                raise IngressError(f"{self.path} cannot be read: {error}") from error
            unless_made.pop_all()
        self._rows: Iterator[Any] = iter(self._records)
        self._at = (self._records.offset, self._records.line)

    @property
    def position(self) -> str:
        """Where the next record begins."""
        return position_of(*self._at)

    def read(self, limit: int) -> list[Record]:
        """The next records as messages; fewer than `limit` at the end, or where some were left out.

        Raises:
            RecordError: the next record is bad and the ingress stops at such; those before it were given already.
            IngressError: the file cannot be read.
            PositionError: somebody cut the file.
        """
        messages: list[Record] = []
        append = messages.append
        encode, key, targets = self._encode, self._bound.key, self._bound.targets
        self.left_out = []
        records = self._records
        before = records.line
        read = 0
        while read < limit:
            try:
                row = next(self._rows, None)
                if row is None:
                    self._check_length()
                    self.exhausted = True
                    self._at = (records.offset, records.line)
                    break
                if row.__class__ is Bad:
                    raise ValueError(row.why)
                identity = key(row)
                if identity is None or identity == "":  # 0 is a key
                    raise RecordKeyError(f"{records.place(before)}: {without_key(self._bound.ingress.key)}")
                if identity.__class__ is not str:
                    identity = str(identity)
                if not identity.isascii():
                    identity.encode()  # JSON can hold half of a surrogate pair, which is no text
                typename, value = encode(row)
            except Exception as error:  # a user's key and converter may raise anything
                known = self._known(error, before)
                if not self._skips or not isinstance(known, RecordError):
                    if messages:
                        # Those before it count first; the error comes again at the next call.
                        self._rows = _Raising(known)
                        return messages
                    raise known from error
                self.left_out.append(known)
            else:
                append(Record(targets, identity, typename, value))
            read += 1
            before = records.line
            self._at = (records.offset, before)
        return messages

    def _check_length(self) -> None:
        """Refuses a file that somebody cut while it was read: whether all of its records were there to be read cannot be told."""
        if isinstance(self._file, io.BufferedReader):  # not of an archive, which is shorter than what is in it
            length = os.fstat(self._file.fileno()).st_size  # pyright: ignore[reportUnknownMemberType]  isinstance tells no more of it
            if length < self._records.offset:
                raise PositionError(
                    f"{self.path} was cut to {length} bytes while it was read, of which there were {self._records.offset}",
                    hint="what was read took effect; put the file back as it was, and only append to it",
                )

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    # --- inside -------------------------------------------------------------------------------------------------------

    def _open(self) -> IO[bytes] | gzip.GzipFile:
        try:
            if Path(self.path).is_fifo():  # opening it would wait, deaf to signals, for somebody who writes
                raise IngressError(
                    f"{self.path} is a pipe, in which there is no position to go back to",
                    hint="read it as standard input, with a StdinIngress",
                )
            if self.path.endswith(".gz"):
                return gzip.open(self.path, "rb")
            if self.path.endswith(".zip"):
                archive = zipfile.ZipFile(self.path)
                members = [each for each in archive.infolist() if not each.is_dir()]
                if len(members) != 1:
                    raise IngressError(
                        f"{self.path} holds {len(members)} files",
                        hint="give an archive of one file, or the file itself",
                    )
                return archive.open(members[0])
            return Path(self.path).open("rb")
        except (OSError, zipfile.BadZipFile) as error:
            raise IngressError(
                f"{self.path} cannot be opened: {getattr(error, 'strerror', None) or error}",
                hint=f"check the path of the ingress {self.id!r}",
            ) from error

    def _known(self, error: Exception, before: int) -> StatefunError:
        if isinstance(error, IngressError):
            return error
        if isinstance(error, OSError | EOFError | zipfile.BadZipFile):
            return IngressError(f"{self._records.place(before)}: the file cannot be read on: {error}")
        return self._record_error(error, before)

    def _record_error(self, error: Exception, before: int) -> RecordError:
        text = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        return RecordError(f"{self._records.place(before)}: {text}")


class _Raising(Iterator[Any]):
    """Raises an error where the next record would be."""

    def __init__(self, error: StatefunError) -> None:
        self._error: Final = error

    def __next__(self) -> Any:
        raise self._error
