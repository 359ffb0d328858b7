"""The results as tables for people and as JSON for programs."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from benchmarks.common import markdown
from benchmarks.common.provenance import commit, machine
from benchmarks.common.spread import Spread, number
from benchmarks.runtime import growth
from benchmarks.runtime.growth import Growth
from benchmarks.runtime.rounds import RATE, Outcome, Plan, Result

_RIGHT = (1, 2, 3, 4, 5, 6)


def tables(results: Sequence[Result], grown: Sequence[Growth]) -> str:
    """Give Markdown: medians, quartiles in brackets."""
    parts = [_table(result) for result in results]
    if grown:
        parts.append(_growth(grown))
    return "\n\n".join(parts)


def _table(result: Result) -> str:
    workload = result.workload
    paced = any(outcome.paced for outcome in result.outcomes)
    head = [workload.title, f"{workload.unit}/s", "p50, p99 ms"]
    head += [f"p50, p99 ms at {RATE}/s"] if paced else []
    head += ["µs CPU each", "times the baseline", "durable", "target", "reached"]
    baseline = _baseline(result)
    rows = []
    for outcome in result.outcomes:
        row = [outcome.contender.title]
        if outcome.reason:
            rows.append([*row, "does not run here, see below", *[""] * (len(head) - 2)])
            continue
        row += [str(outcome.speed()), _latencies(outcome, paced=False)]
        row += [_latencies(outcome, paced=True)] if paced else []
        ratio = None if baseline is None or outcome is baseline else outcome.times_faster_than(baseline)
        row += [_cell(outcome.spread("cpu_us")), "baseline" if outcome is baseline else _cell(ratio)]
        rows.append([*row, outcome.contender.durable, *_target(result, outcome, ratio)])
    reasons = [f"{each.contender.title} does not run here: {each.reason}" for each in result.outcomes if each.reason]
    right = [column for column, title in enumerate(head) if column and title not in ("durable", "reached")]
    return "\n\n".join([markdown.table(head, rows, right), *reasons])


def _target(result: Result, outcome: Outcome, ratio: Spread | None) -> tuple[str, str]:
    workload = result.workload
    if outcome.contender.name not in workload.targeted:
        return "", ""
    if workload.ratio is not None:
        reached = "not measured" if ratio is None else "yes" if ratio.median >= workload.ratio else "NO"
        return f"≥ {workload.ratio:g} times", reached
    assert workload.rate is not None
    return f"≥ {workload.rate:,.0f}/s", "yes" if outcome.speed().median >= workload.rate else "NO"


def _growth(grown: Sequence[Growth]) -> str:
    head = [
        "keys, a state of 64 bytes each",
        "events/s",
        "µs CPU each",
        "MiB at most",
        "new keys/s",
        "target",
        "reached",
    ]
    ratio = growth.ratio(grown)
    rows = [
        [f"{each.keys:,}", str(Spread.of(each.per_second)), str(Spread.of(each.cpu_us)), f"{each.peak_mb:.0f}",
         f"{each.made_per_second:.0f}", "", ""]
        for each in grown
    ]  # fmt: skip
    if len(grown) > 1:
        last = grown[-1]
        rows[-1][-2:] = [f"< {growth.MEMORY} MiB", "yes" if last.peak_mb < growth.MEMORY else "NO"]
        growing = f"{grown[0].keys:,} to {last.keys:,}: CPU"
        reached = "yes" if ratio.median <= growth.TARGET else "NO"
        rows.append([growing, "", f"{ratio} times", "", "", f"≤ {growth.TARGET:g} times", reached])
    return markdown.table(head, rows, _RIGHT[:4])


def _latencies(outcome: Outcome, *, paced: bool) -> str:
    """Give the medians alone; their spread is in the JSON."""
    spreads = [outcome.spread(what, paced=paced) for what in ("p50_ms", "p99_ms")]
    return ", ".join(number(spread.median) for spread in spreads if spread is not None)


def _cell(spread: Spread | None) -> str:
    return "" if spread is None else str(spread)


def _baseline(result: Result) -> Outcome | None:
    wanted = result.workload.baseline
    return next((each for each in result.outcomes if each.contender.name == wanted and not each.reason), None)


def document(results: Sequence[Result], grown: Sequence[Growth], plan: Plan) -> dict[str, Any]:
    """Give all that was measured, with where and on what."""
    return {
        "benchmark": "runtime",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "plan": asdict(plan),
        "commit": commit("statefun", "benchmarks/runtime", "benchmarks/common"),
        "machine": machine(),
        "workloads": [_document(result) for result in results],
        "growth": [asdict(each) for each in grown],
    }


def _document(result: Result) -> dict[str, Any]:
    workload, baseline = result.workload, _baseline(result)
    return {
        "name": workload.name,
        "title": workload.title,
        "target_times_the_baseline": workload.ratio,
        "target_per_second": workload.rate,
        "targeted": workload.targeted,
        "baseline": workload.baseline,
        "load_averages": result.loads,
        "contenders": [
            {
                "name": outcome.contender.name,
                "title": outcome.contender.title,
                "pinned": [*outcome.contender.environment.npm, *_pins(outcome)],
                "durable": outcome.contender.durable,
                "latency": outcome.contender.latency,
                "reason": outcome.reason,
                "per_second": asdict(outcome.speed()) if outcome.samples else None,
                "times_the_baseline": asdict(outcome.times_faster_than(baseline))
                if outcome.samples and baseline is not None and baseline is not outcome
                else None,
                "samples": [asdict(sample) for sample in outcome.samples],
                "paced": [asdict(sample) for sample in outcome.paced],
            }
            for outcome in result.outcomes
        ],
    }


def _pins(outcome: Outcome) -> list[str]:
    # What is not a pin is an option of pip, or a path.
    return [part for step in outcome.contender.environment.steps for part in step if "==" in part]
