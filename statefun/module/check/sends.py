"""What handlers send to, as far as their source tells: names, declared egresses and addresses of classes.

The context is followed: to other names, to functions that it is given to, to the methods that are called with it. What it sends to is
known of literals and global names. What else is sent to is told as a note, as is where the context goes and is not followed.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from typing import Any, Final

from statefun.address import Egress, FunctionType
from statefun.function import StatefulFunction
from statefun.functions import StatefulFunctions
from statefun.model import KafkaEgress, KinesisEgress, Module, SourcePosition
from statefun.module.check.bodies import Body, Source, Sources, handlers, is_wrapper, methods, plain
from statefun.module.check.findings import Finding, finding
from statefun.module.check.following import inside, overridden
from statefun.module.check.served import is_target
from statefun.module.check.uses import TO_EGRESS, TO_FUNCTION, Function, Handed, Kept, Sent, parameter, uses
from statefun.module.check.values import Names, contexts, kind
from statefun.records import KafkaRecord, KinesisRecord

__all__ = ["sends"]

_ANSWERS: Final = ("caller", "address")
"""Attributes of a context that are addresses of functions which are there."""
_RECORDS: Final[dict[type[Any], type[Any]]] = {KafkaEgress: KafkaRecord, KinesisEgress: KinesisRecord}


def sends(module: Module, functions: StatefulFunctions) -> Iterator[Finding]:
    """The findings of what the handlers of registered functions send to."""
    check = _Check(module, functions)
    found: dict[Finding, None] = {}
    for registered in functions.registered:
        bodies: list[Body] = []
        for handler in handlers(registered) if registered.function_class is None else ():
            for body in plain(handler):
                if body is None:
                    name = f"{registered.function_type.typename}, {handler!r:.80}"
                    found[finding("source-unseen", f"the source of {name} cannot be read", None)] = None
                else:
                    bodies.append(body)
        if registered.function_class is not None:
            bodies += methods(registered.function_class, list(handlers(registered)))
        found.update(dict.fromkeys(check.read(registered.function_type.typename, bodies)))
    yield from found


class _Check:
    """A module and its functions, and what of their source was read."""

    def __init__(self, module: Module, functions: StatefulFunctions) -> None:
        self._module = module
        self._functions = functions
        self._egresses = {each.id: each for each in module.egresses}
        self._sources = Sources()
        self._looked: set[Body] = set()

    def read(self, typename: str, bodies: list[Body]) -> Iterator[Finding]:
        """The findings of functions, and of those that they give the context to."""
        bodies = list(bodies)
        while bodies:
            body = bodies.pop(0)
            if body in self._looked:
                continue
            self._looked.add(body)
            source = self._sources.find(body.function)
            # What it wraps is read by itself, whatever it does to call that.
            wrapper = is_wrapper(body.function)
            if source is None:
                if wrapper or (body.position is None and body.function.__name__.startswith("__")):
                    continue  # such as an `__init__` that a dataclass made
                name = f"{typename}, {body.function.__qualname__}"
                yield finding("source-unseen", f"the source of {name} cannot be read", None)
                continue
            names = Names(body.function, source.node)
            bodies += overridden(body, source.node, names)
            for use in uses(source.node, _given(body, source.node), contexts(source.node, names)):
                if isinstance(use, Sent):
                    yield from self._sent(use, names, source)
                    continue
                more = inside(use, body, names) if isinstance(use, Handed) else []
                bodies += more
                if not more and not wrapper:
                    yield _lost(use, source)

    def _sent(self, sent: Sent, names: Names, source: Source) -> Iterator[Finding]:
        call, to_egress = sent.call, sent.verb in TO_EGRESS
        place = _place(source, call)
        argument = _argument(call, 0 if to_egress else TO_FUNCTION[sent.verb])
        if isinstance(argument, ast.Attribute) and argument.attr in _ANSWERS:
            return
        typename = None if argument is None else _typename(names.value(argument))
        if typename is None:
            shown = ast.unparse(call if argument is None else argument)
            code = "egress-unseen" if to_egress else "target-unseen"
            yield finding(code, f"where `{shown:.80}` leads is not known before it runs", place)
        elif not to_egress:
            if not is_target(self._module, self._functions, typename):
                yield finding("target-undeclared", f"a message goes to {typename}, which nobody serves", place)
        elif typename not in self._egresses:
            yield finding("egress-undeclared", f"the module has no egress {typename}", place)
        else:
            yield from self._record(call, typename, names, place)

    def _record(self, call: ast.Call, typename: str, names: Names, place: SourcePosition) -> Iterator[Finding]:
        egress = self._egresses[typename]
        record = _RECORDS.get(type(egress))
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        if len(call.args) > 1 and not any(isinstance(each, ast.Starred) for each in call.args[:2]):
            given["message"] = call.args[1]
        # A type may make a record of anything, and whoever gives more than is known here gives one perhaps.
        if record is None or "message" not in given or "type" in given or None in given:
            return
        found = kind(given["message"], names)
        if found is not None and found is not record:
            shown = ast.unparse(given["message"])
            message = f"{typename} is a {type(egress).__name__} and takes a {record.__name__}, not `{shown:.80}`"
            yield finding("egress-record", message, place)


def _given(body: Body, node: Function) -> dict[str, int | None]:
    found = None if body.position is None else parameter(node, body.position)
    given = {} if found is None else {found[0]: found[1]}
    return given if body.keyword is None else {**given, body.keyword: None}


def _lost(use: Handed | Kept, source: Source) -> Finding:
    """The note on a context that goes where it is not followed."""
    if isinstance(use, Handed):
        message = f"`{ast.unparse(use.call.func):.80}` is given the context, and its source is not looked into"
        return finding("source-unseen", message, _place(source, use.call))
    message = f"what is sent by `{ast.unparse(use.node):.80}` is not followed from here"
    return finding("egress-unseen" if use.verb in TO_EGRESS else "target-unseen", message, _place(source, use.node))


def _place(source: Source, node: ast.expr) -> SourcePosition:
    return SourcePosition(source.file, node.lineno, source.column(node))


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
