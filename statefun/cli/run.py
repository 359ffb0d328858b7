"""`statefun run [module.yaml] [package.module:functions] --store DIR`: a module, a registry or both, on the embedded runtime."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Generator
from types import FrameType
from typing import Any, Final

import click

from statefun.batch import ProtocolVersion
from statefun.cli.logs import log_shown
from statefun.cli.observing import make_observer, metrics_served, otel_option
from statefun.cli.options import store_option
from statefun.cli.program import load_program
from statefun.cli.showing import address, counted, escaped
from statefun.cli.telling import tell_at_once
from statefun.handler import AsyncRequestReplyHandler, RequestReplyHandler
from statefun.model import Module
from statefun.runtime import Options, Report, Runtime, Store

__all__ = ["command"]

DEAD_LETTERS: Final = 3
"""The exit status of a run that came to its end and gave messages up, or took in records that are none."""

_STOPPING: Final = (
    b"stopping after what runs; a second SIGINT (Ctrl-C) or SIGTERM ends it at once, and loses nothing either\n"
)
_STOPS: Final = (signal.SIGTERM, signal.SIGINT)
_LAST: Final = 5
"""Of so many messages that were given up the errors are told."""
_PROTOCOLS: Final = {each.value: each for each in ProtocolVersion}


@click.command("run")
@click.argument("targets", metavar="[MODULE.YAML] [PACKAGE.MODULE:FUNCTIONS]", nargs=-1, required=True)
@store_option
@click.option(
    "--protocol",
    type=click.Choice(sorted(_PROTOCOLS)),
    default=None,
    help="The protocol that functions are called with: that of the module, or 3.x.",
)
@click.option(
    "--max-group",
    default=1000,
    show_default=True,
    type=click.IntRange(1),
    help="Records that one transaction takes in.",
)
@click.option(
    "--max-batch",
    default=1000,
    show_default=True,
    type=click.IntRange(1),
    help="Messages in one request to functions of this process; an endpoint has its own `maxNumBatchRequests`.",
)
@click.option(
    "--attempts",
    default=5,
    show_default=True,
    type=click.IntRange(1),
    help="Failures after which a message is given up.",
)
@click.option(
    "--backoff",
    default=100,
    show_default=True,
    type=click.IntRange(0),
    help="Milliseconds before the second attempt; each further pause is twice as long.",
)
@click.option(
    "--max-consecutive-dead",
    default=100,
    show_default=True,
    type=click.IntRange(0),
    help="Messages given up in a row, with no success between them, that end the run; 0 for none.",
)
@click.option(
    "--wait-timers/--no-wait-timers",
    default=True,
    show_default=True,
    help="At the end of all input, wait for delayed messages that are pending; or leave them in the store.",
)
@otel_option
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65535),
    help="Answer /metrics on this port, for Prometheus (needs the extra prometheus); 0 takes a free one.",
)
@click.option("--metrics-host", help="The address of --metrics-port; 127.0.0.1 when left out.")
@click.option("--progress/--no-progress", default=None, help="Show progress; on a terminal when left out.")
def command(
    targets: tuple[str, ...],
    store: str,
    protocol: str | None,
    max_group: int,
    max_batch: int,
    attempts: int,
    backoff: int,
    max_consecutive_dead: int,
    wait_timers: bool,
    otel: bool,
    metrics_port: int | None,
    metrics_host: str | None,
    progress: bool | None,
) -> None:
    """Runs functions until their ingresses are read to the end and nothing is left to do.

    A function that an endpoint of the module names is called over HTTP, one of the registry in this process. The ingresses and
    egresses are those of both. Everything is kept in the store: run the same command again after a crash, a kill or a
    stop, and it goes on where it was. SIGTERM and SIGINT end it after the current transaction, a second one at once.

    Exits with 0 at the end or when it was stopped, with 1 after an error, with 3 when messages were given up or records became no
    message: they are in the store with their errors.
    """
    if metrics_host is not None and metrics_port is None:
        raise click.UsageError("--metrics-host needs --metrics-port")
    module, functions = load_program(targets)
    handler = AsyncRequestReplyHandler if functions.asynchronous else RequestReplyHandler
    call: Any = handler(functions, observer=make_observer(otel=otel, metrics=metrics_port is not None))
    options = Options(
        protocol=_protocol(module, protocol),
        max_group=max_group,
        max_batch=max_batch,
        attempts=attempts,
        backoff=backoff,
        max_dead_in_a_row=max_consecutive_dead,
        wait_for_timers=wait_timers,
    )
    shown = sys.stderr.isatty() if progress is None else progress
    started = time.monotonic()
    with (
        metrics_served(metrics_host or "127.0.0.1", metrics_port),
        Store(store) as opened,
        _progress(shown) as tell,
        log_shown(),
    ):
        runtime = Runtime(
            call,
            opened,
            states=functions.specs(),
            ingresses=functions.ingresses,
            egresses=functions.egresses,
            endpoints=() if module is None else module.endpoints,
            options=options,
            progress=tell,
        )
        with runtime, _stopped_by_signals(runtime):
            ended = "failed after"
            try:
                report = runtime.run_until_idle()
                ended = "stopped after" if report.stopped else "done:"
            finally:
                _tell(ended, runtime.report, time.monotonic() - started)
        left = opened.count("timers")
        if left:
            print(f"left {counted(left, 'delayed message')} in the store", file=sys.stderr)
        kept = report.dead_letters + report.rejected
        if kept:
            _tell_dead(opened, kept)
    sys.exit(DEAD_LETTERS if kept else 0)


def _protocol(module: Module | None, asked: str | None) -> ProtocolVersion:
    if module is None:
        return ProtocolVersion.V3 if asked is None else _PROTOCOLS[asked]
    if asked is not None and _PROTOCOLS[asked] is not module.protocol:
        raise click.UsageError(
            f"{module.file} is of version {module.version.value}, which calls functions with {module.protocol.value}: "
            f"leave out --protocol {asked}"
        )
    return module.protocol


def _tell(ended: str, report: Report, seconds: float) -> None:
    rate = report.records / seconds if seconds else 0.0
    print(
        f"{ended} {counted(report.records, 'record')}, {counted(report.invocations, 'message')}, "
        f"{counted(report.groups, 'transaction')} in {seconds:.1f} s ({rate:,.0f} records/s)",
        file=sys.stderr,
    )
    if report.skipped:
        print(f"skipped {counted(report.skipped, 'bad record')}; the first: {report.first_skipped}", file=sys.stderr)


def _tell_dead(store: Store, count: int) -> None:
    print(f"gave up {counted(count, 'message')}, see `statefun dead list`; the last:", file=sys.stderr)
    # One by one: there may be more than the memory has room for.
    for dead in deque(store.dead_messages(), maxlen=min(count, _LAST)):
        print(f"  {address(dead.target)} {escaped(dead.message.typename)}: {escaped(dead.error)}", file=sys.stderr)


@contextlib.contextmanager
def _progress(shown: bool) -> Generator[Callable[[Report], None] | None]:
    """Something to tell of the progress, None for nothing."""
    if not shown:
        yield None
        return
    from rich.console import Console  # here, so that a run without progress needs no rich
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.fields[records]:,} records, {task.fields[messages]:,} messages"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("run", total=None, records=0, messages=0)

        def tell(report: Report) -> None:
            bar.update(task, records=report.records, messages=report.invocations)

        yield tell


@contextlib.contextmanager
def _stopped_by_signals(runtime: Runtime) -> Generator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        runtime.stop()
        # A function that never returns, or swallows its cancellation, could not be left else; what kills a run loses nothing of it.
        # The kernel's own doing, since a function may keep the interpreter from calling a handler.
        for each in _STOPS:
            signal.signal(each, signal.SIG_DFL)
        tell_at_once(_STOPPING)

    previous = {number: signal.signal(number, stop) for number in _STOPS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
