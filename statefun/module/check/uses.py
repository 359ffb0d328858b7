"""What one function does with its context, as far as its source tells: calls on it, whom it is given to, where it is kept.

A context is followed through simple assignments (`c = context`, `send = context.send`) and into the functions inside of a function.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from attrs import frozen

__all__ = [
    "TO_EGRESS",
    "TO_FUNCTION",
    "Function",
    "Handed",
    "Kept",
    "Sent",
    "Use",
    "bound",
    "parameter",
    "parameters",
    "uses",
]

TO_EGRESS: Final = ("send_egress", "pack_and_send_egress")
TO_FUNCTION: Final = {"send": 0, "pack_and_send": 0, "send_after": 1, "pack_and_send_after": 1}
"""Which argument says whom a message is for."""
CONTEXT: Final = "the context"
"""What a name means; a method of the context is meant by its own name."""
STAR: Final = "*"
"""The arguments among which the context is."""
UNSURE: Final = "?"
"""It may be the context, or something else."""
_HARMLESS: Final = ("bool", "callable", "hasattr", "id", "isinstance", "len", "print", "repr", "str", "type")

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@frozen
class Sent:
    """A call of one of the methods that send."""

    verb: str
    call: ast.Call


@frozen
class Handed:
    """A call that is given the context."""

    call: ast.Call
    position: int | None = None
    keyword: str | None = None


@frozen
class Kept:
    """A place where the context, or one of its methods, goes where it is not followed."""

    node: ast.expr
    verb: str | None


Use = Sent | Handed | Kept


def bound(node: ast.AST) -> set[str]:
    """All names that something in a function gives a meaning of its own, which no global has there."""
    return {name for each in ast.walk(node) if each is not node or isinstance(each, ast.Name) for name in _binds(each)}


def _binds(node: ast.AST) -> Iterator[str]:
    """The names that one node by itself gives a meaning."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.alias(name=name, asname=None):
            yield name.partition(".")[0]
        case (
            ast.alias(asname=str(name))
            | ast.ExceptHandler(name=str(name))
            | ast.MatchAs(name=str(name))
            | ast.MatchStar(name=str(name))
            | ast.MatchMapping(rest=str(name))
        ):
            yield name
        case _:
            pass


def parameter(node: Function, position: int) -> tuple[str, int | None] | None:
    """The name of the parameter at a position, and behind how many others of `*args` the argument is."""
    names = [each.arg for each in (*node.args.posonlyargs, *node.args.args)]
    if position < len(names):
        return names[position], None
    return None if node.args.vararg is None else (node.args.vararg.arg, position - len(names))


def parameters(node: Function) -> Iterator[ast.arg]:
    """All parameters of a function."""
    yield from (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    yield from (each for each in (node.args.vararg, node.args.kwarg) if each is not None)


def uses(node: Function, given: Mapping[str, int | None], contexts: frozenset[ast.arg]) -> list[Use]:
    """What a function does with its context, in the order of its source.

    Args:
        node: The function.
        given: Its parameters that are a context, or `*args` with the number of arguments before it.
        contexts: The parameters, of inner functions too, that are one by their name or annotation.
    """
    reader = _Reader(given, contexts)
    reader.scope(node, {name: CONTEXT if index is None else STAR for name, index in given.items()})
    return reader.found


class _Reader(ast.NodeVisitor):
    """Goes through a function; `names` is what names mean in the scope that is gone through."""

    def __init__(self, given: Mapping[str, int | None], contexts: frozenset[ast.arg]) -> None:
        self.found: list[Use] = []
        self._before_star = next((index for index in given.values() if index is not None), 0)
        self._contexts = contexts
        self._names: dict[str, str] = {}
        self._inner: dict[str, Function] = {}
        self._later: dict[Function, dict[str, str]] = {}
        self._handed: dict[Function, set[str]] = {}

    def scope(self, node: Function, given: Mapping[str, str]) -> None:
        """Goes through the body of a function, and then of those in it, which may be given the context."""
        outer = self._names, self._inner, self._later
        taken = {each.arg for each in parameters(node)}
        own = {each.arg: CONTEXT for each in parameters(node) if each in self._contexts} | dict(given)
        self._names = {name: meaning for name, meaning in self._names.items() if name not in taken} | own
        body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else list(node.body)
        here = [each for statement in body for each in _here(statement)]
        defined: dict[str, Function] = {}
        defined |= {each.name: each for each in here if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
        self._inner = {name: inner for name, inner in self._inner.items() if name not in taken} | defined
        self._later = {}
        self._assign(here, taken)
        for statement in body:
            self.visit(statement)
        while self._later:
            inner = next(iter(self._later))
            self._names = self._later.pop(inner)
            self.scope(inner, dict.fromkeys(self._handed.pop(inner, ()), CONTEXT))
        self._names, self._inner, self._later = outer

    def _assign(self, here: list[ast.AST], taken: set[str]) -> None:
        """Gives the names that are bound in a scope what they mean there."""
        simple: dict[ast.AST, ast.expr] = {target: value for each in here for target, value in _assignments(each)}
        values: dict[str, list[ast.expr | None]] = {}
        for each in here:
            for name in () if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Del) else _binds(each):
                values.setdefault(name, []).append(simple.get(each))
        outer = {name: self._names.pop(name, None) for name in values}
        before = {name: {meaning} if name in taken else set[str | None]() for name, meaning in outer.items()}
        for _ in values:  # a name may have its meaning from the one after it
            for name, each_value in values.items():
                not_none = [each for each in each_value if not (isinstance(each, ast.Constant) and each.value is None)]
                meanings = before[name] | {None if each is None else self._meaning(each) for each in not_none}
                if meanings <= {None}:
                    self._names.pop(name, None)
                else:
                    self._names[name] = next(iter(meanings)) or UNSURE if len(meanings) == 1 else UNSURE

    def _meaning(self, node: ast.expr) -> str | None:
        match node:
            case ast.Name(id=name):
                return self._names.get(name)
            case ast.NamedExpr(value=value) | ast.Call(func=ast.Name(id="cast"), args=[_, value]):
                return self._meaning(value)
            case ast.Attribute(value=value, attr=verb) if verb in TO_EGRESS or verb in TO_FUNCTION:
                meaning = self._meaning(value)
                return verb if meaning == CONTEXT else UNSURE if meaning == UNSURE else None
            case _:
                return None

    # --- where a context stands -------------------------------------------------------------------------------------

    def visit_Name(self, node: ast.Name) -> None:
        meaning = self._names.get(node.id)
        if isinstance(node.ctx, ast.Load) and meaning is not None:
            self._keep(node, meaning)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        meaning = self._meaning(node)
        if meaning is not None:
            self._keep(node, node.attr)
        elif self._meaning(node.value) not in (CONTEXT, UNSURE):
            self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        called = self._meaning(node.func)
        if called in TO_EGRESS or called in TO_FUNCTION:
            self.found.append(Sent(called, node))
        elif isinstance(node.func, ast.Name) and node.func.id in _HARMLESS and node.func.id not in self._inner:
            self._visit_all(each for each in node.args if self._meaning(each) != CONTEXT)
            return
        elif self._meaning(node) is not None:
            self._keep(node, self._meaning(node))
            return
        else:
            self.visit(node.func)
        for index, each in enumerate(node.args):
            if self._meaning(each) == CONTEXT:
                self._hand(node, index, None)
            elif isinstance(each, ast.Starred) and self._meaning(each.value) == STAR:
                self._hand(node, index + self._before_star, None)
            else:
                self.visit(each)
        for keyword in node.keywords:
            if self._meaning(keyword.value) == CONTEXT and keyword.arg is not None:
                self._hand(node, None, keyword.arg)
            else:
                self.visit(keyword.value)

    def _hand(self, call: ast.Call, position: int | None, keyword: str | None) -> None:
        inner = self._inner.get(call.func.id) if isinstance(call.func, ast.Name) else None
        if inner is not None and inner in self._later:
            found = (keyword, None) if position is None else parameter(inner, position)
            if found is not None and found[0] is not None and found[1] is None:
                self._handed.setdefault(inner, set()).add(found[0])
                return
        self.found.append(Handed(call, position, keyword))

    def _keep(self, node: ast.expr, meaning: str | None) -> None:
        verb = meaning if meaning in TO_EGRESS or meaning in TO_FUNCTION else None
        self.found.append(Kept(node, verb))

    # --- what neither sends nor keeps -------------------------------------------------------------------------------

    def visit_If(self, node: ast.If) -> None:
        self._tested(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._tested(node)

    def _tested(self, node: ast.If | ast.IfExp) -> None:
        test = node.test.operand if isinstance(node.test, ast.UnaryOp) else node.test
        known = self._meaning(test) == CONTEXT
        self._visit_all(each for each in ast.iter_child_nodes(node) if not (known and each is node.test))

    def visit_Compare(self, node: ast.Compare) -> None:
        self._visit_all(each for each in (node.left, *node.comparators) if self._meaning(each) != CONTEXT)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if self._meaning(node.value) not in (CONTEXT, UNSURE):
            self.visit(node.value)
        self.visit(node.slice)

    def visit_FormattedValue(self, node: ast.FormattedValue) -> None:
        if self._meaning(node.value) != CONTEXT:
            self.visit(node.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        self._assigned(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._assigned(node)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self._assigned(node)

    def _assigned(self, node: ast.Assign | ast.AnnAssign | ast.NamedExpr) -> None:
        followed = [value for _, value in _assignments(node) if self._meaning(value) is not None]
        self._visit_all(each for each in ast.iter_child_nodes(node) if each not in followed)

    # --- scopes -----------------------------------------------------------------------------------------------------

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._define(node, node.decorator_list)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._define(node, node.decorator_list)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._define(node, ())

    def _define(self, node: Function, decorators: Iterable[ast.expr]) -> None:
        self._visit_all(
            (*decorators, *node.args.defaults, *(each for each in node.args.kw_defaults if each is not None))
        )
        self._later[node] = self._names

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self._comprehend(node)

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self._comprehend(node)

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._comprehend(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self._comprehend(node)

    def _comprehend(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        first = node.generators[0]
        self.visit(first.iter)
        outer = self._names
        taken = {name for each in node.generators for name in bound(each.target)}
        self._names = {name: meaning for name, meaning in outer.items() if name not in taken}
        for each in ast.iter_child_nodes(node):
            if each is first:
                self._visit_all(first.ifs)
            else:
                self.visit(each)
        self._names = outer

    def _visit_all(self, nodes: Iterable[ast.AST]) -> None:
        for each in nodes:
            self.visit(each)


def _here(node: ast.AST) -> Iterator[ast.AST]:
    """A node and those in it that belong to the same scope."""
    yield node
    if isinstance(node, ast.comprehension):
        inside: Iterable[ast.AST] = (node.iter, *node.ifs)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
        inside = ()
    else:
        inside = ast.iter_child_nodes(node)
    for each in inside:
        yield from _here(each)


def _assignments(node: ast.AST) -> Iterator[tuple[ast.Name, ast.expr]]:
    """The names that a statement makes another name of a value."""
    match node:
        case ast.Assign(targets=targets, value=value):
            yield from ((each, value) for each in targets if isinstance(each, ast.Name))
        case ast.AnnAssign(target=ast.Name() as name, value=ast.expr() as value):
            yield name, value
        case ast.NamedExpr(target=ast.Name() as name, value=value):
            yield name, value
        case _:
            pass
