"""kill -9 under load: whatever is killed when, every input takes effect once and the output holds each line once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from statefun.batch import ProtocolVersion
from statefun.primitives import LONG
from statefun.runtime import Store
from tests.runtime import killing

ROOT = Path(__file__).resolve().parents[2]
SEEDS = range(int(os.environ.get("STATEFUN_KILL_SEEDS", "1")))
"""`STATEFUN_KILL_SEEDS=40 pytest tests/runtime/test_kill.py` kills a thousand times and more."""


def run(
    folder: Path, seed: int, protocol: ProtocolVersion, records: int, sabotage: str = "", most: int = sys.maxsize
) -> int:
    arguments = [str(folder), str(seed), protocol.value, str(records), sabotage, str(most)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.runtime.killing", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def check(folder: Path, protocol: ProtocolVersion, records: int) -> None:
    meters, total, lines = killing.expected(records)
    with Store(folder / "store") as store:
        found = {
            id: (
                LONG.decode(states["total"], protocol),
                LONG.decode(states["late"], protocol) if "late" in states else 0,
            )
            for id, states in store.states(killing.Meter)
        }
        sums = {id: LONG.decode(states["total"], protocol) for id, states in store.states(killing.Sum)}
        assert found == meters
        assert sums == {"all": total}
        assert Counter((folder / "out.txt").read_text().splitlines()) == lines
        for table in ("inbox", "timers", "outbox", "dead"):
            assert store.count(table) == 0, table


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("protocol", ProtocolVersion)
def test_kill_minus_nine_loses_nothing_and_doubles_nothing(
    tmp_path: Path, protocol: ProtocolVersion, seed: int
) -> None:
    kills = run(tmp_path, seed, protocol, 8000)
    assert kills >= 10
    check(tmp_path, protocol, 8000)


@pytest.mark.parametrize("sabotage", ["PositionBefore", "TimersForgotten", "OutboxForgotten", "LengthForgotten"])
def test_a_seeded_bug_does_not_survive_the_kills(tmp_path: Path, sabotage: str) -> None:
    def all_of_it() -> None:
        # A busy machine may let a single round pass between two windows of a bug.
        for seed in range(10):
            folder = tmp_path / str(seed)
            folder.mkdir()
            run(folder, seed, ProtocolVersion.V3, 2500, sabotage)
            check(folder, ProtocolVersion.V3, 2500)

    with pytest.raises(AssertionError):
        all_of_it()
