"""A file as an ingress: CSV or JSON Lines, plain, gzipped, or alone in a ZIP archive.

The position is where the next record begins: its byte in the (unpacked) file and its line, `{"offset": 81, "line": 3}`. It is
committed with what the records before it caused.
"""

from __future__ import annotations

import csv
import gzip
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import IO, Any, Final

from statefun.batch import ProtocolVersion
from statefun.errors import IngressError, PositionError, RecordError, RecordKeyError, StatefunError
from statefun.model import BoundIngress
from statefun.runtime.ingress.source import Inlet, Record

__all__ = ["FileReader", "FileSource"]

_BOM: Final = b"\xef\xbb\xbf"


class FileSource:
    """Puts the records of one file, from the position on that is committed to the end.

    Args:
        bound: The ingress.
    """

    def __init__(self, bound: BoundIngress) -> None:
        self._bound: Final = bound
        self.id: Final[str] = bound.ingress.id

    async def run(self, inlet: Inlet) -> None:
        """Reads the file to its end.

        Raises:
            IngressError: the file cannot be read, or a record is bad and the ingress stops at such.
        """
        with closing(FileReader(self._bound, inlet.protocol, inlet.position)) as reader:
            while not reader.exhausted:
                records = reader.read(inlet.limit)
                for error in reader.left_out:
                    inlet.skipped(error)
                if records or reader.left_out:
                    await inlet.put(records, reader.position)


class FileReader:
    """Reads one file, from where a position says.

    Args:
        bound: The ingress.
        protocol: The protocol that the messages are encoded for.
        position: Where to go on; None for the beginning.

    Raises:
        IngressError: the file cannot be opened, or has no header.
        PositionError: it is shorter than the position.
    """

    def __init__(self, bound: BoundIngress, protocol: ProtocolVersion, position: str | None) -> None:
        self._bound: Final = bound
        self.id: Final = bound.ingress.id
        self.path: Final = str(bound.ingress.path)
        self._encode: Final = bound.encoders[protocol]
        self._skips: Final = bound.ingress.on_bad_record == "skip"
        self._offset = 0
        self._line = 0
        self.exhausted = False
        """Whether every record was read."""
        self.left_out: list[StatefunError] = []
        """What was wrong with the records that the last `read` left out."""
        self._file: Final = self._open()
        try:
            self._rows: Iterator[Mapping[str, Any]] = self._start(position)
        except (OSError, EOFError, zipfile.BadZipFile) as error:
            self.close()
            raise IngressError(f"{self.path} cannot be read: {error}") from error
        except BaseException:
            self.close()
            raise

    @property
    def position(self) -> str:
        """Where the next record begins."""
        return f'{{"offset": {self._offset}, "line": {self._line}}}'

    def read(self, limit: int) -> list[Record]:
        """The next records as messages; fewer than `limit` at the end, or where some were left out.

        Raises:
            RecordError: the next record is bad and the ingress stops at such; those before it were given already.
            IngressError: the file cannot be read.
        """
        messages: list[Record] = []
        append = messages.append
        encode, key, targets = self._encode, self._bound.key, self._bound.targets
        self.left_out = []
        before = (self._offset, self._line)
        read = 0
        while read < limit:
            try:
                row = next(self._rows, None)
                if row is None:
                    self.exhausted = True
                    break
                if isinstance(row, _Bad):
                    raise ValueError(row.why)
                identity = key(row)
                if identity is None or identity == "":  # 0 is a key
                    raise RecordKeyError(f"{self._place(before)}: the record has no key")
                if identity.__class__ is not str:
                    identity = str(identity)
                typename, value = encode(row)
            except Exception as error:  # a user's key and converter may raise anything
                known = self._known(error, before)
                if not isinstance(known, RecordError):
                    raise known from error
                if not self._skips:
                    if messages:
                        # Those before it count first; the error comes again at the next call.
                        self._rows = _Raising(known)
                        self._offset, self._line = before
                        break
                    raise known from error
                self.left_out.append(known)
            else:
                append(Record(targets, identity, typename, value))
            read += 1
            before = (self._offset, self._line)
        return messages

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    # --- inside -------------------------------------------------------------------------------------------------------

    def _open(self) -> IO[bytes] | gzip.GzipFile:
        try:
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

    def _start(self, position: str | None) -> Iterator[Mapping[str, Any]]:
        start = {"offset": 0, "line": 0} if position is None else json.loads(position)
        if self._bound.ingress.format == "jsonl":
            self._seek(start)
            return self._json_rows()
        lines = self._lines()
        try:
            header = next(csv.reader(lines, strict=True), None)
        except csv.Error as error:
            raise self._record_error(error, (0, 0)) from error
        if not header or len(set(header)) != len(header):
            raise IngressError(
                f"{self.path}: the first line holds {'no names' if not header else 'a name twice'}",
                hint="a CSV file begins with a line of its columns' names",
            )
        if position is not None:
            self._seek(start)
        return self._csv_rows(header)

    def _seek(self, start: Mapping[str, int]) -> None:
        offset = start["offset"]
        if offset and self._ends_before(offset):
            raise PositionError(f"{self.path} is shorter than the {offset} bytes of it that were read before")
        self._offset, self._line = offset, start["line"]

    def _ends_before(self, offset: int) -> bool:
        """Goes to an offset, and says whether the file ends before it; seeking beyond an end is no error in a plain file."""
        self._file.seek(offset - 1)
        return not self._file.read(1)

    def _lines(self) -> Iterator[str]:
        """The lines, counted as they are taken: the position is the end of the last one taken."""
        for line in self._file:
            at = self._offset
            self._offset = at + len(line)
            self._line += 1
            yield (line.removeprefix(_BOM) if not at else line).decode()

    def _csv_rows(self, header: list[str]) -> Iterator[dict[str, str]]:
        width = len(header)
        while True:
            # A reader that has raised may hold half a record: each bad record gets a new one.
            reader = csv.reader(self._lines(), strict=True)
            try:
                for cells in reader:
                    if len(cells) != width:
                        if not cells:
                            continue
                        yield _Bad(f"{len(cells)} cells where the header has {width}")
                        continue
                    yield dict(zip(header, cells, strict=True))
                return
            except (csv.Error, UnicodeDecodeError) as error:
                yield _Bad(str(error))

    def _json_rows(self) -> Iterator[dict[str, Any]]:
        while True:
            try:
                for line in self._lines():
                    if line.isspace():
                        continue
                    row = json.loads(line)
                    if row.__class__ is not dict:
                        raise ValueError(f"a JSON {type(row).__name__}, not an object")
                    yield row
                return
            except ValueError as error:  # bytes that are no UTF-8 too
                yield _Bad(str(error))

    def _known(self, error: Exception, before: tuple[int, int]) -> StatefunError:
        if isinstance(error, IngressError):
            return error
        if isinstance(error, OSError | EOFError | zipfile.BadZipFile):
            return IngressError(f"{self._place(before)}: the file cannot be read on: {error}")
        return self._record_error(error, before)

    def _record_error(self, error: Exception, before: tuple[int, int]) -> RecordError:
        text = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        return RecordError(f"{self._place(before)}: {text}")

    def _place(self, before: tuple[int, int]) -> str:
        return f"{self.path}:{before[1] + 1}"


class _Bad(dict[str, Any]):
    """Stands for a record that does not parse: a generator that raises is over, and there may be records behind."""

    def __init__(self, why: str) -> None:
        self.why = why


class _Raising(Iterator[Mapping[str, Any]]):
    """Raises an error where the next record would be."""

    def __init__(self, error: RecordError) -> None:
        self._error: Final = error

    def __next__(self) -> Mapping[str, Any]:
        raise self._error
