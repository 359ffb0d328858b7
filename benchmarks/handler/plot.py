"""The results as a picture: one panel a workload, one bar a contender."""

from pathlib import Path

from benchmarks.handler.report import Results
from benchmarks.handler.roster import OURS


def write_plot(path: Path, results: Results) -> None:
    """Draw the CPU time of an invocation: medians, extremes as whiskers, on a logarithmic axis."""
    import matplotlib  # type: ignore[import-not-found, unused-ignore]  # an extra

    matplotlib.use("Agg")
    from matplotlib import pyplot

    columns = min(2, len(results))
    lines = -(-len(results) // columns)
    figure, grid = pyplot.subplots(lines, columns, figsize=(7.2 * columns, 2.7 * lines), squeeze=False)
    panels = [panel for line in grid for panel in line]
    for panel in panels[len(results) :]:
        panel.axis("off")
    for panel, (workload, outcomes) in zip(panels, results.items(), strict=False):
        outcomes = list(reversed(outcomes))
        spreads = [outcome.spread() for outcome in outcomes]
        medians = [spread.median / workload.invocations for spread in spreads]
        whiskers = [
            [(spread.median - spread.least) / workload.invocations for spread in spreads],
            [(spread.most - spread.median) / workload.invocations for spread in spreads],
        ]
        colours = [
            "#1f6f8b" if outcome.contender.name.startswith(OURS)
            else "#bcbcbc" if outcome.contender.module == "minimal"
            else "#d98d3f"
            for outcome in outcomes
        ]  # fmt: skip
        panel.barh(
            [o.contender.title for o in outcomes], medians, xerr=whiskers, color=colours, ecolor="#555555", capsize=2
        )
        baseline = next((o for o in outcomes if o.contender.name == workload.baseline), None)
        for place, (outcome, value) in enumerate(zip(outcomes, medians, strict=True)):
            ratio = "" if baseline in (None, outcome) else f"  ({outcome.times_faster_than(baseline).median:.1f}x)"
            end = outcome.spread().most / workload.invocations
            digits = 0 if value >= 100 else 1 if value >= 10 else 2
            panel.text(end, place, f"  {value:,.{digits}f} µs{ratio}", va="center", fontsize=8)
        panel.set_xscale("log")
        panel.set_xlim(min(medians) / 3, max(medians) * 12)
        target = "" if workload.target is None else f", target ≥ {workload.target:g}x"
        panel.set_title(f"{workload.title}{target}", fontsize=10)
        panel.tick_params(labelsize=8)
        panel.spines[["top", "right"]].set_visible(False)
    figure.suptitle("CPU time of one invocation, µs, logarithmic; whiskers are the extremes", fontsize=11)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)
