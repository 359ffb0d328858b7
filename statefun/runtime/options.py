"""`Options`, how a runtime works, and `Report`, what a run has done so far."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen

from statefun.arguments import instance_of, number, whole
from statefun.batch import ProtocolVersion
from statefun.errors import StatefunError
from statefun.model.checks import is_a, is_flag

__all__ = ["Options", "Report"]


def _at_least(least: int) -> Any:
    return is_a(whole(least))


@frozen(kw_only=True)
class Options:
    """How a runtime works.

    Attributes:
        protocol: The protocol that functions are called with.
        max_group: The most records that one transaction takes in.
        max_batch: The most messages in one request.
        max_invocations: The most invocations that one transaction covers; what they leave in the inboxes goes on in the next.
        max_pending: With more messages in the inboxes no record is taken in.
        max_inbox: With more messages in one inbox an ingress that may not wait refuses more for it.
        max_undelivered: With more records that the egresses have not confirmed nothing goes on until they have.
        concurrency: The most requests that run at once, where functions are asynchronous, and at each endpoint.
        hold: By how many milliseconds a transaction waits for requests that run; those that take longer are part of a later one.
        attempts: After how many failures a message becomes a dead letter.
        backoff: Milliseconds before the second attempt; each further pause is twice as long, and spread by up to a half.
        cached: About how many addresses stay in memory.
        timers: About how many delayed messages stay in memory.
        wait_for_timers: Whether a run waits for the delayed messages that are pending, or leaves them in the store.
        gather: By how many milliseconds a run with nothing else to do lets a delayed message or a retry be late, so that one
            transaction takes those that are due within them; one that is due alone is not late, and none waits for one that it could
            take back. 0 for none.
        keep_keys: For how many milliseconds the key of an idempotent record is known.
        drain: For how many seconds a run that is asked to stop waits for requests that run and records that are being delivered.
        max_dead_in_a_row: After so many dead letters without a success between them a run ends: it is the program that fails,
            not a message. 0 for never.

    Raises:
        BindingError: an option is no number of its kind.

    >>> Options(attempts=0)
    Traceback (most recent call last):
    statefun.errors.BindingError: [binding] Options has attempts=0 (hint: give a whole number from 1 on)
    """

    protocol: ProtocolVersion = field(default=ProtocolVersion.V3, validator=is_a(instance_of(ProtocolVersion)))
    max_group: int = field(default=1000, validator=_at_least(1))
    max_batch: int = field(default=1000, validator=_at_least(1))
    max_invocations: int = field(default=20_000, validator=_at_least(1))
    max_pending: int = field(default=100_000, validator=_at_least(1))
    max_inbox: int = field(default=10_000, validator=_at_least(1))
    max_undelivered: int = field(default=100_000, validator=_at_least(1))
    concurrency: int = field(default=64, validator=_at_least(1))
    hold: int = field(default=5, validator=_at_least(0))
    attempts: int = field(default=5, validator=_at_least(1))
    backoff: int = field(default=100, validator=_at_least(0))
    cached: int = field(default=100_000, validator=_at_least(1))
    timers: int = field(default=50_000, validator=_at_least(1))
    wait_for_timers: bool = field(default=True, validator=is_flag)
    gather: int = field(default=5, validator=_at_least(0))
    keep_keys: int = field(default=24 * 3600 * 1000, validator=_at_least(0))
    drain: float = field(default=10.0, validator=is_a(number(0)))
    max_dead_in_a_row: int = field(default=100, validator=_at_least(0))


@frozen(kw_only=True)
class Report:
    """What a run has done so far.

    Attributes:
        records: Records taken in, in this run.
        skipped: Records left out because they were bad, as their ingress was told to.
        rejected: Records that became no message and are kept with the dead letters.
        invocations: Messages that functions have consumed.
        groups: Transactions.
        dead_letters: Messages that were given up.
        pending: Messages that wait in inboxes.
        stopped: Whether the run was asked to stop before it was through.
        first_skipped: What was wrong with the first record that was left out.
    """

    records: int = 0
    skipped: int = 0
    rejected: int = 0
    invocations: int = 0
    groups: int = 0
    dead_letters: int = 0
    pending: int = 0
    stopped: bool = False
    first_skipped: StatefunError | None = None
