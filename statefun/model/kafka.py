"""Kafka: an ingress whose records go to functions by key, and an egress that functions send records to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import Enum
from typing import Any, Final

from attrs import Attribute, Factory, field, frozen

from statefun.arguments import DURATION
from statefun.errors import BindingError
from statefun.errors.showing import shown
from statefun.model.checks import as_tuple, is_a, is_brokers, is_id, is_source, maybe_text
from statefun.model.feeds import as_targets, may_be_targets
from statefun.model.routes import (
    MessageRoute,
    Route,
    StartFrom,
    StartFromDate,
    StartFromOffsets,
    Startup,
    are_routes,
    one_route,
    properties_field,
    resolved,
)
from statefun.model.sources import SourcePosition

__all__ = ["Delivery", "KafkaEgress", "KafkaIngress", "Topic"]


@frozen
class Topic(MessageRoute):
    """A topic: its records become messages.

    Attributes:
        name: The topic.
        message: What a record's value is: a protobuf class, a class that `json_type` named, or a ValueType.
        targets: The functions that get each record: classes, or names `<namespace>/<name>`.

    Raises:
        BindingError: there is no target.

    >>> Topic("logins", message=str, targets=["example/user"]).name
    'logins'
    """


def _as_topics(value: Iterable[Route | Topic]) -> tuple[Route | Topic, ...]:
    # Not generic: of a converter mypy takes the type of the argument as it is written, with no variable filled in.
    return as_tuple(value)


def _is_startup(made: KafkaIngress, _attribute: Attribute[Any], value: Any) -> None:
    if not isinstance(value, StartFrom | StartFromOffsets | StartFromDate):
        raise BindingError(
            f"KafkaIngress {made.id!r} has the startup {shown(value)}",
            hint="give a StartFrom, a StartFromOffsets or a StartFromDate",
        )


def _is_reset(made: KafkaIngress, _attribute: Attribute[Any], value: Any) -> None:
    if value not in (StartFrom.EARLIEST, StartFrom.LATEST):
        raise BindingError(
            f"KafkaIngress {made.id!r} has auto_reset={shown(value)}",
            hint="give StartFrom.EARLIEST or StartFrom.LATEST",
        )


@frozen(kw_only=True)
class KafkaIngress:
    """Topics whose records become messages: the key, as UTF-8, is the id, and the value goes to the route's targets.

    Attributes:
        id: `<namespace>/<name>`.
        address: The brokers, `host:port`, with commas between them. `"env:NAME"` takes it from an environment variable.
        topic: The topic, where there is one: with `message` and `targets` the short form of `topics=[Topic(…)]`.
        message: The type of its records.
        targets: The functions that get each of them.
        topics: The topics, a Topic each; or the routes of a module.yaml, in which a type has the name that its protocol gives it.
        consumer_group: The group whose offsets are kept.
        startup: Where reading starts; the engines start from the latest record when nothing is said.
        auto_reset: Where it starts when the position that it should start from is gone.
        properties: Settings of the Kafka client.
        source: Where the ingress was read.
    """

    id: str = field(validator=is_id)
    address: str = field(validator=is_brokers)
    topic: str | None = field(default=None, validator=maybe_text, eq=False, repr=False)
    message: Any = field(default=None, eq=False, repr=False)
    targets: tuple[Any, ...] = field(default=(), converter=as_targets, validator=may_be_targets, eq=False, repr=False)
    topics: tuple[Route | Topic, ...] = field(
        default=Factory(one_route("topic", Topic), takes_self=True),
        converter=_as_topics,
        validator=are_routes("topic", Topic),
    )
    consumer_group: str | None = field(default=None, validator=maybe_text)
    startup: Startup = field(default=StartFrom.LATEST, validator=_is_startup)
    auto_reset: StartFrom = field(default=StartFrom.LATEST, validator=_is_reset)
    properties: Mapping[str, str] = properties_field()
    source: SourcePosition | None = field(default=None, eq=False, repr=False, validator=is_source)

    @property
    def routes(self) -> tuple[Route, ...]:
        """A route for each topic, in which its message has its name.

        Raises:
            BindingError: a message is known by its class alone yet.
        """
        return resolved(self, self.topics)


class Delivery(Enum):
    """What an egress promises when the engine fails."""

    NONE = "none"
    AT_LEAST_ONCE = "at-least-once"
    EXACTLY_ONCE = "exactly-once"
    """By Kafka's transactions, which become visible at the engine's checkpoints."""


def _is_delivery(made: KafkaEgress, _attribute: Attribute[Any], value: Any) -> None:
    if not isinstance(value, Delivery):
        raise BindingError(f"KafkaEgress {made.id!r} has delivery={shown(value)}", hint="give a Delivery")


_may_be_duration: Final = is_a(DURATION.or_none)


def _is_timeout(made: KafkaEgress, attribute: Attribute[Any], value: Any) -> None:
    _may_be_duration(made, attribute, value)
    if made.delivery is Delivery.EXACTLY_ONCE:
        if value is None:
            raise BindingError(
                f"KafkaEgress {made.id!r} delivers exactly once and has no transaction timeout",
                hint="give one that is no longer than the brokers' transaction.max.timeout.ms, 15 minutes by default",
            )
        if value % timedelta(milliseconds=1):
            raise BindingError(
                f"KafkaEgress {made.id!r} has a transaction timeout of {value}", hint="give whole milliseconds"
            )
    elif value is not None:
        raise BindingError(
            f"KafkaEgress {made.id!r} has a transaction timeout and no transactions",
            hint="leave it out, or deliver exactly once",
        )


@frozen(kw_only=True)
class KafkaEgress:
    """Where functions send Kafka records to.

    Attributes:
        id: `<namespace>/<name>`.
        address: The brokers, `host:port`, with commas between them. `"env:NAME"` takes it from an environment variable.
        delivery: What is promised.
        transaction_timeout: How long a transaction may stay open, in whole milliseconds; for exactly-once delivery,
            which needs one.
        properties: Settings of the Kafka client.
        source: Where the egress was read.
    """

    id: str = field(validator=is_id)
    address: str = field(validator=is_brokers)
    delivery: Delivery = field(default=Delivery.AT_LEAST_ONCE, validator=_is_delivery)
    transaction_timeout: timedelta | None = field(default=None, validator=_is_timeout)
    properties: Mapping[str, str] = properties_field()
    source: SourcePosition | None = field(default=None, eq=False, repr=False, validator=is_source)
