"""Functions that do what their messages say, a plain-Python model of them, and a runtime that crashes where it is told to.

A message is a list of operations: `["add", n]`, `["emit", text]`, `["send", function, id, message]`, `["after", ms, function, id, message,
token]`, `["cancel", token]`, `["fail", uid, times]`. What the functions do commutes, so that the model need not know in which order addresses
run; the order of the messages of one sender is checked by the receiver, who emits what is out of order.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from heapq import heappop, heappush
from pathlib import Path
from typing import Annotated, Any

from attrs import field, frozen

from statefun import (
    LONG,
    AsyncRequestReplyHandler,
    Context,
    FileEgress,
    FileIngress,
    RequestReplyHandler,
    StatefulFunction,
    StatefulFunctions,
    ValueSpec,
    handles,
    json_type,
)
from statefun.batch import ProtocolVersion
from statefun.primitives import LONG as LONG_TYPE
from statefun.runtime import Options, Report, Runtime, Store, VirtualClock
from statefun.runtime.changes import Changes

STEP = json_type("sim/step", dict)
SEEN = json_type("sim/seen", dict)
OUT = json_type("sim/out", dict)

Operation = list[Any]
Record = tuple[str, list[Operation]]


class World:
    """What is outside of the functions: how often each failing message was tried."""

    def __init__(self) -> None:
        self.tried: Counter[str] = Counter()


class Actor(StatefulFunction):
    count: ValueSpec[int] = ValueSpec(LONG, default=0)
    seen: ValueSpec[dict[str, int]] = ValueSpec(SEEN, default={})
    sent: ValueSpec[dict[str, int]] = ValueSpec(SEEN, default={})

    def __init__(self, world: World) -> None:
        self.world = world

    @handles
    def on_step(self, context: Context, step: Annotated[dict[str, Any], STEP]) -> None:
        self.perform(context, step)

    def perform(self, context: Context, step: dict[str, Any]) -> None:
        sender = str(context.caller)
        number = step.get("n")
        if number is not None:
            if number <= self.seen.get(sender, 0):
                context.send_egress("sim/out", {"out of order": [sender, number, self.seen]}, type=OUT)
            self.seen = {**self.seen, sender: number}
        for name, *arguments in step["ops"]:
            getattr(self, name)(context, *arguments)

    def add(self, _context: Context, number: int) -> None:
        self.count += number

    def emit(self, context: Context, text: str) -> None:
        context.send_egress("sim/out", {"text": text}, type=OUT)

    def send(self, context: Context, function: str, id: str, ops: list[Operation]) -> None:
        target = f"{function}/{id}"
        number = self.sent.get(target, 0) + 1
        self.sent = {**self.sent, target: number}
        context.send(function, id, {"n": number, "ops": ops}, type=STEP)

    def after(self, context: Context, delay: int, function: str, id: str, ops: list[Operation], token: str) -> None:
        duration = timedelta(milliseconds=delay)
        context.send_after(duration, function, id, {"ops": ops}, type=STEP, cancellation_token=token or None)

    def cancel(self, context: Context, token: str) -> None:
        context.cancel(token)

    def fail(self, _context: Context, uid: str, times: int) -> None:
        self.world.tried[uid] += 1
        if self.world.tried[uid] <= times:
            raise RuntimeError(f"{uid} fails {times} times")


class AsyncActor(Actor):
    @handles
    async def on_step(self, context: Context, step: Annotated[dict[str, Any], STEP]) -> None:
        await asyncio.sleep(0)
        self.perform(context, step)


@frozen
class Outcome:
    """What is left when all is done."""

    counts: dict[str, int] = field(factory=dict)
    lines: Counter[str] = field(factory=Counter)
    dead: int = 0


def line(text: str) -> str:
    return json.dumps({"text": text}, separators=(",", ":"))


def model(records: Sequence[Record], attempts: int) -> Outcome:
    """What must be left, whatever order the addresses run in and whatever crashes."""
    counts: Counter[str] = Counter()
    lines: Counter[str] = Counter()
    dead = 0
    now = 0
    timers: list[tuple[int, int, tuple[str, list[Operation]], list[bool]]] = []
    tokens: dict[tuple[str, str], list[bool]] = {}
    queue = deque((f"sim/a/{id}", ops) for id, ops in records)
    while queue or timers:
        if not queue:
            now, _, message, live = heappop(timers)
            if live[0]:
                live[0] = False
                queue.append(message)
            continue
        address, ops = queue.popleft()
        if sum(arguments[1] for name, *arguments in ops if name == "fail") >= attempts:
            dead += 1
            continue
        for name, *arguments in ops:
            if name == "add":
                counts[address] += arguments[0]
            elif name == "emit":
                lines[line(arguments[0])] += 1
            elif name == "send":
                queue.append((f"{arguments[0]}/{arguments[1]}", arguments[2]))
            elif name == "after":
                delay, function, id, inner, token = arguments
                live = [True]
                if token:
                    tokens.get((address, token), [True])[0] = False
                    tokens[(address, token)] = live
                heappush(timers, (now + delay, len(timers) + 1_000_000 * now, (f"{function}/{id}", inner), live))
            elif name == "cancel":
                tokens.get((address, arguments[0]), [True])[0] = False
    return Outcome({key: value for key, value in counts.items() if value}, lines, dead)


class Crash(BaseException):
    """The process is gone: nothing in the runtime may catch it."""


class CrashingStore(Store):
    """Crashes at the n-th commit, before or after it."""

    crash_at: int | None = None
    crash_before = True
    commits = 0

    def commit(self, changes: Changes) -> None:
        self.commits += 1
        if self.crash_before and self.commits == self.crash_at:
            raise Crash
        super().commit(changes)
        if not self.crash_before and self.commits == self.crash_at:
            raise Crash


@frozen(kw_only=True)
class Scenario:
    """One program, and the way in which it is run.

    Attributes:
        records: The ingress: ids and operations.
        crashes: For each start but the last: at which commit it crashes, and whether before it.
    """

    records: Sequence[Record]
    crashes: Sequence[tuple[int, bool]] = ()
    options: Options = field(factory=lambda: Options(max_group=3, attempts=3, backoff=10))
    asynchronous: bool = False


def functions_of(folder: Path, world: World, asynchronous: bool = False) -> StatefulFunctions:
    functions = StatefulFunctions()
    actor = AsyncActor if asynchronous else Actor
    for name in ("sim/a", "sim/b"):
        functions.register(name, actor, factory=lambda: actor(world))
    functions.ingress(FileIngress(id="sim/in", path=folder / "in.jsonl", message=STEP, key="id", targets=["sim/a"]))
    functions.egress(FileEgress(id="sim/out", path=folder / "out.jsonl"))
    return functions


def write_input(folder: Path, records: Sequence[Record]) -> None:
    numbers: Counter[str] = Counter()
    with (folder / "in.jsonl").open("w") as file:
        for id, ops in records:
            numbers[id] += 1
            file.write(json.dumps({"id": id, "n": numbers[id], "ops": ops}) + "\n")


def perform(
    scenario: Scenario,
    folder: Path,
    store_class: type[CrashingStore] = CrashingStore,
    step: Callable[[], None] = lambda: None,
) -> Outcome:
    """Runs a scenario to its end, over all its crashes, and reads what is left."""
    write_input(folder, scenario.records)
    world = World()
    clock = VirtualClock(1_000_000_000)
    for crash_at, before in (*scenario.crashes, (0, True)):
        step()
        functions = functions_of(folder, world, scenario.asynchronous)
        call: Any = (AsyncRequestReplyHandler if scenario.asynchronous else RequestReplyHandler)(functions)
        with store_class(folder / "store") as store:
            store.crash_at, store.crash_before = crash_at or None, before
            try:
                with runtime_of(
                    functions, store, call, options=scenario.options, clock=clock, jitter=lambda: 0.5
                ) as runtime:
                    runtime.run_until_idle()
            except Crash:
                continue
            if not crash_at:
                return outcome(store, folder, scenario.options.protocol)
    raise AssertionError("the last start has no crash")


def outcome(store: Store, folder: Path, protocol: ProtocolVersion = ProtocolVersion.V3) -> Outcome:
    counts = dict(counts_of(store, protocol))
    lines = Counter((folder / "out.jsonl").read_text().splitlines())
    for table in ("inbox", "timers", "outbox"):
        assert store.count(table) == 0, table
    return Outcome(counts, lines, store.count("dead"))


def counts_of(store: Store, protocol: ProtocolVersion) -> Iterator[tuple[str, int]]:
    for function in ("sim/a", "sim/b"):
        for id, states in store.states(function):
            if "count" in states:
                count = LONG_TYPE.decode(states["count"], protocol)
                if count:
                    yield f"{function}/{id}", count


def run(functions: StatefulFunctions, store: Store, **settings: Any) -> Report:
    """Runs a registry on a store until it is idle."""
    settings.setdefault("clock", VirtualClock(1_000_000_000))
    with runtime_of(functions, store, **settings) as runtime:
        return runtime.run_until_idle()


def runtime_of(functions: StatefulFunctions, store: Store, call: Any = None, **settings: Any) -> Runtime:
    """A runtime of what is in a registry; `call` when something else than its handler answers the requests."""
    return Runtime(
        RequestReplyHandler(functions) if call is None else call,
        store,
        states=functions.specs(),
        ingresses=functions.ingresses,
        egresses=functions.egresses,
        **settings,
    )
