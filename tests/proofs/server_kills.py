"""kill -9 of `statefun serve` under load: the runtime calls again, and each input has its effect once."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from statefun.batch import ProtocolVersion
from statefun.model import OkHttpTransport
from statefun.runtime.remote.client import EndpointClient
from tests.proofs import remote
from tests.proofs.workload import Difference

ROOT: Final = Path(__file__).resolve().parents[2]
RECORDS: Final = 3000


@contextmanager
def killed(folder: Path, seed: int) -> Iterator[tuple[str, list[int]]]:
    """A function server that is killed again and again; gives its URL, and at the end how often it was killed."""
    path = folder / "functions.sock"
    kills: list[int] = []
    with subprocess.Popen(
        [sys.executable, "-m", "tests.proofs.served", str(path), str(seed)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield f"http+unix://{path}/statefun", kills
        finally:
            output, errors = process.communicate()
    if process.returncode:
        raise Difference(f"the function server: {errors}")
    kills.append(int(output))


def case(protocol: ProtocolVersion, seed: int, records: int = RECORDS) -> int:
    """One workload; gives how often its function server was killed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with killed(folder, seed) as (url, kills):
            remote.prove(folder, url, protocol, records, OkHttpTransport(call=timedelta(minutes=5)))
    return kills[0]


def lost_answer() -> None:
    """A request whose server was killed is not repeated: it was sent, after all."""
    # The moments of the kills are not the seed's alone: one workload may be lucky, six are not.
    kept = EndpointClient.call
    EndpointClient.call = remote.call_once
    try:
        for seed in range(6):
            case(list(ProtocolVersion)[seed % 2], seed)
    finally:
        EndpointClient.call = kept


BUGS = (lost_answer,)
