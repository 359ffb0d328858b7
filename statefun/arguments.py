"""What constructors and functions are given, held against what they take: one check, and one form of error for all of it.

A value of a wrong type is refused where it is given, by an error that names the parameter, not where it is used first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from attrs import frozen

from statefun.errors import DefinitionError, StatefunError
from statefun.errors.showing import shown
from statefun.wire import is_text

__all__ = [
    "DURATION",
    "FLAG",
    "FUNCTION",
    "NAME",
    "PATH",
    "TEXT",
    "TEXTS",
    "Kind",
    "check",
    "instance_of",
    "list_of",
    "mapping_of",
    "number",
    "whole",
]


@frozen
class Kind:
    """What a parameter takes.

    Attributes:
        takes: Whether a value is of the kind.
        what: What to give, for a hint.
        each: What each item of a list must be; they are numbered in errors.
        secret: Whether no error shows such a value, unless it is none.
    """

    takes: Callable[[Any], bool]
    what: str
    each: Kind | None = None
    secret: bool = False

    @property
    def or_none(self) -> Kind:
        """The same, or None."""
        return Kind(
            lambda value: value is None or self.takes(value), f"{self.what}, or None", self.each, secret=self.secret
        )

    @property
    def unshown(self) -> Kind:
        """The same, of which an error tells the type alone."""
        return Kind(self.takes, self.what, self.each, secret=True)


def check(
    owner: str,
    name: str,
    value: Any,
    kind: Kind,
    *,
    error: type[StatefunError] = DefinitionError,
    verb: str = "is given",
) -> None:
    """Refuses what a parameter does not take.

    Args:
        owner: Whose parameter it is.
        name: The parameter.
        value: What was given.
        kind: What it takes.
        error: The class of the error.
        verb: What stands between the owner and the parameter.

    Raises:
        DefinitionError: it is of another kind; or an `error` of another class.

    >>> check("asgi_app", "path", "/statefun", TEXT.or_none)
    >>> check("asgi_app", "path", 5, TEXT.or_none)
    Traceback (most recent call last):
    statefun.errors.DefinitionError: [definition] asgi_app is given path=5 (hint: give a text of valid Unicode, or None)
    """
    if not kind.takes(value):
        hidden = kind.secret and value is not None and not (isinstance(value, str) and value == "")
        told = f" of the type {type(value).__name__}" if hidden else f"={shown(value)}"
        raise error(f"{owner} {verb} {name}{told}", hint=f"give {kind.what}")
    if kind.each is not None and value is not None:
        for place, each in enumerate(value):
            check(owner, f"{name}[{place}]", each, kind.each, error=error, verb=verb)


def instance_of(*classes: type[Any], what: str = "") -> Kind:
    """An object of one of these classes.

    >>> instance_of(timedelta).what, instance_of(int).takes("5")
    ('a timedelta', False)
    """
    names = " or ".join(f"{'an' if each.__name__[0] in 'AEIOU' else 'a'} {each.__name__}" for each in classes)
    return Kind(lambda value: isinstance(value, classes), what or names)


def list_of(each: Kind, what: str) -> Kind:
    """A sequence of such items. A text is none: it is never meant as its characters.

    >>> list_of(TEXT, "a list of texts").takes("abc")
    False
    """
    return Kind(lambda value: isinstance(value, Sequence) and not isinstance(value, str | bytes), what, each)


def mapping_of(key: Kind, value: Kind, what: str) -> Kind:
    """A mapping from one kind to another.

    >>> mapping_of(TEXT, TEXT, "a dict").takes({"a": 5})
    False
    """
    return Kind(
        lambda given: _is_mapping(given) and all(key.takes(name) and value.takes(each) for name, each in given.items()),
        what,
    )


def whole(least: int, most: int | None = None) -> Kind:
    """A whole number, which True is not.

    >>> whole(1).takes(True), whole(1).takes(5), whole(1).what
    (False, True, 'a whole number from 1 on')
    """
    return Kind(
        lambda value: (
            isinstance(value, int)
            and not isinstance(value, bool)
            and value >= least
            and (most is None or value <= most)
        ),
        f"a whole number from {least} on" if most is None else f"a number from {least} to {most}",
    )


def number(least: float = -math.inf) -> Kind:
    """A number, which neither True is nor what is not a number.

    >>> number(0).takes(float("nan")), number(0).takes(0.5)
    (False, True)
    """
    return Kind(
        lambda value: isinstance(value, int | float) and not isinstance(value, bool) and value >= least,
        "a number" if least == -math.inf else f"a number from {least:g} on",
    )


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping)


def _is_path(value: object) -> bool:
    # Of a path's text nothing is asked: a name of a file may have bytes that are no UTF-8.
    return isinstance(value, str) or hasattr(type(value), "__fspath__")


TEXT: Final = Kind(is_text, "a text of valid Unicode")
NAME: Final = Kind(lambda value: is_text(value) and value != "", "a text that is not empty")
TEXTS: Final = mapping_of(TEXT, TEXT, "a mapping of texts to texts")
FLAG: Final = Kind(lambda value: isinstance(value, bool), "True or False")
FUNCTION: Final = Kind(callable, "a function")
PATH: Final = Kind(_is_path, "a text or an os.PathLike")
DURATION: Final = Kind(
    lambda value: isinstance(value, timedelta) and value > timedelta(0), "a timedelta longer than zero"
)
