"""The core: decides what runs next and what a transaction holds. Pure and deterministic: no I/O, no clock, no randomness.

A *group* is what one transaction commits. `begin` opens it and fires what is due; `send` brings in records; `next` gives a request to
make and `answered` or `failed` says what came of it, as long as there is something to run; `collect` closes the group and gives
its changes; `committed` says that they are in the store. A request may run on while groups end and begin; its messages stay in the
inbox, and in the store, until it is answered. The rules that the core obeys:

1. An address runs one batch at a time. Its inbox is first in, first out, so messages from one sender keep their order.
2. What a batch asks for happens at once, in memory: its messages stand in their targets' inboxes and may be consumed in the same
   group; those never reach the disk. A group that is not committed never happened: nothing of it is visible outside.
3. A batch is checked whole before any of its effects happens.
4. A batch that fails is run again message by message; a message that fails on its own is tried again after a growing pause, and
   after so many attempts becomes a dead letter. Its address waits with it, no other does. A request that nobody took is no attempt: it is
   made again after a pause, as often as it takes.
5. A delayed message is due at the time of the answer, rounded up to a millisecond, plus its delay: never early. It fires at the
   beginning of a group, so a cancellation that was committed before wins.
6. A state that has expired is dropped before its batch runs.

Times are nanoseconds since 1970 where they come from the clock, milliseconds where they are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from statefun.batch import MissingStates, ProtocolVersion, StateDeclaration
from statefun.errors import (
    EndpointUnavailableError,
    MalformedResponseError,
    StatefunError,
)
from statefun.protocol.engine import read_response
from statefun.protocol.transit import from_stored, to_stored
from statefun.runtime.addresses import Addresses
from statefun.runtime.changes import Changes, DeadLetter
from statefun.runtime.entries import (
    IDLE,
    RUNNING,
    Chunk,
    Entry,
    Lane,
)
from statefun.runtime.expirations import Expirations
from statefun.runtime.failures import Retries, dead_letter, described, is_final
from statefun.runtime.records import Records
from statefun.runtime.rows import inbox_rows, state_row, timer_changes
from statefun.runtime.timers import Timer, Timers
from statefun.runtime.values import Call, Limits, Recovered
from statefun.wire import varint

__all__ = ["Core"]

_NO_BOUND: Final = 1 << 62


class Core:
    """The state machine of one runtime.

    Args:
        protocol: The protocol that functions are called with.
        load: Gives the packed states of an address and when they may be reclaimed; None for an address without states.
        states: The states of each function type, needed on 2.2, where functions do not tell them.
        egresses: How a record is encoded for each egress, from its typename and bytes.
        limits: How much is done at once.
        jitter: Gives numbers in [0, 1) that spread retries.
        recovered: What the store holds.
        lane_of: Gives the lane of a function type; without it all are in one.
        lanes: All lanes, those first whose requests are to be made first.
    """

    def __init__(
        self,
        *,
        protocol: ProtocolVersion,
        load: Callable[[bytes], tuple[int | None, bytes] | None],
        states: Mapping[str, Sequence[StateDeclaration]],
        egresses: Mapping[str, Callable[[str, bytes], bytes]],
        limits: Limits,
        jitter: Callable[[], float],
        recovered: Recovered,
        lane_of: Callable[[str], Lane] | None = None,
        lanes: Sequence[Lane] = (),
    ) -> None:
        only = Lane(limits.batch, _NO_BOUND)
        self._lanes: Final = tuple(lanes) if lane_of is not None else (only,)
        self.protocol: Final = protocol
        self.limits: Final = limits
        self._jitter: Final = jitter
        self._records: Final = Records(egresses, protocol)
        listed: Mapping[str, Sequence[StateDeclaration]] = states if protocol is ProtocolVersion.V2 else {}
        self._addresses: Final = Addresses(protocol, load, lane_of or (lambda _typename: only), listed)
        self._entries: Final = self._addresses.entries
        self._expirations: Final = Expirations(recovered.expirations)
        for function in self._addresses.functions.values():
            self._expirations.note(function)
        self._retries: Final = Retries(limits.backoff, limits.max_backoff, jitter)
        self._touched: list[Entry] = []
        self._budget = 0
        self._group = 0
        self._now = 0
        self._outbox: dict[str, list[bytes]] = {}
        self._dead: list[DeadLetter] = []
        self._next_inbox = recovered.next_inbox
        self._next_outbox = recovered.next_outbox
        self.timers: Final = Timers(limits.timers, recovered.next_timer)
        self.pending = 0
        """Messages in inboxes that are not consumed."""
        self.invocations = 0
        """Messages that functions have consumed."""
        self.dead_letters = 0
        """Messages that were given up."""
        self.dead_in_a_row = 0
        """How many of them since the last batch that succeeded."""
        self.rejected = 0
        """Records that became no message."""
        self.last_dead: DeadLetter | None = None
        """The last of them."""
        self._recover(recovered)

    # --- a group ----------------------------------------------------------------------------------------------------

    def begin(self, now: int) -> None:
        """Opens a group: fires the delayed messages that are due and lets due retries go on.

        Args:
            now: The time, nanoseconds since 1970; a clock that goes back is taken to stand still.
        """
        self._now = now = max(now, self._now)
        self._group += 1
        self._budget = self.limits.group
        milliseconds = now // 1_000_000
        for timer in self.timers.fire(milliseconds):
            self.send(timer.target, timer.sender, timer.argument)
        for entry in self._retries.due(milliseconds):
            entry.queue()

    def refill(self, stored: Sequence[Timer]) -> None:
        """Takes the next delayed messages from the store, as `timers.horizon` and `timers.limit` ask for them."""
        for timer in stored:
            timer.argument = from_stored(timer.argument, self.protocol)
        self.timers.refill(stored)

    def send(self, target: bytes, sender: bytes, argument: bytes) -> None:
        """Puts a message into an inbox.

        Args:
            target: The serialized address that it goes to.
            sender: The one that it comes from, as the caller's field of an invocation; empty for an ingress.
            argument: Its value in the form of the protocol.
        """
        entry = self._entries.get(target)
        if entry is None:
            entry = self._addresses.entry(target)
        self._deliver(entry, sender, argument)

    def _deliver(self, entry: Entry, sender: bytes, argument: bytes) -> None:
        entry.inbox.append((sender, argument))
        self.pending += 1
        if entry.status == IDLE:
            entry.queue()
        if not entry.touched:
            entry.touched = True
            self._touched.append(entry)

    def reject(self, target: bytes, argument: bytes, error: StatefunError, now: int) -> None:
        """Keeps a record that can become no message with the dead letters.

        Args:
            target: The serialized address that it would have gone to, without an id.
            argument: Its value in the form of the protocol.
            error: What is wrong with it.
            now: The time, nanoseconds since 1970.
        """
        value = to_stored(argument, self.protocol)
        self._dead.append(DeadLetter(now // 1_000_000, target, b"", value, 0, described(error), error.code))
        self.rejected += 1

    def waiting_at(self, target: bytes) -> int:
        """How many messages wait at a serialized address, as far as it is in memory; those that are in the store alone are none."""
        entry = self._entries.get(target)
        return 0 if entry is None else len(entry.inbox)

    def next(self, now: int) -> Call | None:
        """The next request to make; None when nothing is ready or the group is full.

        Args:
            now: The time, nanoseconds since 1970.
        """
        if self._budget <= 0:
            return None
        for lane in self._lanes:
            if lane.slots > 0 and lane.ready:
                break
        else:
            return None
        entry = lane.ready.popleft()
        lane.slots -= 1
        entry.status = RUNNING
        self._touch(entry)
        cells = entry.cells
        if cells is None:
            cells = self._addresses.load_cells(entry)
        function = entry.function
        if function.expiring and cells:
            self._now = max(now, self._now)
            entry.expire(cells, self._now // 1_000_000)
        inbox = entry.inbox
        limit = 1 if entry.alone else lane.batch
        count = len(inbox)
        if count > limit:
            count = limit
        self._budget -= count
        parts = [entry.head]
        for name, absent in function.absent.items():
            cell = cells.get(name)
            parts.append(absent if cell is None else cell[0])
        for sender, argument in inbox if count == len(inbox) else inbox[:count]:
            size = len(argument)
            if size < 128:
                value = b"%b\x12%c%b" % (sender, size, argument)
            else:
                value = sender + b"\x12" + varint(size) + argument
            size = len(value)
            if size < 128:
                parts.append(b"\x1a%c%b" % (size, value))
            else:
                parts.append(b"\x1a" + varint(size) + value)
        body = b"".join(parts)
        return Call(entry, count, len(function.absent), b"\xa2\x06" + varint(len(body)) + body)

    def answered(self, call: Call, response: bytes, now: int) -> None:
        """A function answered: all that it asks for happens.

        Args:
            call: The request.
            response: The bytes of the answer.
            now: The time, nanoseconds since 1970.

        Raises:
            StatefunError: the answer is none, or asks for what is not there; nothing of it happened, and `failed` is to be told.
        """
        entry, count, states, _ = call
        answer = read_response(response, self.protocol)
        if isinstance(answer, MissingStates):
            self._register(entry, states, answer)
            entry.function.lane.slots += 1
            return
        # Everything is looked up first: a batch whose last effect is wrong must not have had its first.
        mutations, messages, delayed, egresses = answer
        entries = self._entries
        targets = [entries.get(target) or self._addresses.entry(target) for target, _ in messages]
        timers = [
            entries.get(each.target) or self._addresses.entry(each.target) if each.target else None for each in delayed
        ]
        records = [self._records.encoded(egress, argument) for egress, argument in egresses] if egresses else ()
        if mutations:
            names = entry.function.names
            for name, _ in mutations:
                if name not in names:
                    raise MalformedResponseError(
                        f"{entry.function.typename} changes the state {name!r}, which it did not declare"
                    )

        entry.function.lane.slots += 1
        self._touch(entry)  # the request may be older than the group
        self._now = now = max(now, self._now)
        head = entry.head
        for target, (_, argument) in zip(targets, messages, strict=True):
            self._deliver(target, head, argument)
        for delay, timed in zip(delayed, timers, strict=True):
            if timed is None:
                self.timers.cancel(head, delay.token)
            else:
                due = -(-now // 1_000_000) + delay.delay
                self.timers.arm(due, head, delay.token, timed.key, delay.argument)
        for egress, record in records:
            self._outbox.setdefault(egress, []).append(record)
        if mutations or entry.function.refreshed:
            entry.mutate(mutations, now // 1_000_000)
        self.pending -= count
        entry.consume(count)
        self.invocations += count
        self.dead_in_a_row = 0

    def failed(self, call: Call, error: BaseException, now: int) -> None:
        """A request failed: nothing of its batch happens.

        Args:
            call: The request.
            error: What went wrong. A request that can never be served is not made again; an EndpointUnavailableError says
                nothing of the messages, which are tried again as they are.
            now: The time, nanoseconds since 1970.
        """
        entry, count, _, _ = call
        entry.function.lane.slots += 1
        self._touch(entry)
        if isinstance(error, EndpointUnavailableError):
            entry.refused += 1
            self._retries.put(entry, entry.refused, now)
            return
        entry.refused = 0
        if count > 1:
            # Which of the messages it was is not known from here: each on its own, until these are through.
            entry.alone = count
            entry.queue_first()
            return
        entry.attempts += 1
        if entry.attempts < self.limits.attempts and not is_final(error):
            entry.alone = max(entry.alone, 1)
            self._retries.put(entry, entry.attempts, now)
            return
        self.last_dead = letter = dead_letter(entry, error, self.protocol, now)
        self._dead.append(letter)
        self.dead_letters += 1
        self.dead_in_a_row += 1
        self.pending -= 1
        entry.consume(1)

    def abandoned(self, call: Call) -> None:
        """A request was given up unanswered, by no fault of its messages: they wait for their turn again."""
        entry = call.entry
        entry.function.lane.slots += 1
        entry.queue_first()

    def collect(self) -> Changes:
        """Closes the group: what its transaction writes. The messages of requests that run stay in their inboxes."""
        changes = Changes(expirations=self._expirations.collect())
        for entry in self._touched:
            if entry.dirty:
                changes.states.append(state_row(entry, self.protocol))
            if entry.inbox or entry.chunks:
                self._next_inbox = inbox_rows(entry, changes, self._next_inbox, self.protocol)
        changes.timers = timer_changes(self.timers.collect(), self.protocol)
        for egress, records in self._outbox.items():
            changes.outbox.append((self._next_outbox, egress, records))
            self._next_outbox += 1
        changes.dead = self._dead
        return changes

    def committed(self) -> None:
        """The changes are in the store; addresses that have nothing to do may leave the memory."""
        for entry in self._touched:
            entry.touched = False
            entry.used = self._group
        self._touched = []
        self._outbox = {}
        self._dead = []
        self.timers.committed()
        if len(self._entries) > self.limits.cached:
            self._addresses.evict(self.limits.cached, self._group)

    # --- what there is to wait for ------------------------------------------------------------------------------------

    @property
    def runnable(self) -> bool:
        """Whether a request could be made."""
        return any(lane.slots > 0 and lane.ready for lane in self._lanes)

    def next_retry(self) -> int | None:
        """When the next retry is due, milliseconds since 1970; None when there is none."""
        return self._retries.next_due()

    def gathered(self, first: int, bound: int, *, timers: bool) -> int:
        """Until when to wait, where something is due at `first`: for what else is due soon, but not beyond `bound`.

        Args:
            first: When the first of the retries and timers is due, milliseconds since 1970.
            bound: How late it may be.
            timers: Whether timers are waited for.
        """
        end, timer = self.timers.uncancellable(first, bound)
        return max([timer if timers else first, *self._retries.within(end)])

    def reclaim(self, keys: Iterable[bytes], now: int) -> None:
        """Drops what has expired of the states of these addresses, in the current group."""
        for key in keys:
            entry = self._entries.get(key) or self._addresses.entry(key)
            cells = self._addresses.load_cells(entry) if entry.cells is None else entry.cells
            entry.expire(cells, now // 1_000_000)
            entry.dirty = True
            self._touch(entry)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _register(self, entry: Entry, sent: int, missing: MissingStates) -> None:
        function = entry.function
        function.register(missing.states)
        if len(function.declared) == sent:  # another address may have registered them while this one ran
            names = ", ".join(each.name for each in missing.states)
            raise MalformedResponseError(f"{function.typename} asks again for states that it was sent: {names}")
        self._expirations.note(function)
        entry.queue_first()

    def _touch(self, entry: Entry) -> None:
        if not entry.touched:
            entry.touched = True
            self._touched.append(entry)

    def _recover(self, recovered: Recovered) -> None:
        for sequence, key, messages in recovered.inbox:
            entry = self._addresses.entry(key)
            entry.chunks.append(Chunk(sequence, len(messages)))
            entry.inbox += [(sender, from_stored(stored, self.protocol)) for sender, stored in messages]
            self.pending += len(messages)
            if entry.status == IDLE:
                entry.queue()
