"""What would restart a job for ever, found before it is deployed: a module held against its functions and what was there before.

| file | what it looks at |
|---|---|
| `findings` | what a finding is, and the table of all codes |
| `alone` | the module by itself |
| `served` | the module and the functions that it leads to |
| `sends` | what handlers send to |
| `bodies` | which functions of Python a handler consists of, and where their source stands |
| `uses` | what one function does with its context |
| `following` | where a context goes on to |
| `values` | what expressions and annotations are |
| `earlier` | the module and an earlier version of it |
| `stored` | the module, its functions and a store that they go on with |
| `lifetimes` | how expirations are compared and told |
"""

from __future__ import annotations

from collections.abc import Iterable

from statefun import arguments
from statefun.arguments import instance_of
from statefun.functions import REGISTRY, StatefulFunctions
from statefun.model import Module
from statefun.module.check.alone import alone
from statefun.module.check.earlier import against
from statefun.module.check.findings import RULES, Finding, Rule, Severity, finding
from statefun.module.check.sends import sends
from statefun.module.check.served import served
from statefun.module.check.stored import Stored, stored

__all__ = ["RULES", "Finding", "Rule", "Severity", "Stored", "check", "finding", "in_order"]


def check(
    module: Module, functions: StatefulFunctions, *, earlier: Module | None = None, kept: Stored | None = None
) -> tuple[Finding, ...]:
    """What is found in a module and its functions, in the order of files and lines.

    Args:
        module: The module, as `load` reads it.
        functions: The registry that its endpoints lead to, or one of several.
        earlier: The module whose savepoint this one goes on from.
        kept: What the store holds that the functions go on with.

    Raises:
        DefinitionError: an argument is of another type.
    """
    for name, value, kind in (
        ("module", module, instance_of(Module)),
        ("functions", functions, REGISTRY),
        ("earlier", earlier, instance_of(Module).or_none),
        ("kept", kept, instance_of(Stored).or_none),
    ):
        arguments.check("check", name, value, kind)
    found = [*alone(module), *served(module, functions), *sends(module, functions)]
    if earlier is not None:
        found += against(module, functions, earlier)
    if kept is not None:
        found += stored(module, functions, kept)
    return in_order(found)


def in_order(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sorts findings by file and line."""
    return tuple(sorted(found, key=lambda each: (*each.place, each.code, each.message)))
