"""`Runtime`: the edge where the core meets a store, a clock, functions, sources and sinks; one task that runs group after group."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Self

from statefun.batch import StateDeclaration, TypedBytes
from statefun.errors import BindingError, IngressClosedError, IngressError, StatefunError
from statefun.model import BoundEgress, BoundIngress, HttpEndpoint
from statefun.runtime.backup import BackupService
from statefun.runtime.calls import Calls
from statefun.runtime.changes import Changes
from statefun.runtime.clock import Clock, SystemClock
from statefun.runtime.committing import Committer
from statefun.runtime.core import Core
from statefun.runtime.deliveries import Deliveries
from statefun.runtime.egress.files import AppendFile, FileSink, SystemFile
from statefun.runtime.egress.opening import check_outputs, make_sink
from statefun.runtime.egress.sink import Sink
from statefun.runtime.failures import DeadLetterLog, failing_program
from statefun.runtime.given import check_given
from statefun.runtime.ingress.files import FileSource
from statefun.runtime.ingress.opening import open_source
from statefun.runtime.intake import Intake
from statefun.runtime.options import Options, Report
from statefun.runtime.places import Connect, Function, Local, Places, http_client
from statefun.runtime.replies import ASKING, Replies
from statefun.runtime.store import Store
from statefun.runtime.values import Limits

__all__ = ["Runtime", "run_until_idle"]

_AGAIN: Final = "send it again when the runtime runs; a key keeps it from taking effect twice"
_LONG: Final = 1_000
"""Milliseconds: with so much time until something is due, what was delivered is confirmed meanwhile."""


class Runtime:
    """Runs functions on a store.

    Args:
        call: The functions of this process as bytes to bytes: a `RequestReplyHandler` or an `AsyncRequestReplyHandler`.
        store: An open store; who opened it closes it.
        states: The states of each of them, as `functions.specs()` gives them.
        ingresses: Where records come from, as `functions.ingresses` gives them.
        egresses: Where records go, as `functions.egresses` gives them.
        endpoints: Where functions are called over HTTP.
        options: How it works.
        clock: The time.
        jitter: Gives numbers in [0, 1) that spread retries.
        progress: Is told what was done so far after each transaction.
        open_file: Opens the files of egresses.
        connect: Makes what calls the functions of an endpoint.
        crash_point: Is told where a group stands, by name; what it raises ends the run there, as a crash would.

    Raises:
        BindingError: an ingress names a function that is not there, two parts contradict each other, or an argument is of another
            type.

    >>> from tempfile import TemporaryDirectory
    >>> from statefun import RequestReplyHandler, StatefulFunctions
    >>> functions = StatefulFunctions()
    >>> with TemporaryDirectory() as folder, Store(folder) as store:
    ...     with Runtime(RequestReplyHandler(functions), store, states=functions.specs()) as runtime:
    ...         runtime.run_until_idle().records
    0
    """

    def __init__(
        self,
        call: Function,
        store: Store,
        *,
        states: Mapping[str, Sequence[StateDeclaration]],
        ingresses: Sequence[BoundIngress] = (),
        egresses: Sequence[BoundEgress] = (),
        endpoints: Sequence[HttpEndpoint] = (),
        options: Options | None = None,
        clock: Clock | None = None,
        jitter: Callable[[], float] = random.random,
        progress: Callable[[Report], None] | None = None,
        open_file: Callable[[str], AppendFile] = SystemFile,
        connect: Connect | None = None,
        crash_point: Callable[[str], None] | None = None,
    ) -> None:
        check_given(
            call=call,
            store=store,
            states=states,
            ingresses=ingresses,
            egresses=egresses,
            endpoints=endpoints,
            options=options,
            clock=clock,
            jitter=jitter,
            progress=progress,
            open_file=open_file,
            connect=connect,
            crash_point=crash_point,
        )
        options = Options() if options is None else options
        self.store: Final = store
        self._options: Final = options
        self._clock: Final[Clock] = SystemClock() if clock is None else clock
        self._progress: Final = progress
        self._crash_point: Final = _nowhere if crash_point is None else crash_point
        self._replies: Final = Replies()
        self._places: Final = Places(
            Local(call, options),
            states,
            endpoints,
            options,
            http_client if connect is None else connect,
            {ASKING: Local(self._replies.answer, options)},
        )
        self._places.check_targets(ingresses)
        check_outputs(ingresses, egresses, str(store.path))
        self._backups: Final = BackupService(store)
        sinks = {each.egress.id: _sink(each, open_file) for each in egresses}
        self._core: Final = Core(
            protocol=options.protocol,
            load=store.load_states,
            states=self._places.states(),
            egresses={id: sink.encode for id, sink in sinks.items()},
            limits=Limits(
                batch=options.max_batch,
                group=options.max_invocations,
                cached=options.cached,
                timers=options.timers,
                attempts=options.attempts,
                backoff=options.backoff,
            ),
            jitter=jitter,
            recovered=store.recover(),
            lane_of=self._places.lane_of,
            lanes=self._places.lanes,
        )
        self._wake: Final = asyncio.Event()
        wake = self._wake.set
        sources = [open_source(each, options.protocol) for each in ingresses]
        overlaps = not all(isinstance(each, FileSource) for each in sources)
        self._committer: Final = Committer(store, self._crash_point, overlaps=overlaps)
        self._intake: Final = Intake(sources, self._core, store, options, self._places, self._replies, wake)
        self._deliveries: Final = Deliveries(sinks, store, self._crash_point, jitter, wake)
        self._calls: Final = Calls(
            self._core,
            self._places,
            self._clock,
            options.hold,
            lambda: self._stopping or self._program_fails,
            self._crash_point,
            wake,
        )
        self._dead_letters: Final = DeadLetterLog()
        self._groups = 0
        self._failure: StatefunError | None = None
        self._stopping = False
        self._begun = False
        self._loop: asyncio.AbstractEventLoop | None = None

    # --- running ----------------------------------------------------------------------------------------------------

    def run_until_idle(self) -> Report:
        """`run`, in an event loop of its own."""
        with asyncio.Runner() as runner:
            return runner.run(self.run())

    async def run(self) -> Report:
        """Runs until nothing is left to do, or until `stop`; what was taken in is committed when it returns.

        Nothing is left when every ingress is read to its end, every inbox is empty, every record is delivered and, unless the options
        say otherwise, no delayed message is pending. With an ingress that has no end it runs until it is stopped. A runtime runs
        once: what is in its memory after an error is not what is in the store.

        Raises:
            IngressError: a record is bad, or an input cannot be read; what was taken in before it is committed.
            StoreError: a commit failed; nothing of it took effect, here or outside.
            EgressError: an output cannot be written; its records wait in the store.
            FailingProgramError: too many messages in a row were given up; they are kept, what is behind them waits in the store.
            BindingError: it has run before.
        """
        if self._begun:
            raise BindingError(
                "this runtime has run before", hint="make another one for the next run, on the same store"
            )
        self._begun = True
        self._loop = asyncio.get_running_loop()
        watching = asyncio.ensure_future(self._backups.watch(self._wake.set))
        try:
            # Who may send is let in before what is sent to it could be fetched.
            self._intake.open()
            await self._deliveries.open(lambda: self._stopping)
            await self._work()
            await self._finish()
        finally:
            watching.cancel()
            await self._shut()
            self._loop = None
        if self._failure is not None:
            raise self._failure
        return self.report

    def stop(self) -> None:
        """Asks a run to end: what runs is finished and committed, no further record is taken in. Safe in a signal handler."""
        self._stopping = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake.set)

    @property
    def report(self) -> Report:
        """What was done so far."""
        core, intake = self._core, self._intake
        return Report(
            records=intake.records,
            skipped=intake.left_out,
            first_skipped=intake.first_left_out,
            rejected=core.rejected,
            invocations=core.invocations,
            groups=self._groups,
            dead_letters=core.dead_letters,
            pending=core.pending,
            stopped=self._stopping,
        )

    def states(self, function: Any) -> Iterator[tuple[str, dict[str, TypedBytes]]]:
        """The committed states of a function type, by id; what has expired is left out."""
        return self.store.states(function, now=self._clock.now() // 1_000_000)

    def close(self) -> None:
        """Leaves a copy of the store that is being made; the store stays open."""
        self._backups.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    # --- from start to end --------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        """Group after group, until nothing is left to do or something ends it."""
        core = self._core
        while True:
            self._wake.clear()
            self._failure = self._failure or self._intake.failure()
            self._deliveries.look()
            if self._is_behind and not self._stopping:
                # Timers and what functions send to each other make records too: nothing goes on until the sinks have caught up.
                await self._deliveries.confirm()
                self._note_arrived()
                self._backups.work()
                if self._is_behind:
                    await self._clock.wait(self._wake, None)
                continue
            await self._group()
            self._backups.work()
            if self._program_fails:
                self._failure = failing_program(self._core.dead_in_a_row, self._core.last_dead)
                return
            if self._stopping:
                return
            if core.runnable or self._wake.is_set() or self._backups.busy or self._has_input():
                await asyncio.sleep(0)
                continue
            if self._failure is not None and not self._calls.running:
                return
            due = self._next_due()
            long = due is None or due - self._clock.now() // 1_000_000 >= _LONG
            if long or not self._options.wait_for_timers or self._intake.waiting:
                await self._deliveries.confirm()
                self._note_arrived()
                if self._has_input():
                    continue  # what was confirmed has made room
                due = self._next_due()
            if due is None and self._nothing_left():
                self._failure = self._failure or self._intake.failure()  # the last of them may have failed
                return
            await self._clock.wait(self._wake, None if due is None else due * 1_000_000)

    async def _finish(self) -> None:
        """Takes no more input, and waits for what runs and is being delivered, within a bounded time."""
        self._intake.close(IngressClosedError("the runtime stops, and took in nothing of this"))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._options.drain):
                while self._calls.running:
                    await self._calls.wait()
                    await self._group(closing=True)
        await self._deliveries.finish(self._options.drain, self._note_arrived, self._wake)

    async def _shut(self) -> None:
        """Lets go of everything, whatever has happened."""
        self._intake.close(IngressClosedError("the run has ended, and took in nothing of this"))
        self._intake.settle(IngressError("the run ended before this was written", hint=_AGAIN))
        self._replies.end()
        await self._intake.end()
        await self._calls.cancel()
        await self._deliveries.close()
        await self._places.close()

    # --- one group ----------------------------------------------------------------------------------------------------

    async def _group(self, *, closing: bool = False) -> None:
        """One transaction: what is due, what came in, what was answered, and all that follows from it.

        Args:
            closing: Take in nothing and begin nothing more.
        """
        core, store, intake, calls = self._core, self.store, self._intake, self._calls
        now = self._clock.now()
        timers = core.timers
        if timers.wants_more and timers.horizon is not None:
            core.refill(store.timers_from(*timers.horizon, timers.limit))
        fires = (due := timers.next_due()) is not None and due * 1_000_000 <= now
        core.begin(now)
        if fires:
            self._crash_point("timer fire")
        takes = not closing and self._failure is None and not self._stopping
        if takes and intake.take(self._room, now):
            self._crash_point("after read")
        keys = store.reclaimable(now // 1_000_000, self._options.max_group)
        if keys:
            core.reclaim(keys, now)
        calls.take_answers()
        if not closing:
            await calls.drain()
        changes = core.collect()
        intake.note(changes, now // 1_000_000)
        await self._deliveries.confirm_much()
        self._deliveries.note(changes)
        if changes:
            await self._committer.commit(changes)
        core.committed()
        # Only now may anything of it be seen outside.
        intake.settle()
        self._replies.committed()
        if not changes:
            return
        self._dead_letters.note(changes.dead)
        await self._deliveries.hand_over(changes)
        self._groups += 1
        if self._progress is not None:
            self._progress(self.report)

    def _note_arrived(self) -> None:
        """Commits what has arrived, so that the outbox is empty."""
        changes = Changes()
        self._deliveries.note(changes)
        if changes:
            self._committer.commit_here(changes)

    # --- what there is to do ------------------------------------------------------------------------------------------

    def _room(self) -> int:
        """How many more records may be taken in now."""
        options = self._options
        return min(
            options.max_group,
            options.max_pending - self._core.pending,
            options.max_undelivered - self._deliveries.undelivered,
        )

    @property
    def _is_behind(self) -> bool:
        """Whether so many records wait for the sinks that no more are to be made."""
        return self._deliveries.undelivered >= self._options.max_undelivered

    def _has_input(self) -> bool:
        # Inboxes that are full of messages that wait for their retries leave no room: then there is only to wait.
        return self._failure is None and self._intake.waiting and self._room() > 0

    def _nothing_left(self) -> bool:
        return not self._calls.running and self._intake.ended and self._deliveries.settled

    def _next_due(self) -> int | None:
        """What there is to wait for, milliseconds since 1970."""
        due = [self._core.next_retry()]
        if self._options.wait_for_timers or not self._nothing_left():
            due.append(self._core.timers.next_due())
        first = min((each for each in due if each is not None), default=None)
        if first is None:
            return None
        return self._core.gathered(first, first + self._options.gather, timers=self._options.wait_for_timers)

    @property
    def _program_fails(self) -> bool:
        return 0 < self._options.max_dead_in_a_row <= self._core.dead_in_a_row


def _nowhere(_point: str) -> None:
    """Goes on."""


def _sink(bound: BoundEgress, open_file: Callable[[str], AppendFile]) -> Sink:
    sink = make_sink(bound)
    if isinstance(sink, FileSink):
        sink.open_file = open_file
    return sink


def run_until_idle(call: Function, store: Store, **settings: Any) -> Report:
    """Makes a `Runtime` with these settings, runs it until it is idle and closes it."""
    with Runtime(call, store, **settings) as runtime:
        return runtime.run_until_idle()
