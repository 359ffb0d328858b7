"""The results as a table for people and as JSON for programs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from benchmarks.common import markdown
from benchmarks.common.provenance import commit, machine
from benchmarks.handler.roster import OURS
from benchmarks.handler.rounds import Outcome
from benchmarks.handler.workloads import Workload

Results = Mapping[Workload, Sequence[Outcome]]

_HEAD = ("workload", "contender", "µs CPU a call", "times faster", "target", "reached")
_RIGHT = (2, 3, 4)


def table(results: Results) -> str:
    """Give a Markdown table: medians, quartiles in brackets."""
    return markdown.table(
        _HEAD, [row for workload, outcomes in results.items() for row in _rows(workload, outcomes)], _RIGHT
    )


def _rows(workload: Workload, outcomes: Sequence[Outcome]) -> list[tuple[str, ...]]:
    baseline = next((outcome for outcome in outcomes if outcome.contender.name == workload.baseline), None)
    rows: list[tuple[str, ...]] = []
    for number, outcome in enumerate(outcomes):
        ratio = None if baseline is None else outcome.times_faster_than(baseline)
        target = workload.target if outcome.contender.name == OURS else None
        rows.append(
            (
                workload.title if number == 0 else "",
                outcome.contender.title,
                str(outcome.spread()),
                "" if ratio is None else "baseline" if outcome is baseline else str(ratio),
                "" if target is None else f"≥ {target:g}",
                "" if target is None or ratio is None else "yes" if ratio.median >= target else "NO",
            )
        )
    return rows


def document(results: Results, rounds: int) -> dict[str, Any]:
    """Give all that was measured, with where and on what."""
    return {
        "benchmark": "handler",
        "measured": "CPU time of a call, µs, one sample a round",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "rounds": rounds,
        "commit": commit("statefun", "benchmarks/handler"),
        "machine": machine(),
        "workloads": [_workload(workload, outcomes) for workload, outcomes in results.items()],
    }


def _workload(workload: Workload, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    baseline = next((outcome for outcome in outcomes if outcome.contender.name == workload.baseline), None)
    return asdict(workload) | {
        "contenders": [
            {
                "name": outcome.contender.name,
                "title": outcome.contender.title,
                # Without where it is: that is nobody's business.
                "runs": {key: value for key, value in outcome.description.items() if key != "statefun"},
                "calls_a_sample": outcome.calls,
                "cpu_us": asdict(outcome.spread()),
                "times_faster_than_baseline": None if baseline is None else asdict(outcome.times_faster_than(baseline)),
                "samples_us": [round(sample, 4) for sample in outcome.samples],
            }
            for outcome in outcomes
        ]
    }
