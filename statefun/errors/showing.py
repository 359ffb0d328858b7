"""`shown`: how a user's value stands in a message."""

from __future__ import annotations

__all__ = ["shown"]

_LONGEST = 80


def shown(value: object) -> str:
    """The beginning of a value's repr; an error must not fail while it tells of a value that has none.

    An int of more than 4,300 digits has none, nor has what is nested too deep.

    >>> shown("one"), shown(10**5000)
    ("'one'", '<int>')
    """
    try:
        return repr(value)[:_LONGEST]
    except Exception:  # noqa: BLE001  a user's `__repr__` may raise anything
        return f"<{type(value).__qualname__}>"
