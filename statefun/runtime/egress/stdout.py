"""Standard output as an egress: handed to the operating system before it is confirmed, at least once."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final, Protocol

from statefun.errors import EgressError
from statefun.model import BoundEgress
from statefun.runtime.egress.sink import OutgoingRecord, Sink
from statefun.runtime.threads import in_daemon_thread

__all__ = ["Output", "StdoutSink"]


class Output(Protocol):
    """What is written to."""

    def write(self, data: memoryview, /) -> int | None:
        """Writes, and gives how much of it was written; None for nothing just now."""
        ...

    def close(self) -> None:
        """Closes it."""
        ...


class StdoutSink(Sink):
    """Writes records to standard output.

    Args:
        bound: The egress.
        output: Where to instead, without a buffer.
    """

    def __init__(self, bound: BoundEgress, *, output: Output | None = None) -> None:
        super().__init__(bound.egress.id)
        self._encode: Final = bound.encode
        self._output = output

    def encode(self, typename: str, value: bytes) -> bytes:
        """The line of a value, or its bytes."""
        return self._encode(typename, value)

    async def open(self, store: str, position: str | None) -> None:
        """Takes standard output as the process was given it, behind what was printed before.

        Raises:
            EgressError: the process has none.
        """
        del store, position
        if self._output is not None:
            return
        try:
            sys.stdout.flush()
            self._output = open(1, "wb", buffering=0, closefd=False)  # noqa: ASYNC230, SIM115  it is open already
        except OSError as error:
            raise self._error(error) from error

    async def deliver(self, records: Sequence[OutgoingRecord]) -> None:
        """Writes records, and waits as long as nobody reads them.

        Raises:
            EgressError: nobody ever will, or the disk behind it is full.
        """
        data = b"".join(each.data for each in records)
        try:
            await in_daemon_thread(lambda: self._write(data), "statefun stdout")
        except OSError as error:
            raise self._error(error) from error

    async def close(self) -> None:
        """Leaves standard output open, for others."""
        if self._output is not None:
            self._output.close()

    def _write(self, data: bytes) -> None:
        output = self._output
        if output is None:
            raise EgressError(f"{self.id!r} is closed", hint="open the sink before records are delivered to it")
        view = memoryview(data)
        while view:
            view = view[output.write(view) or 0 :]

    def _error(self, error: OSError) -> EgressError:
        if isinstance(error, BrokenPipeError):
            return EgressError(
                f"nobody reads standard output any more, where {self.id!r} writes",
                hint="run again: its records are kept, and written to whoever reads it then",
            )
        return EgressError(
            f"standard output, where {self.id!r} writes, cannot be written: {error.strerror or error}",
            hint="check what it is redirected to",
        )
