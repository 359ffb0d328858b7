"""Who takes part, and what is asked of whom."""

from dataclasses import dataclass
from typing import Literal

from benchmarks.common.environments import Environment
from benchmarks.runtime import services
from benchmarks.runtime.environments import BYTEWAX, DBOS, FAUST, OURS, RESTATE


@dataclass(frozen=True)
class Contender:
    """One row.

    Attributes:
        name: On the command line.
        title: In the table.
        environment: What it needs.
        durable: What of it survives a loss of power, in words.
        latency: What the latencies are of.
        events: How many events a sample has; (the full run, the short one).
        start: How it is started, where it is asked over HTTP.
        module: The module under `contenders` whose `main` serves commands, where it runs in one process.
    """

    name: str
    title: str
    environment: Environment
    durable: str
    latency: str
    events: tuple[int, int]
    start: services.Start | None = None
    module: str = ""


@dataclass(frozen=True)
class Workload:
    """A table: contenders that are compared with a baseline, or reach a number of events a second.

    Attributes:
        name: On the command line.
        title: In the table.
        unit: What is counted.
        contenders: The rows.
        baseline: The row that the others are compared with.
        ratio: By how many times the rows of `targeted` are to be faster than the baseline; None where there is no such target.
        rate: How many a second they are to reach.
        targeted: The rows that have the target.
        warm_up: Whether a quarter of a sample comes before everything.
    """

    name: Literal["http", "in-process", "flights"]
    title: str
    unit: str
    contenders: tuple[Contender, ...]
    baseline: str | None = None
    ratio: float | None = None
    rate: float | None = None
    targeted: tuple[str, ...] = ()
    warm_up: bool = True


_HTTP = (8000, 2000)
_MANY = (200_000, 50_000)

HTTP = Workload(
    "http",
    "over HTTP, 64 clients, 100 keys",
    "events",
    (
        Contender("restate", "Restate, called", RESTATE, "yes", "request to reply", _HTTP, services.restate()),
        Contender("restate-1", "Restate with one partition, called", RESTATE, "yes", "request to reply", _HTTP,
                  services.restate(partitions=1)),
        Contender("restate-send", "Restate, sent one-way", RESTATE, "yes", "request to its being in the log", _HTTP,
                  services.restate(sends=True)),
        Contender("ours", "statefun run", OURS, "yes", "request to commit, counted", _HTTP, services.ours(replies=False)),
        Contender("ours-reply", "statefun run, waiting for the reply", OURS, "yes", "request to reply", _HTTP,
                  services.ours(replies=True)),
        Contender("ours-remote", "statefun run + statefun serve, waiting for the reply", OURS, "yes", "request to reply", _HTTP,
                  services.ours_remote),
    ),
    baseline="restate",
    ratio=12,
    targeted=("ours",),
)  # fmt: skip
IN_PROCESS = Workload(
    "in-process",
    "in one process, 100 keys",
    "events",
    (
        Contender("dbos", "DBOS on SQLite", DBOS, "yes", "a workflow", (500, 200), module="dbos_steps"),
        Contender("faust", "faust without Kafka", FAUST, "no", "", _MANY, module="faust_agents"),
        Contender("bytewax", "bytewax in memory", BYTEWAX, "no", "", _MANY, module="bytewax_flow"),
        Contender("ours-file", "the runtime, from a file", OURS, "yes", "commit to commit", _MANY, module="ours_file"),
    ),
    baseline="dbos",
    rate=30_000,
    targeted=("ours-file",),
)  # fmt: skip
FLIGHTS = Workload(
    "flights",
    "a year of flights, with a kill and a restart",
    "flights",
    (Contender("flights", "the runtime, examples/flights", OURS, "yes", "", (336_776, 50_000), module="ours_flights"),),
    rate=10_000,
    targeted=("flights",),
    warm_up=False,
)
WORKLOADS = (HTTP, IN_PROCESS, FLIGHTS)
