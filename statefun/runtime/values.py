"""The frozen values around the core: `Limits`, how much it does at once; `Call`, a request; `Recovered`, what it starts from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from attrs import frozen

from statefun.runtime.changes import ExpirationRow
from statefun.runtime.entries import Entry

__all__ = ["Call", "Limits", "Recovered"]


@frozen(kw_only=True)
class Limits:
    """How much the core does at once.

    Attributes:
        batch: The most messages in one request.
        group: The most invocations in one group; what is left over goes on in the next.
        cached: About how many addresses stay in memory.
        timers: About how many delayed messages stay in memory.
        attempts: After how many failures a message becomes a dead letter.
        backoff: Milliseconds before the second attempt; each further pause is twice as long.
        max_backoff: The longest pause, in milliseconds.
    """

    batch: int = 1000
    group: int = 20_000
    cached: int = 100_000
    timers: int = 50_000
    attempts: int = 5
    backoff: int = 100
    max_backoff: int = 60_000


class Call(NamedTuple):
    """A request to make: whom it is for, how many messages of its inbox and how many states it holds, its bytes."""

    entry: Entry
    messages: int
    states: int
    request: bytes


@frozen
class Recovered:
    """What a store knows when a core starts from it.

    Attributes:
        inbox: The rows of inboxes in the order of their sequence: sequence, address, messages.
        next_inbox: The first sequence number that no row of an inbox has.
        next_timer: The same for timers.
        next_outbox: The same for egress records.
        expirations: Those of the states that functions have registered.
    """

    inbox: Sequence[tuple[int, bytes, Sequence[tuple[bytes, bytes]]]] = ()
    next_inbox: int = 1
    next_timer: int = 1
    next_outbox: int = 1
    expirations: Sequence[ExpirationRow] = ()
