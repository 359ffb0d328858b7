"""`StatefulFunctions`: the registry that everything reads. Binding and registering happen before a handler is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol, TypeVar, overload

from statefun.address import FunctionType, parse_typename
from statefun.arguments import check, instance_of, list_of
from statefun.batch import StateDeclaration
from statefun.binding.egresses import bind_egress
from statefun.binding.handled import check_handled
from statefun.binding.ingresses import bind_ingress
from statefun.errors import (
    BindingError,
    DefinitionError,
    DuplicateFunctionError,
    FrozenRegistryError,
    MissingTypenameError,
)
from statefun.errors.showing import shown
from statefun.function import StatefulFunction
from statefun.hints import caller_names
from statefun.model import (
    BoundEgress,
    BoundIngress,
    FileEgress,
    ModuleEgress,
    ModuleIngress,
    RecordIngress,
    ScheduleIngress,
    StdoutEgress,
    TableEgress,
    WebhookEgress,
)
from statefun.model.checks import as_tuple
from statefun.registered import RegisteredFunction, registered_class, registered_function
from statefun.state import ValueSpec

__all__ = ["REGISTRY", "StatefulFunctions"]

F = TypeVar("F", bound=Callable[..., Any])
S = TypeVar("S", bound=StatefulFunction[Any])


class OwnIngress(Protocol):
    """A source of a user's own, see `statefun.runtime.Source`."""

    @property
    def id(self) -> str:
        """`<namespace>/<name>`."""
        ...

    async def run(self, inlet: Any, /) -> None:
        """Puts records."""
        ...


class OwnEgress(Protocol):
    """A sink of a user's own, see `statefun.runtime.Sink`."""

    @property
    def id(self) -> str:
        """`<namespace>/<name>`."""
        ...

    async def deliver(self, records: Any, /) -> None:
        """Delivers records."""
        ...


class StatefulFunctions:
    """A registry of functions, classes and plain ones side by side.

    >>> functions = StatefulFunctions()
    >>> @functions.bind("example/hello")
    ... def hello(context, message: str):
    ...     context.reply("Hello " + message)
    >>> functions.typenames
    ('example/hello',)
    """

    def __init__(self) -> None:
        self._functions: dict[tuple[str, str], RegisteredFunction] = {}
        self._ingresses: dict[str, BoundIngress] = {}
        self._egresses: dict[str, BoundEgress] = {}
        self._frozen = False

    # --- registering ------------------------------------------------------------------------------------------------

    def bind(self, typename: str, *, specs: Iterable[ValueSpec[Any]] = ()) -> Callable[[F], F]:
        """Registers the function that it decorates, which stays what it is.

        Args:
            typename: The function type, `<namespace>/<name>`.
            specs: The function's states, by which a 3.x engine learns them. `context["name"]` reads them decoded.

        Raises:
            DefinitionError: as in `register`.
        """
        # Here, since `@functions.bind` without its name would register nothing and say nothing.
        parse_typename(typename)
        given = _as_specs(typename, specs)
        names = caller_names(1)

        def decorator(function: F) -> F:
            self._register(typename, function, None, given, names)
            return function

        return decorator

    @overload
    def register(self, function: type[S], /, *, factory: Callable[[], S] | None = None) -> None: ...
    @overload
    def register(self, typename: str, function: type[S], /, *, factory: Callable[[], S] | None = None) -> None: ...
    @overload
    def register(
        self, typename: str, function: Callable[..., Any], /, *, specs: Iterable[ValueSpec[Any]] = ()
    ) -> None: ...
    @overload
    def register(
        self, typename: str, function: Callable[..., Any], *, specs: Iterable[ValueSpec[Any]] = ()
    ) -> None: ...
    def register(
        self,
        typename: Any,
        function: Any = None,
        *,
        factory: Callable[[], Any] | None = None,
        specs: Iterable[ValueSpec[Any]] = (),
    ) -> None:
        """Registers a function class, or a plain function under a name.

        Args:
            typename: The function type, or a class that has one of its own.
            function: A function class or a plain function, behind a typename.
            factory: Makes an object of the class, new at each call, to hand collaborators to it:
                `register(Cart, factory=lambda: Cart(prices))`.
            specs: The states of a plain function; a class declares its own.

        Raises:
            DefinitionError: whatever is wrong with the function, its name, its handlers or its states.
            BindingError: an ingress brings it a message that it does not handle.
            FrozenRegistryError: a handler was made from this registry already.
        """
        names = caller_names(1)
        if function is None and not isinstance(typename, str):
            typename, function = _own_typename(typename), typename
        self._register(typename, function, factory, specs, names)

    def _register(
        self,
        typename: str,
        function: Any,
        factory: Callable[[], Any] | None,
        specs: Iterable[ValueSpec[Any]],
        names: Mapping[str, Any],
    ) -> None:
        parse_typename(typename)
        if self._frozen:
            raise FrozenRegistryError(f"{typename!r} is registered after a handler was made")
        given = _as_specs(typename, specs)
        if _is_function_class(function):
            if given:
                raise DefinitionError(
                    f"{typename!r} is a class and is given `specs=`", hint="declare them as attributes of the class"
                )
            cls: type[StatefulFunction[Any]] = function
            registered = registered_class(typename, cls, factory, names)
        else:
            if factory is not None or not callable(function):
                raise DefinitionError(
                    f"{typename!r} is bound to {shown(function)}, which is no StatefulFunction class",
                    hint="register a class with its factory, or a plain function without one",
                )
            registered = registered_function(typename, function, given, names)
        key = (registered.function_type.namespace, registered.function_type.name)
        if key in self._functions:
            raise DuplicateFunctionError(f"{typename!r} is registered twice")
        for bound in self._ingresses.values():
            check_handled(bound, {registered.function_type.typename: registered}.get)
        self._functions[key] = registered

    def ingress(self, ingress: RecordIngress | ScheduleIngress | ModuleIngress | OwnIngress) -> None:
        """Lets messages in from outside: one of `statefun.model`, or for the embedded runtime a source of your own.

        Raises:
            BindingError: it is no ingress, the id is taken, a record cannot become its message, or a target that is registered
                does not handle the message. A target that is registered later is held against it then.
            DefinitionError: a target has no typename, or the message no name on the wire.
        """
        bound = bind_ingress(ingress, _target_typename)
        if ingress.id in self._ingresses:
            raise BindingError(f"two ingresses are named {ingress.id!r}")
        check_handled(bound, lambda typename: self.find(*parse_typename(typename)))
        self._ingresses[ingress.id] = bound

    def egress(
        self, egress: FileEgress | StdoutEgress | WebhookEgress | TableEgress | ModuleEgress | OwnEgress
    ) -> None:
        """Gives what functions send to an egress a place: one of `statefun.model`, or for the embedded runtime a sink of your own.

        Raises:
            BindingError: it is no egress, or the id is taken.
        """
        bound = bind_egress(egress)
        if egress.id in self._egresses:
            raise BindingError(f"two egresses are named {egress.id!r}")
        self._egresses[egress.id] = bound

    # --- reading ----------------------------------------------------------------------------------------------------

    @property
    def by_type(self) -> Mapping[tuple[str, str], RegisteredFunction]:
        """All functions, by namespace and name."""
        return self._functions

    def find(self, namespace: str, name: str) -> RegisteredFunction | None:
        """The function of that type, or None."""
        return self._functions.get((namespace, name))

    @property
    def registered(self) -> tuple[RegisteredFunction, ...]:
        """All functions, in the order of their registration."""
        return tuple(self._functions.values())

    @property
    def asynchronous(self) -> bool:
        """Whether any function has a coroutine function for a handler, so that an `AsyncRequestReplyHandler` has to serve them."""
        return any(each.asynchronous for each in self.registered)

    @property
    def typenames(self) -> tuple[str, ...]:
        """The function types, in the order of their registration."""
        return tuple(each.function_type.typename for each in self.registered)

    def specs(self) -> dict[str, tuple[StateDeclaration, ...]]:
        """For each function type its states: name, typename on the wire, expiration; in declaration order."""
        return {
            each.function_type.typename: tuple(spec.declaration() for spec in each.specs.values())
            for each in self.registered
        }

    @property
    def ingresses(self) -> tuple[BoundIngress, ...]:
        """The ingresses, in the order of their registration."""
        return tuple(self._ingresses.values())

    @property
    def egresses(self) -> tuple[BoundEgress, ...]:
        """The egresses, in the order of their registration."""
        return tuple(self._egresses.values())

    def freeze(self) -> None:
        """Refuses every later registration; making a handler does it."""
        self._frozen = True


REGISTRY: Final = instance_of(StatefulFunctions, what="the StatefulFunctions that the functions are registered with")
"""What takes all functions of a program."""

_IN_A_LIST: Final = '`specs=[ValueSpec(LONG, name="count")]`'
_SPECS: Final = list_of(instance_of(ValueSpec, what=f"a ValueSpec: {_IN_A_LIST}"), f"a list: {_IN_A_LIST}")


def _as_specs(typename: str, specs: Iterable[ValueSpec[Any]]) -> tuple[ValueSpec[Any], ...]:
    given = as_tuple(specs)
    check(repr(typename), "specs", given, _SPECS)
    return given


def _target_typename(target: Any) -> str:
    """The function type that an ingress names: by a class, a FunctionType or a text."""
    if isinstance(target, str):
        return FunctionType(target).typename
    if isinstance(target, FunctionType):
        return target.typename
    if not _is_function_class(target):
        raise BindingError(
            f"{shown(target)} is no function, and is among the targets of an ingress",
            hint='give function classes, or names: `targets=[Aircraft]` or `targets=["flights/aircraft"]`',
        )
    return _own_typename(target)


def _is_function_class(function: Any) -> bool:
    return isinstance(function, type) and issubclass(function, StatefulFunction)


def _own_typename(function: Any) -> str:
    if not _is_function_class(function):
        raise MissingTypenameError(
            f"{shown(function)} is registered without a typename", hint='register("ns/name", function)'
        )
    function_type: FunctionType[Any] | None = function.function_type
    if function_type is None:
        raise MissingTypenameError(
            f"{function.__qualname__} is registered without a typename",
            hint=f'`class {function.__name__}(…, typename="ns/name")`, or `register("ns/name", {function.__name__})`',
        )
    return function_type.typename
