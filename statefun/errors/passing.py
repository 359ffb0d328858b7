"""What a function may raise that is no failure of its own: an interrupt of the process, or the end of its batch from outside."""

from __future__ import annotations

from typing import Final, cast

from statefun.errors.raised import outside

__all__ = ["is_for_the_caller"]

# By their names, since to import either framework would take longer than all of statefun.
_CANCELLATIONS: Final = {("asyncio", "CancelledError"), ("trio", "Cancelled")}


def is_for_the_caller(error: BaseException) -> bool:
    """Whether an error is to reach whoever called a handler as it is: a KeyboardInterrupt, a cancellation or a generator's close.

    Whatever else is no Exception, such as a SystemExit, is a failure as any other: a function does not end the server, with all
    other requests.

    >>> is_for_the_caller(KeyboardInterrupt()), is_for_the_caller(SystemExit())
    (True, False)
    """
    if isinstance(error, Exception | SystemExit):
        return False
    if isinstance(error, BaseExceptionGroup):  # a nursery of trio wraps its cancellation in one
        return any(map(is_for_the_caller, cast("BaseExceptionGroup[BaseException]", error).exceptions))
    if isinstance(error, GeneratorExit):  # where a batch is closed from outside, it arises in a line of ours
        return not outside(error)
    return isinstance(error, KeyboardInterrupt) or any(
        (kind.__module__.partition(".")[0], kind.__name__) in _CANCELLATIONS for kind in type(error).__mro__
    )
