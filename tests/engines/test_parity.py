"""The same program comes to the same end on the embedded runtime, on StateFun 2.2.2 and on 3.3.0; and the comparison would tell."""

from __future__ import annotations

import pytest
from attrs import evolve

from tests.engines.parity.model import Model
from tests.engines.parity.page import PAGE, page
from tests.engines.parity.steps import KINDS, SEEDS, Step, kind_of, scenario
from tests.engines.parity.suite import Outcome, difference, expected, run_everywhere
from tests.services.broker import Broker


def test_all_worlds_come_to_what_the_model_says(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> None:
    outcomes = run_everywhere(broker, tmp_path_factory.mktemp("parity"))
    assert {name: difference(expected(), each)[:5] for name, each in outcomes.items()} == {
        name: [] for name in outcomes
    }
    assert PAGE.read_text(encoding="utf-8") == page(outcomes), "write the page anew: make parity"


# What a world that does not know a kind of step would do instead.
FAULTS = {
    "count": lambda step: evolve(step, amount=step.amount + 1),
    "forward": lambda step: evolve(step, do="egress", number=0),
    "reply": lambda step: evolve(step, do="forward"),
    "delay": lambda step: evolve(step, do="count"),
    "cancel": lambda step: evolve(step, do="delay"),
    "set": lambda step: evolve(step, writes=(*step.writes, 10)),
    "delete": lambda step: evolve(step, writes=step.writes[:-1] or (10,)) if step.writes != (None, None) else step,
    "expire": lambda step: evolve(step, do="egress"),
    "egress": lambda step: evolve(step, number=0),
}


def spoilt(step: Step, kind: str) -> Step:
    """The same tree with the fault in each step of a kind."""
    then = step.then if step.do == "cancel" else tuple(spoilt(each, kind) for each in step.then)
    made = evolve(step, then=then)
    return FAULTS[kind](made) if kind_of(step) == kind else made


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_in_any_kind_of_step_is_a_difference(kind: str) -> None:
    roots = [root for seed in SEEDS for root in scenario(seed)]
    right = Model(roots)
    wrong = Model([(id, spoilt(step, kind)) for id, step in roots])
    assert difference(Outcome(right.records, right.states()), Outcome(wrong.records, wrong.states())) != []
