"""All scenarios at once in one world, and in all worlds side by side."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from statefun.batch import ProtocolVersion
from tests.engines.engine import ENGINES, EngineVersion
from tests.engines.parity.model import Model, line
from tests.engines.parity.program import LATE, REPORT, Report
from tests.engines.parity.steps import SEEDS, STEP, Step, scenario
from tests.engines.parity.worlds import PARITY, Embedded, OnEngine, World
from tests.engines.rig import Rig
from tests.services.broker import Broker

__all__ = ["Outcome", "difference", "expected", "roots", "run_everywhere"]

V3: Final = ProtocolVersion.V3
# Comes behind all that was taken back before it was sent.
LAST: Final = ("last", Step("delay", 1, amount=int(LATE.total_seconds() * 1000) + 1000, then=(Step("egress", 2),)))


@frozen
class Outcome:
    """What the scenarios came to: each egress record and each function's states of an id, as texts, and how often."""

    records: Mapping[str, int]
    states: Mapping[str, int]

    def digest(self) -> str:
        """A short name that is equal for equal outcomes."""
        text = "\n".join(
            f"{times} {each}" for part in (self.records, self.states) for each, times in sorted(part.items())
        )
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def roots() -> list[tuple[str, Step]]:
    """The messages from outside of all scenarios, in turn: the first of each, the second of each, …"""
    scenarios = [scenario(seed) for seed in SEEDS]
    return [root for turn in zip(*scenarios, strict=True) for root in turn]


def expected() -> Outcome:
    """What the model comes to."""
    model = Model([*roots(), LAST])
    return Outcome(model.records, model.states())


def run(world: World) -> Outcome:
    """What a world comes to."""
    model = Model([*roots(), LAST])
    count = model.records.total()
    world.feed("steps", [(id, STEP.encode(step, V3).value) for id, step in roots()])
    world.records(count - 1)
    # Everything is under way, and the last word comes behind whatever somebody failed to take back.
    world.feed("steps", [(id, STEP.encode(step, V3).value) for id, step in [LAST]])
    world.records(count)
    world.feed("reports", [(id, REPORT.encode(Report(), V3).value) for id in sorted(model.ids)])
    found = world.records(count + model.states().total())
    lines: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for record in found:
        lines[record["what"] == "states"][line(record)] += 1
    return Outcome(lines[False], lines[True])


def run_everywhere(broker: Broker, folder: Path) -> dict[str, Outcome]:
    """Runs all worlds at the same time, and gives what each came to by its name."""

    def engine(version: EngineVersion) -> Outcome:
        with Rig(version, PARITY, broker, folder / f"parity-{version}") as rig:
            return run(OnEngine(rig))

    def embedded(protocol: ProtocolVersion) -> Outcome:
        return run(Embedded(protocol, folder / f"embedded-{protocol.value}"))

    worlds: dict[str, tuple[Callable[[Any], Outcome], Any]] = {
        **{f"embedded runtime, {each.value} protocol": (embedded, each) for each in ProtocolVersion},
        **{f"Flink StateFun {version}": (engine, version) for version in ENGINES},
    }
    with ThreadPoolExecutor(len(worlds)) as threads:
        running = {name: threads.submit(work, which) for name, (work, which) in worlds.items()}
        return {name: each.result() for name, each in running.items()}


def difference(one: Outcome, other: Outcome) -> list[str]:
    """What only one of two outcomes has, a line each, in the manner of diff."""
    found = []
    for left, right in ((one.records, other.records), (one.states, other.states)):
        found += [f"- {each}" for each in (Counter(left) - Counter(right)).elements()]
        found += [f"+ {each}" for each in (Counter(right) - Counter(left)).elements()]
    return found
