"""Delayed messages that are due a millisecond apart, each for itself and gathered: `python -m benchmarks.runtime.timers [FOLDER]`.

Tells how many transactions there were, the processor's time, and how long after its due time each message was handled (a due time
is rounded up to a millisecond, which counts as late here).
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from statefun import STRING, Context, FileIngress, RequestReplyHandler, StatefulFunctions
from statefun.runtime import Options, Runtime, Store

COUNT = 1000
FIRST = 500


def program(folder: Path, late: list[float]) -> StatefulFunctions:
    functions = StatefulFunctions()
    asked: dict[str, float] = {}

    @functions.bind("timers/each")
    def each(context: Context, word: str) -> None:
        verb, number = word.split()
        if verb == "arm":
            delay = FIRST + int(number)
            asked[number] = time.time_ns() / 1e6 + delay
            context.send_after(timedelta(milliseconds=delay), "timers/each", context.address.id, f"fire {number}")
        else:
            late.append(time.time_ns() / 1e6 - asked[number])

    (folder / "in.csv").write_text("word\n" + "".join(f"arm {number}\n" for number in range(COUNT)))
    functions.ingress(
        FileIngress(
            id="timers/in",
            path=folder / "in.csv",
            message=STRING,
            key="word",
            targets=["timers/each"],
            convert=lambda row: row["word"],
        )
    )
    return functions


def measure(folder: Path, gather: int) -> str:
    late: list[float] = []
    functions = program(folder, late)
    before = time.process_time()
    with (
        Store(folder / "store") as store,
        Runtime(
            RequestReplyHandler(functions),
            store,
            states=functions.specs(),
            ingresses=functions.ingresses,
            options=Options(gather=gather),
        ) as runtime,
    ):
        groups = runtime.run_until_idle().groups
    late.sort()
    median, p99 = late[COUNT // 2], late[COUNT * 99 // 100]
    return (
        f"gather={gather}: {COUNT} messages, {groups} transactions, {time.process_time() - before:.2f} s of CPU, "
        f"late by {late[0]:.1f} ms at least, {median:.1f} median, {p99:.1f} p99, {late[-1]:.1f} at most"
    )


def main() -> None:
    root = sys.argv[1] if len(sys.argv) > 1 else None
    for gather in (0, 5):
        with tempfile.TemporaryDirectory(dir=root) as folder:
            print(measure(Path(folder), gather))


if __name__ == "__main__":
    main()
