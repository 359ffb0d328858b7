"""`statefun backup --store DIR FILE`: a copy of a store, while a runtime uses it too."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Generator
from pathlib import Path

import click

from statefun.cli.options import store_option
from statefun.runtime.backup import back_up

__all__ = ["command"]


@click.command("backup")
@store_option
@click.option(
    "--timeout",
    default=300.0,
    show_default=True,
    type=click.FloatRange(0),
    help="Seconds that a runtime may take for it.",
)
@click.argument("file", type=click.Path(dir_okay=False))
def command(store: str, timeout: float, file: str) -> None:
    """Copies a store into FILE, which holds a whole and sound copy or what it held before.

    A copy in which `statefun check-store` would find a problem is not kept: the command exits with 1, and so it does when it is
    stopped by SIGINT or SIGTERM. A runtime that has the store open makes the copy between its transactions, and goes on. To restore, copy FILE to `statefun.db` in an
    empty folder, and name that with --store.
    """
    with _sigterm_as_sigint():
        by_runtime = back_up(Path(store), Path(file), timeout=timeout)
    print(
        f"{file}: {Path(file).stat().st_size:,} bytes, sound{', copied by the running runtime' if by_runtime else ''}"
    )


@contextlib.contextmanager
def _sigterm_as_sigint() -> Generator[None]:
    """Lets SIGTERM raise KeyboardInterrupt too, so that nothing is left behind."""
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
