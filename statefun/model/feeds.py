"""What the ingresses that read records have in common, whatever the records are read from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from attrs import Attribute, field, frozen

from statefun.address import FunctionType
from statefun.arguments import FUNCTION, NAME, Kind, instance_of, list_of
from statefun.errors import BindingError
from statefun.errors.showing import shown
from statefun.model.checks import as_tuple, is_a, is_id, name_of

__all__ = ["RECORD_FORMATS", "RecordIngress", "are_targets", "as_targets", "is_one_of", "may_be_targets"]

RECORD_FORMATS: Final = ("csv", "jsonl", "protobuf")
"""How records may be written: see `FileIngress.format`."""


_TARGET: Final = instance_of(
    str, FunctionType, type, what='a function class, a FunctionType or a name: `targets=["flights/aircraft"]`'
)
_TARGETS: Final = list_of(_TARGET, 'a list: `targets=[Aircraft]` or `targets=["flights/aircraft"]`')


def as_targets(value: Iterable[Any]) -> tuple[Any, ...]:
    """Converts what a caller has for a sequence of targets."""
    return as_tuple(value)


def are_targets(made: object, attribute: Attribute[Any], value: tuple[Any, ...]) -> None:
    """At least one function, by its class, its type or its name."""
    may_be_targets(made, attribute, value)
    if not value or (isinstance(value[0], str) and "/" not in value[0]):
        raise BindingError(f"{name_of(made)} has {attribute.name}={shown(value)}", hint=f"give {_TARGETS.what}")


may_be_targets: Final = is_a(_TARGETS)
"""Functions, if any."""


def is_one_of(*choices: str) -> Callable[[object, Attribute[Any], Any], None]:
    """A validator for a choice that is written as a text."""

    def check(made: object, attribute: Attribute[Any], value: Any) -> None:
        if value not in choices:
            raise BindingError(
                f"{name_of(made)} has {attribute.name}={shown(value)}",
                hint=f"give one of {', '.join(repr(each) for each in choices)}",
            )

    return check


def _is_convert(made: Any, attribute: Attribute[Any], value: Any) -> None:
    _is_function(made, attribute, value)
    if value is not None and made.format == "protobuf":
        raise BindingError(
            f"{name_of(made)} reads protobuf messages and has a `convert=`",
            hint="leave it out: each record is the message already",
        )


_is_function: Final = is_a(Kind(FUNCTION.takes, "a function from a record to the message").or_none)
_is_key: Final = is_a(
    Kind(
        lambda value: callable(value) or NAME.takes(value),
        "the name of a column, or a function from a record to the id",
    )
)


@frozen(kw_only=True)
class RecordIngress:
    """An ingress whose records become messages, one each; `FileIngress` and `StdinIngress` say what it is read from.

    Attributes:
        id: `<namespace>/<name>`.
        message: What a record becomes.
        key: The column that holds the id that a record goes to, or a function from the record to it.
        targets: The functions that get each record.
        format: How the records are written.
        convert: Makes the message from a record.
        on_bad_record: What becomes of a record that is none.
    """

    id: str = field(validator=is_id)
    message: Any
    key: str | Callable[[Any], Any] = field(validator=_is_key)
    targets: tuple[Any, ...] = field(converter=as_targets, validator=are_targets)
    format: str = field(validator=is_one_of(*RECORD_FORMATS))
    convert: Callable[[Mapping[str, Any]], Any] | None = field(default=None, validator=_is_convert)
    on_bad_record: str = field(default="stop", validator=is_one_of("stop", "skip"))
