"""What a scenario comes to, by plain arithmetic over its trees: no messages, no time, no functions."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from tests.engines.parity.steps import Step

__all__ = ["Model", "line"]

FUNCTIONS = ("parity/actor", "parity/hourglass", "parity/mirror", "parity/slot")


def line(record: dict[str, Any]) -> str:
    """A record as a text that is equal for equal records."""
    return json.dumps(record, sort_keys=True)


class Model:
    """The egress records and the states that scenarios come to.

    Attributes:
        records: How often each record is emitted.
        ids: Every id that has a state somewhere.
    """

    def __init__(self, roots: Iterable[tuple[str, Step]]) -> None:
        self.records: Counter[str] = Counter()
        self.ids: set[str] = set()
        self._count: Counter[str] = Counter()
        self._late: Counter[str] = Counter()
        self._asked: Counter[str] = Counter()
        self._slots: dict[str, int | None] = {}
        self._kept: dict[str, int] = {}
        for actor, step in roots:
            self._do(actor, step)

    def _do(self, actor: str, step: Step) -> None:
        self.ids.add(actor)
        own = f"{actor}.{step.number}"
        then, where = step.then, actor
        match step.do:
            case "count":
                self._count[actor] += step.amount
            case "egress":
                self._emit(f"parity/actor/{actor}", "egress", step.number)
            case "forward":
                where = step.to
            case "reply":
                self._asked[step.to] += 1
                self.ids.add(step.to)
            case "delay":
                self._late[actor] += 1
            case "cancel":
                self._asked[actor] += step.apart
                then = ()
            case "set":
                self.ids.add(own)
                self._slots[own] = step.writes[-1]
            case _:
                self.ids.add(own)
                self._kept[own] = step.number
                self._emit(f"parity/hourglass/{own}", "turned", [step.number] * 3)
                self._emit(f"parity/hourglass/{own}", "looked", [None, None, step.number])
        for each in then:
            self._do(where, each)

    def _emit(self, at: str, what: str, value: Any) -> None:
        self.records[line({"at": at, "what": what, "value": value})] += 1

    def states(self) -> Counter[str]:
        """What each function tells of each id when it is asked."""
        told: Counter[str] = Counter()
        for id in self.ids:
            states: dict[str, dict[str, Any]] = {
                "parity/actor": {"count": self._count[id], "late": self._late[id], "revoked": None},
                "parity/hourglass": {"written": None, "called": None, "kept": self._kept.get(id)},
                "parity/mirror": {"asked": self._asked[id]},
                "parity/slot": {"value": self._slots.get(id)},
            }
            for function in FUNCTIONS:
                told[line({"at": f"{function}/{id}", "what": "states", "value": states[function]})] += 1
        return told
