"""A million addresses with 64 bytes of state each, in a process of its own, whose peak of memory is that of this program alone."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from statefun import BYTES, Context, RequestReplyHandler, StatefulFunction, StatefulFunctions, ValueSpec, handles
from statefun.runtime import Inlet, Options, Record, Runtime, Store
from tests.proofs.workload import Difference

ADDRESSES = 1_000_000
MOST = 500 << 20
"""Bytes."""


class Device(StatefulFunction[bytes], typename="memory/device"):
    kept: ValueSpec[bytes | None] = ValueSpec(BYTES)

    @handles
    def on_bytes(self, _context: Context, value: bytes) -> None:
        self.kept = value


class Devices:
    """One message to each of so many addresses."""

    id = "memory/devices"

    def __init__(self, count: int) -> None:
        self.count = count

    async def run(self, inlet: Inlet) -> None:
        name, value = BYTES.v3.typename, BYTES.v3.encode(b"x" * 64)
        for first in range(0, self.count, 1000):
            records = [
                Record(("memory/device",), f"device-{number:07}", name, value)
                for number in range(first, min(first + 1000, self.count))
            ]
            await inlet.put(records, str(first + 1000))


def program(folder: str, count: int, cached: int) -> None:
    functions = StatefulFunctions()
    functions.register(Device)
    functions.ingress(Devices(count))
    with Store(folder) as store:
        Runtime(
            RequestReplyHandler(functions),
            store,
            states=functions.specs(),
            ingresses=functions.ingresses,
            options=Options(cached=cached),
        ).run_until_idle()
        print(store.count("states"), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def case(count: int = ADDRESSES, cached: int = Options().cached) -> int:
    """Runs it; gives the peak in MiB."""
    with tempfile.TemporaryDirectory() as folder:
        ran = subprocess.run(
            [sys.executable, "-m", "tests.proofs.memory", folder, str(count), str(cached)],
            cwd=Path(__file__).resolve().parents[2],
            capture_output=True,
            text=True,
            check=False,
        )
    if ran.returncode:
        raise Difference(ran.stderr)
    addresses, most = map(int, ran.stdout.split())
    if addresses != count:
        raise Difference(f"{addresses} addresses have state, not {count}")
    if most >= MOST:
        raise Difference(f"{most >> 20} MiB at the peak, not less than {MOST >> 20}")
    return most >> 20


def keeps_all() -> None:
    """Every address stays in memory."""
    case(cached=sys.maxsize)


BUGS = (keeps_all,)

if __name__ == "__main__":
    program(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
