"""`statefun run --otel --metrics-port`, as a user starts it: one trace through all messages, metrics to fetch, extras that are missing."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Generator
from pathlib import Path

import pytest

from statefun.cli.observing import make_observer
from tests.serving.test_observed import samples, serve

PROGRAM = """
from datetime import timedelta

from statefun import STRING, Context, FileIngress, StatefulFunctions
from statefun.model import StdoutEgress

{provider}
functions = StatefulFunctions()
functions.egress(StdoutEgress(id="demo/out", format="text"))


@functions.bind("demo/first")
{async_}def first(context: Context, word: str) -> None:
    context.send("demo/second", word, word)


@functions.bind("demo/second")
def second(context: Context, word: str) -> None:
    if word == "bad":
        raise ValueError(word)
    context.send_after(timedelta(milliseconds=1), "demo/third", word, word)


@functions.bind("demo/third")
def third(context: Context, word: str) -> None:
    context.send_egress("demo/out", word)
    if word == "wait":
        context.send_after(timedelta(hours=1), "demo/third", word, word)


functions.ingress(
    FileIngress(id="demo/in", path="in.csv", message=STRING, key="word", targets=["demo/first"], convert=lambda row: row["word"])
)
"""
PROVIDER = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

provider = TracerProvider()
exporter = ConsoleSpanExporter(
    out=open("spans.txt", "a"),
    formatter=lambda span: f"{span.name} {span.context.trace_id} {span.context.span_id} {span.parent and span.parent.span_id}\\n",
)
provider.add_span_processor(BatchSpanProcessor(exporter))
trace.set_tracer_provider(provider)
"""
MODULE = """
kind: io.statefun.endpoints.v2/http
spec:
  functions: demo/second
  urlPathTemplate: http://127.0.0.1:{port}/
  transport: {{type: io.statefun.transports.v1/async}}
"""
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["", "async "], ids=["plain", "asynchronous"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    (tmp_path / "traced.py").write_text(PROGRAM.format(provider=PROVIDER, async_=request.param))
    (tmp_path / "untraced.py").write_text(PROGRAM.format(provider="", async_=request.param))
    return tmp_path


def words(folder: Path, *given: str) -> None:
    (folder / "in.csv").write_text("word\n" + "".join(f"{each}\n" for each in given))


@contextlib.contextmanager
def running(folder: Path, *words: str, before: str = "") -> Generator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", f"{before}\nfrom statefun.cli import main; main()", "run", *words, "--store", "store"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def run(folder: Path, *words: str, before: str = "") -> tuple[int, str]:
    with running(folder, *words, before=before) as process:
        _, told = process.communicate(timeout=60)
        return process.returncode, told


def chain(folder: Path) -> list[tuple[str, bool]]:
    """The spans of messages of the one trace there is, each with whether the span before it is its parent."""
    spans = [line.split()[1:] for line in (folder / "spans.txt").read_text().splitlines() if line.startswith("process")]
    assert len({trace for _, trace, _, _ in spans}) == 1
    order = {name: (span, parent) for name, _, span, parent in spans}
    assert len(order) == len(spans)
    before, found = "None", []
    for name in ("demo/first", "demo/second", "demo/third"):
        span, parent = order.pop(name)
        found.append((name, parent == before))
        before = span
    assert not order
    return found


ONE_CHAIN = [("demo/first", True), ("demo/second", True), ("demo/third", True)]


@pytest.mark.parametrize("protocol", ["2.2", "3.x"])
def test_a_trace_goes_through_messages_and_timers_and_is_exported_before_the_end(folder: Path, protocol: str) -> None:
    words(folder, "a")
    status, told = run(folder, "traced:functions", "--otel", "--protocol", protocol)
    assert (status, "spans go nowhere" in told) == (0, False), told
    assert chain(folder) == ONE_CHAIN
    assert "batch demo/first" in (folder / "spans.txt").read_text()


def test_a_trace_goes_through_a_function_behind_an_endpoint(folder: Path) -> None:
    words(folder, "a")
    server, address, said = serve(folder, "traced:functions", "--otel")
    assert address is not None, said
    try:
        (folder / "module.yaml").write_text(MODULE.format(port=address[1]))
        text = (folder / "traced.py").read_text().replace('@functions.bind("demo/second")\n', "")
        (folder / "here.py").write_text(text)
        status, told = run(folder, "module.yaml", "here:functions", "--otel")
    finally:
        server.terminate()
        server.communicate()
    assert status == 0, told
    assert chain(folder) == ONE_CHAIN


def test_spans_that_go_nowhere_are_warned_of_and_the_run_goes_on(folder: Path) -> None:
    words(folder, "a")
    status, told = run(folder, "untraced:functions", "--otel")
    assert status == 0
    assert "spans go nowhere" in told
    assert "done: 1 record, 3 messages" in told


def place(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        found = re.search(r"^metrics are on (http://127\.0\.0\.1:\d+/metrics)$", line)
        if found:
            return found[1]
    raise AssertionError("no metrics were told of")


def test_metrics_are_answered_while_it_runs(folder: Path) -> None:
    words(folder, "a", "wait")
    with running(folder, "untraced:functions", "--metrics-port", "0") as process:
        url = place(process)
        assert process.stdout is not None
        assert {process.stdout.readline(), process.stdout.readline()} == {"a\n", "wait\n"}
        with urllib.request.urlopen(url, timeout=60) as answer:
            found = samples(answer.read().decode())
        process.terminate()
        _, told = process.communicate(timeout=60)
    assert (process.returncode, "stopped after" in told) == (0, True), told
    string = "io.statefun.types/string"
    assert [found["statefun_handler_seconds_count", f"demo/{each}", string] for each in ("first", "third")] == [2, 2]
    assert found["statefun_sent_total", "demo/second", "delayed"] == 2
    assert found["statefun_sent_total", "demo/third", "egress_record"] == 2


def test_metrics_count_what_fails(folder: Path) -> None:
    words(folder, "bad", "wait")
    options = ("--attempts", "2", "--backoff", "1", "--max-group", "1")
    with running(folder, "untraced:functions", "--metrics-port", "0", *options) as process:
        url = place(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "wait\n"
        with urllib.request.urlopen(url, timeout=60) as answer:
            found = samples(answer.read().decode())
    failed = {key[1:]: value for key, value in found.items() if key[0] == "statefun_errors_total"}
    assert set(failed) == {("handler-failed", "demo/second")}
    assert failed["handler-failed", "demo/second"] >= 1


def test_a_port_that_is_taken_is_refused_before_anything_runs(folder: Path) -> None:
    words(folder, "a")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, told = run(folder, "untraced:functions", "--metrics-port", str(port))
    assert status == 1
    assert f"[cannot-bind] cannot listen on 127.0.0.1:{port}: " in told
    assert not (folder / "store").exists()


@pytest.mark.parametrize(
    ("options", "module", "extra"),
    [(("--otel",), "opentelemetry", "otel"), (("--metrics-port", "0"), "prometheus_client", "prometheus")],
    ids=["otel", "metrics"],
)
def test_an_extra_that_is_missing_is_named_and_is_not_needed_without_its_option(
    folder: Path, options: tuple[str, ...], module: str, extra: str
) -> None:
    words(folder, "a")
    missing = f"import sys; sys.modules[{module!r}] = None"
    status, told = run(folder, "untraced:functions", *options, before=missing)
    assert (status, f"statefun-typed[{extra}]" in told) == (1, True), told
    assert not (folder / "store").exists()
    status, told = run(folder, "untraced:functions", before=missing)
    assert status == 0, told
    assert "done: 1 record," in told


def test_metrics_need_a_port_before_they_need_a_host(folder: Path) -> None:
    status, told = run(folder, "untraced:functions", "--metrics-host", "127.0.0.1")
    assert status == 2
    assert "--metrics-port" in told


def test_without_the_options_there_is_no_observer() -> None:
    assert make_observer(otel=False, metrics=False) is None
