"""Observed functions over HTTP: `/metrics`, the trace of a request's headers, `statefun serve --metrics --otel`, extras that are missing."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from statefun import AsyncRequestReplyHandler, Context, StatefulFunctions
from statefun.observing import Observers
from statefun.observing.opentelemetry import OpenTelemetryObserver
from statefun.observing.prometheus import PrometheusObserver
from statefun.serving.asgi import asgi_app
from statefun.serving.metrics import with_metrics
from statefun.serving.tracing import with_trace_context
from tests.serving.client import OCTET_STREAM, V3, Connection, batch
from tests.serving.commands import ROOT

TRACE_ID, SPAN_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = {"traceparent": f"00-{TRACE_ID}-{SPAN_ID}-01"}
MODULE = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
from statefun import StatefulFunctions

def line(span):
    return f"{span.name} of {span.parent and format(span.parent.span_id, 'x')}\\n"

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(formatter=line)))
{provider}

functions = StatefulFunctions()

@functions.bind("example/hello")
def hello(context, name: str):
    context.reply("Hello " + name)
"""


class Served:
    """Observed functions as an application, called in this process."""

    def __init__(self, path: str | None = None) -> None:
        functions = StatefulFunctions()

        @functions.bind("example/hello")
        async def hello(context: Context, name: str) -> None:
            context.reply(f"Hello {name}")

        self.exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = provider.get_tracer("test")
        registry = CollectorRegistry()
        observer = Observers(OpenTelemetryObserver(self.tracer), PrometheusObserver(registry))
        handler = AsyncRequestReplyHandler(functions, observer=observer)
        self.app = with_metrics(with_trace_context(asgi_app(handler, path=path)), registry)

    def call(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        async def called() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(
                    method, path, content=body, headers={"Content-Type": OCTET_STREAM} | dict(headers or {})
                )

        return asyncio.run(called())

    def span(self, beginning: str) -> ReadableSpan:
        [found] = [span for span in self.exporter.get_finished_spans() if span.name.startswith(beginning)]
        return found


def samples(text: str) -> dict[tuple[str, ...], float]:
    """The value of each sample of this project by its name and labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("statefun_")
    }


@pytest.mark.parametrize("path", [None, "/statefun"])
def test_metrics_are_answered_beside_the_functions(path: str | None) -> None:
    served = Served(path)
    assert served.call("POST", "/statefun", batch("example/hello", "a", "b")).status_code == 200
    assert served.call("GET", "/health").text == "ok\n"
    answer = served.call("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    found = samples(answer.text)
    assert found["statefun_handler_seconds_count", "example/hello", "io.statefun.types/string"] == 2
    assert found["statefun_batch_invocations_sum", "example/hello"] == 2
    assert found["statefun_inflight_requests",] == 0


def test_the_code_of_an_answer_is_the_code_that_is_counted() -> None:
    served = Served()
    code = served.call("POST", "/statefun", batch("example/nobody", "a")).json()["code"]
    assert samples(served.call("GET", "/metrics").text)["statefun_errors_total", code, ""] == 1


def test_a_batch_belongs_to_the_trace_of_its_request_s_headers() -> None:
    served = Served()
    served.call("POST", "/statefun", batch("example/hello", "a"), TRACEPARENT)
    parent = served.span("batch").parent
    assert parent is not None
    assert (f"{parent.trace_id:032x}", f"{parent.span_id:016x}") == (TRACE_ID, SPAN_ID)
    assert served.span("process").parent is None


def test_a_batch_belongs_to_the_span_of_an_instrumented_server() -> None:
    served = Served()
    app = served.app

    async def instrumented(*arguments: Any) -> None:
        with served.tracer.start_as_current_span("server"):
            await app(*arguments)

    served.app = instrumented
    served.call("POST", "/statefun", batch("example/hello", "a"), TRACEPARENT)
    parent, server = served.span("batch").parent, served.span("server").context
    assert parent is not None
    assert server is not None
    assert parent.span_id == server.span_id


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "traced.py").write_text(MODULE.replace("{provider}", "trace.set_tracer_provider(provider)"))
    (tmp_path / "untraced.py").write_text(MODULE.replace("{provider}", ""))
    return tmp_path


def serve(
    directory: Path, target: str, *options: str, before: str = ""
) -> tuple[subprocess.Popen[str], Any, list[str]]:
    """A running `statefun serve`, its address, and what it said until it listened."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"{before}\nfrom statefun.cli import main; main()",
            "serve",
            target,
            "--port",
            "0",
            *options,
        ],
        cwd=directory,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    said: list[str] = []
    assert process.stderr is not None
    for line in process.stderr:
        said.append(line)
        found = re.search(r" on 127\.0\.0\.1:(\d+)$", line)
        if found:
            return process, ("127.0.0.1", int(found[1])), said
    process.communicate()
    return process, None, said


def test_the_command_answers_metrics_and_makes_spans_with_the_module_s_provider(directory: Path) -> None:
    process, address, said = serve(directory, "traced:functions", "--metrics", "--otel")
    try:
        with Connection(address) as connection:
            assert connection.call(batch("example/hello", "you"), headers=TRACEPARENT).text(V3) == "Hello you"
            body = connection.call(None, method="GET", path="/metrics").body.decode()
    finally:
        process.terminate()
        out, _ = process.communicate()
    assert samples(body)["statefun_handler_seconds_count", "example/hello", "io.statefun.types/string"] == 1
    assert "python_info" in body
    assert out.splitlines() == ["process example/hello of None", f"batch example/hello of {SPAN_ID}"]
    assert not any("WARNING" in line for line in said)


def test_the_command_warns_when_spans_go_nowhere_and_serves(directory: Path) -> None:
    process, address, said = serve(directory, "untraced:functions", "--otel")
    try:
        assert any("WARNING" in line and "spans go nowhere" in line for line in said)
        with Connection(address) as connection:
            assert connection.call(batch("example/hello", "you")).text(V3) == "Hello you"
            assert connection.call(None, method="GET", path="/metrics").status == 405
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("option", "module", "extra"),
    [("--otel", "opentelemetry", "otel"), ("--metrics", "prometheus_client", "prometheus")],
)
def test_an_extra_that_is_missing_is_named_and_is_not_needed_without_its_option(
    directory: Path, option: str, module: str, extra: str
) -> None:
    (directory / "plain.py").write_text("from statefun import StatefulFunctions\nfunctions = StatefulFunctions()\n")
    missing = f"import sys; sys.modules[{module!r}] = None"
    process, address, said = serve(directory, "plain:functions", option, before=missing)
    assert (process.returncode, address) == (1, None)
    assert f"statefun-typed[{extra}]" in "".join(said)
    process, address, _ = serve(directory, "plain:functions", before=missing)
    process.kill()
    process.communicate()
    assert address is not None
