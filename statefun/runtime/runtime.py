"""`Runtime`: the edge where the core meets a store, a clock, functions, ingresses and egresses."""

from __future__ import annotations

import asyncio
import inspect
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Self

from attrs import evolve, frozen

from statefun.batch import ProtocolVersion, StateDeclaration, TypedBytes
from statefun.errors import BindingError, HandlerError, StatefunError
from statefun.model import BoundEgress, BoundIngress
from statefun.protocol.values import decode_address
from statefun.runtime.backup import BackupService
from statefun.runtime.changes import Changes
from statefun.runtime.clock import Clock, SystemClock
from statefun.runtime.core import Core
from statefun.runtime.egress.files import AppendFile, FileWriter, SystemFile
from statefun.runtime.ingress.files import FileReader
from statefun.runtime.store import Store
from statefun.runtime.values import Call, Limits

__all__ = ["FailingProgramError", "Options", "Report", "Runtime", "run_until_idle"]

Function = Callable[[bytes], bytes] | Callable[[bytes], Awaitable[bytes]]
"""All functions of a program: the bytes of a request to those of its response."""


class FailingProgramError(StatefunError):
    """So many messages in a row were given up that the program must be what fails."""

    code = "failing-program"
    default_hint = "mend the functions, `statefun dead retry --all --store DIR`, and run again; `--max-consecutive-dead 0` goes on anyway"


@frozen(kw_only=True)
class Options:
    """How a runtime works.

    Attributes:
        protocol: The protocol that functions are called with.
        max_group: The most records that one transaction takes in.
        max_batch: The most messages in one request.
        max_invocations: The most invocations that one transaction covers; what they leave in the inboxes goes on in the next.
        max_pending: With more messages in the inboxes no record is taken in.
        concurrency: The most requests that run at once, where functions are asynchronous.
        attempts: After how many failures a message becomes a dead letter.
        backoff: Milliseconds before the second attempt; each further pause is twice as long, and spread by up to a half.
        cached: About how many addresses stay in memory.
        timers: About how many delayed messages stay in memory.
        wait_for_timers: Whether a run waits for the delayed messages that are pending, or leaves them in the store.
        gather: By how many milliseconds a run with nothing else to do lets a delayed message or a retry be late, so that one
            transaction takes those that are due within them; one that is due alone is not late, and none waits for one that it could
            take back. 0 for none.
        max_dead_in_a_row: After so many dead letters without a success between them a run ends: it is the program that fails,
            not a message. 0 for never.
    """

    protocol: ProtocolVersion = ProtocolVersion.V3
    max_group: int = 1000
    max_batch: int = 1000
    max_invocations: int = 20_000
    max_pending: int = 100_000
    concurrency: int = 64
    attempts: int = 5
    backoff: int = 100
    cached: int = 100_000
    timers: int = 50_000
    wait_for_timers: bool = True
    gather: int = 5
    max_dead_in_a_row: int = 100


@frozen(kw_only=True)
class Report:
    """What a run has done so far.

    Attributes:
        records: Records taken in, in this run.
        skipped: Records left out because they were bad.
        invocations: Messages that functions have consumed.
        groups: Transactions.
        dead_letters: Messages that were given up.
        pending: Messages that wait in inboxes.
        stopped: Whether the run was asked to stop before it was through.
        first_skipped: What was wrong with the first record that was left out.
    """

    records: int = 0
    skipped: int = 0
    invocations: int = 0
    groups: int = 0
    dead_letters: int = 0
    pending: int = 0
    stopped: bool = False
    first_skipped: StatefunError | None = None


class Runtime:
    """Runs functions on a store until there is nothing left to do.

    Args:
        call: The functions as bytes to bytes: a `RequestReplyHandler` or an `AsyncRequestReplyHandler`.
        store: An open store; who opened it closes it.
        states: The states of each function type, as `functions.specs()` gives them.
        ingresses: Where records come from, as `functions.ingresses` gives them.
        egresses: Where records go, as `functions.egresses` gives them.
        options: How it works.
        clock: The time.
        jitter: Gives numbers in [0, 1) that spread retries.
        progress: Is told what was done so far after each transaction.
        open_file: Opens the files of egresses.
        crash_point: Is told where a group stands, by name; what it raises ends the run there, as a crash would.

    Raises:
        BindingError: an ingress names a function that is not there.
        StatefunError: a file cannot be opened.
    """

    def __init__(
        self,
        call: Function,
        store: Store,
        *,
        states: Mapping[str, Sequence[StateDeclaration]],
        ingresses: Sequence[BoundIngress] = (),
        egresses: Sequence[BoundEgress] = (),
        options: Options = Options(),
        clock: Clock | None = None,
        jitter: Callable[[], float] = random.random,
        progress: Callable[[Report], None] | None = None,
        open_file: Callable[[str], AppendFile] = SystemFile,
        crash_point: Callable[[str], None] | None = None,
    ) -> None:
        for bound in ingresses:
            for target in bound.targets:
                if target not in states:
                    raise BindingError(
                        f"the ingress {bound.ingress.id!r} sends to {target!r}, which is not registered",
                        hint=f"registered are: {', '.join(states) or 'none'}",
                    )
        self._call: Final = call
        self._asynchronous: Final = inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(
            getattr(call, "__call__", None)  # noqa: B004  which of the two kinds of callable it is
        )
        self.store: Final = store
        self._options: Final = options
        self._clock: Final[Clock] = SystemClock() if clock is None else clock
        self._progress: Final = progress
        self._open_file: Final = open_file
        self._crash_point: Final = _nowhere if crash_point is None else crash_point
        self._stopping = False
        self._report = Report()
        self._failure: StatefunError | None = None
        self._backups: Final = BackupService(store)
        self._core: Final = Core(
            protocol=options.protocol,
            load=store.load_states,
            states=states,
            egresses={each.egress.id: each.encode for each in egresses},
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
        )
        self._writers: Final[dict[str, FileWriter]] = {}
        self._readers: Final[list[FileReader]] = []
        try:
            self._open_egresses(egresses)
            positions = store.positions()
            for bound in ingresses:
                self._readers.append(FileReader(bound, options.protocol, positions.get(bound.ingress.id)))
        except BaseException:
            self.close()
            raise

    # --- running ----------------------------------------------------------------------------------------------------

    def run_until_idle(self) -> Report:
        """Runs until nothing is left to do, or until `stop`; what was taken in is committed when it returns.

        Nothing is left when every ingress is read to its end, every inbox is empty and, unless the options say otherwise, no
        delayed message is pending.

        Raises:
            IngressError: a record is bad, or a file cannot be read; what was taken in before it is committed.
            StoreError: a commit failed; nothing of it took effect, here or outside.
            EgressError: an output cannot be written; its records wait in the store.
            FailingProgramError: too many messages in a row were given up; they are kept, what is behind them waits in the store.
        """
        with asyncio.Runner() if self._asynchronous else _NO_LOOP as loop:
            while not self._stopping:
                self._one_group(loop)
                self._backups.work()
                if self._program_fails:
                    self._failure = self._failing_program()
                    break
                if self._core.runnable or self._backups.busy or (self._failure is None and self._takes_input()):
                    continue
                if self._failure is not None:
                    break
                due = self._next_due()
                if due is None:
                    break
                self._clock.wait_until(due * 1_000_000, lambda: self._stopping or self._backups.wanted)
        self._finish()
        if self._failure is not None:
            raise self._failure
        return self.report

    def stop(self) -> None:
        """Asks a run to end: the group that runs is committed, no further record is read. Safe in a signal handler."""
        self._stopping = True

    @property
    def report(self) -> Report:
        """What was done so far."""
        core = self._core
        return evolve(
            self._report,
            records=sum(each.records for each in self._readers),
            skipped=sum(each.skipped for each in self._readers),
            invocations=core.invocations,
            dead_letters=core.dead_letters,
            pending=core.pending,
            stopped=self._stopping,
            first_skipped=next((each.first_skipped for each in self._readers if each.first_skipped), None),
        )

    def states(self, function: Any) -> Iterator[tuple[str, dict[str, TypedBytes]]]:
        """The committed states of a function type, by id; what has expired is left out."""
        return self.store.states(function, now=self._clock.now() // 1_000_000)

    def close(self) -> None:
        """Closes the files; the store stays open."""
        self._backups.close()
        for reader in self._readers:
            reader.close()
        for writer in self._writers.values():
            writer.close()
        self._readers.clear()
        self._writers.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    # --- one group ----------------------------------------------------------------------------------------------------

    def _one_group(self, loop: asyncio.Runner | None) -> None:
        core, store = self._core, self.store
        now = self._clock.now()
        timers = core.timers
        if timers.wants_more and timers.horizon is not None:
            core.refill(store.timers_from(*timers.horizon, timers.limit))
        fires = (due := timers.next_due()) is not None and due * 1_000_000 <= now
        core.begin(now)
        if fires:
            self._crash_point("timer fire")
        positions = self._ingest()
        if positions:
            self._crash_point("after read")
        keys = store.reclaimable(now // 1_000_000, self._options.max_group)
        if keys:
            core.reclaim(keys, now)
        if loop is None:
            self._drain()
        else:
            loop.run(self._drain_concurrently())
        changes = core.collect()
        changes.positions = positions
        for writer in self._writers.values():
            if writer.wants_sync:
                changes.delivered[writer.id] = self._synced(writer)
        if not changes:
            core.committed()
            return
        self._commit(changes)
        core.committed()
        # Only now may anything of it be seen outside.
        self._deliver(changes)
        self._report = evolve(self._report, groups=self._report.groups + 1)
        if self._progress is not None:
            self._progress(self.report)

    def _ingest(self) -> dict[str, str]:
        positions: dict[str, str] = {}
        if self._failure is not None or self._stopping:
            return positions
        core = self._core
        for reader in self._readers:
            room = min(self._options.max_group, self._options.max_pending - core.pending)
            if reader.exhausted or room <= 0:
                continue
            try:
                messages = reader.read(room)
            except StatefunError as error:
                # What was taken in before is finished and committed first.
                self._failure = error
                continue
            send = core.send
            for target, argument in messages:
                send(target, b"", argument)
            positions[reader.id] = reader.position
        return positions

    def _drain(self) -> None:
        core, now, call = self._core, self._clock.now, self._call
        time = now()
        while (each := core.next(time)) is not None:
            try:
                response = call(each.request)
                self._crash_point("after invoke")
                time = now()
                core.answered(each, response, time)  # type: ignore[arg-type]  # not asynchronous, so no Awaitable
            except Exception as error:  # noqa: BLE001  whatever a function raises fails its message, not the runtime
                time = now()
                core.failed(each, _named(error, each), time)
                if self._program_fails:
                    return

    async def _drain_concurrently(self) -> None:
        core, now = self._core, self._clock.now
        running: dict[asyncio.Task[bytes], Call] = {}
        while True:
            while (
                len(running) < self._options.concurrency
                and not self._program_fails
                and (each := core.next(now())) is not None
            ):
                running[asyncio.ensure_future(self._call(each.request))] = each  # type: ignore[arg-type]
            if not running:
                return
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in [task for task in running if task.done()]:
                each = running.pop(task)
                self._crash_point("after invoke")
                try:
                    core.answered(each, task.result(), now())
                except Exception as error:  # noqa: BLE001  as above
                    core.failed(each, _named(error, each), now())

    # --- egresses -----------------------------------------------------------------------------------------------------

    def _open_egresses(self, egresses: Sequence[BoundEgress]) -> None:
        positions = self.store.egress_positions()
        first = Changes()
        for bound in egresses:
            id = bound.egress.id
            writer = FileWriter(id, str(bound.egress.path), positions.get(id), self._open_file)
            self._writers[id] = writer
            if id not in positions:
                # The length that it is cut back to is committed before anything is appended.
                first.delivered[id] = self._synced(writer)
        if first:
            self._commit(first)
        for sequence, egress, records in self.store.undelivered():
            owner = self._writers.get(egress)
            if owner is None:
                raise BindingError(
                    f"the store holds records for the egress {egress!r}, which is not registered",
                    hint="register it again, so that they can be delivered",
                )
            self._append(owner, sequence, records)

    def _deliver(self, changes: Changes) -> None:
        for sequence, egress, records in changes.outbox:
            self._append(self._writers[egress], sequence, records)

    def _append(self, writer: FileWriter, sequence: int, records: list[bytes]) -> None:
        self._crash_point("before egress write")
        writer.deliver(sequence, records)
        self._crash_point("after egress write")

    def _synced(self, writer: FileWriter) -> tuple[int, str]:
        self._crash_point("before egress fsync")
        delivered = writer.sync()
        self._crash_point("after egress fsync")
        return delivered

    def _commit(self, changes: Changes) -> None:
        self._crash_point("before commit")
        self.store.commit(changes)
        self._crash_point("after commit")

    def _finish(self) -> None:
        """Notes what was delivered, so that the outbox is empty."""
        last = Changes()
        for writer in self._writers.values():
            if writer.unconfirmed:
                last.delivered[writer.id] = self._synced(writer)
        if last:
            self._commit(last)

    def _takes_input(self) -> bool:
        # Inboxes that are full of messages that wait for their retries leave no room: then there is only to wait.
        return self._core.pending < self._options.max_pending and not all(each.exhausted for each in self._readers)

    @property
    def _program_fails(self) -> bool:
        return 0 < self._options.max_dead_in_a_row <= self._core.dead_in_a_row

    def _failing_program(self) -> FailingProgramError:
        last = self._core.last_dead
        return FailingProgramError(
            f"{self._core.dead_in_a_row} messages in a row were given up"
            + ("" if last is None else f", the last of {'/'.join(decode_address(last.target) or ())}: {last.error}")
        )

    def _next_due(self) -> int | None:
        """What there is to wait for, milliseconds since 1970."""
        due = [self._core.next_retry()]
        if self._options.wait_for_timers:
            due.append(self._core.timers.next_due())
        first = min((each for each in due if each is not None), default=None)
        if first is None:
            return None
        return self._core.gathered(first, first + self._options.gather, timers=self._options.wait_for_timers)


def _nowhere(_point: str) -> None:
    """Goes on."""


class _NoLoop:
    """Stands for the event loop that plain functions need none of."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_exc: object) -> None:
        return None


_NO_LOOP: Final = _NoLoop()


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
