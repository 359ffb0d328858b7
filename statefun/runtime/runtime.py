"""`Runtime`: the edge where the core meets a store, a clock, functions, sources and sinks; one task that runs group after group."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Self

from attrs import evolve

from statefun.batch import StateDeclaration, TypedBytes
from statefun.errors import BindingError, HandlerError, IngressClosedError, IngressError, StatefunError
from statefun.model import BoundEgress, BoundIngress, HttpEndpoint
from statefun.protocol.values import decode_address, wrap
from statefun.runtime.backup import BackupService
from statefun.runtime.changes import Changes
from statefun.runtime.clock import Clock, SystemClock
from statefun.runtime.core import Core
from statefun.runtime.egress.files import AppendFile, FileSink, SystemFile
from statefun.runtime.egress.opening import make_sink
from statefun.runtime.egress.sink import Confirmed, Sink
from statefun.runtime.ingress.files import FileSource
from statefun.runtime.ingress.opening import open_source
from statefun.runtime.ingress.source import Rejected, Source
from statefun.runtime.inlets import Put, RuntimeInlet
from statefun.runtime.options import Options, Report
from statefun.runtime.outlets import Outlet
from statefun.runtime.places import Client, Connect, Function, Local, Places
from statefun.runtime.replies import ASKING, Replies
from statefun.runtime.store import Store
from statefun.runtime.values import Call, Limits

__all__ = ["FailingProgramError", "Runtime", "run_until_idle"]

_LOG: Final = logging.getLogger("statefun.runtime")
_LOOK_FOR_BACKUPS: Final = 0.05
_LONG: Final = 1_000
"""Milliseconds: with so much time until something is due, what was delivered is confirmed meanwhile."""


_AGAIN: Final = "send it again when the runtime runs; a key keeps it from taking effect twice"


class FailingProgramError(StatefunError):
    """So many messages in a row were given up that the program must be what fails."""

    code = "failing-program"
    default_hint = "mend the functions, `statefun dead retry --all --store DIR`, and run again; `--max-consecutive-dead 0` goes on anyway"


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
        BindingError: an ingress names a function that is not there, or two parts contradict each other.
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
        options = Options() if options is None else options
        self.store: Final = store
        self._options: Final = options
        self._clock: Final[Clock] = SystemClock() if clock is None else clock
        self._jitter: Final = jitter
        self._progress: Final = progress
        self._crash_point: Final = _nowhere if crash_point is None else crash_point
        self._replies: Final = Replies()
        self._local: Final = Local(call, options)
        self._places: Final = Places(
            self._local,
            states,
            endpoints,
            options,
            _http_client if connect is None else connect,
            {ASKING: Local(self._replies.answer, options)},
        )
        self._check_targets(ingresses)
        self._backups: Final = BackupService(store)
        self._sources: Final[list[Source]] = [open_source(each) for each in ingresses]
        self._overlaps: Final = not all(isinstance(each, FileSource) for each in self._sources)
        self._sinks: Final[dict[str, Sink]] = {}
        for each in egresses:
            sink = make_sink(each)
            if isinstance(sink, FileSink):
                sink.open_file = open_file
            self._sinks[each.egress.id] = sink
        self._core: Final = Core(
            protocol=options.protocol,
            load=store.load_states,
            states=self._places.states(),
            egresses={id: sink.encode for id, sink in self._sinks.items()},
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
        self._report = Report()
        self._failure: StatefunError | None = None
        self._stopping = False
        self._next_forgotten = store.next_forgotten()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._answered = asyncio.Event()
        self._inlets: list[RuntimeInlet] = []
        self._readers: list[asyncio.Task[None]] = []
        self._outlets: dict[str, Outlet] = {}
        self._running: dict[asyncio.Task[bytes], Call] = {}
        self._finished: deque[tuple[Call, asyncio.Task[bytes]]] = deque()
        self._repeated: list[Put] = []

    # --- running ----------------------------------------------------------------------------------------------------

    def run_until_idle(self) -> Report:
        """`run`, in an event loop of its own."""
        with asyncio.Runner() as runner:
            return runner.run(self.run())

    async def run(self) -> Report:
        """Runs until nothing is left to do, or until `stop`; what was taken in is committed when it returns.

        Nothing is left when every ingress is read to its end, every inbox is empty, every record is delivered and, unless the options
        say otherwise, no delayed message is pending. With an ingress that has no end it runs until it is stopped.

        Raises:
            IngressError: a record is bad, or an input cannot be read; what was taken in before it is committed.
            StoreError: a commit failed; nothing of it took effect, here or outside.
            EgressError: an output cannot be written; its records wait in the store.
            FailingProgramError: too many messages in a row were given up; they are kept, what is behind them waits in the store.
        """
        self._loop = asyncio.get_running_loop()
        watching = asyncio.ensure_future(self._watch_for_backups())
        try:
            await self._open()
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
            self._loop.call_soon_threadsafe(self._wake_up)

    @property
    def report(self) -> Report:
        """What was done so far."""
        core, inlets = self._core, self._inlets
        return evolve(
            self._report,
            records=sum(each.records for each in inlets),
            skipped=sum(each.left_out for each in inlets),
            rejected=core.rejected,
            invocations=core.invocations,
            dead_letters=core.dead_letters,
            pending=core.pending,
            stopped=self._stopping,
            first_skipped=next((each.first_left_out for each in inlets if each.first_left_out), None),
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

    async def _open(self) -> None:
        """Lets the sources begin, opens the sinks, and hands them what the last run left to deliver."""
        store = self.store
        begin = store.positions()
        core, options = self._core, self._options
        for source in self._sources:
            inlet = RuntimeInlet(
                source.id,
                options.protocol,
                begin.get(source.id),
                min(options.max_group, options.max_pending),
                lambda key: core.pending < options.max_pending and core.waiting_at(key) < options.max_inbox,
                self._places.knows,
                self._replies,
                self._wake_up,
            )
            self._inlets.append(inlet)
            self._readers.append(asyncio.ensure_future(source.run(inlet)))
            self._readers[-1].add_done_callback(lambda _task: self._wake_up())
        positions = store.egress_positions()
        first = Changes()
        for id, sink in self._sinks.items():
            await sink.open(store.name, positions.get(id))
            self._outlets[id] = Outlet(sink, self._crash_point, self._wake_up, self._jitter, _tell_unavailable)
            if id not in positions:
                # Where it begins is committed before anything is delivered: a file is cut back to that.
                begun = await sink.confirm()
                first.delivered[id] = (0, "" if begun is None else begun.position)
        if first:
            store.commit(first)
        for sequence, egress, records in store.undelivered():
            owner = self._outlets.get(egress)
            if owner is None:
                raise BindingError(
                    f"the store holds records for the egress {egress!r}, which is not registered",
                    hint="register it again, so that they can be delivered",
                )
            await owner.hand_over(sequence, records)

    async def _work(self) -> None:
        """Group after group, until nothing is left to do or something ends it."""
        core = self._core
        while True:
            self._wake.clear()
            self._look_at_readers()
            self._look_at_outlets()
            await self._group()
            self._backups.work()
            if self._program_fails:
                self._failure = self._failing_program()
                return
            if self._stopping:
                return
            if core.runnable or self._wake.is_set() or self._backups.busy or self._has_input():
                await asyncio.sleep(0)
                continue
            if self._failure is not None and not self._running:
                return
            due = self._next_due()
            long = due is None or due - self._clock.now() // 1_000_000 >= _LONG
            if long or not self._options.wait_for_timers:
                for outlet in self._outlets.values():
                    await outlet.confirm()
                await self._note_confirmed()
                due = self._next_due()
            if due is None and self._nothing_left():
                self._look_at_readers()  # the last of them may have failed
                return
            await self._clock.wait(self._wake, None if due is None else due * 1_000_000)

    async def _finish(self) -> None:
        """Takes no more input, and waits for what runs and is being delivered, within a bounded time."""
        error = IngressError(
            "the runtime stops, and took in nothing of this", hint="send it again when the runtime runs"
        )
        for inlet in self._inlets:
            inlet.close(error)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._options.drain):
                while self._running or self._finished:
                    self._answered.clear()
                    if not self._finished:
                        await self._answered.wait()
                    await self._group(closing=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._options.drain):
                for outlet in self._outlets.values():
                    await outlet.confirm(last=True)
                while not all(each.settled for each in self._outlets.values()):
                    self._wake.clear()
                    for outlet in self._outlets.values():
                        await outlet.confirm()
                    self._look_at_outlets()
                    await self._note_confirmed()
                    if not all(each.settled for each in self._outlets.values()):
                        await self._wake.wait()

    async def _shut(self) -> None:
        """Lets go of everything, whatever has happened."""
        error = IngressClosedError("the run has ended, and took in nothing of this")
        for inlet in self._inlets:
            inlet.close(error)
        tasks = [*self._readers, *self._running]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for call in (*self._running.values(), *(call for call, _ in self._finished)):
            self._core.abandoned(call)
        self._running.clear()
        self._finished.clear()
        self._readers.clear()
        for sink in self._sinks.values():
            outlet = self._outlets.pop(sink.id, None)
            await (sink.close() if outlet is None else outlet.close())
        await self._places.close()

    # --- one group ----------------------------------------------------------------------------------------------------

    async def _group(self, *, closing: bool = False) -> None:
        core, store = self._core, self.store
        now = self._clock.now()
        timers = core.timers
        if timers.wants_more and timers.horizon is not None:
            core.refill(store.timers_from(*timers.horizon, timers.limit))
        fires = (due := timers.next_due()) is not None and due * 1_000_000 <= now
        core.begin(now)
        if fires:
            self._crash_point("timer fire")
        puts = [] if closing else self._ingest(now)
        positions = {inlet.id: put.position for inlet, put in puts if put.position is not None}
        if positions:
            self._crash_point("after read")
        keys = store.reclaimable(now // 1_000_000, self._options.max_group)
        if keys:
            core.reclaim(keys, now)
        self._take_answers()
        if not closing:
            await self._drain()
        changes = core.collect()
        changes.positions = positions
        self._collect_keys(puts, changes, now // 1_000_000)
        for id, outlet in self._outlets.items():
            if outlet.wants_confirmation:
                await outlet.confirm()
            if (confirmed := outlet.take()) is not None:
                changes.delivered[id] = (confirmed.sequence, confirmed.position)
        if changes:
            try:
                await self._commit(changes)
            except BaseException:
                unknown = IngressError("the run failed while this was written", hint=_AGAIN)
                for _, put in puts:
                    put.receipt.settle(unknown)
                raise
        core.committed()
        # Only now may anything of it be seen outside.
        for _, put in puts:
            put.receipt.settle(True)
        while self._repeated:
            self._repeated.pop().receipt.settle(False)
        self._replies.committed()
        if not changes:
            return
        for sequence, egress, records in changes.outbox:
            await self._outlets[egress].hand_over(sequence, records)
        self._report = evolve(self._report, groups=self._report.groups + 1)
        if self._progress is not None:
            self._progress(self.report)

    def _ingest(self, now: int) -> list[tuple[RuntimeInlet, Put]]:
        """Takes in what the sources have put, as much as there is room for."""
        taken: list[tuple[RuntimeInlet, Put]] = []
        if self._failure is not None or self._stopping:
            return taken
        for inlet in self._inlets:
            if not inlet.waiting:
                continue
            for put in inlet.take(self._room()):
                if put.key is not None and self._is_known(inlet, put.key, taken, now):
                    # What came first under the key may be in this very group: it is told of after the commit.
                    self._repeated.append(put)
                    continue
                self._send(inlet, put, now)
                taken.append((inlet, put))
        return taken

    def _send(self, inlet: RuntimeInlet, put: Put, now: int) -> None:
        core, sender = self._core, put.sender
        send = core.send
        for target, argument in inlet.messages(put):
            send(target, sender, argument)
        for record in put.records:
            if isinstance(record, Rejected):
                value = wrap(TypedBytes(record.typename, record.value), self._options.protocol)
                for each in record.targets:
                    core.reject(inlet.head(each), value, record.error, now)

    def _is_known(self, inlet: RuntimeInlet, key: str, taken: list[tuple[RuntimeInlet, Put]], now: int) -> bool:
        if any(other is inlet and put.key == key for other, put in taken):
            return True
        return self.store.has_key(inlet.id, key, now=now // 1_000_000)

    def _collect_keys(self, puts: Sequence[tuple[RuntimeInlet, Put]], changes: Changes, now: int) -> None:
        expires = now + self._options.keep_keys
        changes.keys = [(inlet.id, put.key, expires) for inlet, put in puts if put.key is not None]
        if changes.keys and self._next_forgotten is None:
            self._next_forgotten = expires
        if self._next_forgotten is not None and self._next_forgotten <= now:
            changes.forgotten = now
            self._next_forgotten = now + min(60_000, self._options.keep_keys)

    async def _drain(self) -> None:
        """Runs what is ready, and waits a moment for the requests that it began."""
        core, now, local = self._core, self._clock.now, self._local
        run, lane, places = local.run, None if local.asynchronous else local.lane, self._places
        begun: set[asyncio.Task[bytes]] = set()
        until = 0
        time = now()
        while True:
            while (each := core.next(time)) is not None:
                place: Any = local if each.entry.function.lane is lane else places.place_of(each.entry.function.lane)
                if place.asynchronous:
                    begun.add(self._begin(each, place.call(each.entry.function.typename, each.request)))
                    continue
                try:
                    response: bytes = run(each.request) if place is local else place.run(each.request)
                    self._crash_point("after invoke")
                    time = now()
                    core.answered(each, response, time)
                except Exception as error:  # noqa: BLE001  whatever a function raises fails its message, not the runtime
                    time = now()
                    core.failed(each, _named(error, each), time)
                    if self._program_fails:
                        return
            if self._finished:
                self._take_answers()
                time = now()
                if self._program_fails:
                    return
                continue
            if not begun & self._running.keys() or self._stopping:
                return
            time = now()
            until = until or time + self._options.hold * 1_000_000
            if time >= until:
                return
            self._answered.clear()
            await self._clock.wait(self._answered, until)
            time = now()

    def _begin(self, call: Call, answer: Any) -> asyncio.Task[bytes]:
        task: asyncio.Task[bytes] = asyncio.ensure_future(answer)
        self._running[task] = call
        task.add_done_callback(self._end)
        return task

    def _end(self, task: asyncio.Task[bytes]) -> None:
        call = self._running.pop(task, None)
        if call is not None:
            self._finished.append((call, task))
            self._answered.set()
            self._wake.set()

    def _take_answers(self) -> None:
        core, now = self._core, self._clock.now
        while self._finished:
            call, task = self._finished.popleft()
            self._crash_point("after invoke")
            try:
                core.answered(call, task.result(), now())
            except Exception as error:  # noqa: BLE001  as above
                core.failed(call, _named(error, call), now())

    async def _commit(self, changes: Changes) -> None:
        self._crash_point("before commit")
        if self._overlaps:
            # While the disk writes, sources and sinks go on; the core is left alone until it has.
            writing = asyncio.ensure_future(asyncio.to_thread(self.store.commit, changes))
            try:
                await asyncio.shield(writing)
            except asyncio.CancelledError:
                await asyncio.wait([writing])
                raise
        else:
            self.store.commit(changes)
        self._crash_point("after commit")

    # --- what there is to do ------------------------------------------------------------------------------------------

    def _room(self) -> int:
        """How many more records may be taken in now."""
        options = self._options
        undelivered = sum(each.undelivered for each in self._outlets.values())
        return min(options.max_group, options.max_pending - self._core.pending, options.max_undelivered - undelivered)

    def _has_input(self) -> bool:
        # Inboxes that are full of messages that wait for their retries leave no room: then there is only to wait.
        return self._failure is None and self._room() > 0 and any(each.waiting for each in self._inlets)

    def _nothing_left(self) -> bool:
        return (
            not self._running
            and all(each.done() for each in self._readers)
            and not any(each.waiting for each in self._inlets)
            and all(each.settled for each in self._outlets.values())
        )

    def _next_due(self) -> int | None:
        """What there is to wait for, milliseconds since 1970."""
        due = [self._core.next_retry()]
        if self._options.wait_for_timers or not self._nothing_left():
            due.append(self._core.timers.next_due())
        first = min((each for each in due if each is not None), default=None)
        if first is None:
            return None
        return self._core.gathered(first, first + self._options.gather, timers=self._options.wait_for_timers)

    def _look_at_readers(self) -> None:
        """Notes the first source that has failed: what was put before is finished and committed first."""
        for source, task in zip(self._sources, self._readers, strict=True):
            if not task.done() or task.cancelled() or (error := task.exception()) is None or self._failure is not None:
                continue
            if not isinstance(error, Exception):
                raise error
            if any(each.waiting for each in self._inlets if each.id == source.id):
                continue
            if isinstance(error, StatefunError):
                self._failure = error
            else:
                self._failure = IngressError(f"the ingress {source.id!r} raised {type(error).__name__}: {error}")
                self._failure.__cause__ = error

    def _look_at_outlets(self) -> None:
        for outlet in self._outlets.values():
            if outlet.failure is not None:
                raise outlet.failure

    async def _note_confirmed(self) -> None:
        """Commits what has arrived, so that the outbox is empty."""
        found: dict[str, Confirmed] = {}
        for id, outlet in self._outlets.items():
            if (confirmed := outlet.take()) is not None:
                found[id] = confirmed
        if found:
            await self._commit(Changes(delivered={id: (each.sequence, each.position) for id, each in found.items()}))

    @property
    def _program_fails(self) -> bool:
        return 0 < self._options.max_dead_in_a_row <= self._core.dead_in_a_row

    def _failing_program(self) -> FailingProgramError:
        last = self._core.last_dead
        return FailingProgramError(
            f"{self._core.dead_in_a_row} messages in a row were given up"
            + ("" if last is None else f", the last of {'/'.join(decode_address(last.target) or ())}: {last.error}")
        )

    def _check_targets(self, ingresses: Sequence[BoundIngress]) -> None:
        for bound in ingresses:
            for target in bound.targets:
                if not self._places.knows(target):
                    raise BindingError(
                        f"the ingress {bound.ingress.id!r} sends to {target!r}, which is not registered",
                        hint=f"known are: {', '.join(self._places.names) or 'none'}",
                    )

    def _wake_up(self) -> None:
        self._wake.set()

    async def _watch_for_backups(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_FOR_BACKUPS)
            if self._backups.wanted:
                self._wake.set()


def _nowhere(_point: str) -> None:
    """Goes on."""


def _http_client(endpoint: HttpEndpoint) -> Client:
    # Here, so that a runtime without endpoints needs no HTTP client.
    from statefun.runtime.remote.client import EndpointClient

    return EndpointClient(endpoint)


def _tell_unavailable(egress: str, error: StatefunError, pause: float) -> None:
    _LOG.warning("the egress %s waits %.1f s: %s", egress, pause, error)


def _named(error: Exception, call: Call) -> Exception:
    """An error that says whose it is: what is no error of ours came from the callable itself."""
    if isinstance(error, StatefunError):
        return error
    function = call.entry.function.typename
    named = HandlerError(f"the call of {function} raised {type(error).__name__}: {error}")
    named.__cause__ = error
    return named


def run_until_idle(call: Function, store: Store, **settings: Any) -> Report:
    """Makes a `Runtime` with these settings, runs it until it is idle and closes it."""
    with Runtime(call, store, **settings) as runtime:
        return runtime.run_until_idle()
