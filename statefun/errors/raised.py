"""Where in the user's own code an error was raised, for those who see no traceback: the reader of a log or of a dead letter."""

from __future__ import annotations

import traceback
from typing import Final

__all__ = ["circumstances"]

_STATEFUN: Final = __file__.rpartition("errors")[0]


def circumstances(error: BaseException) -> list[str]:
    """What an error's text leaves out: its notes, and the last line outside of this package that it came from.

    >>> try:
    ...     {}["customer"]
    ... except KeyError as error:
    ...     error.add_note("while handling 'shop/order'")
    ...     circumstances(error)[0]
    "while handling 'shop/order'"
    """
    traced = (error.__cause__ or error).__traceback__
    own = [frame for frame in traceback.extract_tb(traced) if not frame.filename.startswith(_STATEFUN)]
    return [
        *getattr(error, "__notes__", ()),
        *(f"at {each.filename}:{each.lineno} in {each.name}" for each in own[-1:]),
    ]
