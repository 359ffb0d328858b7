"""From annotations to routing tables: which handler takes which message type, on which protocol.

Tables are built once, at registration; serving only looks up. The rules that building must obey:

1. Two handlers for one message type are refused, on either protocol: `str` and `StringValue` are one type to 2.2.
2. A class that declares its messages handles exactly those, unless `@handles_other` takes the rest.
3. 3.x compares typenames as exact strings. 2.2 compares a type URL whole (custom types), then behind its last slash.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from attrs import frozen
from google.protobuf import any_pb2

from statefun.batch import ProtocolVersion
from statefun.errors import AnnotationError, HandlerSignatureError, MessageTypeError, RouteError
from statefun.errors.showing import shown
from statefun.function import HANDLES, HANDLES_OTHER, M, StatefulFunction
from statefun.hints import UNTYPED, flatten, message_hint, scope_of, type_arguments
from statefun.types import ValueType, message_name, value_type_of
from statefun.wire import TYPE_URL_PREFIX

__all__ = ["Decode", "Handler", "Route", "RoutingTable", "class_routes", "function_routes"]

Decode = Callable[[bytes], Any]
Handler = Callable[..., Any]


@frozen
class Route:
    """One message type of a function and the handler that takes it."""

    value_type: ValueType[Any]
    handler: Handler


class RoutingTable:
    """The routes of one function.

    Attributes:
        routes: One for each message type, in the order of their handlers.
        other: The handler of every other type, or None.
        v3: From typename to decoder and handler.
        v2: The same by full protobuf name or custom typename, and by every type URL that was resolved so far.
    """

    __slots__ = ("other", "routes", "v2", "v3")

    def __init__(self, routes: Iterable[Route], other: Handler | None, function: str) -> None:
        self.routes = tuple(routes)
        self.other = other
        self.v3: dict[str, tuple[Decode, Handler]] = {}
        self.v2: dict[str, tuple[Decode, Handler]] = {}
        for route in self.routes:
            _add(self.v3, route.value_type.v3.typename, route.value_type.v3.decode, route, function)
            name = route.value_type.v2.typename
            key = message_name(name) if name.startswith(TYPE_URL_PREFIX) else name
            _add(self.v2, key, route.value_type.v2.decode, route, function)
        # A name with a host before it is found at once; other hosts are looked up behind their slash.
        for key, entry in list(self.v2.items()):
            if "/" not in key:
                self.v2[TYPE_URL_PREFIX + key] = entry

    def find(self, typename: str, protocol: ProtocolVersion) -> tuple[Decode, Handler] | None:
        """The decoder and handler of a type by its name on the wire; None when there is none."""
        if protocol is ProtocolVersion.V3:
            return self.v3.get(typename)
        return self.v2.get(typename) or self.v2.get(message_name(typename))

    @property
    def typenames(self) -> tuple[str, ...]:
        """The names of the types that are handled, as 3.x spells them."""
        return tuple(route.value_type.typename for route in self.routes)


def _add(table: dict[str, tuple[Decode, Handler]], name: str, decode: Decode, route: Route, function: str) -> None:
    other = table.get(name)
    if other is not None:
        raise RouteError(
            f"{function} has two handlers for {name!r}: {_shown(other[1])} and {_shown(route.handler)}",
            hint="let one handler take the type, or give one of the types another name",
        )
    table[name] = (decode, route.handler)


def _shown(handler: Handler) -> str:
    return getattr(handler, "__qualname__", repr(handler))


def function_routes(handler: Handler, function: str, names: Mapping[str, Any]) -> RoutingTable:
    """The routes of a plain function: those of its message's annotation, or everything as an `Any`.

    Raises:
        DefinitionError: the annotation cannot be resolved, or names a type without a name on the wire.
    """
    hint = message_hint(handler, method=False, names=names, where="")
    what = f"the message of {function}"
    parts = [Any] if hint is UNTYPED else list(flatten(hint, scope=scope_of(handler, names), what=what))
    typed = [part for part in parts if part is not Any and part is not any_pb2.Any]
    if not parts:
        raise AnnotationError(f"{what} is annotated as None", hint="annotate it with a message type, or not at all")
    routes = [Route(each, handler) for each in dict.fromkeys(_value_type(part, what) for part in typed)]
    return RoutingTable(routes, handler if len(typed) < len(parts) else None, function)


def class_routes(cls: type[StatefulFunction[Any]], function: str, names: Mapping[str, Any]) -> RoutingTable:
    """The routes of a function class, held against the message types that it declares.

    Raises:
        DefinitionError: handlers and declared types contradict each other, or an annotation cannot be resolved.
    """
    routes: list[Route] = []
    other: Handler | None = None
    variables = type_arguments(cls, StatefulFunction)
    for attribute in _attributes(cls):
        handler = inspect.getattr_static(cls, attribute)
        owner = next(base for base in cls.__mro__ if attribute in vars(base))
        if _marked(cls, attribute, HANDLES_OTHER):
            if other is not None:
                raise RouteError(
                    f"{function} has two handlers for other types: {_shown(other)} and {_shown(handler)}",
                    hint="mark one of them with `@handles_other`",
                )
            if _marked(cls, attribute, HANDLES):
                raise RouteError(
                    f"{function}, handler {attribute!r}, is marked for its own types and for all others",
                    hint="mark it with either `@handles` or `@handles_other`",
                )
            message_hint(_method(handler, function, attribute), method=True, names=names, owner=owner)
            other = handler
        elif _marked(cls, attribute, HANDLES):
            handler = _method(handler, function, attribute)
            what = f"the message of {function}, handler {attribute!r},"
            hint = message_hint(handler, method=True, names=names, owner=owner)
            if hint is UNTYPED:
                raise AnnotationError(
                    f"{what} has no annotation", hint="annotate it, or mark the handler with `@handles_other`"
                )
            parts = flatten(hint, variables=variables, scope=scope_of(handler, names, owner), what=what)
            routes += [Route(each, handler) for each in dict.fromkeys(_value_type(part, what) for part in parts)]
    table = RoutingTable(routes, other, function)
    _compare(cls, table, variables, function, names)
    return table


def _attributes(cls: type[Any]) -> list[str]:
    """All attributes of a class, bases first, each once."""
    found: dict[str, None] = {}
    for base in reversed(cls.__mro__):
        found.update(dict.fromkeys(vars(base)))
    return list(found)


def _marked(cls: type[Any], attribute: str, mark: str) -> bool:
    """Whether an attribute is a handler; an override of one is, though it does not repeat the mark."""
    found = (vars(base).get(attribute) for base in cls.__mro__)
    # A classmethod hides the mark of the function in it, and must be refused, not passed over.
    return any(
        True in (getattr(each, mark, None), getattr(getattr(each, "__func__", None), mark, None)) for each in found
    )


def _method(handler: Any, function: str, attribute: str) -> Handler:
    if isinstance(handler, (staticmethod, classmethod)) or not (inspect.isroutine(handler) and callable(handler)):
        what = shown(handler)  # pyright: ignore[reportUnknownArgumentType]  isinstance leaves it a staticmethod[Unknown]
        raise HandlerSignatureError(f"the handler {attribute!r} of {function} is no method, but {what}")
    return handler


def _value_type(part: Any, what: str) -> ValueType[Any]:
    if part is Any or part is any_pb2.Any:
        raise AnnotationError(f"{what} is annotated as Any", hint="mark the handler with `@handles_other`")
    try:
        return value_type_of(part)
    except MessageTypeError as error:
        raise MessageTypeError(f"{what} is annotated with {shown(part)}: {error.message}") from error


def _compare(
    cls: type[Any], table: RoutingTable, variables: Mapping[Any, Any], function: str, names: Mapping[str, Any]
) -> None:
    """Holds the handlers against the M of `StatefulFunction[M]`, where the class or one of its bases gives it."""
    declared = variables.get(M)
    if declared is None or isinstance(declared, TypeVar) or declared is Any:
        if not table.routes and table.other is None:
            raise RouteError(f"{function} has no handler", hint="mark its handlers with `@handles`")
        return
    what = f"the declared messages of {function}"
    scope = {**names, **vars(inspect.getmodule(cls) or object), cls.__name__: cls}
    types = [_value_type(part, what) for part in flatten(declared, variables=variables, scope=scope, what=what)]
    expected = {each.typename for each in types}
    handled = set(table.typenames)
    if expected - handled and table.other is None:
        raise RouteError(
            f"{function} declares {_list(expected - handled)} and has no handler for it",
            hint="add a handler, or take the type out of `StatefulFunction[…]`",
        )
    if handled - expected:
        raise RouteError(
            f"{function} handles {_list(handled - expected)} and does not declare it",
            hint="add the type to `StatefulFunction[…]`, so that sends to the function are checked",
        )


def _list(typenames: Iterable[str]) -> str:
    return ", ".join(sorted(map(repr, typenames)))
