"""Which functions of Python a handler consists of, and where their source stands."""

from __future__ import annotations

import ast
import functools
import inspect
import sys
from collections.abc import Iterator
from types import FunctionType
from typing import Any, Final, Generic

from attrs import frozen

from statefun.function import StatefulFunction
from statefun.module.check.uses import Function
from statefun.registered import RegisteredFunction

__all__ = ["Body", "Source", "Sources", "after", "handlers", "is_wrapper", "layers", "methods", "plain"]

_NOT_OF_USERS: Final[tuple[Any, ...]] = (StatefulFunction, Generic, object)
_OF_METHODS: Final = (FunctionType, staticmethod, classmethod, functools.partialmethod)


@frozen
class Body:
    """A function whose source is to be read.

    Attributes:
        function: The function, as Python defines it: no method and no other callable.
        position: Which of its positional parameters is the context; None where none is known to be.
        keyword: Which of its parameters is the context, by name.
        cls: The function class that it belongs to, which `self` is an object of.
        owner: The class in which it is defined.
    """

    function: Any
    position: int | None = None
    keyword: str | None = None
    cls: type[Any] | None = None
    owner: type[Any] | None = None


@frozen
class Source:
    """Where a function stands: the file, its lines, and the function in the tree of the file."""

    file: str
    lines: tuple[str, ...]
    node: Function

    def column(self, node: ast.expr) -> int:
        """The column of an expression as editors count it: characters, where a tree has bytes."""
        return len(self.lines[node.lineno - 1].encode()[: node.col_offset].decode()) + 1


class Sources:
    """The sources of functions; each file is parsed once, and whole, so that places in it are those of the file."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[tuple[str, ...], dict[tuple[str, int], list[Function]]]] = {}

    def find(self, function: FunctionType) -> Source | None:
        """Where a function stands; None where no file says it."""
        code = function.__code__
        if code.co_filename not in self._files:
            try:
                lines, _ = inspect.findsource(function)
                tree = ast.parse("".join(lines))
            except (OSError, TypeError, SyntaxError, ValueError):
                return None
            self._files[code.co_filename] = tuple(lines), _by_place(tree)
        lines_of_file, nodes = self._files[code.co_filename]
        found = nodes.get((code.co_name, code.co_firstlineno), [])
        # Of two lambdas in a line none says which it is.
        return Source(code.co_filename, lines_of_file, found[0]) if len(found) == 1 else None


def _by_place(tree: ast.Module) -> dict[tuple[str, int], list[Function]]:
    found: dict[tuple[str, int], list[Function]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Lambda):
            found.setdefault(("<lambda>", node.lineno), []).append(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            line = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            found.setdefault((node.name, line), []).append(node)
    return found


def layers(called: Any, given: int = 0) -> Iterator[tuple[FunctionType | None, int]]:
    """The functions that a call of something runs, and at which position of each the first argument of the call arrives.

    None stands for what is no function of Python, whose source cannot be read.

    Args:
        called: A function, a method, a `functools.partial`, an object with `__call__`, or what `functools.wraps` was used on.
        given: How many arguments stand before it, as `self` does.
    """
    seen: list[Any] = []
    while not any(called is each for each in seen):
        seen.append(called)
        if isinstance(called, functools.partial | functools.partialmethod):
            given, called = given + len(called.args), called.func
        elif inspect.ismethod(called):
            given, called = given + 1, called.__func__
        elif _is_a(called, staticmethod, classmethod):
            given, called = given + _is_a(called, classmethod), called.__func__
        elif is_wrapper(called):
            if inspect.isfunction(called) and not _of_python(called):
                yield called, given
            called = inspect.getattr_static(called, "__wrapped__")
        elif inspect.isfunction(called) and _of_python(called):
            yield None, given
            return
        elif inspect.isfunction(called):
            yield called, given
            return
        else:
            call: Any = inspect.getattr_static(_class_of(called), "__call__", None)
            if not _is_a(call, *_OF_METHODS) and not is_wrapper(call):
                yield None, given
                return
            given, called = given + (not _is_a(call, staticmethod, classmethod)), call


def _is_a(value: Any, *kinds: Any) -> bool:
    """Whether a value is of one of some kinds, which tells type checkers nothing of what it holds."""
    return isinstance(value, kinds)


def _class_of(value: Any) -> Any:
    return type(value)  # pyright: ignore[reportUnknownVariableType]  of Any it is a type[Unknown]


def is_wrapper(called: Any) -> bool:
    """Whether something says of itself that it wraps another function, as `functools.wraps` has it."""
    return inspect.getattr_static(called, "__wrapped__", None) is not None


def _of_python(function: FunctionType) -> bool:
    """Whether a function is of the standard library, which knows no context."""
    return str(function.__globals__.get("__name__")).partition(".")[0] in sys.stdlib_module_names - {"__main__"}


def handlers(registered: RegisteredFunction) -> Iterator[Any]:
    """The handlers of a function, each once."""
    found = [each.handler for each in registered.routes.routes]
    if registered.routes.other is not None:
        found.append(registered.routes.other)
    for index, each in enumerate(found):
        if not any(each is before for before in found[:index]):
            yield each


def plain(handler: Any) -> Iterator[Body | None]:
    """What a handler that belongs to no function class consists of; None where it is no function of Python."""
    inner = handler
    while isinstance(inner, functools.partial):
        inner = inner.func
    if inspect.ismethod(inner):
        cls = inner.__self__ if inspect.isclass(inner.__self__) else _class_of(inner.__self__)
    else:
        cls = None if inspect.isfunction(inner) or is_wrapper(inner) else _class_of(inner)
    bases = () if cls is None else cls.__mro__
    for function, given in layers(handler):
        owner = next((each for each in bases if any(value is function for value in vars(each).values())), None)
        yield None if function is None else Body(function, given, cls=cls, owner=owner)


def methods(cls: type[Any], found: list[Any]) -> Iterator[Body]:
    """The methods of a class that its objects have: of those that are overridden, only what overrides them.

    Args:
        cls: A function class.
        found: Its handlers, whose first argument is the context.
    """
    names = dict.fromkeys(name for each in cls.__mro__ if each not in _NOT_OF_USERS for name in vars(each))
    for name in names:
        yield from after(
            cls, None, name, 0 if any(inspect.getattr_static(cls, name) is each for each in found) else None
        )


def after(
    cls: type[Any], owner: type[Any] | None, name: str, argument: int | None, *, itself: bool = False
) -> Iterator[Body]:
    """The method that a class has by a name, or that `super()` in one of its bases leads to.

    Args:
        cls: A function class.
        owner: Where `super()` is called; None to look in all of the class.
        name: The name of the method.
        argument: Which of the arguments of its call is the context; None where none is known to be.
        itself: Whether to look in `owner` too, which is named then.
    """
    bases = cls.__mro__ if owner is None else cls.__mro__[cls.__mro__.index(owner) + (not itself) :]
    definer = next((each for each in bases if name in vars(each)), None)
    if definer is None or definer in _NOT_OF_USERS:
        return
    method = vars(definer)[name]
    if isinstance(method, _OF_METHODS) or is_wrapper(method):
        for function, given in layers(method, 0 if isinstance(method, staticmethod | classmethod) else 1):
            if function is not None:
                yield Body(function, None if argument is None else argument + given, cls=cls, owner=definer)
