"""Random programs of the functions in tests/runtime/rig.py, run on a disk in memory, and what must be left of them."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import apsw
from attrs import define, field

from statefun.batch import ProtocolVersion
from statefun.errors import StatefunError
from statefun.runtime import Options, Report, Store, VirtualClock
from tests.proofs.disk import Disk
from tests.runtime.rig import (
    Operation,
    Outcome,
    Record,
    Scenario,
    World,
    counts_of,
    functions_of,
    model,
    runtime_of,
    write_input,
)


class Difference(AssertionError):  # noqa: N818  it is what a proof reports
    """A proof failed: what is left is not what the model says."""


def program(chance: random.Random, kind: str, records: int) -> list[Record]:
    """Records of one kind: with failures, or with cancellations, since a retry delays a cancellation behind its time."""
    names = iter(range(10**9))

    def tree(depth: int) -> Operation:
        inner = lambda: [tree(depth - 1) for _ in range(chance.randint(1, 3))]  # noqa: E731
        roll = chance.random()
        target = [chance.choice(("sim/a", "sim/b")), chance.choice("123456")]
        if depth and roll < 0.35:
            return ["send", *target, inner()]
        if depth and roll < 0.5:
            return ["after", chance.randint(1, 40), *target, inner(), ""]
        if kind == "failing" and roll < 0.55:
            return ["fail", f"uid{next(names)}", chance.choice((1, 999))]
        if roll < 0.8:
            return ["emit", f"line{next(names)}"]
        return ["add", chance.randint(1, 9)]

    result: list[Record] = []
    for _ in range(records):
        id = chance.choice("123456")
        ops = [tree(2) for _ in range(chance.randint(1, 3))]
        if kind == "cancelling" and chance.random() < 0.5:
            token = f"token{next(names)}"
            ops.append(["after", chance.randint(1, 30), "sim/b", chance.choice("123"), [tree(1)], token])
            match chance.choice(("keep", "now", "later", "rearm")):
                case "now":
                    ops.append(["send", "sim/a", id, [["cancel", token]]])
                case "later":
                    ops.append(["after", chance.randint(1, 30), "sim/a", id, [["cancel", token]], ""])
                case "rearm":
                    again: list[Any] = ["after", chance.randint(1, 30), "sim/b", "1", [tree(0)], token]
                    ops.append(["send", "sim/a", id, [again]])
        result.append((id, ops))
    return result


def scenario(chance: random.Random, records: int = 25) -> Scenario:
    """A program and the options that it runs with."""
    protocol = chance.choice(list(ProtocolVersion))
    kind = chance.choice(("plain", "failing") if protocol is ProtocolVersion.V2 else ("failing", "cancelling"))
    options = Options(
        protocol=protocol,
        max_group=chance.randint(1, 8),
        max_batch=chance.choice((1, 3, 1000)),
        max_invocations=chance.choice((2, 5, 1000)),
        cached=chance.choice((2, 1000)),
        timers=chance.choice((2, 1000)),
        attempts=8,
        backoff=10,
    )
    return Scenario(records=program(chance, kind, records), options=options)


class ProofStore(Store):
    """A store that checkpoints often, so that a short run writes the database too."""

    settings: Sequence[str] = ("PRAGMA wal_autocheckpoint = 10",)

    def _open(self) -> None:
        super()._open()
        for setting in self.settings:
            self._connection.execute(setting).fetchall()


@define
class Life:
    """A workload on a disk, over as many processes as it takes.

    Attributes:
        acknowledged: How far the ingress had been read at the last commit that was acknowledged.
        messages: What the functions consumed in the last process.
    """

    scenario: Scenario
    folder: Path
    disk: Disk
    store_class: type[Store] = ProofStore
    crash_point: Callable[[str], None] | None = None
    clock: VirtualClock = field(factory=lambda: VirtualClock(1_000_000_000))
    world: World = field(factory=World)
    acknowledged: int = 0
    messages: int = 0

    def __attrs_post_init__(self) -> None:
        write_input(self.folder, self.scenario.records)

    def start(self) -> Outcome:
        """One process, from start to its end; gives what is left, and raises what ended it."""
        self.disk.restart()
        functions = functions_of(self.folder, self.world)
        with self.store_class(self.folder / "store", connect=self.disk.file_system().connect) as store:
            before = _offset(store)
            if before < self.acknowledged:
                raise Difference(f"the store was at {self.acknowledged} when that was acknowledged, now at {before}")

            def progress(_report: Report) -> None:
                self.acknowledged = max(self.acknowledged, _offset(store))

            with runtime_of(
                functions,
                store,
                options=self.scenario.options,
                clock=self.clock,
                jitter=lambda: 0.5,
                progress=progress,
                open_file=self.disk.open_file,
                crash_point=self.crash_point,
            ) as runtime:
                self.messages = runtime.run_until_idle().invocations
            return self._outcome(store)

    def attempt(self) -> Outcome | StatefunError:
        """As `start`, but gives a typed error; any other is a difference."""
        try:
            return self.start()
        except StatefunError as error:
            return error
        except apsw.Error as error:
            raise Difference(f"an error that is none of ours: {error!r}") from error

    def finish(self) -> None:
        """Runs to the end without trouble and compares what is left.

        Raises:
            Difference: it is not what the model says.
        """
        self.disk.trap = lambda _number, _verb: None
        self.crash_point = None
        found = self.attempt()
        if isinstance(found, StatefunError):
            raise Difference(f"a start after the trouble fails: {found}") from found
        self.compare(found)
        with self.store_class(self.folder / "store", connect=self._again().connect) as store:
            self.compare(self._outcome(store))
            (sound,) = store._connection.execute("PRAGMA integrity_check").fetchone()
            if sound != "ok":
                raise Difference(f"the database is damaged: {sound}")
        if any(name.endswith("-shm") for name in self.disk.files):
            raise Difference("a store that one process holds has no need of shared memory")

    def compare(self, found: Outcome) -> None:
        expected = model(self.scenario.records, self.scenario.options.attempts)
        if found != expected:
            lines = {"missing": expected.lines - found.lines, "too many": found.lines - expected.lines}
            raise Difference(
                f"counts {found.counts} not {expected.counts}; dead {found.dead} not {expected.dead}; {lines}"
            )

    def _again(self) -> Any:
        self.disk.restart()
        return self.disk.file_system()

    def _outcome(self, store: Store) -> Outcome:
        content = bytes(self.disk.files[str(self.folder / "out.jsonl")].cache)
        for table in ("inbox", "timers", "outbox"):
            if store.count(table):
                raise Difference(f"{store.count(table)} rows are left in {table}")
        counts = dict(counts_of(store, self.scenario.options.protocol))
        return Outcome(counts, Counter(content.decode().splitlines()), store.count("dead"))


def _offset(store: Store) -> int:
    position = store.positions().get("sim/in")
    return 0 if position is None else int(json.loads(position)["offset"])
