"""The results as a table for people and as JSON for programs."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.handler.environments import ROOT
from benchmarks.handler.roster import OURS
from benchmarks.handler.rounds import Outcome, Spread
from benchmarks.handler.workloads import Workload

Results = Mapping[Workload, Sequence[Outcome]]

_HEAD = ("workload", "contender", "µs CPU a call", "times faster", "target", "reached")
_RIGHT = (2, 3, 4)


def table(results: Results) -> str:
    """Give a Markdown table: medians, quartiles in brackets."""
    rows = [_HEAD, *(row for workload, outcomes in results.items() for row in _rows(workload, outcomes))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    rule = tuple("-" * (width - 1) + (":" if column in _RIGHT else "-") for column, width in enumerate(widths))
    return "\n".join(
        "| "
        + " | ".join(
            cell.rjust(width) if column in _RIGHT else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        + " |"
        for row in [rows[0], rule, *rows[1:]]
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
                _with_quartiles(outcome.spread()),
                "" if ratio is None else "baseline" if outcome is baseline else _with_quartiles(ratio),
                "" if target is None else f"≥ {target:g}",
                "" if target is None or ratio is None else "yes" if ratio.median >= target else "NO",
            )
        )
    return rows


def _with_quartiles(spread: Spread) -> str:
    return f"{_number(spread.median)} [{_number(spread.low)} to {_number(spread.high)}]"


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 1000 else f"{value:.0f}"


def document(results: Results, rounds: int) -> dict[str, Any]:
    """Give all that was measured, with where and on what."""
    return {
        "benchmark": "handler",
        "measured": "CPU time of a call, µs, one sample a round",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "rounds": rounds,
        "commit": commit(),
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


def write_json(path: Path, results: Results, rounds: int) -> None:
    """Write the document."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document(results, rounds), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def commit() -> str:
    """Name the commit that runs, with a mark when the SDK or the benchmark differs from it."""
    try:
        name = _git("rev-parse", "HEAD")
        changed = _git("status", "--porcelain", "--", "statefun", "benchmarks/handler")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{name} with changes" if changed else name


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def machine() -> dict[str, Any]:
    """Tell what it runs on."""
    model = platform.processor()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass  # not Linux
    return {"cpu": model, "cores": os.cpu_count(), "system": platform.platform(), "load": os.getloadavg()}
