"""A module and its functions held against what was there before: an earlier version of the module, and the values of a store."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from statefun.batch import ProtocolVersion
from statefun.functions import StatefulFunctions
from statefun.model import Module, SourcePosition
from statefun.module.check.findings import Finding, finding

__all__ = ["Stored", "against", "stored"]

Stored = Mapping[str, Mapping[str, Collection[str]]]
"""What a store has: by function type and name of state the typenames of the values."""


def against(module: Module, functions: StatefulFunctions, earlier: Module) -> Iterator[Finding]:
    """The findings of a module that takes the place of an earlier one, whose savepoint it goes on from."""
    start = SourcePosition(module.file, 1, 1)
    specs = functions.specs()
    for endpoint in earlier.endpoints:
        now = next((each for each in module.endpoints if each.functions == endpoint.functions), None)
        if now is None and not endpoint.wildcard:
            now = module.endpoint(endpoint.functions)
        covered = endpoint.wildcard and any(
            each.functions.startswith(endpoint.functions[:-1]) for each in module.endpoints
        )
        if now is None and not covered:
            yield finding("earlier-endpoint-missing", f"{endpoint.functions} had an endpoint", start)
        declared = {each.name: each.expiration for each in specs.get(endpoint.functions, ())}
        if endpoint.functions not in specs and now is not None:
            declared = {each.name: each.expiration for each in now.states}
        for state in endpoint.states:
            if state.name not in declared:
                yield finding("earlier-state-missing", f"{endpoint.functions} had the state {state.name!r}", start)
            elif _counted(state.expiration) != _counted(declared[state.name]):
                yield finding(
                    "earlier-state-expiration",
                    f"the state {state.name!r} of {endpoint.functions} expired otherwise",
                    start,
                )
    for code, before, after in (
        ("earlier-ingress-missing", earlier.ingresses, module.ingresses),
        ("earlier-egress-missing", earlier.egresses, module.egresses),
    ):
        there = {each.id for each in after}
        for each in before:
            if each.id not in there:
                yield finding(code, f"there was {type(each).__name__} {each.id!r}", start)


def _counted(expiration: object) -> tuple[object, object]:
    return getattr(expiration, "mode", None), getattr(expiration, "milliseconds", None)


def stored(functions: StatefulFunctions, kept: Stored) -> Iterator[Finding]:
    """The findings of functions that go on with the values of a store."""
    for each in functions.registered:
        typename = each.function_type.typename
        for name, types in kept.get(typename, {}).items():
            spec = each.specs.get(name)
            if spec is None:
                yield finding(
                    "stored-state-missing", f"{typename} declares no state {name!r}, which the store has", None
                )
                continue
            for other in types:
                if not any(spec.value_type.matches(other, protocol) for protocol in ProtocolVersion):
                    yield finding(
                        "stored-state-type",
                        f"the state {name!r} of {typename} is of {spec.value_type.typename}, and the store has {other}",
                        None,
                    )
