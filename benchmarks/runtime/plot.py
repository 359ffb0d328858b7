"""The results as a picture: throughput, latency, and what the number of keys costs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.common.spread import Spread
from benchmarks.runtime import growth
from benchmarks.runtime.growth import Growth
from benchmarks.runtime.rounds import RATE, Outcome, Result

_OURS, _OTHERS, _NOT_DURABLE, _LIGHT = "#1f6f8b", "#d98d3f", "#bcbcbc", "#8fb8c6"


def write_plot(path: Path, results: Sequence[Result], grown: Sequence[Growth]) -> None:
    """Draw medians, with the extremes as whiskers."""
    import matplotlib  # type: ignore[import-not-found, unused-ignore]  # an extra

    matplotlib.use("Agg")
    from matplotlib import pyplot

    paced = [result for result in results if any(outcome.paced for outcome in result.outcomes)]
    panels = len(results) + 2 * len(paced) + bool(grown)
    lines = -(-panels // 2)
    figure, grid = pyplot.subplots(lines, 2, figsize=(15, 2.9 * lines), squeeze=False)
    free = [panel for line in grid for panel in line]
    for result in results:
        _throughput(free.pop(0), result)
    for result in paced:
        _latency(free.pop(0), result, "at saturation", paced=False)
        _latency(free.pop(0), result, f"at {RATE} events a second", paced=True)
    if grown:
        _growth(free.pop(0), grown)
    for panel in free:
        panel.axis("off")
    figure.suptitle("Medians of interleaved rounds; whiskers are the extremes; grey is not durable", fontsize=11)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)


def _throughput(panel: Any, result: Result) -> None:
    outcomes = [outcome for outcome in reversed(result.outcomes) if outcome.samples]
    spreads = [outcome.speed() for outcome in outcomes]
    panel.barh(
        [outcome.contender.title for outcome in outcomes],
        [spread.median for spread in spreads],
        xerr=_whiskers(spreads),
        color=[_colour(outcome) for outcome in outcomes],
        ecolor="#555555",
        capsize=2,
    )
    baseline = next((each for each in outcomes if each.contender.name == result.workload.baseline), None)
    for place, (outcome, spread) in enumerate(zip(outcomes, spreads, strict=True)):
        ratio = (
            "" if baseline is None or baseline is outcome else f"  ({outcome.times_faster_than(baseline).median:.1f}x)"
        )
        panel.text(spread.most, place, f"  {spread.median:,.0f}{ratio}", va="center", fontsize=8)
    panel.set_xscale("log")
    if spreads:
        panel.set_xlim(min(spread.least for spread in spreads) / 2, max(spread.most for spread in spreads) * 8)
    panel.set_title(f"{result.workload.unit} a second, {result.workload.title}", fontsize=10)
    _tidy(panel)


def _latency(panel: Any, result: Result, where: str, *, paced: bool) -> None:
    outcomes = [outcome for outcome in reversed(result.outcomes) if (outcome.paced if paced else outcome.samples)]
    titles = [outcome.contender.title for outcome in outcomes]
    for what, height, label in (("p99_ms", 0.75, "p99"), ("p50_ms", 0.45, "p50")):
        spreads = [outcome.spread(what, paced=paced) or Spread.of([0]) for outcome in outcomes]
        medians = [spread.median for spread in spreads]
        colours = [_colour(outcome) for outcome in outcomes]
        alpha = 0.45 if what == "p99_ms" else 1
        panel.barh(
            titles, medians, height=height, xerr=_whiskers(spreads), color=colours, alpha=alpha, ecolor="#777777"
        )
        for place, spread in enumerate(spreads):
            offset = 0.28 if what == "p50_ms" else -0.28
            panel.text(spread.most, place + offset, f" {label} {spread.median:.2f}", va="center", fontsize=7)
    panel.set_xscale("log")
    panel.margins(x=0.25)
    panel.set_title(f"latency in ms, {where}, {result.workload.title}", fontsize=10)
    _tidy(panel)


def _growth(panel: Any, grown: Sequence[Growth]) -> None:
    keys = [each.keys for each in grown]
    spreads = [Spread.of(each.cpu_us) for each in grown]
    medians = [spread.median for spread in spreads]
    panel.errorbar(keys, medians, yerr=_whiskers(spreads), color=_OURS, marker="o", capsize=3, label="µs CPU an event")
    for key, median in zip(keys, medians, strict=True):
        panel.annotate(f"{median:.1f} µs", (key, median), textcoords="offset points", xytext=(6, 8), fontsize=8)
    panel.axhline(growth.TARGET * medians[0], color=_OTHERS, linestyle="--", label=f"target: {growth.TARGET:g} times")
    panel.set_xscale("log")
    panel.set_ylim(0, max([growth.TARGET * medians[0], *(spread.most for spread in spreads)]) * 1.2)
    panel.legend(fontsize=8, loc="lower right")
    panel.set_title("CPU time of an event by the number of keys, a state of 64 bytes each", fontsize=10)
    _tidy(panel)


def _whiskers(spreads: Sequence[Spread]) -> list[list[float]]:
    return [
        [spread.median - spread.least for spread in spreads],
        [spread.most - spread.median for spread in spreads],
    ]


def _colour(outcome: Outcome) -> str:
    if outcome.contender.durable == "no":
        return _NOT_DURABLE
    return _OURS if outcome.contender.environment.name == "runtime" else _OTHERS


def _tidy(panel: Any) -> None:
    panel.tick_params(labelsize=8)
    panel.spines[["top", "right"]].set_visible(False)
