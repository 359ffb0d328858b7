"""What the ingresses of Kafka and Kinesis have in common: routes to functions, and where reading starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final, TypeAlias, TypeVar

from attrs import Attribute, field, frozen

from statefun.address import parse_typename
from statefun.arguments import TEXT, instance_of, list_of
from statefun.errors import BindingError
from statefun.errors.showing import shown
from statefun.model.checks import (
    are_texts,
    as_mapping,
    as_texts,
    as_tuple,
    is_a,
    is_id,
    is_source,
    is_text_value,
    name_of,
)
from statefun.model.feeds import are_targets, as_targets
from statefun.model.sources import SourcePosition

__all__ = [
    "MessageRoute",
    "PartitionOffset",
    "Route",
    "StartFrom",
    "StartFromDate",
    "StartFromOffsets",
    "Startup",
    "are_routes",
    "one_route",
    "properties_field",
    "resolved",
]

LARGEST_OFFSET: Final = 2**63 - 1
LARGEST_ZONE: Final = 18 * 3600
"""Seconds: the engines' time zones go no further from UTC."""


_are_names: Final = is_a(list_of(TEXT, 'a list of names, `targets=("ns/name",)`'))


def _are_targets(made: Route, attribute: Attribute[Any], value: tuple[Any, ...]) -> None:
    _are_names(made, attribute, value)
    if not value:
        raise BindingError(
            f"the route from {made.name!r} has no targets",
            hint='name the functions that get its records, `targets=("ns/name",)`',
        )
    for target in value:
        parse_typename(target, f"one of the targets of {made.name!r}")


@frozen(kw_only=True)
class Route:
    """What becomes of the records of a topic or stream: the key is the id, the value goes to every target, with no caller.

    Attributes:
        name: The topic or stream.
        value_type: The name of the value's type: a typename (3.x) or a type URL (2.x), `<namespace>/<name>` in both.
        targets: The function types that get each record.
        source: Where the route was read.
        target_sources: Where each target was read.

    Raises:
        TypenameError: the type or a target has another form.
        BindingError: there is no target.

    >>> Route(name="logins", value_type="io.statefun.types/string", targets=["example/user"]).targets
    ('example/user',)
    """

    name: str = field(validator=is_text_value)
    value_type: str = field(validator=is_id)
    targets: tuple[str, ...] = field(converter=as_texts, validator=_are_targets)
    source: SourcePosition | None = field(default=None, eq=False, repr=False, validator=is_source)
    target_sources: tuple[SourcePosition, ...] = field(
        default=(),
        eq=False,
        repr=False,
        validator=is_a(list_of(instance_of(SourcePosition), "a tuple of SourcePosition")),
    )


@frozen
class MessageRoute:
    """A route as code has it: the value's type is that of a message, whose name differs between the protocols.

    Attributes:
        name: The topic or stream.
        message: What a record's value is: a protobuf class, a class that `json_type` named, or a ValueType.
        targets: The functions that get each record: classes, or names `<namespace>/<name>`.

    Raises:
        BindingError: there is no target.
    """

    # Each field for itself: what `kw_only` of a class says of the fields of another is not the same in all attrs.
    name: str = field(validator=is_text_value)
    message: Any = field(kw_only=True)
    targets: tuple[Any, ...] = field(converter=as_targets, validator=are_targets, kw_only=True)


R = TypeVar("R", bound=MessageRoute)


def resolved(made: object, routes: Iterable[Route | MessageRoute]) -> tuple[Route, ...]:
    """The routes of an ingress in which every message has its name.

    Raises:
        BindingError: a message is known by its class alone yet.
    """
    found: list[Route] = []
    for each in routes:
        if not isinstance(each, Route):
            raise BindingError(
                f"{name_of(made)} has the route {each.name!r}, whose message has another name in each protocol",
                hint="register it, `functions.ingress(…)`, and ask the registry: `bound.for_protocol(protocol).ingress`",
            )
        found.append(each)
    return tuple(found)


def one_route(single: str, kind: type[R]) -> Callable[[Any], tuple[Route | R, ...]]:
    """Makes the routes of an ingress that says one in its short form: a topic or stream, a message and targets.

    Args:
        single: The attribute that names the topic or stream.
        kind: What a route of the ingress is.
    """

    def make(made: Any) -> tuple[Route | R, ...]:
        name = getattr(made, single)
        if name is None:
            return ()
        if made.message is None:
            raise BindingError(
                f"{name_of(made)} has the {single} {name!r} and no message",
                hint="give the type of its records: `message=…`",
            )
        return (kind(name, message=made.message, targets=made.targets),)

    return make


def are_routes(single: str, kind: type[MessageRoute]) -> Callable[[Any, Attribute[Any], tuple[Any, ...]], None]:
    """A validator for the routes of an ingress, as `one_route` makes them or as they are given."""
    what = f"a {kind.__name__} for each {single}, or a Route"
    are_a_list = is_a(list_of(instance_of(Route, kind, what=f"a {kind.__name__} or a Route"), f"a list with {what}"))

    def check(made: Any, attribute: Attribute[Any], value: tuple[Route | MessageRoute, ...]) -> None:
        are_a_list(made, attribute, value)
        _has_one_form(made, single, attribute.name, value)
        if not value:
            raise BindingError(
                f"{name_of(made)} has no {attribute.name}",
                hint=f"give it {what}",
            )
        names = [each.name for each in value]
        for name in names:
            if names.count(name) > 1:
                raise BindingError(
                    f"{name_of(made)} has the {single} {name!r} twice",
                    hint="list all of its targets in one place: the engines overlook one of the two",
                )

    return check


def _has_one_form(made: Any, single: str, several: str, given: tuple[Route | MessageRoute, ...]) -> None:
    """Refuses an ingress with the short form for one route beside the long one, or with the half of the short one."""
    name, message, targets = getattr(made, single), made.message, made.targets
    if name is None and message is None and not targets:
        return
    short = len(given) == 1 and (given[0].name, getattr(given[0], "message", None)) == (name, message)
    if not short or given[0].targets != targets:
        raise BindingError(
            f"{name_of(made)} has `{single}`, `message` or `targets`, and `{several}` too",
            hint=f"give one of both: `{single}=…, message=…, targets=[…]`, or `{several}=[…]`",
        )


class StartFrom(Enum):
    """Where an ingress starts to read when it has no position of its own yet."""

    GROUP_OFFSETS = "group-offsets"
    """Where the consumer group was; of Kafka alone."""
    EARLIEST = "earliest"
    LATEST = "latest"


def _is_offset(made: PartitionOffset, attribute: Attribute[int], value: Any) -> None:
    if type(value) is not int or not 0 <= value <= LARGEST_OFFSET:
        raise BindingError(
            f"the {attribute.name} of {made.topic!r} is {shown(value)}",
            hint=f"give a number from 0 to {LARGEST_OFFSET}",
        )


def _is_partition(made: PartitionOffset, attribute: Attribute[int], value: Any) -> None:
    if type(value) is not int or not 0 <= value < 2**31:
        raise BindingError(
            f"the {attribute.name} of {made.topic!r} is {shown(value)}", hint="give a number from 0 to 2147483647"
        )


@frozen(kw_only=True)
class PartitionOffset:
    """The first record to read of a partition of a Kafka topic."""

    topic: str = field(validator=is_text_value)
    partition: int = field(validator=_is_partition)
    offset: int = field(validator=_is_offset)


def _offsets(value: Iterable[PartitionOffset]) -> tuple[PartitionOffset, ...]:
    return as_tuple(value)


_are_a_list: Final = is_a(list_of(instance_of(PartitionOffset), "a list of PartitionOffset"))


def _are_offsets(made: object, attribute: Attribute[Any], value: tuple[PartitionOffset, ...]) -> None:
    _are_a_list(made, attribute, value)
    places = [(each.topic, each.partition) for each in value]
    if not value:
        raise BindingError("a start from offsets has none", hint="give an offset for each partition")
    for place in places:
        if places.count(place) > 1:
            raise BindingError(
                f"a start from offsets has two for partition {place[1]} of {place[0]!r}", hint="remove one of them"
            )


@frozen
class StartFromOffsets:
    """Starts at given offsets of Kafka's partitions; a partition that is not among them starts where its group was."""

    offsets: tuple[PartitionOffset, ...] = field(converter=_offsets, validator=_are_offsets)


def _is_date(_made: object, _attribute: Attribute[datetime], value: Any) -> None:
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise BindingError(f"an ingress cannot start from date={shown(value)}", hint="give a datetime with a time zone")
    seconds = (value.utcoffset() or timedelta(0)).total_seconds()
    if value.microsecond % 1000 or seconds % 60 or abs(seconds) > LARGEST_ZONE:
        raise BindingError(
            f"an ingress cannot start from date={shown(value)}",
            hint="the engines know whole milliseconds, and time zones of whole minutes, up to 18 hours",
        )


@frozen
class StartFromDate:
    """Starts with the first record that is not older than this moment, in whole milliseconds."""

    date: datetime = field(validator=_is_date)


Startup: TypeAlias = StartFrom | StartFromOffsets | StartFromDate
"""Where reading starts. Kinesis knows EARLIEST, LATEST and a date."""


def _keys_alone(value: Mapping[str, str]) -> str:
    # A value may be a password.
    return f"<{', '.join(sorted(value))}>"


def properties_field() -> Any:
    """An attribute for a client's own settings: a mapping of text to text, of which a repr shows the keys alone."""
    return field(factory=dict, converter=as_mapping, validator=are_texts, hash=False, repr=_keys_alone)
