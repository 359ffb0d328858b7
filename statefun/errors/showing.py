"""How an error shows what a user's code holds: briefly, and whatever its `__repr__` or `__str__` does."""

from __future__ import annotations

__all__ = ["shown", "shown_error", "shown_exception"]


def shown(value: object) -> str:
    """A value as its repr begins; its type where it has no repr, as an int of 5,000 digits has none.

    >>> shown("Hello"), shown(10**5000)
    ("'Hello'", '<int>')
    """
    try:
        return f"{value!r:.80}"
    except Exception:  # noqa: BLE001  a user's `__repr__` may raise anything
        return f"<{type(value).__qualname__}>"


def shown_error(error: BaseException) -> str:
    """What an exception says; its type where it cannot say anything.

    >>> shown_error(ValueError("too long"))
    'too long'
    """
    try:
        return str(error)
    except Exception:  # noqa: BLE001  a user's `__str__` may raise anything
        return type(error).__qualname__


def shown_exception(error: BaseException) -> str:
    """An exception as the last line of a traceback has it, as far as it can tell anything.

    >>> shown_exception(ValueError("too long"))
    'ValueError: too long'
    """
    name = type(error).__name__
    try:
        return f"{name}: {error}"
    except Exception:  # noqa: BLE001  a user's `__str__` may raise anything
        return name
