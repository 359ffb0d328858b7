"""kill -9 of the runtime under load, on the disk of this machine: the loop of tests/runtime/killing.py, many times."""

from __future__ import annotations

import tempfile
from pathlib import Path

from statefun.batch import ProtocolVersion
from tests.runtime.test_kill import check, run

RECORDS = 8000
MOST = 50
"""Kills of one workload; without load it comes to its end before."""


def case(protocol: ProtocolVersion, seed: int, sabotage: str = "", records: int = RECORDS, most: int = MOST) -> int:
    """Kills one workload until it comes to its end; gives how often."""
    with tempfile.TemporaryDirectory() as folder:
        kills = run(Path(folder), seed, protocol, records, sabotage, most)
        check(Path(folder), protocol, records)
    return kills


def _bug(sabotage: str) -> None:
    # The moments of the kills are not the seed's alone: one workload may be lucky, six are not.
    for seed in range(6):
        case(list(ProtocolVersion)[seed % 2], seed, sabotage, 2500, 200)


def position_before() -> None:
    """The position is committed before the rest."""
    _bug("PositionBefore")


def outbox_lost() -> None:
    """Egress records are not kept until they are delivered."""
    _bug("OutboxForgotten")


def length_forgotten() -> None:
    """The output is not cut back to what was delivered for certain."""
    _bug("LengthForgotten")


BUGS = (position_before, outbox_lost, length_forgotten)
