"""kill -9 of the runtime under load, on the disk of this machine: the loop of tests/runtime/killing.py, many times."""

from __future__ import annotations

import tempfile
from pathlib import Path

from statefun.batch import ProtocolVersion
from tests.runtime.test_kill import check, run

RECORDS = 8000


def case(protocol: ProtocolVersion, seed: int, sabotage: str = "", records: int = RECORDS) -> int:
    """Kills one workload until it comes to its end; gives how often."""
    with tempfile.TemporaryDirectory() as folder:
        kills = run(Path(folder), seed, protocol, records, sabotage)
        check(Path(folder), protocol, records)
    return kills


def position_before() -> None:
    """The position is committed before the rest."""
    case(ProtocolVersion.V3, 1, "PositionBefore", 2500)


def outbox_lost() -> None:
    """Egress records are not kept until they are delivered."""
    case(ProtocolVersion.V2, 1, "OutboxForgotten", 2500)


def length_forgotten() -> None:
    """The output is not cut back to what was delivered for certain."""
    case(ProtocolVersion.V3, 1, "LengthForgotten", 2500)


BUGS = (position_before, outbox_lost, length_forgotten)
