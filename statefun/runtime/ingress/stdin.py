"""Standard input as an ingress: records as they come, until it ends.

A thread reads, since a pipe may keep its reader waiting for ever; it stops when so much is read as one `put` may hold, and goes on when
that is taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections import deque
from typing import Any, Final, NamedTuple

from statefun.batch import ProtocolVersion
from statefun.errors import IngressError, RecordError, RecordKeyError, StatefunError
from statefun.model import BoundIngress, RowEncoder, StdinIngress
from statefun.runtime.ingress.formats import (
    LARGEST_RECORD,
    Bad,
    ByteStream,
    RecordReader,
    check_key,
    open_records,
    position_of,
    without_key,
)
from statefun.runtime.ingress.source import Inlet, Record, Rejected

__all__ = ["StdinSource"]

_NAME: Final = "standard input"


class _Read(NamedTuple):
    """A record as it was read, with where it begins and where the next one does."""

    row: Any
    line: int
    next_offset: int
    next_line: int


class StdinSource:
    """Puts the records of standard input.

    Args:
        bound: The ingress.
        stream: What to read instead.
    """

    def __init__(
        self,
        bound: BoundIngress,
        *,
        stream: ByteStream | None = None,
    ) -> None:
        self._bound: Final = bound
        self._ingress: Final[StdinIngress] = bound.ingress
        self._encode: RowEncoder = bound.encoders[ProtocolVersion.V3]
        self._stream: Final = stream

    @property
    def id(self) -> str:
        """The id of the ingress."""
        return self._ingress.id

    async def run(self, inlet: Inlet) -> None:
        """Puts records until the input ends.

        Raises:
            RecordError: a record is bad, and the ingress stops at such; those before it were put.
            IngressError: the input cannot be read, or its header lacks the key.
        """
        self._encode = self._bound.encoders[inlet.protocol]
        position = inlet.position if self._ingress.replayed else None
        thread = _Thread(self._ingress, self._stream, position, inlet.limit, asyncio.get_running_loop())
        thread.start()
        try:
            while read := await thread.take():
                await self._put(inlet, read)
        finally:
            thread.stop()

    async def _put(self, inlet: Inlet, read: list[_Read]) -> None:
        messages: list[Record | Rejected] = []
        failure: RecordError | None = None
        last: _Read | None = None
        for each in read:
            message = self._message(each)
            if isinstance(message, RecordError):
                if self._ingress.on_bad_record == "stop":
                    failure = message
                    break
                messages.append(Rejected(self._bound.targets, "", _bytes_of(each.row), message))
            else:
                messages.append(message)
            last = each
        if last is not None:
            replayed = self._ingress.replayed
            await inlet.put(messages, position_of(last.next_offset, last.next_line) if replayed else None)
        if failure is not None:
            raise failure

    def _message(self, read: _Read) -> Record | RecordError:
        place = f"{_NAME}:{read.line + 1}"
        row = read.row
        try:
            if isinstance(row, Bad):
                raise ValueError(row.why)
            identity = self._bound.key(row)
            if identity is None or identity == "":  # 0 is a key
                return RecordKeyError(f"{place}: {without_key(self._ingress.key)}")
            id = str(identity)
            id.encode()  # JSON can hold half of a surrogate pair, which is no text
            typename, value = self._encode(row)
            return Record(self._bound.targets, id, typename, value)
        except Exception as error:  # noqa: BLE001  a user's key and converter may raise anything
            told = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
            bad = RecordError(f"{place}: {told}")
            bad.__cause__ = error
            return bad


class _Thread(threading.Thread):
    """Reads records ahead, as many as one `put` may hold. It keeps no process from ending."""

    def __init__(
        self,
        ingress: StdinIngress,
        stream: ByteStream | None,
        position: str | None,
        most: int,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(name="statefun stdin", daemon=True)
        self._ingress: Final = ingress
        self._stream: Final = stream
        self._position: Final = position
        self._most: Final = most
        self._loop: Final = loop
        self._changed: Final = threading.Condition()
        self._read: Final[deque[_Read]] = deque()
        self._ended = False
        self._stopped = False
        self._error: StatefunError | None = None
        self._available: Final = asyncio.Event()

    async def take(self) -> list[_Read]:
        """What was read since the last call, at least one record; none at the end.

        Raises:
            IngressError: the input cannot be read.
        """
        await self._available.wait()
        with self._changed:
            read = list(self._read)
            self._read.clear()
            if not read and self._error is not None:
                raise self._error
            if not self._ended:
                self._available.clear()
            self._changed.notify()
        return read

    def stop(self) -> None:
        """Lets it end, when it is not waiting for input just then."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def run(self) -> None:
        """Reads."""
        error: StatefunError | None = None
        try:
            self._read_all()
        except StatefunError as raised:
            error = raised
        except OSError as raised:
            error = IngressError(f"{_NAME} cannot be read: {raised.strerror or raised}")
        with self._changed:
            self._error = error
            self._ended = True
            self._tell()

    def _read_all(self) -> None:
        # Not sys.stdin: a thread that waits in it would keep its lock when the process ends.
        stream = open(0, "rb", closefd=False) if self._stream is None else self._stream  # noqa: SIM115  it stays open
        records = open_records(self._ingress.format, stream, _NAME)
        check_key(records, self._ingress.key, self._ingress.id)
        if self._position is not None:
            records.resume(self._position)
        line = records.line
        for row in records:
            if not self._hand_over(_Read(row, line, records.offset, records.line), records):
                return
            line = records.line

    def _hand_over(self, read: _Read, records: RecordReader) -> bool:
        with self._changed:
            waiting = self._read
            waiting.append(read)
            if len(waiting) == 1:
                self._tell()
            while (
                not self._stopped
                and waiting
                and (len(waiting) >= self._most or records.offset - waiting[0].next_offset >= LARGEST_RECORD)
            ):
                self._changed.wait()
            return not self._stopped

    def _tell(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._available.set)


def _bytes_of(row: Any) -> bytes:
    """A record that was rejected, as it can be shown; a mapping as JSON."""
    if isinstance(row, Bad):
        return row.data
    return row if isinstance(row, bytes) else json.dumps(row).encode()
