"""A contender that was started: it takes events in, and its counters are held against what was acknowledged."""

from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmarks.common.child import Child, start
from benchmarks.runtime import workload
from benchmarks.runtime.environments import OURS
from benchmarks.runtime.roster import Contender


class WrongCountError(Exception):
    """A contender lost an event or counted one twice, or answered with an error."""


@dataclass(frozen=True)
class Sample:
    """One measurement.

    Attributes:
        per_second: Events a second.
        cpu_us: CPU time of the contender's processes for an event; None where it is not known.
        p50_ms: The median of the latencies; None where there are none.
        p99_ms: Their 99th percentile.
        load_cores: How much of a core the process that asks took; None where there is none.
    """

    per_second: float
    cpu_us: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    load_cores: float | None = None


class Running(Protocol):
    """A contender that was started."""

    def sample(self, events: int, seed: int) -> Sample:
        """Take in so many events as fast as it can."""
        ...

    def pace(self, rate: float, seconds: float, seed: int) -> Sample | None:
        """Take events in at a rate; None where nobody asks from outside."""
        ...

    def check(self) -> None:
        """Hold all its counters against what it has taken in.

        Raises:
            WrongCountError: they differ.
        """
        ...


def run(contender: Contender, folder: Path, stack: ExitStack) -> Running:
    """Start a contender; the stack ends its processes.

    Raises:
        ServerFailedError: it does not start.
        ChildFailedError: the same.
    """
    folder.mkdir(parents=True)
    return InProcess(contender, folder, stack) if contender.start is None else OverHttp(contender, folder, stack)


class OverHttp:
    """A contender with servers, and the process that asks them."""

    def __init__(self, contender: Contender, folder: Path, stack: ExitStack) -> None:
        assert contender.start is not None
        self._name = contender.name
        self._service = contender.start(folder, stack)
        self._load = stack.enter_context(Child("the load", start(OURS.python, "benchmarks.runtime.load")))
        self._expected: Counter[str] = Counter()
        service = self._service
        self._ask("connect", port=service.port, event=service.event, total=service.total, clients=workload.CLIENTS)

    def sample(self, events: int, seed: int) -> Sample:
        cpu = self._cpu_seconds()
        told = self._ask("saturate", events=events, seed=seed, drain=self._service.drains)
        cpu = self._cpu_seconds() - cpu
        self._expected += workload.expected(events, seed)
        return Sample(
            events / told["seconds"],
            cpu / events * 1e6,
            told["p50_ms"],
            told["p99_ms"],
            told["load_cpu_s"] / told["seconds"],
        )

    def pace(self, rate: float, seconds: float, seed: int) -> Sample:
        cpu = self._cpu_seconds()
        told = self._ask("pace", rate=rate, seconds=seconds, seed=seed)
        cpu = self._cpu_seconds() - cpu
        self._expected += workload.expected(told["events"], seed)
        return Sample(rate, cpu / told["events"] * 1e6, told["p50_ms"], told["p99_ms"], told["load_cpu_s"] / seconds)

    def check(self) -> None:
        _compare(self._name, self._expected, self._ask("totals")["counts"])

    def _cpu_seconds(self) -> float:
        return sum(server.cpu_seconds() for server in self._service.servers)

    def _ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        told = self._load.ask(do, **arguments)
        if "error" in told:
            words = "\n".join(server.words() for server in self._service.servers)
            raise WrongCountError(f"{self._name}: {told['error']}\n{words}")
        return told


class InProcess:
    """A contender that runs in one process, which is told to take events in."""

    def __init__(self, contender: Contender, folder: Path, stack: ExitStack) -> None:
        self._name = contender.name
        module = f"benchmarks.runtime.contenders.{contender.module}"
        self._child = stack.enter_context(
            Child(contender.name, start(contender.environment.python, module, str(folder)))
        )
        self._expected: Counter[str] = Counter()

    def sample(self, events: int, seed: int) -> Sample:
        told = self._child.ask("run", events=events, seed=seed)
        self._expected += workload.expected(events, seed)
        cpu = told.get("cpu_s")
        return Sample(
            told["events"] / told["seconds"],
            None if cpu is None else cpu / told["events"] * 1e6,
            told.get("p50_ms"),
            told.get("p99_ms"),
        )

    def pace(self, rate: float, seconds: float, seed: int) -> None:
        return None

    def check(self) -> None:
        told = self._child.ask("counts")
        if told:  # the flights compare every total themselves
            _compare(self._name, self._expected, told["counts"])


def _compare(name: str, expected: Mapping[str, int], counts: Mapping[str, int]) -> None:
    wrong = [
        f"{key}: {counts.get(key, 0)}, not {expected.get(key, 0)}"
        for key in sorted({*expected, *counts})
        if counts.get(key, 0) != expected.get(key, 0)
    ]
    if wrong:
        raise WrongCountError(f"{name} counted {len(wrong)} keys wrong: {'; '.join(wrong[:5])}")
