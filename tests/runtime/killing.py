"""A workload under load that is killed with SIGKILL, again and again, until a run comes to its end.

`python -m tests.runtime.killing FOLDER SEED PROTOCOL RECORDS [SABOTAGE [MOST]]` prints how often it killed. A fork of this process runs the workload, so
that no time goes into starting Python and every kill meets the runtime at work; the kill comes from outside, at a random moment.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

from google.protobuf.wrappers_pb2 import Int64Value, StringValue

from statefun import (
    LONG,
    Context,
    FileEgress,
    FileIngress,
    StatefulFunction,
    StatefulFunctions,
    ValueSpec,
    handles,
)
from statefun.batch import ProtocolVersion
from statefun.runtime import Options, Store
from tests.runtime.rig import runtime_of
from tests.runtime.test_model import SABOTAGED

KEYS = 150


class Meter(StatefulFunction[Int64Value | StringValue], typename="kill/meter"):
    total: ValueSpec[int] = ValueSpec(LONG, default=0)
    late: ValueSpec[int] = ValueSpec(LONG, default=0)

    @handles
    def on_reading(self, context: Context, reading: Int64Value) -> None:
        self.total += reading.value
        context.send(Sum.at("all"), reading)
        if reading.value % 7 == 0:
            context.send_egress("kill/out", StringValue(value=f"{context.address.id} {reading.value}"))
        if reading.value % 11 == 0:
            delay = timedelta(milliseconds=reading.value % 50)
            context.send_after(delay, Meter.at(context.address.id), StringValue(value="late"))

    @handles
    def on_late(self, context: Context, _late: StringValue) -> None:
        self.late += 1


class Sum(StatefulFunction[Int64Value], typename="kill/sum"):
    total: ValueSpec[int] = ValueSpec(LONG, default=0)

    @handles
    def on_reading(self, _context: Context, reading: Int64Value) -> None:
        self.total += reading.value


def rows(records: int) -> list[tuple[str, int]]:
    return [(f"m{number % KEYS}", number) for number in range(1, records + 1)]


def expected(records: int) -> tuple[dict[str, tuple[int, int]], int, Counter[str]]:
    meters: dict[str, tuple[int, int]] = {}
    lines: Counter[str] = Counter()
    for id, value in rows(records):
        total, late = meters.get(id, (0, 0))
        meters[id] = total + value, late + (value % 11 == 0)
        if value % 7 == 0:
            lines[f"{id} {value}"] += 1
    return meters, sum(value for _, value in rows(records)), lines


def functions_of(folder: Path) -> StatefulFunctions:
    functions = StatefulFunctions()
    functions.register(Meter)
    functions.register(Sum)
    functions.ingress(
        FileIngress(
            id="kill/in",
            path=folder / "in.csv",
            message=Int64Value,
            key="id",
            targets=[Meter],
        )
    )
    functions.egress(FileEgress(id="kill/out", path=folder / "out.txt"))
    return functions


def work(folder: Path, protocol: ProtocolVersion, sabotage: str) -> None:
    functions = functions_of(folder)
    store_class: type[Store] = {each.__name__: each for each in (*SABOTAGED, LengthForgotten)}.get(sabotage, Store)
    with store_class(folder / "store") as store:
        runtime = runtime_of(functions, store, options=Options(max_group=20, max_invocations=60, protocol=protocol))
        runtime.run_until_idle()


class LengthForgotten(Store):
    """Does not cut the output back to what was delivered for certain."""

    def egress_positions(self) -> dict[str, str]:
        return {}


def main() -> None:
    folder, seed = Path(sys.argv[1]), int(sys.argv[2])
    protocol = ProtocolVersion(sys.argv[3])
    records = int(sys.argv[4])
    sabotage = sys.argv[5] if len(sys.argv) > 5 else ""
    (folder / "in.csv").write_text("id,value\n" + "".join(f"{id},{value}\n" for id, value in rows(records)))
    # A machine that is busy elsewhere kills faster than the workload gets on: after so many it is left alone.
    most = int(sys.argv[6]) if len(sys.argv) > 6 else sys.maxsize
    chance = random.Random(seed)
    kills = 0
    while True:
        child = os.fork()
        if not child:
            try:
                work(folder, protocol, sabotage)
            except BaseException as error:  # noqa: BLE001  a fork must not go on as its parent
                print(f"{type(error).__name__}: {error}", file=sys.stderr)
                os._exit(1)
            os._exit(0)
        due = time.monotonic() + chance.uniform(0.005, 0.06)
        while time.monotonic() < due and not os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            time.sleep(0.001)
        if kills < most:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            print(kills)
            sys.exit(os.WEXITSTATUS(status))
        kills += 1


if __name__ == "__main__":
    main()
