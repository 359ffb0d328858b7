"""Power loss: at any write or sync, with what was not synced dropped, torn and out of order; then a start, and the end of the run."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from statefun.runtime import Store
from tests.proofs.disk import Disk
from tests.proofs.workload import Life, ProofStore, scenario

CHANGING = ("write", "truncate", "sync", "delete")


class Unsynced(ProofStore):
    """synchronous=OFF: nothing is synced."""

    settings = (*ProofStore.settings, "PRAGMA synchronous = OFF")


class CheckpointsSynced(ProofStore):
    """synchronous=NORMAL: the log is synced before a checkpoint only, so that a commit may be acknowledged and lost."""

    settings = ("PRAGMA synchronous = NORMAL",)


def case(seed: int, store_class: type[Store] = ProofStore, syncs_files: bool = True) -> int:
    """One workload with several cuts; gives how many there were."""
    chance = random.Random(f"power {seed}")
    plan = scenario(chance, chance.choice((5, 12, 25)))
    with tempfile.TemporaryDirectory() as folder:
        disk = Disk(chance)
        disk.syncs_files = syncs_files
        life = Life(plan, Path(folder), disk, store_class)
        cuts = 0
        # The first cuts come early, also in the start after one; the last come anywhere.
        for reach in (chance.choice((30, 200, 800)) for _ in range(4)):
            left = chance.randint(1, reach)

            def trap(_number: int, verb: str) -> str | None:
                nonlocal left
                left -= verb.split()[-1] in CHANGING
                return "cut" if left == 0 else None

            disk.trap = trap
            life.attempt()
            if left > 0:
                # It came to its end first: the power goes then.
                disk.cut()
            cuts += 1
        life.finish()
    return cuts


def no_sync() -> None:
    """The database is not synced."""
    for seed in range(40):
        case(seed, Unsynced)


def normal_sync() -> None:
    """A commit does not sync the log."""
    for seed in range(40):
        case(seed, CheckpointsSynced)


def no_egress_sync() -> None:
    """The egress's file is not synced before the outbox is emptied."""
    for seed in range(40):
        case(seed, syncs_files=False)


BUGS = (no_sync, normal_sync, no_egress_sync)
