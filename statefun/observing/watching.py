"""`Watched`: a handler's batches, each told to an observer while it runs.

A handler that nobody observes knows nothing of this: it reads, activates and walks through the messages with the functions that
stand as defaults in its signature, and here others take their places.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from statefun.activation import Activation
from statefun.address import FunctionType
from statefun.batch import ProtocolVersion
from statefun.encoding import Encoders
from statefun.observing.carrying import CarryingOutgoing, fields, taken_off
from statefun.observing.observer import BatchObserver, ObservedBatch, ObservedInvocation, Observer, Outcome
from statefun.protocol.request import Request, read_invocation, read_request
from statefun.state import Cells, ValueSpec

__all__ = ["Running", "Watched"]

Running = Generator[Awaitable[None] | bytes, None, None]
"""A batch that runs: it yields what must be awaited, and last of all the bytes of the response."""


class Run(Protocol):
    """Runs one batch, with what stands in for reading it, activating its address and walking through its messages."""

    def __call__(
        self,
        data: bytes,
        read: Callable[[bytes], Request],
        activate: Callable[[FunctionType[Any], str, Mapping[str, ValueSpec[Any]], Cells, Encoders], Activation],
        walk: Callable[[Sequence[bytes]], Iterable[bytes]],
        /,
    ) -> Running: ...


class Watched:
    """Runs batches as a handler does, and tells an observer.

    Args:
        run: The handler's own way to run a batch.
        observer: Who is told.
    """

    def __init__(self, run: Run, observer: Observer) -> None:
        self._run: Final = run
        self._observer: Final = observer

    def __call__(self, data: bytes) -> Running:
        """One batch, from its bytes to the bytes of the response."""
        watch = _Watch(self._observer, len(data))
        try:
            running = self._run(data, watch.read, watch.activate, watch.walk)
            step = next(running)
            while not isinstance(step, bytes):
                try:
                    yield step
                except BaseException as error:  # noqa: BLE001  whatever it is must end the batch inside its handler
                    step = running.throw(error)
                else:
                    step = next(running)
        except BaseException as error:
            watch.failed(error)
            raise
        watch.succeeded(step)
        yield step


class _Watch:
    """What is known of one batch while it runs."""

    def __init__(self, observer: Observer, size: int) -> None:
        self._observer: Final = observer
        self._size: Final = size
        self._batch: BatchObserver | None = None
        self._outgoing: Final = CarryingOutgoing()
        self._protocol = ProtocolVersion.V2
        self._handled = 0
        self._inside = False

    def read(self, data: bytes) -> Request:
        """Reads the request, and tells of it."""
        request = read_request(data)
        namespace, name, identity, entries, invocations = request
        self._batch = self._observer.batch_started(
            ObservedBatch(f"{namespace}/{name}", identity, len(invocations), self._size, sum(map(len, entries)))
        )
        return request

    def activate(
        self,
        function_type: FunctionType[Any],
        identity: str,
        specs: Mapping[str, ValueSpec[Any]],
        cells: Cells,
        encoders: Encoders,
    ) -> Activation:
        """Makes what the invocations share, such that what they send carries a trace."""
        activation = Activation(function_type, identity, specs, cells, encoders)
        activation.outgoing = self._outgoing
        self._protocol = encoders.protocol
        return activation

    def walk(self, invocations: Sequence[bytes]) -> Iterator[bytes]:
        """Gives one message after the other, without its trace; who asks for the next one has handled the last."""
        batch = self._begun()
        for index, raw in enumerate(invocations, 1):
            bare, trace = taken_off(raw, self._protocol)
            typename, _, _ = read_invocation(bare, self._protocol)
            caused = batch.invocation_started(ObservedInvocation(index, typename, trace))
            self._inside = True
            carried = trace if caused is None else caused
            self._outgoing.carried = fields(carried) if carried is not None else b""
            yield bare
            self._inside = False
            self._handled += 1
            batch.invocation_ended(None)

    def succeeded(self, response: bytes) -> None:
        """Tells of the end of a batch that takes effect."""
        sent = self._outgoing
        self._begun().batch_ended(
            Outcome(self._handled, sent.message_count, len(sent.delayed), sent.record_count, len(response))
        )

    def failed(self, error: BaseException) -> None:
        """Tells of the end of a batch that does not, and of the invocation that it failed in."""
        batch = self._begun()
        if self._inside:
            self._inside = False
            batch.invocation_ended(error)
        batch.batch_ended(Outcome(self._handled, error=error))

    def _begun(self) -> BatchObserver:
        if self._batch is None:  # it could not be read
            self._batch = self._observer.batch_started(ObservedBatch("", "", 0, self._size, 0))
        return self._batch
