"""What a value of the model must be: converters and validators of attrs, each with an error that names the value and the attribute."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

from attrs import Attribute

from statefun.address import Egress, parse_typename
from statefun.arguments import DURATION, FLAG, NAME, PATH, Kind, check, instance_of, whole
from statefun.errors import BindingError
from statefun.errors.showing import shown
from statefun.model.sources import SourcePosition
from statefun.wire import is_text

if TYPE_CHECKING:
    from os import PathLike

__all__ = [
    "BROKERS_HINT",
    "are_texts",
    "as_egress_id",
    "as_mapping",
    "as_path",
    "as_texts",
    "as_tuple",
    "has_gap",
    "is_a",
    "is_brokers",
    "is_count",
    "is_duration",
    "is_flag",
    "is_id",
    "is_path",
    "is_port",
    "is_secret",
    "is_source",
    "is_text_value",
    "maybe_text",
    "name_of",
]

T = TypeVar("T")

LARGEST_COUNT: Final = 2**31 - 1
"""What the engines read a count into."""

BROKERS_HINT: Final = "write `host:port`, with commas between several, and nothing else"

_AT_A_COMMA: Final = re.compile(" *, *")


# A converter leaves what it cannot convert as it is, to the validator, whose error names it.


def as_tuple(value: Iterable[T]) -> tuple[T, ...]:
    """Converts a sequence, or whatever can be gone through, to a tuple; a text or a mapping is never meant as one."""
    given: Any = value
    return tuple(given) if _has_items(given) else given


def _has_items(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | bytearray | Mapping)


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping)


def as_texts(value: Iterable[str]) -> tuple[str, ...]:
    """Converts what a caller has for a sequence of texts; a single one stands for itself, since it is never meant as its characters."""
    return (value,) if isinstance(value, str) else as_tuple(value)


def as_mapping(value: Mapping[str, str]) -> Mapping[str, str]:
    """Converts a mapping to one that nobody else changes."""
    return _Kept(value) if _is_mapping(value) else value


class _Kept(Mapping[str, str]):
    """A mapping that nobody changes, and that can be copied and pickled, as a MappingProxyType cannot."""

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, str]) -> None:
        self._items: Final = dict(items)

    def __getitem__(self, key: str) -> str:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return repr(self._items)


def as_path(value: str | PathLike[str]) -> str:
    """Converts a path to its text."""
    given: Any = value
    text: str = given.__fspath__() if not isinstance(given, str) and PATH.takes(given) else given
    return text


def as_egress_id(value: str | Egress[Any]) -> str:
    """Converts what names an egress to its id."""
    return value.typename if isinstance(value, Egress) else value


def name_of(made: object) -> str:
    """How an error calls a value: by its class, and by its id where it has one already.

    >>> name_of(5)
    'int'
    """
    id = getattr(made, "id", None)
    return f"{type(made).__name__} {id!r}" if isinstance(id, str) else type(made).__name__


def is_a(kind: Kind) -> Callable[[Any, Attribute[Any], Any], None]:
    """A validator for a kind of values."""

    def validate(made: object, attribute: Attribute[Any], value: Any) -> None:
        check(name_of(made), attribute.name, value, kind, error=BindingError, verb="has")

    return validate


def is_id(made: object, attribute: Attribute[str], value: Any) -> None:
    """A text of the form `<namespace>/<name>`."""
    parse_typename(value, f"{type(made).__name__} {attribute.name}")


is_text_value: Final = is_a(NAME)
"""A text that is not empty."""

is_path: Final = is_a(
    Kind(lambda value: isinstance(value, str) and value != "", "a path that is not empty: a text or an os.PathLike")
)
"""The text of a path, as `as_path` makes it."""

is_secret: Final = is_a(NAME.unshown)
"""A text that is not empty, and that no error shows."""

maybe_text: Final = is_a(NAME.or_none.unshown)
"""A text that is not empty, or None; it may be a secret, so no error shows it."""

is_count: Final = is_a(whole(1, LARGEST_COUNT))
"""A number of things, of at least one."""

is_port: Final = is_a(Kind(whole(0, 65535).takes, "a number from 0 (any free port) to 65535"))
"""A TCP port; 0 stands for any that is free."""

is_duration: Final = is_a(DURATION)
"""A time longer than zero."""

is_flag: Final = is_a(FLAG)
"""Yes or no."""

is_source: Final = is_a(instance_of(SourcePosition).or_none)
"""Where in a file a value was read, or None."""


_is_texts: Final = is_a(Kind(_is_mapping, "a mapping of texts to texts", secret=True))


def are_texts(made: object, attribute: Attribute[Any], value: Any) -> None:
    """A mapping of texts to texts, none of which is shown: a value may be a password."""
    _is_texts(made, attribute, value)
    for name, each in value.items():
        if not NAME.takes(name) or not is_text(each):
            raise BindingError(
                f"{name_of(made)} has {shown(name)} among its {attribute.name}, which is not from text to text",
                hint="write its name and its value as a str",
            )


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
