"""`python -m tests.proofs [NAME …] [--seed N] [--scale N] [--case JSON]`: the durability proofs, each with the bugs that it must catch.

A difference prints the command that replays it. `--scale` multiplies the seeds; `make soak` does.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from statefun.batch import ProtocolVersion
from tests.proofs import crashes, failing, faults, kills, memory, power, remote, server_kills
from tests.proofs.simulation import BUGS as SIMULATION_BUGS
from tests.proofs.simulation import case as simulate
from tests.proofs.simulation import same_trace

KILLS = {"kill": 1000, "server-kill": 300}
Case = tuple[str, list[Any]]


def power_case(seed: int) -> int:
    return power.case(seed)


def fault_case(seed: int, number: int) -> int:
    return faults.case(seed, number)


def crash_case(point: str, seed: int) -> int:
    return crashes.case(point, seed)


def kill_case(protocol: str, seed: int) -> int:
    return kills.case(ProtocolVersion(protocol), seed)


def raise_case(protocol: str, n: int, k: int) -> int:
    failing.case(ProtocolVersion(protocol), n, k)
    return 1


def poison_case() -> int:
    failing.poison()
    return 1


def remote_case(fault: str, protocol: str, seed: int) -> int:
    return remote.case(fault, ProtocolVersion(protocol), seed)


def server_kill_case(protocol: str, seed: int) -> int:
    return server_kills.case(ProtocolVersion(protocol), seed)


def simulation_case(seed: int) -> int:
    simulate(seed)
    return 1


def memory_case() -> int:
    return memory.case()


def trace_case(seed: int) -> int:
    same_trace(seed)
    return 1


CASES: dict[str, tuple[Callable[..., int], str, tuple[Callable[[], None], ...]]] = {
    "power": (power_case, "cuts of the power", power.BUGS),
    "faults": (fault_case, "failed operations", faults.BUGS),
    "crashes": (crash_case, f"crashes at {len(crashes.POINTS)} points", crashes.BUGS),
    "raise": (raise_case, "handlers that raise at the k-th of n", failing.BUGS[:1]),
    "poison": (poison_case, "poison messages", failing.BUGS[1:]),
    "simulation": (simulation_case, "seeds of 200 steps", SIMULATION_BUGS),
    "memory": (memory_case, "MiB at the peak of a million addresses", memory.BUGS),
    "trace": (trace_case, "traces that are the same twice", ()),
    "kill": (kill_case, "kills with kill -9", kills.BUGS),
    "remote": (remote_case, "faults of a function server", remote.BUGS),
    "server-kill": (server_kill_case, "kills of a function server with kill -9", server_kills.BUGS),
}


def plan(name: str, seed: int, scale: int) -> Iterator[list[Any]]:
    if name == "power":
        yield from ([seed + each] for each in range(125 * scale))
    elif name == "faults":
        for each in range(seed, seed + max(1, scale // 4)):
            yield from ([each, number] for number in range(1, faults.operations(each)[0] + 1))
    elif name == "crashes":
        yield from ([point, seed + each] for point in crashes.POINTS for each in range(50 * scale))
    elif name == "raise":
        for protocol in ProtocolVersion:
            yield from ([protocol.value, n, k] for n in range(1, 21) for k in range(1, n + 1))
    elif name in ("poison", "memory"):
        yield []
    elif name == "simulation":
        yield from ([seed + each] for each in range(2000 * scale))
    elif name == "trace":
        yield from ([seed + each] for each in range(20))
    elif name == "remote":
        for fault in remote.FAULTS:
            yield from (
                [fault, protocol.value, seed + each] for protocol in ProtocolVersion for each in range(4 * scale)
            )
    elif name in KILLS:
        for each in itertools.count():  # until there were enough kills
            yield from ([protocol.value, seed + each] for protocol in ProtocolVersion)


def attempt(case: Case) -> tuple[Case, int, str]:
    name, arguments = case
    try:
        return case, CASES[name][0](*arguments), ""
    except BaseException:  # noqa: BLE001  told by the parent
        return case, 0, traceback.format_exc(limit=-4)


def results(pool: ProcessPoolExecutor, name: str, seed: int, scale: int) -> Iterator[tuple[Case, int, str]]:
    """What became of each case; of kills as many cases as it takes to have killed often enough."""
    cases = ((name, each) for each in plan(name, seed, scale))
    if name not in KILLS:
        yield from pool.map(attempt, list(cases), chunksize=8)
        return
    kills = 0
    while kills < KILLS[name] * scale:
        for result in pool.map(attempt, list(itertools.islice(cases, 4))):
            kills += result[1]
            yield result
            if result[2]:
                return


def caught(bug: Callable[[], None]) -> str:
    """Empty when the bug was noticed."""
    try:
        bug()
    except AssertionError:
        return ""
    except BaseException:  # noqa: BLE001  a bug that breaks the proof itself was not noticed by it
        return traceback.format_exc(limit=-4)
    return "nobody noticed"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.proofs")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(CASES))
    parser.add_argument("--seed", type=int, default=int(os.environ.get("STATEFUN_PROOF_SEED", "17")))
    parser.add_argument("--scale", type=int, default=int(os.environ.get("STATEFUN_PROOF_SCALE", "1")))
    parser.add_argument("--case", help="one case, as a failure prints it")
    options = parser.parse_args()
    if options.case is not None:
        print(CASES[options.names[0]][0](*json.loads(options.case)))
        return 0
    differences = 0
    with ProcessPoolExecutor() as pool:
        for name in options.names or CASES:
            _, what, bugs = CASES[name]
            started = time.monotonic()
            count = wrong = 0
            ran = 0
            for (_, arguments), done, error in results(pool, name, options.seed, options.scale):
                ran += 1
                count += done
                if error:
                    wrong += 1
                    print(f"{error}replay: python -m tests.proofs {name} --case '{json.dumps(arguments)}'", flush=True)
            missed = 0
            for bug, error in zip(bugs, pool.map(caught, bugs), strict=True):
                if error:
                    missed += 1
                    print(f"{name}: the seeded bug {bug.__name__} was not caught: {error}", flush=True)
            differences += wrong + missed
            print(
                f"{name}: {count:,} {what}, {wrong} differences, {len(bugs) - missed} of {len(bugs)} seeded bugs caught,"
                f" {ran:,} cases from seed {options.seed}, {time.monotonic() - started:.0f} s",
                flush=True,
            )
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
