"""How a command says something where it may not write as usual: in a handler of a signal, or in a thread that is about to end the process."""

from __future__ import annotations

import contextlib
import os
import sys

__all__ = ["tell_at_once"]


def tell_at_once(line: bytes) -> None:
    """Writes a line to standard error."""
    with contextlib.suppress(OSError, ValueError):  # nobody reads it, or it is no file
        # Not through sys.stderr, in whose write a signal may have come; nor to 2, which is another file's where it was closed.
        os.write(sys.stderr.fileno(), line)
