"""JSON value types: `json_type`, for plain JSON values and, through cattrs, for attrs classes and dataclasses."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any, TypeVar, get_args, get_origin, is_typeddict, overload

import attrs

from statefun.address import parse_typename
from statefun.errors import DefinitionError
from statefun.errors.showing import shown
from statefun.extras import extra
from statefun.types import ValueType, name_type

__all__ = ["json_type"]

T = TypeVar("T")

_PLAIN: tuple[type[Any], ...] = (dict, list, str, int, float, bool)


@overload
def json_type(typename: str) -> ValueType[Any]: ...
@overload
def json_type(typename: str, python_type: type[T]) -> ValueType[T]: ...
def json_type(typename: str, python_type: type[Any] | None = None) -> ValueType[Any]:
    """A value type whose bytes are UTF-8 JSON, as every StateFun SDK's JSON type writes them.

    An attrs class or a dataclass is converted by cattrs (the extra `cattrs`), and is then known by this name: it may
    stand in hints and specs and be sent as it is. Anything else is the JSON value as it is.

    Args:
        typename: The name on the wire, `<namespace>/<name>`.
        python_type: An attrs class, a dataclass, a TypedDict, or dict, list, str, int, float, bool, perhaps with
            arguments (`dict[str, int]`), which are for type checkers alone; the keys are str. Any JSON value without it.

    Raises:
        TypenameError: the typename has another form.
        DefinitionError: the type is none of these, or has another name already.
        MissingExtraError: it is a class, and cattrs is not installed.

    >>> ORDER = json_type("shop/order", dict[str, int])
    >>> ORDER.v3.encode({"id": 7}), ORDER.v3.decode(b'{"id": 7}')
    (b'{"id":7}', {'id': 7})
    """
    parse_typename(typename, "value typename")
    if python_type is None:
        return _json(typename, lambda value: value, lambda value: value, (typename,))
    plain = dict if is_typeddict(python_type) else get_origin(python_type) or python_type
    if plain in _PLAIN:
        _check_keys(typename, python_type)
        check = _check(plain)
        return _json(typename, check, check, (typename, python_type), python_type=plain)
    if not (attrs.has(python_type) or dataclasses.is_dataclass(python_type)):
        raise DefinitionError(
            f"json_type({typename!r}, python_type={shown(python_type)}) names no type that has an agreed JSON form",
            hint="give an attrs class, a dataclass, a TypedDict or a JSON type; or `ValueType(name, encode=…, decode=…)`",
        )
    structure, unstructure = _converters(python_type)
    value_type = _json(typename, unstructure, structure, (typename, python_type), python_type=python_type)
    name_type(python_type, value_type)
    return value_type


def _check_keys(typename: str, python_type: Any) -> None:
    """Refuses keys that JSON would make text of: what is read would not be what was written."""
    keys = get_args(python_type)[:1] if get_origin(python_type) is dict else ()
    classes = [get_origin(key) or key for key in keys if key is not Any]
    if any(isinstance(each, type) and not issubclass(each, str) for each in classes):
        raise DefinitionError(
            f"json_type({typename!r}, {python_type!r}) has keys that are no str",
            hint="the keys of a JSON object are text: name `dict[str, …]`, and convert the keys where they are used",
        )


def _json(
    typename: str,
    to_json: Callable[[Any], object],
    from_json: Callable[[Any], Any],
    arguments: tuple[Any, ...],
    *,
    python_type: type[Any] | None = None,
) -> ValueType[Any]:
    def encode(value: Any) -> bytes:
        return _dump(to_json(value))

    def decode(data: bytes) -> Any:
        return from_json(json.loads(data))

    def fingerprint(value: Any) -> bytes:
        return _dump(to_json(value), sort_keys=True)

    made: ValueType[Any] = ValueType(typename, encode=encode, decode=decode, python_type=python_type)
    made.fingerprint = fingerprint
    made.made_by = json_type, arguments
    return made


def _dump(value: object, *, sort_keys: bool = False) -> bytes:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False, sort_keys=sort_keys)
    return text.encode()


def _check(python_type: type[Any]) -> Callable[[Any], Any]:
    """Lets values of one plain type through, in either direction, and makes a float of an int where that is declared."""

    def check(value: Any) -> Any:
        if isinstance(value, python_type):
            return value
        if python_type is float and isinstance(value, int):
            return float(value)
        raise ValueError(f"the JSON value is of type {type(value).__name__}, not {python_type.__name__}")

    return check


def _converters(python_type: type[Any]) -> tuple[Callable[[object], Any], Callable[[Any], object]]:
    with extra("cattrs"):
        from cattrs.preconf.json import make_converter
    converter = make_converter()

    def structure(value: object) -> Any:
        return converter.structure(value, python_type)

    def unstructure(value: Any) -> object:
        return converter.unstructure(value, unstructure_as=python_type)

    return structure, unstructure
