"""Traces on the embedded runtime, with both protocols: through its store, its timers and restarts."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

from statefun import (
    LONG,
    AsyncRequestReplyHandler,
    Context,
    Egress,
    FileEgress,
    FileIngress,
    RequestReplyHandler,
    StatefulFunction,
    StatefulFunctions,
    ValueSpec,
    handles,
    json_type,
)
from statefun.batch import ProtocolVersion
from statefun.embedded import Embedded
from statefun.observing.opentelemetry import OpenTelemetryObserver
from statefun.observing.prometheus import PrometheusObserver
from statefun.runtime import Options, Store, VirtualClock
from tests.runtime.rig import runtime_of

STEP = json_type("traced/step", dict)
Step = Annotated[dict[str, Any], STEP]
OUT = Egress[Any]("traced/out")
PROTOCOLS = pytest.mark.parametrize("protocol", [ProtocolVersion.V2, ProtocolVersion.V3], ids=["2.2", "3.x"])


class First(StatefulFunction[Any], typename="traced/first"):
    @handles
    def on_step(self, context: Context, step: Step) -> None:
        context.send("traced/second", context.address.id, step, type=STEP)


class Second(StatefulFunction[Any], typename="traced/second"):
    @handles
    def on_step(self, context: Context, step: Step) -> None:
        context.send_after(timedelta(hours=1), "traced/third", "all", step, type=STEP)


class Third(StatefulFunction[Any], typename="traced/third"):
    seen: ValueSpec[int] = ValueSpec(LONG, default=0)

    @handles
    def on_step(self, context: Context, step: Step) -> None:
        self.seen += 1
        context.send_egress(OUT, {"seen": self.seen}, type=STEP)


class AsyncSecond(Second, typename="traced/second"):
    @handles
    async def on_step(self, context: Context, step: Step) -> None:
        Second.on_step(self, context, step)


def run(
    folder: Path, protocol: ProtocolVersion, asynchronous: bool, clock: VirtualClock, **options: Any
) -> list[ReadableSpan]:
    """Runs the chain until nothing is left to do, in a process's memory of its own, and gives the spans of its messages."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    functions = StatefulFunctions()
    for each in (First, AsyncSecond if asynchronous else Second, Third):
        functions.register(each)
    functions.ingress(FileIngress(id="traced/in", path=folder / "in.jsonl", message=STEP, key="id", targets=[First]))
    functions.egress(FileEgress(id="traced/out", path=folder / "out.jsonl"))
    handler = AsyncRequestReplyHandler if asynchronous else RequestReplyHandler
    call: Any = handler(functions, observer=OpenTelemetryObserver(provider.get_tracer("test")))
    with (
        Store(folder / "store") as store,
        runtime_of(functions, store, call, options=Options(protocol=protocol, **options), clock=clock) as runtime,
    ):
        runtime.run_until_idle()
    return [span for span in exporter.get_finished_spans() if span.name.startswith("process")]


def by_trace(spans: list[ReadableSpan]) -> dict[int, dict[str, ReadableSpan]]:
    found: dict[int, dict[str, ReadableSpan]] = {}
    for span in spans:
        assert span.context is not None
        found.setdefault(span.context.trace_id, {})[span.name.removeprefix("process traced/")] = span
    return found


def assert_one_chain(chain: dict[str, ReadableSpan]) -> None:
    assert set(chain) == {"first", "second", "third"}
    first, second, third = (chain[name] for name in ("first", "second", "third"))
    assert first.parent is None
    for cause, effect in ((first, second), (second, third)):
        assert effect.parent is not None
        assert cause.context is not None
        assert effect.parent.span_id == cause.context.span_id


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@PROTOCOLS
def test_a_chain_of_three_functions_is_one_trace(tmp_path: Path, protocol: ProtocolVersion, asynchronous: bool) -> None:
    (tmp_path / "in.jsonl").write_text("".join(f'{{"id": "{id}"}}\n' for id in range(5)))
    spans = run(tmp_path, protocol, asynchronous, VirtualClock(1_000_000_000))
    assert len(spans) == 15
    traces = by_trace(spans)
    assert len(traces) == 5
    for chain in traces.values():
        assert_one_chain(chain)
    # The bytes of what leaves are those of an unobserved run.
    assert (tmp_path / "out.jsonl").read_text() == "".join(f'{{"seen":{seen}}}\n' for seen in range(1, 6))


@PROTOCOLS
def test_a_trace_waits_in_the_store_for_its_timer(tmp_path: Path, protocol: ProtocolVersion) -> None:
    (tmp_path / "in.jsonl").write_text('{"id": "a"}\n')
    clock = VirtualClock(1_000_000_000)
    before = run(tmp_path, protocol, False, clock, wait_for_timers=False)
    assert [span.name for span in before] == ["process traced/first", "process traced/second"]
    after = run(tmp_path, protocol, False, clock)
    assert [span.name for span in after] == ["process traced/third"]
    [chain] = by_trace([*before, *after]).values()
    assert_one_chain(chain)


class Twice(StatefulFunction[int], typename="traced/twice"):
    @handles
    def on_number(self, context: Context, number: int) -> None:
        context.reply(2 * number)


class AsyncTwice(StatefulFunction[int], typename="traced/twice"):
    @handles
    async def on_number(self, context: Context, number: int) -> None:
        context.reply(2 * number)


@pytest.mark.parametrize("function", [Twice, AsyncTwice])
def test_the_runtime_inside_a_program_is_observed(tmp_path: Path, function: type[Twice | AsyncTwice]) -> None:
    registry = CollectorRegistry()
    functions = StatefulFunctions()
    functions.register(function)

    async def program() -> int:
        async with Embedded(functions, store=tmp_path / "store", observer=PrometheusObserver(registry)) as client:
            return await client.ask(function.at("1"), 4, reply=int, timeout=60)

    assert asyncio.run(program()) == 8
    assert registry.get_sample_value("statefun_batch_invocations_sum", {"function_type": "traced/twice"}) == 1
