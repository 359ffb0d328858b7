"""Times the embedded runtime beside its peers: `python -m benchmarks.runtime`. See benchmarks/README.md."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.common.child import ChildFailedError
from benchmarks.common.environments import NotInstallableError, prepare
from benchmarks.common.provenance import progress, write_json
from benchmarks.runtime import growth
from benchmarks.runtime.environments import OURS
from benchmarks.runtime.plot import write_plot
from benchmarks.runtime.report import document, tables
from benchmarks.runtime.roster import WORKLOADS
from benchmarks.runtime.rounds import Plan, Result, measure
from benchmarks.runtime.running import WrongCountError

_FULL = Plan(rounds=7, short=False, paced=6)
_SHORT = Plan(rounds=3, short=True, paced=2)
_FEW_ROUNDS = 3
"""Of the flights and of the growth, whose samples are long; one with --short."""


def main() -> int:
    """Measure, print the tables, write what was asked for."""
    arguments = parse()
    plan = _SHORT if arguments.short else _FULL
    if arguments.rounds is not None:
        plan = Plan(arguments.rounds, plan.short, plan.paced)
    few = Plan(1 if plan.short else min(plan.rounds, _FEW_ROUNDS), plan.short, plan.paced)
    results: list[Result] = []
    grown: list[growth.Growth] = []
    try:
        prepare(OURS)
        for workload in WORKLOADS:
            chosen = [
                each
                for each in workload.contenders
                if arguments.contenders is None or each.name in arguments.contenders
            ]
            if workload.name in arguments.workloads and chosen:
                length = few if workload.name == "flights" else plan
                results.append(measure(workload, chosen, length, arguments.folder, progress))
        if "growth" in arguments.workloads:
            sizes = growth.KEYS[:2] if plan.short else growth.KEYS
            grown = growth.measure(sizes, few.rounds, arguments.folder, progress)
    except (NotInstallableError, WrongCountError, ChildFailedError) as error:
        progress("")
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    progress("")
    tell(results, grown, plan, arguments.json, arguments.plot)
    return 0


def parse() -> argparse.Namespace:
    """Read the command line."""
    names = [*(workload.name for workload in WORKLOADS), "growth"]
    contenders = [contender.name for workload in WORKLOADS for contender in workload.contenders]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.runtime", description=__doc__)
    parser.add_argument(
        "--short", action="store_true", help="few and short rounds: about three minutes once the environments exist"
    )
    parser.add_argument("--rounds", type=int, help="samples of each contender (7; 3 with --short)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write all samples, versions and the machine")
    parser.add_argument(
        "--plot", type=Path, metavar="OUT.png", help="draw the results (needs matplotlib: the extra `bench`)"
    )
    parser.add_argument("--folder", type=Path, help="make the stores in here, not in the folder for temporary files")
    parser.add_argument(
        "--workloads", type=commas, metavar="A,B", default=names, help=f"only these: {', '.join(names)}"
    )
    parser.add_argument("--contenders", type=commas, metavar="A,B", help=f"only these: {', '.join(contenders)}")
    arguments = parser.parse_args()
    known: Sequence[tuple[str, Sequence[str], Sequence[str]]] = (
        ("--workloads", arguments.workloads, names),
        ("--contenders", arguments.contenders or (), contenders),
    )
    for option, given, possible in known:
        for each in given:
            if each not in possible:
                parser.error(f"{option}: {each!r} is none of {', '.join(possible)}")
    return arguments


def commas(text: str) -> list[str]:
    """Read names with commas between them."""
    return [part.strip() for part in text.split(",")]


def tell(
    results: Sequence[Result],
    grown: Sequence[growth.Growth],
    plan: Plan,
    json_path: Path | None,
    plot_path: Path | None,
) -> None:
    """Print the tables and write the files."""
    print(tables(results, grown))
    loads = [load for result in results for load in result.loads]
    busy = f" Load average before the rounds: {min(loads):.1f} to {max(loads):.1f}." if loads else ""
    print(
        f"\nMedians of {plan.rounds} interleaved rounds [quartiles], fewer for flights and growth; ratios are taken round by round.{busy}"
    )
    if json_path is not None:
        write_json(json_path, document(results, grown, plan))
    if plot_path is not None:
        write_plot(plot_path, results, grown)


if __name__ == "__main__":
    sys.exit(main())
