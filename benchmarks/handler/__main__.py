"""Times the request handler beside the official SDKs: `python -m benchmarks.handler`. See benchmarks/README.md."""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

from benchmarks.common.child import ChildFailedError
from benchmarks.common.environments import NotInstallableError, prepare
from benchmarks.common.provenance import progress, write_json
from benchmarks.handler.effects import UnexpectedAnswerError
from benchmarks.handler.environments import ENVIRONMENTS
from benchmarks.handler.pipe import Worker
from benchmarks.handler.plot import write_plot
from benchmarks.handler.report import document, table
from benchmarks.handler.roster import OURS, ROSTER, Contender
from benchmarks.handler.rounds import AnswersDifferError, Outcome, calibrate, compare, measure
from benchmarks.handler.workloads import WORKLOADS, Workload, request


def main() -> int:
    """Measure, print the table, write what was asked for."""
    arguments = parse()
    contenders = [contender for contender in ROSTER if contender.name in arguments.contenders]
    workloads = [workload for workload in WORKLOADS if workload.name in arguments.workloads]
    rounds = arguments.rounds or (31 if arguments.short else 101)
    sample_ms = 10 if arguments.short else 20
    try:
        for name in dict.fromkeys(contender.environment for contender in contenders):
            prepare(ENVIRONMENTS[name])
        if arguments.profile:
            print(profiles(contenders, workloads))
            return 0
        results = {workload: measure(workload, contenders, rounds, sample_ms, progress) for workload in workloads}
    except (NotInstallableError, AnswersDifferError, UnexpectedAnswerError, ChildFailedError) as error:
        progress("")
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    progress("")
    report(results, rounds, arguments.json, arguments.plot)
    return 0


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.handler", description=__doc__)
    parser.add_argument(
        "--short", action="store_true", help="few and short rounds: about a minute once the environments exist"
    )
    parser.add_argument(
        "--rounds",
        type=int,
        help="samples of each contender (101; 31 with --short; a quarter where one call takes 0.1 s)",
    )
    parser.add_argument("--json", type=Path, metavar="OUT", help="write all samples, versions and the machine")
    parser.add_argument(
        "--plot", type=Path, metavar="OUT.png", help="draw the results (needs matplotlib: the extra `bench`)"
    )
    parser.add_argument(
        "--profile", action="store_true", help=f"profile instead of timing, {OURS} unless --contenders says"
    )
    parser.add_argument("--workloads", type=commas, metavar="A,B", default=[workload.name for workload in WORKLOADS],
                        help="only these: " + ", ".join(workload.name for workload in WORKLOADS))  # fmt: skip
    parser.add_argument("--contenders", type=commas, metavar="A,B",
                        help="only these: " + ", ".join(contender.name for contender in ROSTER))  # fmt: skip
    arguments = parser.parse_args()
    if arguments.contenders is None:
        arguments.contenders = [OURS] if arguments.profile else [contender.name for contender in ROSTER]
    unknown = {*arguments.workloads} - {w.name for w in WORKLOADS} | {*arguments.contenders} - {c.name for c in ROSTER}
    if unknown:
        parser.error(f"no such workload or contender: {', '.join(sorted(unknown))}")
    if arguments.rounds is not None and arguments.rounds < 1:
        parser.error("--rounds is at least 1")
    if arguments.plot is not None and find_spec("matplotlib") is None:  # told now, not after minutes of measuring
        parser.error("--plot needs matplotlib: pip install -e '.[bench]'")
    return arguments


def commas(text: str) -> list[str]:
    """Split a list."""
    return [part.strip() for part in text.split(",")]


def report(results: dict[Workload, list[Outcome]], rounds: int, json_path: Path | None, plot_path: Path | None) -> None:
    """Print the table and write the files."""
    print(table(results))
    print(
        f"\nMedians of {rounds} interleaved rounds [quartiles], a quarter of that where one call takes 0.1 s; ratios are taken round by round."
    )
    if json_path is not None:
        write_json(json_path, document(results, rounds))
    if plot_path is not None:
        write_plot(plot_path, results)


def profiles(contenders: list[Contender], workloads: list[Workload]) -> str:
    """Give the profiles of all contenders that can do the workloads, after comparing their answers."""
    parts = []
    for workload in workloads:
        for contender in contenders:
            if contender.can(workload):
                with Worker(contender, workload.shape, request(workload)) as worker:
                    compare(workload, [worker])
                    parts += [f"== {workload.title}: {contender.title}", worker.profile(calibrate(worker, 1000))]
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(main())
