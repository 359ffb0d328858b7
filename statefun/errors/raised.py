"""Where in the user's own code an error was raised, for those who see no traceback: the reader of a log or of a dead letter."""

from __future__ import annotations

import traceback
from typing import Final

__all__ = ["outside", "raised_at"]

_STATEFUN: Final = __file__.rpartition("errors")[0]


def raised_at(error: BaseException) -> list[str]:
    """The last line outside of this package that an error came from, or that its cause came from; nothing where there is none.

    >>> try:
    ...     {}["customer"]
    ... except KeyError as error:
    ...     [place] = raised_at(error)
    >>> place.startswith("at "), place.endswith(" in <module>")
    (True, True)
    """
    return [f"at {each.filename}:{each.lineno} in {each.name}" for each in outside(error.__cause__ or error)[-1:]]


def outside(error: BaseException) -> list[traceback.FrameSummary]:
    """The lines outside of this package that an error came through, the outermost first."""
    return [each for each in traceback.extract_tb(error.__traceback__) if not each.filename.startswith(_STATEFUN)]
