"""Named crash points: the process is gone at a point, without a close, and another goes on."""

from __future__ import annotations

import contextlib
import random
import tempfile
from pathlib import Path

from statefun.runtime import Store
from tests.proofs.disk import Disk
from tests.proofs.workload import Life, ProofStore, scenario
from tests.runtime import test_model

POINTS = (
    "after read",
    "after invoke",
    "before commit",
    "after commit",
    "before egress write",
    "after egress write",
    "before egress fsync",
    "after egress fsync",
    "timer fire",
)


class Crash(BaseException):
    """The process is gone: nothing in the runtime may catch it."""


def case(point: str, seed: int, store_class: type[Store] = ProofStore) -> int:
    """Crashes at a point, twice where the second run comes to it too; gives how often."""
    chance = random.Random(f"crash {point} {seed}")
    plan = scenario(chance, 12)
    passed = crashes = 0
    at = 0

    def crash_point(name: str) -> None:
        nonlocal passed
        passed += name == point
        if passed == at and name == point:
            life.disk.kill()
            raise Crash

    with tempfile.TemporaryDirectory() as folder:
        life = Life(plan, Path(folder), Disk(chance), ProofStore, crash_point)
        life.start()
    if not passed:
        return case(point, seed + 1_000_000, store_class)
    at = chance.randint(1, passed)
    with tempfile.TemporaryDirectory() as folder:
        life = Life(plan, Path(folder), Disk(chance), store_class, crash_point)
        for each in (at, chance.randint(1, at)):
            at, passed = each, 0
            with contextlib.suppress(Crash):
                life.attempt()
            crashes += passed == at
        life.finish()
    return crashes


def _bug(store_class: type[Store]) -> None:
    for seed in range(20):
        for point in POINTS:
            case(point, seed, store_class)


def timer_outside() -> None:
    """Delayed messages are no part of the transaction."""
    _bug(test_model.TimersForgotten)


def fired_twice() -> None:
    """What has fired stays in the store."""
    _bug(test_model.FiredKept)


def outbox_forgotten() -> None:
    """Egress records are written without being kept until they are delivered."""
    _bug(test_model.OutboxForgotten)


def inbox_kept() -> None:
    """What was consumed stays in the store."""
    _bug(test_model.ConsumedKept)


BUGS = (timer_outside, fired_twice, outbox_forgotten, inbox_kept)
