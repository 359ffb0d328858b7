"""I/O errors: the n-th operation of a run fails, for every n, with an error, a full disk or a read-only one, once or from then on."""

from __future__ import annotations

import contextlib
import random
import tempfile
from pathlib import Path

from statefun.batch import ProtocolVersion
from statefun.errors import EgressError, StatefunError, StoreError
from statefun.runtime import Options, Store
from statefun.runtime.changes import Changes
from tests.proofs.disk import Disk
from tests.proofs.workload import Difference, Life, ProofStore, program
from tests.runtime.rig import Scenario

RECORDS = 30
WRITING = ("write", "truncate", "sync", "open")


class Swallows(ProofStore):
    """Takes a commit that failed for one that succeeded."""

    def commit(self, changes: Changes) -> None:
        with contextlib.suppress(StoreError):
            super().commit(changes)


def life(seed: int, folder: str, store_class: type[Store]) -> Life:
    chance = random.Random(f"faults {seed}")
    protocol = list(ProtocolVersion)[seed % 2]
    options = Options(protocol=protocol, max_group=5, attempts=8, backoff=10)
    plan = Scenario(records=program(chance, "plain", RECORDS), options=options)
    return Life(plan, Path(folder), Disk(chance), store_class)


def operations(seed: int) -> tuple[int, int]:
    """How many operations the run has that nothing goes wrong in, and how many messages."""
    with tempfile.TemporaryDirectory() as folder:
        whole = life(seed, folder, ProofStore)
        whole.start()
        return whole.disk.operations, whole.messages


def case(seed: int, number: int, store_class: type[Store] = ProofStore) -> int:
    """One run for each kind of failure of one operation; gives how many failed."""
    count = 0
    for kind in ("io", "full", "readonly"):
        for lasting in (False, True):
            with tempfile.TemporaryDirectory() as folder:
                run = life(seed, folder, store_class)
                found_verb = ""

                def trap(at: int, verb: str, kind: str = kind, lasting: bool = lasting) -> str | None:
                    nonlocal found_verb
                    if at == number:
                        found_verb = verb
                    hit = at >= number if lasting else at == number
                    return kind if hit and (kind == "io" or verb.split()[-1] in WRITING) else None

                run.disk.trap = trap
                found = run.attempt()
                if not run.disk.failed:
                    continue
                count += 1
                if not isinstance(found, StatefunError):
                    run.compare(found)
                elif not isinstance(found, StoreError | EgressError) or not any(
                    name in str(found) for name in ("statefun.db", "out.jsonl")
                ):
                    raise Difference(f"{kind} at operation {number} ({found_verb}): the error names no file: {found}")
                run.finish()
    return count


def swallowed_error() -> None:
    """A commit that fails is taken for one that succeeded."""
    for number in range(1, 400, 5):
        case(0, number, Swallows)


BUGS = (swallowed_error,)
