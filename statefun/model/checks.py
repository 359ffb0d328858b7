"""What a value of the model must be: converters and validators of attrs, each with an error that names the value and the attribute."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from attrs import Attribute

from statefun.address import Egress, parse_typename
from statefun.errors import BindingError
from statefun.errors.showing import shown
from statefun.wire import is_text

__all__ = [
    "BROKERS_HINT",
    "as_egress_id",
    "as_texts",
    "has_gap",
    "is_brokers",
    "is_count",
    "is_duration",
    "is_id",
    "is_port",
    "is_secret",
    "is_text_value",
    "maybe_text",
    "name_of",
]

LARGEST_COUNT: Final = 2**31 - 1
"""What the engines read a count into."""

BROKERS_HINT: Final = "write `host:port`, with commas between several, and nothing else"

_AT_A_COMMA: Final = re.compile(" *, *")


def as_texts(value: Iterable[str]) -> tuple[str, ...]:
    """Converts what a caller has for a sequence of texts; a single one stands for itself, since it is never meant as its characters."""
    return (value,) if isinstance(value, str) else tuple(value)


def as_egress_id(value: str | Egress[Any]) -> str:
    """Converts what names an egress to its id."""
    return value.typename if isinstance(value, Egress) else value


def name_of(made: object) -> str:
    """How an error calls a value: by its class, and by its id where it has one already.

    >>> name_of(timedelta(0))
    'timedelta'
    """
    id = getattr(made, "id", None)
    return f"{type(made).__name__} {id!r}" if isinstance(id, str) else type(made).__name__


def is_id(made: object, attribute: Attribute[str], value: Any) -> None:
    """A text of the form `<namespace>/<name>`."""
    parse_typename(value, f"{type(made).__name__} {attribute.name}")


def is_text_value(made: object, attribute: Attribute[str], value: Any) -> None:
    """A text that is not empty."""
    if not is_text(value) or not value:
        raise BindingError(f"{name_of(made)} has {attribute.name}={shown(value)}", hint="give a text that is not empty")


def has_gap(brokers: str) -> bool:
    r"""Whether the brokers of Kafka have white space or a control character among them, which is in no host and no port.

    Spaces beside a comma are left out by every client of Kafka.

    >>> has_gap("a:9092, b:9092"), has_gap("a: 9092"), has_gap("a:9092\n")
    (False, True, True)
    """
    return any(each.isspace() or not each.isprintable() for each in _AT_A_COMMA.sub(",", brokers))


def is_brokers(made: object, attribute: Attribute[str], value: Any) -> None:
    """The brokers of Kafka, or the name of a variable that holds them."""
    is_text_value(made, attribute, value)
    if has_gap(value):
        raise BindingError(
            f"{name_of(made)} has {attribute.name}={shown(value)}, with white space or a control character in it",
            hint=BROKERS_HINT,
        )


def is_secret(made: object, attribute: Attribute[str], value: Any) -> None:
    """A text that is not empty, and that no error shows."""
    _check_unshown(made, attribute, value, "give a text that is not empty")


def maybe_text(made: object, attribute: Attribute[str | None], value: Any) -> None:
    """A text that is not empty, or None; it may be a secret, so no error shows it."""
    if value is not None:
        _check_unshown(made, attribute, value, "give a text that is not empty, or None")


def _check_unshown(made: object, attribute: Attribute[Any], value: Any, hint: str) -> None:
    if not is_text(value) or not value:
        raise BindingError(
            f"{name_of(made)} has a {attribute.name} that is not a text of at least one character", hint=hint
        )


def is_count(made: object, attribute: Attribute[int], value: Any) -> None:
    """A number of things, of at least one."""
    if type(value) is not int or not 1 <= value <= LARGEST_COUNT:
        raise BindingError(
            f"{name_of(made)} has {attribute.name}={shown(value)}", hint=f"give a number from 1 to {LARGEST_COUNT}"
        )


def is_port(made: object, attribute: Attribute[int], value: Any) -> None:
    """A TCP port; 0 stands for any that is free."""
    if type(value) is not int or not 0 <= value <= 65535:
        raise BindingError(
            f"{name_of(made)} has {attribute.name}={shown(value)}", hint="give a number from 0 (any free port) to 65535"
        )


def is_duration(made: object, attribute: Attribute[timedelta], value: Any) -> None:
    """A time longer than zero."""
    if not isinstance(value, timedelta) or value <= timedelta(0):
        raise BindingError(
            f"{name_of(made)} has {attribute.name}={shown(value)}", hint="give a timedelta longer than zero"
        )
