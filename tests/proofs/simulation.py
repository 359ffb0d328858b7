"""Deterministic simulation: the pure core under a simulated clock and a store in memory, step by step against a model.

Each step feeds a message, makes a request, answers, fails or gives up one that runs, lets time pass, commits while others run on, or
crashes. Every message has a number,
so the model knows for each address which numbers its next request must hold, and for each timer when it may fire.
"""

from __future__ import annotations

import copy
import hashlib
import random
from collections import defaultdict
from datetime import timedelta
from typing import Any

from statefun.batch import ProtocolVersion, StateDeclaration, Target, TypedBytes
from statefun.errors import EndpointUnavailableError
from statefun.expiration import after_write
from statefun.protocol._generated import v3
from statefun.protocol.values import encode_address, wrap
from statefun.runtime.changes import Changes
from statefun.runtime.core import Core
from statefun.runtime.entries import Entry
from statefun.runtime.packing import unpack_messages
from statefun.runtime.timers import Timer, Timers
from statefun.runtime.values import Call, Limits, Recovered
from tests.proofs.workload import Difference

V3 = ProtocolVersion.V3
MILLISECOND = 1_000_000
ATTEMPTS = 3
KEYS = [encode_address(Target("sim", "a", str(number))) for number in range(5)]


class Memory:
    """The store, as tables."""

    def __init__(self) -> None:
        self.states: dict[bytes, tuple[int | None, bytes]] = {}
        self.inbox: dict[int, tuple[bytes, bytes]] = {}
        self.timers: dict[int, Timer] = {}
        self.next = [1, 1, 1]
        self.records: list[bytes] = []
        self.dead: list[bytes] = []

    def commit(self, changes: Changes) -> None:
        for row in changes.states:
            if row.data:
                self.states[row.key] = (row.reclaim, row.data)
            else:
                self.states.pop(row.key, None)
        for sequence in changes.inbox_removed:
            self.inbox.pop(sequence, None)
        for sequence, key, data in changes.inbox:
            self.inbox[sequence] = (key, data)
        cancelled, removed, armed = changes.timers
        for pair in cancelled:
            self.timers = {key: each for key, each in self.timers.items() if (each.sender, each.token) != pair}
        for sequence in removed:
            self.timers.pop(sequence, None)
        self.timers.update({each.sequence: each for each in armed})
        for _, _, records in changes.outbox:
            self.records += records
        self.dead += [each.argument for each in changes.dead]
        self.next = [
            max([self.next[0], *(each + 1 for each in self.inbox)]),
            max([self.next[1], *(each + 1 for each in self.timers)]),
            self.next[2] + len(changes.outbox),
        ]

    def recovered(self) -> Recovered:
        rows = [(sequence, key, list(unpack_messages(data))) for sequence, (key, data) in sorted(self.inbox.items())]
        return Recovered(rows, *self.next)


class Model:
    """What must be: the numbers in each inbox, the timers, the states, the records and the dead letters."""

    def __init__(self) -> None:
        self.inbox: dict[bytes, list[int]] = defaultdict(list)
        self.timers: list[tuple[int, int, bytes, str, bytes, int]] = []
        self.states: dict[bytes, dict[str, tuple[int, bytes]]] = defaultdict(dict)
        self.records: list[bytes] = []
        self.dead: list[int] = []
        self.armed = 0


class Simulation:
    """One seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(f"simulation {seed}")
        self.limit = self.chance.choice((1, 3, 1000))
        self.batch = self.chance.choice((1, 3, 1000))
        self.absent = self.chance.choice((0.02, 0.1, 0.2))
        self.failing = self.chance.choice((0.05, 0.15, 0.5))
        self.now = 1_000 * MILLISECOND
        self.memory, self.model = Memory(), Model()
        self.kept = copy.deepcopy(self.model)
        self.number = 0
        self.trace = hashlib.sha256()
        self.start()

    def start(self) -> None:
        self.running: list[Call] = []
        self.failures: dict[bytes, int] = {}
        self.core = Core(
            protocol=V3,
            load=self.memory.states.get,
            states={},
            egresses={"sim/out": lambda _typename, value: value},
            limits=Limits(batch=self.batch, attempts=ATTEMPTS, backoff=5, timers=self.limit, cached=2),
            jitter=self.chance.random,
            recovered=self.memory.recovered(),
        )
        function = self.core._addresses.entry(KEYS[0]).function
        function.register(
            [
                StateDeclaration("kept", "sim/v"),
                StateDeclaration("short", "sim/v", after_write(timedelta(milliseconds=40))),
            ]
        )
        self.begin()

    def begin(self) -> None:
        core, timers = self.core, self.core.timers
        while timers.wants_more and timers.horizon is not None:
            first = timers.horizon
            rows = sorted((each.due, key) for key, each in self.memory.timers.items() if (each.due, key) >= first)
            found = [self.memory.timers[key] for _, key in rows[: timers.limit]]
            core.refill([Timer(e.due, e.sequence, e.sender, e.token, e.target, e.argument, True) for e in found])
        fired: list[int] = []
        send = core.send

        def note(target: bytes, sender: bytes, argument: bytes) -> None:
            fired.append(number_of(argument))
            send(target, sender, argument)

        core.send = note
        core.begin(self.now)
        del core.send
        self.log("fired", fired)
        due = sorted(each for each in self.model.timers if each[0] <= self.now // MILLISECOND)
        self.expect(fired, [each[5] for each in due[: len(fired)]], "timers fired")
        if timers.horizon is None:
            self.expect(len(fired), len(due), "timers due")
        for each in due[: len(fired)]:
            self.model.timers.remove(each)
            self.model.inbox[each[4]].append(each[5])

    def log(self, *event: Any) -> None:
        self.trace.update(repr(event).encode())

    def expect(self, found: object, wanted: object, what: str) -> None:
        if found != wanted:
            raise Difference(f"{what}: {found} not {wanted}")

    def message(self) -> tuple[int, bytes]:
        self.number += 1
        return self.number, wrap(TypedBytes("sim/m", str(self.number).encode()), V3)

    # --- steps ------------------------------------------------------------------------------------------------------

    def step(self) -> None:
        roll = self.chance.random()
        if roll < 0.25:
            self.feed()
        elif roll < 0.5:
            self.request()
        elif roll < 0.8:
            if self.running:
                self.answer(self.running.pop(self.chance.randrange(len(self.running))))
        elif roll < 0.88:
            self.now += self.chance.randint(0, 30) * MILLISECOND + self.chance.randint(0, 999_999)
        elif roll < 0.96:
            self.commit()
        else:
            self.log("crash")
            self.model = copy.deepcopy(self.kept)
            self.start()
        self.expect(self.core.pending, sum(map(len, self.model.inbox.values())), "messages in inboxes")
        busy = [each.entry.key for each in self.running]
        self.expect(len(busy), len(set(busy)), "addresses that run")

    def feed(self) -> None:
        number, argument = self.message()
        target = self.chance.choice(KEYS)
        self.core.send(target, b"", argument)
        self.model.inbox[target].append(number)

    def request(self) -> None:
        call = self.core.next(self.now)
        if call is None:
            return
        sent = v3.ToFunction.FromString(call.request).invocation
        key = sent.target.SerializeToString()
        numbers = [
            number_of(v3.ToFunction.Invocation.FromString(each).argument.SerializeToString())
            for each in sent.invocations
        ]
        self.log("request", key, numbers)
        self.expect(numbers, self.model.inbox[key][: call.messages], f"messages of {key!r}")
        alive = {
            name: value
            for name, (expires, value) in self.model.states[key].items()
            if not expires or expires > self.now // MILLISECOND
        }
        self.expect(values_of(sent.state), alive, "states")
        self.model.states[key] = {name: value for name, value in self.model.states[key].items() if name in alive}
        self.running.append(call)

    def answer(self, call: Call) -> None:
        chance, key, model = self.chance, call.entry.key, self.model
        if (roll := chance.random()) < self.absent:
            self.log("nobody took it", key)
            self.core.failed(call, EndpointUnavailableError("nobody is there"), self.now)
            return
        if (roll := roll - self.absent) < 0.03:
            self.log("given up", key)
            self.core.abandoned(call)
            return
        if roll - 0.03 < self.failing:
            self.log("failed", key)
            self.core.failed(call, RuntimeError("it fails"), self.now)
            if call.messages == 1:
                self.failures[key] = self.failures.get(key, 0) + 1
                if self.failures[key] == ATTEMPTS:
                    model.dead.append(model.inbox[key].pop(0))
                    self.failures[key] = 0
            return
        self.failures[key] = 0
        response = v3.FromFunction()
        result = response.invocation_result
        result.SetInParent()
        milliseconds = -(-self.now // MILLISECOND)
        sends, delays = [], []
        for _ in range(chance.randint(0, 3)):
            number, argument = self.message()
            match chance.choice(("forward", "reply", "delay", "cancel", "set", "delete", "egress")):
                case "forward" | "reply" as verb:
                    target = key if verb == "reply" else chance.choice(KEYS)
                    result.outgoing_messages.add(target=target, argument=argument)
                    sends.append((target, number))
                case "delay":
                    delay, target, token = chance.randint(0, 40), chance.choice(KEYS), chance.choice(("", "x", "y"))
                    result.delayed_invocations.add(
                        delay_in_ms=delay,
                        cancellation_token=token,
                        target=target,
                        argument=argument,
                    )
                    delays.append((milliseconds + delay, token, target, number))
                case "cancel":
                    token = chance.choice(("x", "y"))
                    result.delayed_invocations.add(is_cancellation_request=True, cancellation_token=token)
                    delays.append((-1, token, key, 0))
                case "set" | "delete" as verb:
                    name, value = chance.choice(("kept", "short")), str(number).encode()
                    each = result.state_mutations.add(state_name=name)
                    if verb == "set":
                        each.mutation_type = v3.FromFunction.PersistedValueMutation.MODIFY
                        each.state_value = wrap(TypedBytes("sim/v", value), V3)
                        model.states[key][name] = (self.now // MILLISECOND + 40 if name == "short" else 0, value)
                    else:
                        model.states[key].pop(name, None)
                case _:
                    result.outgoing_egresses.add(egress_namespace="sim", egress_type="out", argument=argument)
                    model.records.append(str(number).encode())
        self.log("answer", key, response.SerializeToString(deterministic=True))
        self.core.answered(call, response.SerializeToString(), self.now)
        del model.inbox[key][: call.messages]
        for target, number in sends:
            model.inbox[target].append(number)
        for due, token, target, number in delays:
            if token:
                model.timers = [each for each in model.timers if (each[2], each[3]) != (key, token)]
            if due >= 0:
                model.armed += 1
                model.timers.append((due, model.armed, key, token, target, number))

    def commit(self) -> None:
        # What is not answered by now runs on into the groups to come.
        while self.running and self.chance.random() < 0.5:
            self.answer(self.running.pop())
        self.memory.commit(self.core.collect())
        self.core.committed()
        self.kept = copy.deepcopy(self.model)
        self.log("commit", self.now)
        stored: dict[bytes, list[int]] = defaultdict(list)
        for _, key, messages in self.memory.recovered().inbox:
            stored[key] += [number_of(argument) for _, argument in messages]
        self.expect(dict(stored), {key: each for key, each in self.model.inbox.items() if each}, "stored inboxes")
        self.expect(
            sorted(number_of(each.argument) for each in self.memory.timers.values()),
            sorted(each[5] for each in self.model.timers),
            "stored timers",
        )
        self.expect(sorted(self.memory.records), sorted(self.model.records), "records")
        self.expect([number_of(each) for each in self.memory.dead], self.model.dead, "dead letters")
        self.begin()


def values_of(states: Any) -> dict[str, bytes]:
    found = [v3.ToFunction.PersistedValue.FromString(each) for each in states]
    return {each.state_name: each.state_value.value for each in found if each.state_value.has_value}


def number_of(argument: bytes) -> int:
    return int(v3.TypedValue.FromString(argument).value)


def case(seed: int, steps: int = 200) -> str:
    """Runs a seed; gives the hash of its trace."""
    simulation = Simulation(seed)
    for _ in range(steps):
        simulation.step()
    simulation.commit()
    return simulation.trace.hexdigest()


def same_trace(seed: int) -> None:
    first, second, other = case(seed), case(seed), case(seed + 1)
    if first != second or first == other:
        raise Difference(f"seed {seed} gives the traces {first} and {second}, its neighbour {other}")


def _sabotaged(owner: Any, name: str, replacement: Any) -> None:
    kept = getattr(owner, name)
    setattr(owner, name, replacement(kept))
    try:
        for seed in range(400):
            case(seed)
    finally:
        setattr(owner, name, kept)


def fires_early() -> None:
    """A timer fires a millisecond early."""
    _sabotaged(Timers, "fire", lambda kept: lambda self, now: kept(self, now + 1))


def cancels_nothing() -> None:
    """A cancellation is ignored."""
    _sabotaged(Timers, "cancel", lambda kept: lambda self, sender, token: None)


def never_expires() -> None:
    """What has expired is still seen."""
    _sabotaged(Entry, "expire", lambda kept: lambda self, cells, now: None)


def forgets_consumed() -> None:
    """What was consumed stays in the store."""

    def replacement(kept: Any) -> Any:
        def commit(self: Memory, changes: Changes) -> None:
            changes.inbox_removed = []
            kept(self, changes)

        return commit

    _sabotaged(Memory, "commit", replacement)


def forgets_older_requests() -> None:
    """What a request of an earlier group consumed stays in the store."""

    def replacement(kept: Any) -> Any:
        def answered(self: Core, call: Call, response: bytes, now: int) -> None:
            call.entry.touched = True
            kept(self, call, response, now)

        return answered

    _sabotaged(Core, "answered", replacement)


def absence_is_failure() -> None:
    """A request that nobody took counts as an attempt."""

    def replacement(kept: Any) -> Any:
        def failed(self: Core, call: Call, error: BaseException, now: int) -> None:
            kept(self, call, RuntimeError("it fails"), now)

        return failed

    _sabotaged(Core, "failed", replacement)


BUGS = (fires_early, cancels_nothing, never_expires, forgets_consumed, forgets_older_requests, absence_is_failure)
