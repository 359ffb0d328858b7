"""A file as an ingress: in any of the formats, plain, gzipped, or alone in a ZIP archive.

The position is where the next record begins: its byte in the (unpacked) file and its line, `{"offset": 81, "line": 3}`. It is
committed with what the records before it caused.
"""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from statefun.batch import ProtocolVersion
from statefun.errors import IngressError, RecordError, RecordKeyError, StatefunError
from statefun.model import BoundIngress
from statefun.protocol.values import wrap
from statefun.runtime.ingress.formats import LARGEST_RECORD, Bad, open_records, position_of
from statefun.wire import text

__all__ = ["FileReader"]


class FileReader:
    """Reads one file, from where a position says.

    Args:
        bound: The ingress.
        protocol: The protocol that the messages are encoded for.
        position: Where to go on; None for the beginning.
        largest: The most bytes that a record may have.

    Raises:
        IngressError: the file cannot be opened, or has no header.
        PositionError: it is shorter than the position.
    """

    def __init__(
        self, bound: BoundIngress, protocol: ProtocolVersion, position: str | None, *, largest: int = LARGEST_RECORD
    ) -> None:
        self._bound: Final = bound
        self.id: Final = bound.ingress.id
        self.path: Final = str(bound.ingress.path)
        self._protocol: Final = protocol
        self._encode: Final = bound.encoders[protocol]
        self._heads: Final = [_target_head(each) for each in bound.targets]
        self._skips: Final = bound.ingress.on_bad_record == "skip"
        self._ids: dict[str, bytes] = {}
        self.exhausted = False
        """Whether every record was read."""
        self.records = 0
        """Records that were read and sent, in this run."""
        self.skipped = 0
        """Records that were left out, in this run."""
        self.first_skipped: StatefunError | None = None
        """What was wrong with the first of them."""
        self._file: Final = self._open()
        try:
            self._records: Final = open_records(bound.ingress.format, self._file, self.path, largest=largest)
            if position is not None:
                self._records.resume(position)
        except (OSError, EOFError, zipfile.BadZipFile) as error:
            self.close()
            raise IngressError(f"{self.path} cannot be read: {error}") from error
        except BaseException:
            self.close()
            raise
        self._rows: Iterator[Any] = iter(self._records)
        self._at = (self._records.offset, self._records.line)

    @property
    def position(self) -> str:
        """Where the next record begins."""
        return position_of(*self._at)

    def read(self, limit: int) -> list[tuple[bytes, bytes]]:
        """The next records as messages: the serialized address and the value; fewer than `limit` at the end.

        Raises:
            RecordError: the next record is bad and the ingress stops at such; those before it were given already.
            IngressError: the file cannot be read.
        """
        messages: list[tuple[bytes, bytes]] = []
        append = messages.append
        ids, heads, encode, protocol = self._ids, self._heads, self._encode, self._protocol
        key = self._bound.key
        records = self._records
        before = records.line
        read = 0
        while read < limit:
            try:
                row = next(self._rows, None)
                if row is None:
                    self.exhausted = True
                    self._at = (records.offset, records.line)
                    break
                if row.__class__ is Bad:
                    raise ValueError(row.why)
                identity = key(row)
                if identity is None or identity == "":  # 0 is a key
                    raise RecordKeyError(f"{records.place(before)}: the record has no key")
                if identity.__class__ is not str:
                    identity = str(identity)
                argument = wrap(encode(row), protocol)
            except Exception as error:  # a user's key and converter may raise anything
                known = self._known(error, before)
                if not self._skips or not isinstance(known, RecordError):
                    if messages:
                        # Those before it count first; the error comes again at the next call.
                        self._rows = _Raising(known)
                        return messages
                    raise known from error
                self.skipped += 1
                self.first_skipped = self.first_skipped or known
            else:
                field = ids.get(identity)
                if field is None:
                    if len(ids) > 65536:
                        ids.clear()
                    field = ids[identity] = text(b"\x1a", identity)
                for head in heads:
                    append((head + field, argument))
                self.records += 1
            read += 1
            before = records.line
            self._at = (records.offset, before)
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


def _target_head(typename: str) -> bytes:
    namespace, _, name = typename.partition("/")
    return text(b"\x0a", namespace) + text(b"\x12", name)
