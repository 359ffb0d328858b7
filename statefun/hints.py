"""Annotations of messages: from a hint, however it is spelt, to the types that stand in it.

Only the annotation of the message is resolved. One of the context or the result may name anything.
"""

from __future__ import annotations

import functools
import inspect
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, ForwardRef, TypeVar, Union, get_args, get_origin

import typing_extensions

from statefun.errors import AnnotationError, HandlerSignatureError
from statefun.types import ValueType

__all__ = ["UNTYPED", "flatten", "message_hint", "scope_of", "type_arguments"]

UNTYPED: Any = inspect.Parameter.empty
"""What `message_hint` answers for a message without an annotation."""

_ALIASES: tuple[type[Any], ...] = tuple(
    alias for module in (typing, typing_extensions) if (alias := getattr(module, "TypeAliasType", None)) is not None
)


def message_hint(
    handler: Callable[..., Any],
    *,
    method: bool,
    names: Mapping[str, Any] | None = None,
    owner: type[Any] | None = None,
    where: str = "",
) -> Any:
    """The annotation of a handler's message, evaluated if it is a string.

    Args:
        handler: A plain function or a coroutine function; wrappers made with functools.wraps are looked through.
        method: Whether its first parameter is `self`.
        names: What else a string annotation may name, such as the locals of the place that registers it.
        owner: The class whose body the handler stands in; its type parameters may be named too.
        where: What the handler belongs to, for errors.

    Raises:
        HandlerSignatureError: it cannot be called with a context and a message, or is a generator function.
        AnnotationError: the annotation is a string that cannot be evaluated.
    """
    inner = inspect.unwrap(handler)
    shown = f"{where}{getattr(inner, '__qualname__', repr(inner))}"
    if _is_generator(handler):
        raise HandlerSignatureError(
            f"{shown} is a generator function, whose body would never run", hint="take the `yield` out of it"
        )
    parameter = _message_parameter(handler, inner, method, shown)
    scope = scope_of(handler, names, owner)
    return evaluate(parameter.annotation, scope, f"the annotation of {parameter.name!r} of {shown}")


def _is_generator(handler: Any) -> bool:
    while isinstance(handler, functools.partial):
        handler = handler.func
    called = (handler, type(handler).__call__)  # the latter of an object that can be called
    return any(inspect.isgeneratorfunction(each) or inspect.isasyncgenfunction(each) for each in called)


def _message_parameter(handler: Any, inner: Any, method: bool, shown: str) -> inspect.Parameter:
    try:
        signature = inspect.signature(handler)
    except (TypeError, ValueError) as error:
        raise HandlerSignatureError(f"{shown} has no signature") from error
    count = 3 if method else 2
    try:
        bound = signature.bind(*[None] * count)
    except TypeError as error:
        own = _own_parameter(handler, count)
        if own is not None:
            return own
        what = "itself, a context and a message" if method else "a context and a message"
        raise HandlerSignatureError(f"{shown}{signature} cannot be called with {what}: {error}") from error
    names = list(bound.arguments)
    parameters = [signature.parameters[name] for name in names]
    last = parameters[-1]
    if last.kind is inspect.Parameter.VAR_POSITIONAL and len(parameters) < count:
        return last.replace(annotation=UNTYPED)  # `def handler(*arguments)`: nothing is said of the message
    return last


def _own_parameter(handler: Any, count: int) -> inspect.Parameter | None:
    """The message of a wrapper that calls what it wraps with more than it gets, such as a connection to a database."""
    signature = inspect.signature(handler, follow_wrapped=False)
    try:
        bound = signature.bind(*[None] * count)
    except TypeError:
        return None
    last = signature.parameters[list(bound.arguments)[-1]]
    # Of `*arguments` nobody can tell which of the parameters behind it is the message.
    return None if last.kind is inspect.Parameter.VAR_POSITIONAL else last


def scope_of(handler: Any, names: Mapping[str, Any] | None = None, owner: type[Any] | None = None) -> dict[str, Any]:
    """The names that a string annotation of the handler may use; the nearest wins."""
    function = _function_of(handler)
    scope: dict[str, Any] = dict(names or {})
    scope.update(getattr(function, "__globals__", {}))
    if isinstance(names, LocalNames) and names.enclose(function):
        scope.update(names)
    code = getattr(function, "__code__", None)
    for name, cell in zip(getattr(code, "co_freevars", ()), getattr(function, "__closure__", None) or (), strict=False):
        try:
            scope[name] = cell.cell_contents
        except ValueError:  # the variable has no value yet
            continue
    for each in (owner, function):
        scope.update({parameter.__name__: parameter for parameter in getattr(each, "__type_params__", ())})
    return scope


def _function_of(handler: Any) -> Any:
    """The function behind partials, bound methods, wrappers and objects with `__call__`."""
    while True:
        if isinstance(handler, functools.partial):
            handler = handler.func
        elif inspect.ismethod(handler):
            handler = handler.__func__
        elif hasattr(handler, "__wrapped__"):
            handler = handler.__wrapped__
        else:
            return handler if inspect.isroutine(handler) else inspect.unwrap(type(handler).__call__)


def evaluate(annotation: Any, scope: Mapping[str, Any], what: str) -> Any:
    """An annotation with its strings evaluated, in the names of `scope`.

    Raises:
        AnnotationError: a name is not there, or the text is no expression.
    """
    texts: set[str] = set()
    while isinstance(annotation, (str, ForwardRef)):
        text = annotation if isinstance(annotation, str) else annotation.__forward_arg__
        if text in texts:
            raise AnnotationError(f"{what}, {text!r}, names itself", hint="annotate the message with a type")
        texts.add(text)
        try:
            # The text is source code of the very function that is registered, as in typing.get_type_hints.
            annotation = eval(text, dict(scope))  # noqa: S307
        except Exception as error:  # whatever an expression can raise
            raise _unresolved(what, text, error) from error
    return annotation


def _unresolved(what: str, text: object, error: Exception) -> AnnotationError:
    if isinstance(error, NameError):
        return AnnotationError(
            f"{what}, {text!r}, cannot be resolved: {error}",
            hint="import the type where the function can see it at run time, not under `if TYPE_CHECKING:`; one of the "
            "same module must be defined before the function is registered",
        )
    return AnnotationError(
        f"{what}, {text!r}, cannot be resolved: {type(error).__name__}: {error}",
        hint="annotate the message with a type or a union of types",
    )


def _lazy(holder: Any, attribute: str, what: str) -> Any:
    """An attribute that Python evaluates when it is first asked for, if the syntax of 3.12 made its holder."""
    try:
        return getattr(holder, attribute, None)
    except Exception as error:  # whatever an expression can raise
        raise _unresolved(what, holder, error) from error


def flatten(
    hint: Any,
    *,
    variables: Mapping[Any, Any] | None = None,
    scope: Mapping[str, Any] | None = None,
    what: str = "a hint",
    within: tuple[Any, ...] = (),
) -> Iterator[Any]:
    """The types that a hint names: unions, aliases, Annotated, NewType and type variables taken apart.

    `None` is left out, since a message is never None. `Annotated[X, value_type]` is the value type.

    Args:
        hint: The hint.
        variables: What type variables stand for.
        scope: What strings in it may name.
        what: What the hint is of, for errors.
        within: The aliases whose value the hint stands in.

    Raises:
        AnnotationError: a type variable that nothing binds, a string or an alias that cannot be evaluated, or an alias
            that names itself.
    """
    hint = evaluate(hint, scope or {}, what)
    if hint is None or hint is type(None):
        return
    origin = get_origin(hint)
    if origin is Union or origin is types.UnionType:
        for part in get_args(hint):
            yield from flatten(part, variables=variables, scope=scope, what=what, within=within)
    elif origin is Annotated:
        named: list[Any] = [extra for extra in get_args(hint)[1:] if isinstance(extra, ValueType)]
        annotated = get_args(hint)[0]
        yield from named[:1] or flatten(annotated, variables=variables, scope=scope, what=what, within=within)
    elif isinstance(hint, TypeVar):
        yield from _flatten_variable(hint, variables or {}, scope, what)
    elif isinstance(alias := origin or hint, _ALIASES):
        if alias in within:
            raise AnnotationError(
                f"{what} holds the alias {alias}, which names itself", hint="name the types themselves"
            )
        parameters = dict(zip(alias.__type_params__, get_args(hint), strict=False))
        # The value may be text, which names what the alias's own module does.
        names = {**(scope or {}), **vars(sys.modules.get(alias.__module__, object))}
        value = _lazy(alias, "__value__", what)
        bound = {**(variables or {}), **parameters}
        yield from flatten(value, variables=bound, scope=names, what=what, within=(*within, alias))
    elif isinstance(hint, typing.NewType):
        yield from flatten(hint.__supertype__, variables=variables, scope=scope, what=what, within=within)
    else:
        yield hint


def _flatten_variable(
    variable: TypeVar, variables: Mapping[Any, Any], scope: Mapping[str, Any] | None, what: str
) -> Iterator[Any]:
    bound = variables.get(variable, variable)
    if bound is not variable:
        yield from flatten(bound, variables=variables, scope=scope, what=what)
        return
    default = _lazy(variable, "__default__", what)
    if default is not None and default is not typing_extensions.NoDefault:
        yield from flatten(default, variables=variables, scope=scope, what=what)
        return
    upper = _lazy(variable, "__bound__", what)
    candidates = _lazy(variable, "__constraints__", what) or (() if upper is None else (upper,))
    if not candidates:
        raise AnnotationError(
            f"{what} holds the type variable {variable}, which nothing binds",
            hint="give the generic base its type: `class Carts(Base[CartEvent])`",
        )
    for candidate in candidates:
        yield from flatten(candidate, variables=variables, scope=scope, what=what)


def type_arguments(cls: type[Any], root: type[Any]) -> dict[Any, Any]:
    """What each type variable of the generic bases of a class stands for, down to those of `root`.

    >>> from typing import Generic
    >>> A, B = TypeVar("A"), TypeVar("B")
    >>> class Root(Generic[A]): ...
    >>> class Middle(Root[B]): ...
    >>> class Leaf(Middle[int]): ...
    >>> type_arguments(Leaf, Root) == {A: int, B: int}
    True
    """
    bound: dict[Any, Any] = {}
    _bind_arguments(cls, root, bound)
    return bound


def _bind_arguments(cls: type[Any], root: type[Any], bound: dict[Any, Any]) -> None:
    for base in getattr(cls, "__dict__", {}).get("__orig_bases__", ()) or cls.__bases__:
        origin = get_origin(base) or base
        if not (isinstance(origin, type) and issubclass(origin, root)):
            continue
        parameters = getattr(origin, "__parameters__", ())
        for parameter, argument in zip(parameters, get_args(base), strict=False):
            bound.setdefault(parameter, bound.get(argument, argument) if isinstance(argument, TypeVar) else argument)
        _bind_arguments(origin, root, bound)


class LocalNames(dict[str, Any]):
    """The local names of a frame that registers a function.

    Args:
        frame: The frame.
    """

    def __init__(self, frame: types.FrameType) -> None:
        super().__init__({} if frame.f_locals is frame.f_globals else frame.f_locals)
        self._globals = frame.f_globals
        self._prefix = f"{frame.f_code.co_qualname}."

    def enclose(self, function: Any) -> bool:
        """Whether the function is written inside the frame's function or class, where local names come before global ones."""
        qualname = getattr(function, "__qualname__", "")
        return getattr(function, "__globals__", None) is self._globals and qualname.startswith(self._prefix)


def caller_names(depth: int) -> LocalNames:
    """The local names of a calling frame, so that classes of a test or a REPL resolve where they are registered."""
    return LocalNames(sys._getframe(depth + 1))
