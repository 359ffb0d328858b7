"""What expressions of a function are, as far as literals and global names tell. Nothing is run."""

from __future__ import annotations

import ast
import inspect
from types import FunctionType
from typing import Any, Final

from statefun.context import Context
from statefun.module.check.uses import Function, bound, parameters
from statefun.records import KafkaRecord, KinesisRecord

__all__ = ["UNSEEN", "Names", "contexts", "kind"]

UNSEEN: Final[Any] = object()
"""What the source does not tell."""


class Names:
    """What the names in a function stand for.

    Args:
        function: The function.
        node: Its source.
    """

    def __init__(self, function: FunctionType, node: Function) -> None:
        self._globals = function.__globals__
        self._closure = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        self._bound = bound(node)

    def value(self, node: ast.expr) -> Any:
        """What an expression is, where a literal or a global name says so."""
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                local = name in self._bound or name in self._closure
                return UNSEEN if local else self._globals.get(name, UNSEEN)
            case ast.Attribute(value=of, attr=attribute):
                # Modules and classes hold their attributes as they are.
                holder = self.value(of)
                if inspect.ismodule(holder) or inspect.isclass(holder):
                    return inspect.getattr_static(holder, attribute, UNSEEN)
                return UNSEEN
            case ast.Call(func=ast.Attribute(value=of, attr="at")):
                return self.value(of)
            case _:
                return UNSEEN

    def called(self, node: ast.expr) -> Any:
        """What a call calls: a global, or what a decorator was given."""
        cell = self._closure.get(node.id) if isinstance(node, ast.Name) and node.id not in self._bound else None
        if cell is None:
            return self.value(node)
        try:
            return cell.cell_contents
        except ValueError:  # nothing is in it yet
            return UNSEEN


def contexts(node: Function, names: Names) -> frozenset[ast.arg]:
    """The parameters of a function, and of the functions in it, that their annotation or their name says are a context."""
    functions = [
        each for each in ast.walk(node) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    ]
    return frozenset(each for function in functions for each in parameters(function) if _is_context(each, names))


def _is_context(parameter: ast.arg, names: Names) -> bool:
    if parameter.annotation is None:
        return parameter.arg == "context"
    told = _annotated(parameter.annotation, names)
    return parameter.arg == "context" if told is None else told


def _annotated(node: ast.expr, names: Names) -> bool | None:
    """Whether an annotation is of a context; None where it does not tell."""
    match node:
        case ast.Constant(value=str(text)):
            try:
                return _annotated(ast.parse(text, mode="eval").body, names)
            except SyntaxError:
                return None
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return bool(_annotated(left, names) or _annotated(right, names))
        case ast.Subscript(value=ast.Name(id="Optional" | "Union" | "Annotated"), slice=inside):
            parts = inside.elts if isinstance(inside, ast.Tuple) else [inside]
            return any(_annotated(each, names) for each in parts)
        case ast.Name(id=last) | ast.Attribute(attr=last):
            value = names.value(node)
            if value is Any:
                return None
            if value is UNSEEN:  # imported for type checkers alone, perhaps
                return True if last == "Context" else None
            return inspect.isclass(value) and issubclass(value, Context)
        case _:
            return False


def kind(node: ast.expr, names: Names) -> type[Any] | None:
    """The class of a value, where it is a literal or a record of Kafka or Kinesis; None where that is not known."""
    match node:
        case ast.JoinedStr():
            return str
        case ast.UnaryOp(operand=operand):
            return kind(operand, names)
        case ast.Call(func=func):
            made = names.value(func)
            return made if made in (KafkaRecord, KinesisRecord) else None
        case _:
            value = names.value(node)
            return type(value) if isinstance(value, str | bytes | int | float | KafkaRecord | KinesisRecord) else None
