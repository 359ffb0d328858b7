"""When a state expires: `Expiration`, made by `after_write` and `after_call`."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import Any, Final

from attrs import field, frozen

from statefun.arguments import DURATION, Kind, check, instance_of

__all__ = ["Expiration", "ExpirationMode", "after_call", "after_write", "milliseconds"]


class ExpirationMode(Enum):
    """What starts the clock of an expiration anew."""

    AFTER_WRITE = "after-write"
    AFTER_CALL = "after-call"


def milliseconds(duration: timedelta) -> int:
    """A duration in whole milliseconds, the unit of both protocols, rounded up so that nothing happens early.

    >>> milliseconds(timedelta(microseconds=1)), milliseconds(timedelta(seconds=2))
    (1, 2000)
    """
    whole, rest = divmod(duration, timedelta(milliseconds=1))
    return whole + 1 if rest else whole


_DURATION: Final = Kind(DURATION.takes, f"{DURATION.what}, or no expiration")
_MODE: Final = instance_of(ExpirationMode, what="a mode: `after_write(timedelta(…))` and `after_call(timedelta(…))` do")


def _positive(_expiration: object, _attribute: object, value: Any) -> None:
    check("an Expiration", "duration", value, _DURATION)


def _mode(_expiration: object, _attribute: object, value: Any) -> None:
    check("an Expiration", "mode", value, _MODE)


_LONGEST: Final = timedelta.max // timedelta(milliseconds=1)


@frozen
class Expiration:
    """How long a state lives, counted in processing time.

    Attributes:
        mode: Whether a write or any call of the function starts the clock anew.
        duration: The life time, longer than zero; milliseconds on the wire, rounded up.

    Raises:
        DefinitionError: the duration is not longer than zero, or the mode is none.

    >>> after_write(timedelta(days=1)) == Expiration(ExpirationMode.AFTER_WRITE, timedelta(hours=24))
    True
    """

    mode: ExpirationMode = field(validator=_mode)
    duration: timedelta = field(validator=_positive)

    @property
    def milliseconds(self) -> int:
        """The life time in milliseconds, as both protocols carry it."""
        # Rounded up, the longest timedelta would be none any more, and no engine of ours could read it.
        return min(milliseconds(self.duration), _LONGEST)


def after_write(duration: timedelta) -> Expiration:
    """Expires a state when it was not written for `duration`.

    Raises:
        DefinitionError: the duration is not longer than zero.

    >>> after_write(timedelta(days=30)).milliseconds
    2592000000
    """
    return Expiration(ExpirationMode.AFTER_WRITE, duration)


def after_call(duration: timedelta) -> Expiration:
    """Expires a state when its function was not called, or the state not written, for `duration`.

    The engines call this mode *after invoke*.

    Raises:
        DefinitionError: the duration is not longer than zero.

    >>> after_call(timedelta(minutes=1)).mode.value
    'after-call'
    """
    return Expiration(ExpirationMode.AFTER_CALL, duration)
