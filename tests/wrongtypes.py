"""Values of a wrong type for each parameter of a class or a function, told by the annotation of the parameter.

A parameter that is new is among them without a word here: what it takes stands in its annotation.
"""

from __future__ import annotations

import inspect
import math
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from typing import Any, Final, NamedTuple, TypeVar, Union, get_args, get_origin

import attrs
import pytest

from statefun.errors import StatefunError
from statefun.errors.showing import shown

__all__ = ["Wrong", "parameters", "refused", "takes_all", "wrong"]


class Silent:
    """Nothing can be told of an object of this class."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


VALUES: Final[Mapping[str, Any]] = {
    "None": None,
    "a number": 5,
    "a text": "5",
    "bytes": b"x",
    "a list of a number": [5],
    "a list of a text": ["5"],
    "a mapping of numbers": {5: 5},
    "True": True,
    "not a number": math.nan,
    "an object": object(),
    "a class": Silent,
    "what has no repr": Silent(),
    "a number of 5,000 digits": 10**5000,
}
"""By what a test calls them."""


class Wrong(NamedTuple):
    """A value of a wrong type.

    Attributes:
        make: What is given it.
        name: The parameter.
        value: The value.
        arguments: All arguments, that one among them.
    """

    make: Callable[..., Any]
    name: str
    value: Any
    arguments: Mapping[str, Any]

    def give(self) -> Any:
        """Calls what is given it: by the names of the parameters, and by their places where they have none for callers."""
        named = dict(self.arguments)
        placed: list[Any] = []
        for each in inspect.signature(self.make).parameters.values():
            if each.kind is each.POSITIONAL_ONLY:
                placed.append(named.pop(each.name))
            elif each.kind is each.VAR_POSITIONAL:
                placed.extend(named.pop(each.name, ()))
        return self.make(*placed, **named)


def parameters(make: Any) -> dict[str, Any]:
    """The parameters of a class or a function, with what they take."""
    names = {"PathLike": PathLike}
    if isinstance(make, type) and attrs.has(make):
        hints = typing.get_type_hints(make, localns=names)
        return {each.name: hints[each.name] for each in attrs.fields(make) if each.init}
    made: Any = make
    function = made.__init__ if isinstance(make, type) else make
    hints = typing.get_type_hints(function, localns=names)
    return {name: hints.get(name, Any) for name in inspect.signature(make).parameters}


def takes_all(make: Any) -> list[str]:
    """The parameters that nothing can be of a wrong type for."""
    return [name for name, hint in parameters(make).items() if fits(hint, VALUES["an object"])]


def wrong(right: Mapping[Callable[..., Any], Mapping[str, Any]]) -> list[Any]:
    """For each class and function, each of its parameters and each value that is of a wrong type for it, an argument of a test.

    Args:
        right: Arguments that they take.
    """
    cases: list[Any] = []
    for make, arguments in right.items():
        kinds = {name: each.kind for name, each in inspect.signature(make).parameters.items()}
        for name, hint in parameters(make).items():
            for called, value in VALUES.items():
                if not fits(hint, value):
                    given = (value,) if kinds[name] is inspect.Parameter.VAR_POSITIONAL else value
                    case = Wrong(make, name, value, {**arguments, name: given})
                    cases.append(pytest.param(case, id=f"{make.__qualname__}-{name}-{called}"))
    return cases


def refused(case: Wrong) -> StatefunError:
    """Holds a refusal to what all of them have: a type, a code, the name of the parameter, the value or its type, and a hint."""
    with pytest.raises(StatefunError) as caught:
        case.give()
    error = caught.value
    assert error.code != StatefunError.code
    assert error.hint
    # Of a single parameter it is clear which it is.
    said, name = (text.lower().replace("_", " ") for text in (error.message, case.name))
    assert name in said or len(parameters(case.make)) == 1, error.message
    value = case.value
    items = list(value) if isinstance(value, list | dict | bytes) else []  # one of them is named by its place
    told = [f"of the type {type(value).__name__}", *(shown(each) for each in (value, *items))]
    assert any(each in error.message for each in told), error.message
    return error


def fits(hint: Any, value: Any) -> bool:
    """Whether an annotation takes a value. True is no number here, and what is not a number is none."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any or isinstance(hint, TypeVar):
        return True
    if origin in (Union, types.UnionType):
        return any(fits(each, value) for each in arguments)
    if hint is None or hint is type(None):
        return value is None
    kind: Any = origin or hint
    if kind in (int, float):
        return isinstance(value, int if kind is int else int | float) and value is not True and value == value
    if kind is type:
        return isinstance(value, type)
    if kind is Callable:
        return callable(value)
    if getattr(kind, "_is_protocol", False) and kind not in (Iterable, PathLike):
        return all(hasattr(value, name) for name in vars(kind) if not name.startswith("_"))
    if kind is tuple and isinstance(value, list):
        return all(fits(arguments[0], each) for each in value)
    if not isinstance(value, kind):
        return False
    if issubclass(kind, Mapping):
        return all(fits(arguments[0], key) and fits(arguments[1], each) for key, each in value.items())
    if issubclass(kind, Iterable) and arguments:
        return not isinstance(value, str | bytes | Mapping) and all(fits(arguments[0], each) for each in value)
    return True
