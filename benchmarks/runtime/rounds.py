"""One table: start every contender, take interleaved rounds, hold the counters against the events before and after."""

import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.common.child import ChildFailedError
from benchmarks.common.environments import NotInstallableError, prepare
from benchmarks.common.spread import Spread
from benchmarks.runtime.roster import Contender, Workload
from benchmarks.runtime.running import Running, Sample, run
from benchmarks.runtime.servers import ServerFailedError

RATE = 250
"""Events a second of the paced rounds: a quarter of what the slowest contender with a server can do."""


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        rounds: Samples of each contender.
        short: Whether samples are short.
        paced: Seconds of a paced sample.
    """

    rounds: int
    short: bool
    paced: float


@dataclass
class Outcome:
    """What was measured of one contender, one sample a round; or why it did not start."""

    contender: Contender
    reason: str = ""
    samples: list[Sample] = field(default_factory=list)
    paced: list[Sample] = field(default_factory=list)

    def speed(self) -> Spread:
        return Spread.of([sample.per_second for sample in self.samples])

    def times_faster_than(self, baseline: "Outcome") -> Spread:
        own, theirs = ([sample.per_second for sample in each.samples] for each in (self, baseline))
        return Spread.of_ratios(own, theirs)

    def spread(self, what: str, *, paced: bool = False) -> Spread | None:
        """Give the spread of a field of the samples; None where they have none."""
        values = [getattr(sample, what) for sample in (self.paced if paced else self.samples)]
        return Spread.of(values) if values and None not in values else None


@dataclass
class Result:
    """One table, and how busy the machine was: the load average before each round."""

    workload: Workload
    outcomes: list[Outcome]
    loads: list[float] = field(default_factory=list)


def measure(
    workload: Workload, contenders: Sequence[Contender], plan: Plan, root: Path | None, progress: Callable[[str], None]
) -> Result:
    """Run one table.

    Args:
        workload: What is asked.
        contenders: Who is asked.
        plan: How much.
        root: Where stores are made; None for the folder for temporary files.
        progress: Told what is going on.

    Raises:
        WrongCountError: a contender lost an event, or counted one twice.
        ChildFailedError: a process ended in the middle.
    """
    result = Result(workload, [Outcome(contender) for contender in contenders])
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-runtime-", dir=root)))
        running: list[tuple[Outcome, Running]] = []
        for outcome in result.outcomes:
            progress(f"{workload.title}: starting {outcome.contender.title}")
            try:
                prepare(outcome.contender.environment)
                running.append((outcome, run(outcome.contender, folder / outcome.contender.name, stack)))
            except (NotInstallableError, ServerFailedError, ChildFailedError) as error:
                outcome.reason = str(error)
        if workload.warm_up:
            for outcome, it in running:
                it.sample(_events(outcome, plan) // 4, 0)
                it.check()
        for number in range(plan.rounds):
            result.loads.append(os.getloadavg()[0])
            start = number % max(1, len(running))  # nobody is always the first
            for outcome, it in running[start:] + running[:start]:
                progress(f"{workload.title}: round {number + 1} of {plan.rounds}, {outcome.contender.title}")
                outcome.samples.append(it.sample(_events(outcome, plan), number + 1))
                paced = it.pace(RATE, plan.paced, number + 1)
                if paced is not None:
                    outcome.paced.append(paced)
        for _, it in running:
            it.check()
    return result


def _events(outcome: Outcome, plan: Plan) -> int:
    return outcome.contender.events[plan.short]
