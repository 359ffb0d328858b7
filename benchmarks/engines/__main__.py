"""Times functions behind the real engines, beside the official SDKs: `python -m benchmarks.engines`. See benchmarks/README.md."""

import argparse
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from benchmarks.common.environments import NotInstallableError, prepare
from benchmarks.common.markdown import table
from benchmarks.common.provenance import commit, machine, progress, write_json
from benchmarks.common.spread import Spread
from benchmarks.engines.measuring import LostError, Sample, Way, sample
from benchmarks.engines.roster import ROSTER, Contender
from statefun.batch import ProtocolVersion
from statefun.model import (
    AsyncTransport,
    EndpointState,
    HttpEndpoint,
    KafkaEgress,
    KafkaIngress,
    Module,
    ModuleVersion,
    OkHttpTransport,
    Route,
    StartFrom,
)
from tests.engines.engine import ENGINES, Engine, EngineVersion
from tests.engines.server import FunctionServer
from tests.services.broker import Broker


def main() -> int:
    """Measure, print the table, write what was asked for."""
    arguments = parse()
    results: dict[Contender, list[Sample]] = {}
    try:
        for name in dict.fromkeys(each.environment for each in ROSTER if each.engine in arguments.engines):
            prepare(name)
        with tempfile.TemporaryDirectory() as folder, Broker(Path(folder) / "kafka") as broker:
            for version in arguments.engines:
                results.update(measure(version, broker, Path(folder), arguments))
    except (NotInstallableError, LostError) as error:
        progress("")
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    progress("")
    print(report(results))
    if arguments.json is not None:
        samples = [{"contender": each.title, "engine": each.engine, "rounds": [asdict(s) for s in found]} for each, found in results.items()]  # fmt: skip
        options = {"burst": arguments.burst, "steady": arguments.steady, "per_second": arguments.per_second}
        write_json(
            arguments.json,
            {"commit": commit("statefun", "benchmarks"), "machine": machine(), "options": options, "samples": samples},
        )
    return 0


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engines", description=__doc__)
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES, help="only these")
    parser.add_argument("--rounds", type=int, default=5, help="samples of each contender (5)")
    parser.add_argument("--burst", type=int, default=10_000, help="messages that are sent at once (10000)")
    parser.add_argument("--steady", type=int, default=1000, help="messages that are sent at a steady pace (1000)")
    parser.add_argument("--per-second", type=float, default=250, help="that pace (250)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write all samples, the commit and the machine")
    return parser.parse_args()


def module(version: EngineVersion, broker: str, servers: dict[Contender, FunctionServer]) -> Module:
    """Give the module in which each contender has a function, a topic and an egress topic of its own."""
    v2 = version == "2.2.2"
    return Module(
        version=ModuleVersion.V2_0 if v2 else ModuleVersion.V3_1,
        endpoints=[
            HttpEndpoint(
                functions=f"bench/{each.name}",
                url=server.url,
                protocol=ProtocolVersion.V2 if v2 else ProtocolVersion.V3,
                transport=OkHttpTransport() if v2 else AsyncTransport(),
                states=[EndpointState(name="count")] if v2 else [],
            )
            for each, server in servers.items()
        ],
        ingresses=[
            KafkaIngress(
                id="bench/words",
                address=broker,
                consumer_group=f"bench-{version}",
                startup=StartFrom.EARLIEST,
                topics=[
                    Route(
                        name=f"in-{version}-{each.name}",
                        value_type="type.googleapis.com/google.protobuf.StringValue"
                        if v2
                        else "io.statefun.types/string",
                        targets=[f"bench/{each.name}"],
                    )
                    for each in servers
                ],
            )
        ],
        # At least once: a record is there when it is sent, and not with the next checkpoint, so that its time can be told.
        egresses=[KafkaEgress(id="bench/results", address=broker, properties={"linger.ms": "0"})],
    )


def measure(
    version: EngineVersion, broker: Broker, folder: Path, arguments: argparse.Namespace
) -> dict[Contender, list[Sample]]:
    """Measure all contenders of one engine, in interleaved rounds on one engine that runs all the time."""
    contenders = [each for each in ROSTER if each.engine == version]
    found: dict[Contender, list[Sample]] = {each: [] for each in contenders}
    with ExitStack() as stack:
        servers: dict[Contender, FunctionServer] = {}
        for each in contenders:
            topic = broker.create_topic(f"out-{version}-{each.name}")
            broker.create_topic(f"in-{version}-{each.name}")
            environment = {"ENGINE_BENCH_RESULTS": topic, "ENGINE_BENCH_FUNCTION": f"bench/{each.name}"}
            log = folder / f"{version}-{each.name}"
            servers[each] = stack.enter_context(FunctionServer(each.name, log, environment, each.command))
        engine = stack.enter_context(Engine(version, folder / version, module(version, broker.address, servers)))
        ways = {}
        for each in contenders:
            ways[each] = Way(broker.address, f"in-{version}-{each.name}", f"out-{version}-{each.name}")
            stack.callback(ways[each].close)
            progress(f"{version}: {each.title} warms up")
            ways[each].burst(arguments.burst)
            ways[each].steady(arguments.steady // 4, arguments.per_second)
        for turn in range(arguments.rounds):
            first = turn % len(contenders)
            for each in contenders[first:] + contenders[:first]:
                progress(f"{version}: round {turn + 1}, {each.title}")
                found[each].append(
                    sample(
                        ways[each],
                        servers[each].pid,
                        engine.pid,
                        arguments.burst,
                        arguments.steady,
                        arguments.per_second,
                    )
                )
    return found


def report(results: dict[Contender, list[Sample]]) -> str:
    """Give the table: medians with quartiles, and ratios to the engine's baseline taken round by round."""
    rows = []
    for contender, samples in results.items():
        baseline = next(each for each in results if each.engine == contender.engine)
        below = [each.server_cpu for each in samples]
        ratio = "baseline" if baseline is contender else str(Spread.of_ratios([each.server_cpu for each in results[baseline]], below))  # fmt: skip
        speed = "baseline" if baseline is contender else str(Spread.of_ratios([each.per_second for each in samples], [each.per_second for each in results[baseline]]))  # fmt: skip
        rows.append(
            [
                contender.engine,
                contender.title,
                str(Spread.of([each.per_second for each in samples])),
                speed,
                str(Spread.of(below)),
                ratio,
                str(Spread.of([each.engine_cpu for each in samples])),
                str(Spread.of([each.p50 for each in samples])),
                str(Spread.of([each.p99 for each in samples])),
            ]
        )
    head = ["engine", "functions", "messages/s", "times more", "server µs CPU", "times less", "engine µs CPU", "p50 ms", "p99 ms"]  # fmt: skip
    return table(head, rows, right=range(2, 9))


if __name__ == "__main__":
    sys.exit(main())
