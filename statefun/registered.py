"""One registered function, ready to be called: what a class or a plain function declares, looked up once."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, get_origin

import attrs
from attrs import define

from statefun.address import FunctionType
from statefun.batch import ProtocolVersion
from statefun.encoding import ENCODERS_V2, ENCODERS_V3, Encoders
from statefun.errors import DefinitionError, DuplicateStateError, FactoryError, HandlerSignatureError
from statefun.errors.showing import shown, shown_error
from statefun.function import StatefulFunction
from statefun.memo import MemoBySize
from statefun.routing import Decode, Handler, RoutingTable, class_routes, function_routes
from statefun.state import ValueSpec

__all__ = ["ForProtocol", "RegisteredFunction", "registered_class", "registered_function"]

LastRoute = tuple[Mapping[int, tuple[bytes, slice, slice]], str, Decode, Handler]
"""What messages of a type begin with, by how many bytes they have (see `protocol/expected.py`); the type's name, its decoder and its
handler."""

_NO_ROUTE: Final[LastRoute] = (MemoBySize(lambda _size: (b"-", slice(0), slice(0))), "", bytes, bytes)
"""Before the first message: none begins as is told here, so neither the decoder nor the handler is ever called."""


class ForProtocol:
    """What serving a function on one protocol looks up.

    Attributes:
        routes: From the name of a message's type to its decoder and handler.
        encoders: How what the function sends is encoded.
        state_types: The names of the types of its states, by the names of the states.
        layout: Which states its last request carried, and where; the next one most likely does too. The handler keeps it.
        last: The route that its last message took, and what such messages begin with; the next one most likely does too.
    """

    __slots__ = ("encoders", "last", "layout", "protocol", "routes", "state_types")

    def __init__(
        self, routes: Mapping[str, tuple[Decode, Handler]], encoders: Encoders, specs: Mapping[str, ValueSpec[Any]]
    ) -> None:
        self.routes: Final = routes
        self.encoders: Final = encoders
        self.state_types: Final = {
            name: spec.value_type.encoding(encoders.protocol).typename for name, spec in specs.items()
        }
        self.protocol: Final = encoders.protocol
        self.layout: Any = None
        self.last: LastRoute = _NO_ROUTE


@define
class RegisteredFunction:
    """A function as the handler meets it.

    Attributes:
        function_type: The type it is registered under.
        routes: Which of its handlers takes which message.
        specs: Its states by name, in declaration order.
        function_class: The class whose objects the factory makes; None for a plain function.
        factory: Makes a function object for one batch; None for a plain function.
        plain: The class itself, where an object of it can be made without calling `__init__`: it has none, and no factory.
        asynchronous: Whether any of its handlers is a coroutine function.
        v2: What serving it on the 2.2 protocol looks up.
        v3: The same for 3.x.
        last: The one of the two that its last request spoke, if there was one.
    """

    function_type: FunctionType[Any]
    routes: RoutingTable
    specs: Mapping[str, ValueSpec[Any]]
    function_class: type[StatefulFunction[Any]] | None
    factory: Callable[[], StatefulFunction[Any]] | None
    plain: type[StatefulFunction[Any]] | None
    asynchronous: bool
    v2: ForProtocol
    v3: ForProtocol
    last: ForProtocol


def registered_class(
    typename: str, cls: type[StatefulFunction[Any]], factory: Callable[[], Any] | None, names: Mapping[str, Any]
) -> RegisteredFunction:
    """A function class under a typename.

    Raises:
        DefinitionError: whatever is wrong with its name, its handlers, its states or its factory.
    """
    own = cls.function_type
    function_type = own if own is not None and own.typename == typename else FunctionType(typename)
    routes = class_routes(cls, f"{cls.__qualname__} ({typename})", names)
    _check_factory(cls, factory)
    _check_fields(cls)
    return _registered(function_type, routes, _specs_by_name(typename, _declared_specs(cls)), cls, factory)


def _registered(
    function_type: FunctionType[Any],
    routes: RoutingTable,
    specs: Mapping[str, ValueSpec[Any]],
    cls: type[StatefulFunction[Any]] | None = None,
    factory: Callable[[], Any] | None = None,
) -> RegisteredFunction:
    v3 = ForProtocol(routes.v3, ENCODERS_V3, specs)
    return RegisteredFunction(
        function_type=function_type,
        routes=routes,
        specs=specs,
        function_class=cls,
        factory=cls if factory is None else factory,
        plain=cls if factory is None and cls is not None and _is_plain(cls) else None,
        asynchronous=_asynchronous(routes),
        v2=ForProtocol(routes.v2, ENCODERS_V2, specs),
        v3=v3,
        last=v3,
    )


def _check_factory(cls: type[StatefulFunction[Any]], factory: Callable[[], Any] | None) -> None:
    """Refuses what could not make an object when the first batch arrives."""
    if inspect.isabstract(cls):
        missing = ", ".join(sorted(vars(cls)["__abstractmethods__"]))
        raise FactoryError(
            f"{cls.__qualname__} is abstract, so no object of it can be made: it lacks {missing}",
            hint="register a class that defines what is abstract",
        )
    if factory is not None and not callable(factory):
        raise FactoryError(f"the factory of {cls.__qualname__} is {shown(factory)}, which cannot be called")
    maker, arguments = (cls.__init__, (None,)) if factory is None else (factory, ())
    try:
        signature = inspect.signature(maker)
    except (TypeError, ValueError):  # a callable of another language, which tells nothing
        return
    try:
        signature.bind(*arguments)
    except TypeError as error:
        raise FactoryError(
            f"no object of {cls.__qualname__} can be made without arguments, as its batches do: {error}",
            hint=f"register it with what makes one: `factory=lambda: {cls.__name__}(…)`",
        ) from error


def _check_fields(cls: type[Any]) -> None:
    """Refuses a state that attrs or dataclasses took for a field: objects would hold the spec itself in its place."""
    fields: list[Any] = [*attrs.fields(cls)] if attrs.has(cls) else []
    if dataclasses.is_dataclass(cls):
        fields += dataclasses.fields(cls)
    for each in fields:
        if isinstance(each.default, ValueSpec):
            raise DefinitionError(
                f"the state {each.name!r} of {cls.__qualname__} is annotated, so its decorator makes a field of it",
                hint="declare it in a base class that is not decorated, "
                f"or leave its annotation out, `{each.name} = ValueSpec(…)`",
            )


def registered_function(
    typename: str, function: Callable[..., Any], specs: tuple[ValueSpec[Any], ...], names: Mapping[str, Any]
) -> RegisteredFunction:
    """A plain function under a typename.

    Raises:
        DefinitionError: whatever is wrong with its name, its annotation or its states.
    """
    function_type: FunctionType[Any] = FunctionType(typename)
    if isinstance(get_origin(function) or function, type):  # calling one makes an object, which nobody would ever see
        raise HandlerSignatureError(
            f"{typename!r} is bound to {function!r}, which is no StatefulFunction class",
            hint="give a class its base, and a generic base its type: `class Carts(StatefulFunction[CartEvent])`",
        )
    routes = function_routes(function, typename, names)
    return _registered(function_type, routes, _specs_by_name(typename, specs))


def _is_plain(cls: type[StatefulFunction[Any]]) -> bool:
    return (
        cls.__init__ is object.__init__
        and cls.__new__ is StatefulFunction.__new__
        and cls.__setattr__ is object.__setattr__
    )


def _declared_specs(cls: type[Any]) -> list[ValueSpec[Any]]:
    """The states of a class, those of its bases first; an attribute that is overridden counts once."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        for attribute, value in vars(base).items():
            if isinstance(value, ValueSpec) or attribute in found:
                found[attribute] = value
    specs: dict[str, ValueSpec[Any]] = {name: value for name, value in found.items() if isinstance(value, ValueSpec)}
    for attribute, spec in specs.items():
        if spec.named_by not in (None, attribute):
            raise DefinitionError(
                f"the state {attribute!r} of {cls.__qualname__} is the spec that the attribute {spec.named_by!r} has named",
                hint=f"give each attribute a spec of its own: `{attribute} = ValueSpec(…)`",
            )
    return list(specs.values())


def _specs_by_name(typename: str, specs: Iterable[ValueSpec[Any]]) -> dict[str, ValueSpec[Any]]:
    by_name: dict[str, ValueSpec[Any]] = {}
    for spec in specs:
        if not spec.name:
            raise DefinitionError(
                f"{typename!r} declares the state {spec!r}, which has no name",
                hint='name it, `ValueSpec(LONG, name="count")`; an attribute names it only where the class body sets it',
            )
        if spec.name in by_name:
            raise DuplicateStateError(f"{typename!r} declares two states named {spec.name!r}")
        _check_default(typename, spec)
        by_name[spec.name] = spec
    return by_name


def _check_default(typename: str, spec: ValueSpec[Any]) -> None:
    """Refuses a default that could not be stored: a handler that changes it would fail at the end of its batch."""
    if spec.default is None:
        return
    try:
        # Of the two 3.x stores more: an Any that is empty is no value on 2.2, and may be filled before it is stored.
        spec.value_type.encode(spec.default, ProtocolVersion.V3)
    except Exception as error:  # a user's encoder may raise anything
        raise DefinitionError(
            f"the default of state {spec.name!r} of {typename!r} cannot be stored as {spec.value_type!r}: {shown_error(error)}",
            hint="give a default that the type can encode, or none",
        ) from error


def _asynchronous(routes: RoutingTable) -> bool:
    handlers = [route.handler for route in routes.routes]
    return any(_is_coroutine_function(each) for each in (*handlers, routes.other) if each is not None)


def _is_coroutine_function(handler: Callable[..., Any]) -> bool:
    while isinstance(handler, functools.partial):
        handler = handler.func
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(type(handler).__call__)
