"""A module held against the functions that its endpoints lead to: targets, message types, states."""

from __future__ import annotations

from collections.abc import Iterator

from statefun.batch import ProtocolVersion, StateDeclaration
from statefun.functions import StatefulFunctions
from statefun.model import HttpEndpoint, KafkaIngress, KinesisIngress, Module, Route, SourcePosition
from statefun.module.check.findings import Finding, finding
from statefun.module.check.lifetimes import lifetime, told

__all__ = ["is_target", "served"]


def served(module: Module, functions: StatefulFunctions) -> Iterator[Finding]:
    """The findings of a module and the functions that it is for."""
    start = SourcePosition(module.file, 1, 1)
    specs = functions.specs()
    for typename in functions.typenames:
        endpoint = module.endpoint(typename)
        if endpoint is None:
            yield finding("function-without-endpoint", f"{typename} has no endpoint", start)
        elif module.protocol is ProtocolVersion.V2:
            yield from _states(typename, specs[typename], endpoint)
    for ingress in module.ingresses:
        if isinstance(ingress, KafkaIngress | KinesisIngress):
            for route in ingress.routes:
                yield from _route(module, functions, route)


def is_target(module: Module, functions: StatefulFunctions, typename: str) -> bool:
    """Whether an engine can call a function, as far as these functions tell.

    A function that is not registered here may be one of another server: of an endpoint, that is, which leads to none of those that are.
    """
    endpoint = module.endpoint(typename)
    if endpoint is None:
        return False
    return typename in functions.typenames or not _is_ours(module, functions, endpoint)


def _is_ours(module: Module, functions: StatefulFunctions, endpoint: HttpEndpoint) -> bool:
    return any((own := module.endpoint(each)) is not None and own.url == endpoint.url for each in functions.typenames)


def _route(module: Module, functions: StatefulFunctions, route: Route) -> Iterator[Finding]:
    registered = {each.function_type.typename: each for each in functions.registered}
    for index, target in enumerate(route.targets):
        where = route.target_sources[index] if index < len(route.target_sources) else route.source
        if not is_target(module, functions, target):
            yield finding("target-undeclared", f"{route.name!r} goes to {target}, which nobody serves", where)
            continue
        function = registered.get(target)
        if function is None or function.routes.other is not None:
            continue
        if function.routes.find(route.value_type, module.protocol) is None:
            yield finding(
                "message-unhandled",
                f"{route.name!r} brings {route.value_type} to {target}, which handles "
                f"{', '.join(each.value_type.encoding(module.protocol).typename for each in function.routes.routes)}",
                where,
            )


def _states(typename: str, declared: tuple[StateDeclaration, ...], endpoint: HttpEndpoint) -> Iterator[Finding]:
    listed = {each.name: each for each in endpoint.states}
    for state in declared:
        found = listed.pop(state.name, None)
        if found is None:
            yield finding("state-missing", f"{typename} declares the state {state.name!r}", endpoint.source)
        elif lifetime(found.expiration) != lifetime(state.expiration):
            yield finding(
                "state-expiration",
                f"the state {state.name!r} of {typename} is declared {told(state.expiration)}"
                f" and listed {told(found.expiration)}",
                found.source or endpoint.source,
            )
    for left in listed.values():
        yield finding("state-undeclared", f"{typename} declares no state {left.name!r}", left.source or endpoint.source)
