"""Messages at set times as an ingress."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from attrs import Attribute, field, frozen

from statefun.arguments import DURATION
from statefun.errors import BindingError
from statefun.errors.showing import shown
from statefun.model.checks import is_a, is_id, is_text_value, name_of
from statefun.model.feeds import are_targets, as_targets, is_one_of

__all__ = ["ScheduleIngress"]


def _is_cron(made: object, attribute: Attribute[Any], value: Any) -> None:
    if value is None:
        return
    is_text_value(made, attribute, value)
    if len(value.split()) not in (5, 6):
        raise BindingError(
            f"{name_of(made)} has cron={shown(value)}",
            hint="give five fields, minute hour day month weekday, or six with the second before them",
        )


_may_be_duration: Final = is_a(DURATION.or_none)


def _is_every(made: Any, attribute: Attribute[timedelta], value: Any) -> None:
    _may_be_duration(made, attribute, value)
    if (value is None) == (made.cron is None):
        raise BindingError(
            f"{name_of(made)} has {'neither' if value is None else 'both'} of `cron` and `every`",
            hint='give one of the two: `cron="*/5 * * * *"` or `every=timedelta(minutes=5)`',
        )
    if value is None:
        return
    if value % timedelta(milliseconds=1):
        raise BindingError(f"{name_of(made)} has every={value}", hint="give whole milliseconds")


@frozen(kw_only=True)
class ScheduleIngress:
    """A message at each of the times that a cron expression or an interval names, in real time.

    The time that a message was due is committed together with what it caused: each of them takes effect exactly once, never
    early, whatever is killed when. A run with a schedule ends when it is stopped.

    Summer time is that of Debian's cron. An expression that names minutes and hours (`30 2 * * *`) is due once a day: where its time is
    left out, at the first moment after the gap; where it comes twice, at the first of the two. One whose minutes or hours begin with
    `*`, or that has seconds, goes by what the clock shows: what is left out has no message, what comes twice has two.

    Args:
        id: `<namespace>/<name>`; the last time that was due is kept under it.
        cron: When, as five fields (minute, hour, day, month, weekday) or six (the second before them), with `*`, lists, ranges,
            steps, the names of months and weekdays, `L` and `#`, as Debian's cron reads them.
        every: When, instead: each multiple of this time since 1970 began in UTC, so that a restart moves nothing.
        timezone: The time zone of the cron expression.
        targets: The functions that get each message: classes, or names `<namespace>/<name>`.
        key: The id at each of them.
        message: What is sent: a value, or a function from the time that it was due (a datetime in UTC) to one.
        type: The type of the message, where its class does not say it: one of LONG, STRING, …, or what `json_type` made.
        missed: What becomes of the times that passed while nothing ran: `"one"` message for the last of them, `"all"` of
            them, one after the other, or `"none"`. The first run of a store has missed nothing. Where a machine slept, or had no room
            for so many, a run that went on sends the last of them (`"one"`, `"none"`), or all.

    Raises:
        BindingError: an argument is none of its choices, or there are both or neither of `cron` and `every`.
        TypenameError: the id has another form.

    >>> ScheduleIngress(id="shop/nightly", cron="0 2 * * *", timezone="Europe/Berlin", targets=["shop/report"], key="all",
    ...                 message="close the day").missed
    'one'
    """

    id: str = field(validator=is_id)
    cron: str | None = field(default=None, validator=_is_cron)
    every: timedelta | None = field(default=None, validator=_is_every)
    timezone: str = field(default="UTC", validator=is_text_value)
    targets: tuple[Any, ...] = field(converter=as_targets, validator=are_targets)
    key: str = field(validator=is_text_value)
    message: Any
    type: Any = None
    missed: str = field(default="one", validator=is_one_of("one", "all", "none"))
