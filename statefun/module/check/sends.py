"""What handlers send to, as far as their source tells: names, declared egresses and addresses of classes.

Only calls on a parameter are looked at (`context.send(…)`), in the methods of a class or in a plain function, and only literals and global
names are followed. What else is sent to is told as a note; helpers outside of the class are not looked into.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any, Final, Generic

from statefun.address import Egress, FunctionType
from statefun.function import StatefulFunction
from statefun.functions import StatefulFunctions
from statefun.model import KafkaEgress, KinesisEgress, Module, SourcePosition
from statefun.module.check.findings import Finding, finding
from statefun.module.check.served import is_target
from statefun.registered import RegisteredFunction

__all__ = ["sends"]

_UNSEEN: Final[Any] = object()
_NOT_OF_USERS: Final[tuple[Any, ...]] = (StatefulFunction, Generic, object)
_TO_EGRESS: Final = ("send_egress", "pack_and_send_egress")
_TO_FUNCTION: Final = {"send": 0, "pack_and_send": 0, "send_after": 1, "pack_and_send_after": 1}
"""Which argument says whom a message is for."""
_ANSWERS: Final = ("caller", "address")
"""Attributes of a context that are addresses of functions which are there."""


def sends(module: Module, functions: StatefulFunctions) -> Iterator[Finding]:
    """The findings of what the handlers of registered functions send to."""
    egresses = {each.id for each in module.egresses}
    looked: set[Any] = set()
    for registered in functions.registered:
        for method in _methods(registered):
            code = method.__code__
            if code in looked:
                continue
            looked.add(code)
            try:
                lines, first = inspect.getsourcelines(method)
                tree = ast.parse(textwrap.dedent("".join(lines)))
            except (OSError, TypeError, SyntaxError):  # no file, or a part of a line, as of a lambda
                name = f"{registered.function_type.typename}, {method.__qualname__}"
                yield finding("source-unseen", f"the source of {name} cannot be read", None)
                continue
            for call in _calls(tree, method):
                source = SourcePosition(code.co_filename, first + call.lineno - 1, call.col_offset + 1)
                yield from _send(module, functions, egresses, method, call, source)


def _methods(registered: RegisteredFunction) -> list[Callable[..., Any]]:
    if registered.function_class is None:
        found = [each.handler for each in registered.routes.routes]
        handlers: list[Any] = [*found, *([] if registered.routes.other is None else [registered.routes.other])]
        return [each for each in dict.fromkeys(map(inspect.unwrap, handlers)) if inspect.isfunction(each)]
    bases: list[type[Any]] = [each for each in registered.function_class.__mro__ if each not in _NOT_OF_USERS]
    of_bases = [value for each in bases for value in vars(each).values()]
    return [inspect.unwrap(each) for each in of_bases if inspect.isfunction(each)]


def _calls(tree: ast.Module, method: Any) -> Iterator[ast.Call]:
    parameters = set(method.__code__.co_varnames[: method.__code__.co_argcount])
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id in parameters - {"self"}
            and (node.func.attr in _TO_EGRESS or node.func.attr in _TO_FUNCTION)
        ):
            yield node


def _send(
    module: Module,
    functions: StatefulFunctions,
    egresses: set[str],
    method: Any,
    call: ast.Call,
    source: SourcePosition,
) -> Iterator[Finding]:
    verb = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    to_egress = verb in _TO_EGRESS
    argument = _argument(call, 0 if to_egress else _TO_FUNCTION[verb])
    if argument is None:
        yield finding("egress-unseen" if to_egress else "target-unseen", f"`{ast.unparse(call.func)}`", source)
        return
    if isinstance(argument, ast.Attribute) and argument.attr in _ANSWERS:
        return
    typename = _typename(_value(argument, method))
    shown = ast.unparse(argument)
    if typename is None:
        what = "egress-unseen" if to_egress else "target-unseen"
        yield finding(what, f"where `{shown}` leads is not known before it runs", source)
    elif to_egress:
        if typename not in egresses:
            yield finding("egress-undeclared", f"the module has no egress {typename}", source)
    elif not is_target(module, functions, typename):
        yield finding("target-undeclared", f"a message goes to {typename}, which nobody serves", source)


def _argument(call: ast.Call, index: int) -> ast.expr | None:
    for keyword in call.keywords:
        if keyword.arg in ("typename", "to"):
            return keyword.value
    first = call.args[0] if call.args else None
    if index == 1 and isinstance(first, ast.Constant) and isinstance(first.value, str):
        return first  # the 2.2 SDK's example has the delay third
    if any(isinstance(each, ast.Starred) for each in call.args[: index + 1]) or len(call.args) <= index:
        return None
    return call.args[index]


def _value(node: ast.expr, method: Any) -> Any:
    """What an expression is, where a literal or a global name says so."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        local = node.id in method.__code__.co_varnames or node.id in method.__code__.co_freevars
        return _UNSEEN if local else method.__globals__.get(node.id, _UNSEEN)
    if isinstance(node, ast.Attribute):
        # Nothing is run: modules and classes hold their attributes as they are.
        holder = _value(node.value, method)
        if inspect.ismodule(holder) or inspect.isclass(holder):
            return inspect.getattr_static(holder, node.attr, _UNSEEN)
        return _UNSEEN
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "at":
        return _value(node.func.value, method)
    return _UNSEEN


def _typename(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, FunctionType | Egress):
        return value.typename
    if isinstance(value, KafkaEgress | KinesisEgress):
        return value.id
    if inspect.isclass(value) and issubclass(value, StatefulFunction):
        function_type: FunctionType[Any] | None = value.function_type
        return None if function_type is None else function_type.typename
    return None
