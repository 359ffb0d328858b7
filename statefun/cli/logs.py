"""What a run has to say while it runs, on standard error: where it listens, who does not answer, what was given up."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator
from typing import Final

from statefun.cli.showing import escaped

__all__ = ["log_shown"]

_LOG: Final = logging.getLogger("statefun.runtime")


class _OneLine(logging.Formatter):
    """A message as a line that does nothing to a terminal: an error's text, a server's answer or an id may be in it."""

    def format(self, record: logging.LogRecord) -> str:
        return escaped(super().format(record))


@contextlib.contextmanager
def log_shown() -> Generator[None]:
    """Shows the log of the runtime, a line for each message; where the program has set up logging, it has the say."""
    if _LOG.hasHandlers():
        yield
        return
    handler, level = logging.StreamHandler(), _LOG.level
    handler.setFormatter(_OneLine())
    _LOG.addHandler(handler)
    _LOG.setLevel(logging.INFO)
    try:
        yield
    finally:
        _LOG.setLevel(level)
        _LOG.removeHandler(handler)
