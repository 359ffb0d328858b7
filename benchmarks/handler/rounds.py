"""One workload: compare the answers, then time the contenders in interleaved rounds."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from benchmarks.common.spread import Spread
from benchmarks.handler.effects import decode, differences
from benchmarks.handler.pipe import Worker
from benchmarks.handler.roster import Contender
from benchmarks.handler.workloads import Workload, expected, request

WARM_UP_NS = 100_000_000
# Where one call takes longer than this, a quarter of the rounds has to do.
SLOW_CALL_NS = 100_000_000


class AnswersDifferError(Exception):
    """A contender does something else than the workload says."""


@dataclass
class Outcome:
    """What was measured of one contender: the CPU time of a call in microseconds, one sample a round."""

    contender: Contender
    description: dict[str, Any]
    calls: int
    samples: list[float] = field(default_factory=list)

    def spread(self) -> Spread:
        return Spread.of(self.samples)

    def times_faster_than(self, baseline: "Outcome") -> Spread:
        """Give the ratio of two contenders, taken round by round: what slowed a round slowed both."""
        return Spread.of_ratios(baseline.samples, self.samples)


def measure(
    workload: Workload, contenders: Sequence[Contender], rounds: int, sample_ms: float, progress: Callable[[str], None]
) -> list[Outcome]:
    """Run one workload.

    Args:
        workload: What is asked.
        contenders: Who is asked, those who can.
        rounds: Samples of each contender.
        sample_ms: How long one sample should take; a single call may take longer.
        progress: Told what is going on.

    Raises:
        AnswersDifferError: before anything is timed, or after it (then an answer depends on the ones before).
        ChildFailedError: a contender cannot do it.
    """
    body = request(workload)
    with ExitStack() as stack:
        workers = [
            stack.enter_context(Worker(contender, workload.shape, body))
            for contender in contenders
            if contender.can(workload)
        ]
        compare(workload, workers)
        progress(f"{workload.title}: {len(body):,} bytes, {len(workers)} contenders answer alike")
        outcomes = [Outcome(worker.contender, worker.description, calibrate(worker, sample_ms)) for worker in workers]
        if any(
            outcome.calls == 1 and worker.cpu_ns(1) > SLOW_CALL_NS
            for worker, outcome in zip(workers, outcomes, strict=True)
        ):
            rounds = max(5, rounds // 4)
        for number in range(rounds):
            progress(f"{workload.title}: round {number + 1} of {rounds}")
            pairs = list(zip(workers, outcomes, strict=True))
            start = number % len(pairs)  # nobody is always the first, nor always behind the same one's heat
            for worker, outcome in pairs[start:] + pairs[:start]:
                outcome.samples.append(worker.cpu_ns(outcome.calls) / outcome.calls / 1000)
        compare(workload, workers)
    return outcomes


def compare(workload: Workload, workers: Sequence[Worker]) -> None:
    """Decode every contender's answer and hold it against the expected effects."""
    wanted = expected(workload)
    for worker in workers:
        found = list(differences(wanted, decode(workload.protocol, worker.answer())))
        if found:
            raise AnswersDifferError(
                "\n".join([f"{workload.name}: {worker.contender.name} answers differently", *found])
            )


def calibrate(worker: Worker, sample_ms: float) -> int:
    """Warm a worker up and tell how many calls make one sample."""
    calls, spent = 1, worker.cpu_ns(1)
    while spent < WARM_UP_NS:
        calls *= 2
        spent = worker.cpu_ns(calls)
    return max(1, round(sample_ms * 1e6 / (spent / calls)))
