"""How an error shows what a user's code holds: briefly, and whatever its `__repr__` or `__str__` does."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["shown", "shown_error", "shown_exception"]


def shown(value: object) -> str:
    """A value as its repr begins; its type where it has no repr, as an int of 5,000 digits has none.

    >>> shown("Hello"), shown(10**5000)
    ("'Hello'", '<int>')
    """
    return _attempted(lambda: f"{value!r:.80}", f"<{type(value).__qualname__}>")


def shown_error(error: BaseException) -> str:
    """What an exception says; its type where it cannot say anything.

    >>> shown_error(ValueError("too long"))
    'too long'
    """
    return _attempted(lambda: str(error), type(error).__qualname__)


def shown_exception(error: BaseException) -> str:
    """An exception as the last line of a traceback has it, as far as it can tell anything.

    >>> shown_exception(ValueError("too long"))
    'ValueError: too long'
    """
    name = type(error).__name__
    return _attempted(lambda: f"{name}: {error}", name)


def _attempted(show: Callable[[], str], instead: str) -> str:
    try:
        return show()
    except Exception:  # noqa: BLE001  a user's `__repr__` or `__str__` may raise anything, and must not hide the error that shows it
        return instead
