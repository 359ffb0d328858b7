"""When a state expires, as the checks compare and tell it."""

from __future__ import annotations

from statefun.expiration import Expiration

__all__ = ["lifetime", "told"]


def lifetime(expiration: Expiration | None) -> tuple[str, int] | None:
    """An expiration as an engine counts it: its mode and milliseconds."""
    return None if expiration is None else (expiration.mode.value, expiration.milliseconds)


def told(expiration: Expiration | None) -> str:
    """An expiration in words.

    >>> told(None)
    'without expiration'
    """
    return "without expiration" if expiration is None else f"to expire {expiration.duration} {expiration.mode.value}"
