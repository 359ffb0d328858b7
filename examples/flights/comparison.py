"""Every difference between two sets of totals, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from examples.flights.independent import AlertLine, Totals


def differences(
    functions: tuple[Totals, Counter[AlertLine]], one_pass: tuple[Totals, Counter[AlertLine]]
) -> Iterator[str]:
    """What the functions came to and one pass did not, and the other way round; nothing when all is equal."""
    ours, our_alerts = functions
    theirs, their_alerts = one_pass
    for kind in sorted({*ours, *theirs}):
        yield from _of_kind(kind, ours.get(kind, {}), theirs.get(kind, {}))
    for alert in sorted({*our_alerts, *their_alerts}):
        if our_alerts[alert] != their_alerts[alert]:
            yield f"alert {alert}: {our_alerts[alert]} times, one pass says {their_alerts[alert]}"


def _of_kind(kind: str, ours: Mapping[str, Counter[str]], theirs: Mapping[str, Counter[str]]) -> Iterator[str]:
    nothing = Counter[str]()
    for identity in sorted({*ours, *theirs}):
        our, their = ours.get(identity, nothing), theirs.get(identity, nothing)
        for name in sorted({*our, *their}):
            if our[name] != their[name]:
                yield f"{kind} {identity}, {name}: {our[name]:,}, one pass says {their[name]:,}"


def size(totals: Totals) -> int:
    """How many numbers there are to compare."""
    return sum(len(names) for by_identity in totals.values() for names in by_identity.values())
