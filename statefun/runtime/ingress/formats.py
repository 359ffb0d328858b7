"""How records stand in a stream of bytes: CSV, JSON Lines, and protobuf messages behind their lengths.

A reader gives one record after the other and knows where the next one begins. No record is read that is longer than a limit: what is
longer is passed over piece by piece, and told as a bad one.
"""

from __future__ import annotations

import csv
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Any, Final, Protocol

from statefun.errors import IngressError, PositionError

__all__ = [
    "LARGEST_RECORD",
    "Bad",
    "ByteStream",
    "RecordReader",
    "check_key",
    "open_records",
    "position_of",
    "without_key",
]

LARGEST_RECORD: Final = 32 << 20
"""Bytes of one record."""

_BOM: Final = b"\xef\xbb\xbf"
_PIECE: Final = 1 << 16
_LONGEST_VARINT: Final = 10
_FIELD_LIMIT: Final = "field larger than field limit"
"""What the csv module says of a cell of more than 131,072 characters."""
_UNCLOSED: Final = "unexpected end of data"
"""What it says where the stream ends within quotes."""
_MOST_COLUMNS: Final = 20
"""How many columns an error names."""


class ByteStream(Protocol):
    """What is read from: an open file, an unpacking one, a pipe."""

    def read(self, size: int = ..., /) -> bytes:
        """So many bytes, fewer at the end alone."""
        ...

    def readline(self, size: int = ..., /) -> bytes:
        """Bytes up to the end of a line, or so many."""
        ...

    def seekable(self) -> bool:
        """Whether it can be read from another place."""
        ...

    def seek(self, offset: int, /) -> int:
        """Goes there."""
        ...


def position_of(offset: int, line: int) -> str:
    """A position as the store keeps it.

    >>> position_of(81, 3)
    '{"offset": 81, "line": 3}'
    """
    return f'{{"offset": {offset}, "line": {line}}}'


class Bad:
    """Stands for a record that does not parse: what reads records is over when it raises, and there may be records behind.

    Args:
        why: What is wrong with it.
        data: Its bytes, where they are at hand.
    """

    __slots__ = ("data", "why")

    def __init__(self, why: str, data: bytes = b"") -> None:
        self.why = why
        self.data = data


class RecordReader(ABC):
    """Reads the records of a stream; subclasses know a format.

    Args:
        stream: The stream, at its beginning.
        name: What errors call it.
        largest: The most bytes that a record may have.

    Attributes:
        offset: The byte at which the next record begins.
        line: The lines, or where there are none the records, before it.
        columns: What each record has, where the stream says so before the first one; None where it does not.

    Raises:
        IngressError: the stream does not begin as the format does.
    """

    def __init__(self, stream: ByteStream, name: str, largest: int) -> None:
        self.columns: Sequence[str] | None = None
        self.offset: int = 0
        self.line: int = 0
        self.name: Final = name
        self._stream: Final = stream
        self._largest: Final = largest

    @abstractmethod
    def __iter__(self) -> Iterator[Any]:
        """Each record: a dict of its columns, or its bytes; a `Bad` for one that does not parse.

        Raises:
            IngressError: what is behind cannot be told apart any more.
        """

    @property
    def position(self) -> str:
        """Where the next record begins, as `resume` takes it."""
        return position_of(self.offset, self.line)

    def resume(self, position: str) -> None:
        """Goes on where a position says, before the first record is asked for.

        Raises:
            PositionError: the stream is shorter than that.
        """
        read: dict[str, int] = json.loads(position)
        offset = read["offset"]
        last = self._byte_before(offset) if offset else b""
        if offset and not last:
            raise PositionError(f"{self.name} is shorter than the {offset} bytes of it that were read before")
        self.offset, self.line = offset, read["line"]
        if last:
            self.offset += self._pass_end(last)

    def place(self, line: int) -> str:
        """What errors call a record, by the lines before it."""
        return f"{self.name}:{line + 1}"

    def _pass_end(self, last: bytes) -> int:
        """Passes what still belongs to the record that ends in that byte here; gives how many bytes that is.

        Raises:
            PositionError: the record goes on.
        """
        del last
        return 0

    def _byte_before(self, offset: int) -> bytes:
        """Goes to an offset, and gives the byte before it; none where the stream ends before it, which seeking does not tell."""
        if self._stream.seekable():
            self._stream.seek(offset - 1)
        elif offset <= self.offset or not self._pass_over(offset - 1 - self.offset):
            return b""
        return self._stream.read(1)

    def _pass_over(self, count: int) -> bool:
        """Reads so many bytes and forgets them; False when there are not so many."""
        while count > 0:
            piece = self._stream.read(min(count, _PIECE))
            if not piece:
                return False
            count -= len(piece)
        return True


class _LineReader(RecordReader):
    """Reads lines."""

    def __init__(self, stream: ByteStream, name: str, largest: int) -> None:
        super().__init__(stream, name, largest)
        self._begin = (0, 0)
        """Offset and line at which the record begins that the lines belong to."""

    def _pass_end(self, last: bytes) -> int:
        if last == b"\n":
            return 0
        # What was read to here was the end of the stream, without the end of its line. That may have been written since, and no more.
        end = self._stream.readline(2)
        if end not in (b"", b"\n", b"\r\n"):
            raise PositionError(
                f"{self.name}:{self.line} goes on at byte {self.offset}, where it ended when it was read as the last line",
                hint="it took effect as it was: end it there, and put what is new on lines of its own",
            )
        return len(end)

    def _mark(self) -> None:
        """Notes that a record begins here."""
        self._begin = (self.offset, self.line)

    @property
    def _several(self) -> bool:
        """Whether the record has taken more than one line."""
        return self.line - self._begin[1] > 1

    def _lines(self) -> Iterator[str]:
        """The lines, counted as they are taken: the position is the end of the last one taken."""
        largest = self._largest
        for line in iter(partial(self._stream.readline, largest + 1), b""):
            at = self.offset
            self.offset = at + len(line)
            self.line += 1
            if self.offset - self._begin[0] > largest:
                if self._several:
                    raise self._unclosed(f"the record has more than {largest} bytes")
                self._pass_line(line)
                raise ValueError(f"the record has more than {largest} bytes")
            yield (line.removeprefix(_BOM) if not at else line).decode()

    def _unclosed(self, why: str) -> IngressError:
        """A record that is not read to the end of its quotes: whether a line is data or a record cannot be told any more."""
        several = ", and goes on over several lines" if self._several else " within quotes"
        return IngressError(
            f"{self.place(self._begin[1])}: {why}{several}",
            hint="a quote that is opened there and never closed makes one record of all that follows",
        )

    def _pass_line(self, piece: bytes) -> None:
        """Goes to the end of a line of which a piece was read."""
        while piece and not piece.endswith(b"\n"):
            piece = self._stream.readline(_PIECE)
            self.offset += len(piece)


class CsvReader(_LineReader):
    """Reads CSV with a header line; a record is a dict from column to text."""

    def __init__(self, stream: ByteStream, name: str, largest: int) -> None:
        super().__init__(stream, name, largest)
        try:
            header = next(csv.reader(self._lines(), strict=True), None)
        except (csv.Error, ValueError) as error:
            raise IngressError(
                f"{self.place(0)}: the line of names cannot be read: {error}",
                hint="a CSV file begins with a line of its columns' names, in UTF-8, with a line feed at its end",
            ) from error
        if not header or len(set(header)) != len(header):
            raise IngressError(
                f"{name}: the first line holds {'no names' if not header else 'a name twice'}",
                hint="a CSV file begins with a line of its columns' names",
            )
        self.columns = header
        self._header: Final = header

    def __iter__(self) -> Iterator[dict[str, str] | Bad]:
        """Each record."""
        header, width = self._header, len(self._header)
        while True:
            self._mark()
            # A reader that has raised may hold half a record: each bad record gets a new one.
            reader = csv.reader(self._lines(), strict=True)
            try:
                for cells in reader:
                    self._mark()
                    if len(cells) == width:
                        yield dict(zip(header, cells, strict=True))
                    elif cells:
                        yield Bad(f"{len(cells)} cells where the header has {width}")
                return
            except (csv.Error, ValueError) as error:  # bytes that are no UTF-8 too
                if _UNCLOSED in str(error) or (self._several and _FIELD_LIMIT in str(error)):
                    raise self._unclosed(str(error)) from error
                yield Bad(str(error))


class JsonReader(_LineReader):
    """Reads JSON Lines; a record is a dict."""

    def __iter__(self) -> Iterator[dict[str, Any] | Bad]:
        """Each record."""
        while True:
            self._mark()
            line = ""
            try:
                for line in self._lines():
                    self._mark()
                    if not line.isspace():
                        row = json.loads(line)
                        if row.__class__ is not dict:
                            raise ValueError(f"a JSON {type(row).__name__}, not an object")
                        yield row
                    line = ""
                return
            except (ValueError, RecursionError) as error:  # bytes that are no UTF-8 too
                yield Bad(str(error), line.encode())


class ProtobufReader(RecordReader):
    """Reads protobuf messages, each behind its length as a varint; a record is the bytes of one."""

    def __iter__(self) -> Iterator[bytes | Bad]:
        """Each record."""
        read = self._stream.read
        while (head := self._length()) is not None:
            length, size = head
            if length > self._largest:
                if not self._pass_over(length):
                    raise self._cut_off()
                data = None
            else:
                data = read(length) if length else b""
                if len(data) < length:
                    raise self._cut_off()
            self.offset += size + length
            self.line += 1
            yield Bad(f"the record has {length} bytes, more than {self._largest}") if data is None else data

    def _length(self) -> tuple[int, int] | None:
        """The length of the next message and how many bytes tell it; None at the end."""
        length = 0
        for size in range(_LONGEST_VARINT):
            byte = self._stream.read(1)
            if not byte:
                if size:
                    raise self._cut_off()
                return None
            length |= (byte[0] & 0x7F) << (7 * size)
            if byte[0] < 0x80:
                return length, size + 1
        raise IngressError(
            f"{self.place(self.line)}: no length stands where a record should begin, at byte {self.offset}",
            hint="each message stands behind its length as a varint: `writeDelimitedTo` in Java, `serialize_length_prefixed` in Python",
        )

    def _cut_off(self) -> IngressError:
        return IngressError(
            f"{self.place(self.line)}: it ends within the record that begins at byte {self.offset}",
            hint="run again when the record is whole: what is before it has taken effect",
        )


_READERS: Final[dict[str, type[RecordReader]]] = {"csv": CsvReader, "jsonl": JsonReader, "protobuf": ProtobufReader}


def open_records(format: str, stream: ByteStream, name: str, *, largest: int = LARGEST_RECORD) -> RecordReader:
    r"""The reader of a format, at the beginning of a stream.

    Args:
        format: `"csv"`, `"jsonl"` or `"protobuf"`.
        stream: The stream.
        name: What errors call it.
        largest: The most bytes that a record may have.

    Raises:
        IngressError: the stream does not begin as the format does.

    >>> import io
    >>> reader = open_records("csv", io.BytesIO(b"id,name\n1,a\n"), "in.csv")
    >>> list(reader), reader.position
    ([{'id': '1', 'name': 'a'}], '{"offset": 12, "line": 2}')
    """
    return _READERS[format](stream, name, largest)


def without_key(key: object) -> str:
    """What is wrong with a record that has no key, and which key that is, where it has a name.

    >>> without_key("customer")
    "the record has no key: 'customer' is not there, or empty"
    """
    return f"the record has no key: {key!r} is not there, or empty" if isinstance(key, str) else "the record has no key"


def check_key(records: RecordReader, key: object, ingress: str) -> None:
    """Refuses a key that is no column of the stream: that is a mistake of the ingress, and would make a bad record of each.

    Args:
        records: The stream.
        key: The name of a column; a function may do without.
        ingress: The id of the ingress.

    Raises:
        IngressError: the stream names its columns, and this is none of them.
    """
    columns = records.columns
    if columns is None or not isinstance(key, str) or key in columns:
        return
    named = ", ".join(f"{each!r:.80}" for each in columns[:_MOST_COLUMNS])
    if len(columns) > _MOST_COLUMNS:
        named += f" and {len(columns) - _MOST_COLUMNS} more"
    raise IngressError(
        f"the ingress {ingress!r} has the key {key!r}, which is no column of {records.name}; its columns are {named}",
        hint=_instead(key, columns),
    )


def _instead(key: str, columns: Sequence[str]) -> str:
    """What was probably meant by a key that is no column."""
    if len(columns) == 1 and any(each in columns[0] for each in ";\t|"):
        return "cells are separated by commas: write the file so"
    lowered = {each[:80].strip().lower(): each for each in columns}
    close = get_close_matches(key[:80].strip().lower(), lowered, n=1)
    return (
        f"did you mean {lowered[close[0]]!r}?" if close else "name one of its columns with `key=`, or give a function"
    )
