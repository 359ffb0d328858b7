"""A module and its functions held against an earlier version of the module."""

from __future__ import annotations

from collections.abc import Iterator

from statefun.functions import StatefulFunctions
from statefun.model import KafkaIngress, KinesisIngress, Module, SourcePosition
from statefun.module.check.findings import Finding, finding
from statefun.module.check.lifetimes import lifetime, told

__all__ = ["against"]


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
            elif lifetime(state.expiration) != lifetime(declared[state.name]):
                yield finding(
                    "earlier-state-expiration",
                    f"the state {state.name!r} of {endpoint.functions} was listed {told(state.expiration)}, and is"
                    f" {told(declared[state.name])}",
                    start,
                )
    for code, before, after in (
        ("earlier-ingress-missing", earlier.ingresses, module.ingresses),
        ("earlier-egress-missing", earlier.egresses, module.egresses),
    ):
        there = {each.id: type(each).__name__ for each in after}
        for each in before:
            kind = type(each).__name__
            if each.id not in there:
                yield finding(code, f"there was {kind} {each.id!r}", start)
            elif there[each.id] != kind:
                yield finding(code, f"{each.id!r} was {kind}, and is {there[each.id]}", start)
    # Where a wildcard became narrower: whom it was asked to call is known of the targets alone.
    routes = [
        route for each in earlier.ingresses if isinstance(each, KafkaIngress | KinesisIngress) for route in each.routes
    ]
    for target in dict.fromkeys(target for route in routes for target in route.targets):
        called = earlier.endpoint(target)
        if called is not None and called.wildcard and module.endpoint(target) is None:
            yield finding("earlier-endpoint-missing", f"{target} was a target, and had an endpoint", start)
