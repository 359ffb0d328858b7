"""A module and its functions held against what a store of the embedded runtime holds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from attrs import Factory, frozen

from statefun.batch import ProtocolVersion
from statefun.expiration import Expiration
from statefun.functions import StatefulFunctions
from statefun.model import Module
from statefun.module.check.findings import Finding, finding
from statefun.module.check.lifetimes import lifetime, told
from statefun.module.check.served import is_target
from statefun.registered import RegisteredFunction

__all__ = ["Stored", "stored"]


@frozen(kw_only=True)
class Stored:
    """What a store holds.

    Attributes:
        states: By function type and name of a state the typenames of its values.
        expirations: By the same, when it expires, as its function registered it last; a state that is not there has not been
            registered since stores know of it.
        waiting: By function type how many messages wait for it, those included that are delayed.
        egresses: The egresses that records wait for.
    """

    states: Mapping[str, Mapping[str, Collection[str]]] = Factory(dict[str, dict[str, set[str]]])
    expirations: Mapping[str, Mapping[str, Expiration | None]] = Factory(dict[str, dict[str, Expiration | None]])
    waiting: Mapping[str, int] = Factory(dict[str, int])
    egresses: Collection[str] = ()


def stored(module: Module, functions: StatefulFunctions, kept: Stored) -> Iterator[Finding]:
    """The findings of a module and functions that go on with a store."""
    registered = {each.function_type.typename: each for each in functions.registered}
    for typename in sorted({*kept.states, *kept.waiting}):
        function = registered.get(typename)
        if function is not None:
            yield from _states(function, kept)
        elif not is_target(module, functions, typename):
            what = [f"{kept.waiting[typename]} messages"] if typename in kept.waiting else []
            what += ["states"] if typename in kept.states else []
            message = f"the store has {' and '.join(what)} of {typename}, which nobody serves"
            yield finding("stored-function-missing", message, None)
    there = {each.id for each in module.egresses}
    for egress in sorted(kept.egresses):
        if egress not in there:
            yield finding("stored-egress-missing", f"the store has records for the egress {egress!r}", None)


def _states(function: RegisteredFunction, kept: Stored) -> Iterator[Finding]:
    typename = function.function_type.typename
    expirations = kept.expirations.get(typename, {})
    for name, types in kept.states.get(typename, {}).items():
        spec = function.specs.get(name)
        if spec is None:
            yield finding("stored-state-missing", f"{typename} declares no state {name!r}, which the store has", None)
            continue
        for other in types:
            if not any(spec.value_type.matches(other, protocol) for protocol in ProtocolVersion):
                yield finding(
                    "stored-state-type",
                    f"the state {name!r} of {typename} is of {spec.value_type.typename}, and the store has {other}",
                    None,
                )
        if name in expirations and lifetime(expirations[name]) != lifetime(spec.expire):
            yield finding(
                "stored-state-expiration",
                f"the state {name!r} of {typename} is declared {told(spec.expire)}, and was {told(expirations[name])}",
                None,
            )
