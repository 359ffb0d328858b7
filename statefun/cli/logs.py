"""What a run has to say while it runs, on standard error: where it listens, who does not answer, and that they do again."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator
from typing import Final

__all__ = ["log_shown"]

_LOG: Final = logging.getLogger("statefun.runtime")


@contextlib.contextmanager
def log_shown() -> Generator[None]:
    """Shows the log of the runtime, a line for each message; where the program has set up logging, it has the say."""
    if _LOG.hasHandlers():
        yield
        return
    handler, level = logging.StreamHandler(), _LOG.level
    _LOG.addHandler(handler)
    _LOG.setLevel(logging.INFO)
    try:
        yield
    finally:
        _LOG.setLevel(level)
        _LOG.removeHandler(handler)
