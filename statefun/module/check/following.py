"""Where a context goes on to: the functions that it is given to, and the methods that `super()` leads to."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from attrs import evolve

from statefun.module.check.bodies import Body, after, layers
from statefun.module.check.uses import Function, Handed
from statefun.module.check.values import UNSEEN, Names

__all__ = ["inside", "overridden"]


def inside(handed: Handed, body: Body, names: Names) -> list[Body]:
    """What a call runs that is given the context; nothing where that is not known."""
    position, found = handed.position, list[Body]()
    match handed.call.func:
        case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=attribute) if body.cls is not None:
            found = list(after(body.cls, None, attribute, position))
        case ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr=attribute) if (
            body.cls is not None and body.owner is not None
        ):
            found = list(after(body.cls, body.owner, attribute, position))
        case func:
            called = names.called(func)
            for each, given in () if called is UNSEEN else layers(called):
                if each is None:
                    return []
                # What a decorator was given is a method of the same class.
                same = body.owner is not None and each.__qualname__.startswith(f"{body.owner.__qualname__}.")
                of = (body.cls, body.owner) if same else (None, None)
                found.append(Body(each, None if position is None else given + position, None, *of))
    return [evolve(each, keyword=handed.keyword) for each in found]


def overridden(body: Body, node: Function, names: Names) -> Iterator[Body]:
    """The methods of bases that a method calls although its class has others: `super().method` and `Base.method`."""
    if body.cls is None or body.owner is None:
        return
    for each in ast.walk(node):
        match each:
            case ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr=attribute):
                yield from after(body.cls, body.owner, attribute, None)
            case ast.Attribute(value=ast.Name() | ast.Attribute() as of, attr=attribute):
                base = names.value(of)
                if isinstance(base, type) and base in body.cls.__mro__:
                    yield from after(body.cls, base, attribute, None, itself=True)
            case _:
                pass
