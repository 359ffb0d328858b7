"""What the ingresses that read records have in common, whatever the records are read from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from attrs import Attribute, field, frozen

from statefun.errors import BindingError
from statefun.errors.showing import shown
from statefun.model.checks import is_id, name_of

__all__ = ["RECORD_FORMATS", "RecordIngress", "are_targets", "as_targets", "is_one_of"]

RECORD_FORMATS: Final = ("csv", "jsonl", "protobuf")
"""How records may be written: see `FileIngress.format`."""


def as_targets(value: Iterable[Any]) -> tuple[Any, ...]:
    """Converts what a caller has for a sequence of targets."""
    return tuple(value)


def are_targets(made: object, _attribute: Attribute[Any], value: tuple[Any, ...]) -> None:
    """At least one function; a text that was given instead of a list has become its characters."""
    if not value or (isinstance(value[0], str) and "/" not in value[0]):
        raise BindingError(
            f"{name_of(made)} has the targets {shown(value)}",
            hint='give a list: `targets=[Aircraft]` or `targets=["flights/aircraft"]`',
        )


def is_one_of(*choices: str) -> Callable[[object, Attribute[Any], Any], None]:
    """A validator for a choice that is written as a text."""

    def check(made: object, attribute: Attribute[Any], value: Any) -> None:
        if value not in choices:
            raise BindingError(
                f"{name_of(made)} has {attribute.name}={shown(value)}",
                hint=f"give one of {', '.join(repr(each) for each in choices)}",
            )

    return check


def _is_convert(made: Any, _attribute: Attribute[Any], value: Any) -> None:
    if value is not None and made.format == "protobuf":
        raise BindingError(
            f"{name_of(made)} reads protobuf messages and has a `convert=`",
            hint="leave it out: each record is the message already",
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
    key: str | Callable[[Any], Any]
    targets: tuple[Any, ...] = field(converter=as_targets, validator=are_targets)
    format: str = field(validator=is_one_of(*RECORD_FORMATS))
    convert: Callable[[Mapping[str, Any]], Any] | None = field(default=None, validator=_is_convert)
    on_bad_record: str = field(default="stop", validator=is_one_of("stop", "skip"))
