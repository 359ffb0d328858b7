"""What the parity scenarios are made of: trees of steps, generated from a seed.

Whatever order an engine delivers the messages of different addresses in, and however late, a tree comes to the same end: what an actor adds up
does not depend on the order, and each `set` and each `expire` has an address of its own, written by one sender.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

from attrs import evolve, frozen

from statefun import json_type

__all__ = ["KINDS", "SEEDS", "STEP", "Step", "actors_of", "kind_of", "scenario", "walk"]

SEEDS: Final = tuple(range(1, 21))
KINDS: Final = ("count", "forward", "reply", "delay", "cancel", "set", "delete", "expire", "egress")
"""What the steps exercise; a `set` whose last write is None is counted as a `delete`."""

ACTORS: Final = 5
ROOTS: Final = 12
DEPTH: Final = 4
# What an actor does, and how often each is drawn.
WEIGHTS: Final = {"count": 4, "forward": 4, "reply": 3, "delay": 3, "cancel": 2, "set": 3, "expire": 1, "egress": 4}
WITH_CHILDREN: Final = ("count", "forward", "reply", "delay", "cancel", "egress")


@frozen
class Step:
    """What an actor is to do, and what follows from it.

    Attributes:
        do: One of `WEIGHTS`.
        number: Tells the steps of a scenario apart.
        to: Whom a `forward` goes to, and who answers a `reply`.
        amount: What a `count` adds, and how long a `delay` is, in milliseconds.
        writes: The values that a `set` stores one after the other; None deletes.
        apart: Whether a `cancel` comes in a later call than what it takes back.
        then: The steps that follow: at the same actor, for a `forward` at the other, for a `cancel` never.
    """

    do: str
    number: int
    to: str = ""
    amount: int = 0
    writes: tuple[int | None, ...] = ()
    apart: bool = False
    then: tuple[Step, ...] = ()


STEP: Final = json_type("parity/step", Step)


def actors_of(seed: int) -> list[str]:
    """The ids of a scenario's actors."""
    return [f"s{seed}-{letter}" for letter in "abcde"[:ACTORS]]


def scenario(seed: int) -> list[tuple[str, Step]]:
    """The messages from outside, each with the actor that it goes to."""
    drawn = random.Random(f"parity {seed}")
    numbers = iter(range(1, 1_000_000))
    actors = actors_of(seed)

    def step(depth: int) -> Step:
        do = drawn.choices([*WEIGHTS], [*WEIGHTS.values()])[0]
        made = Step(do, next(numbers), to=drawn.choice(actors), amount=drawn.randint(1, 400))
        if do == "set":
            return evolve(
                made, writes=tuple(drawn.choice((None, drawn.randint(0, 9))) for _ in range(drawn.randint(1, 4)))
            )
        children = drawn.randint(0, 3) if depth < DEPTH and do in WITH_CHILDREN else 0
        then = tuple(step(depth + 1) for _ in range(max(children, do == "cancel")))
        return evolve(made, then=then, apart=do == "cancel" and drawn.random() < 0.5)

    return [(drawn.choice(actors), step(0)) for _ in range(ROOTS)]


def walk(step: Step) -> Iterator[Step]:
    """A step and all that follow from it, but for those that are taken back."""
    yield step
    if step.do != "cancel":
        for each in step.then:
            yield from walk(each)


def kind_of(step: Step) -> str:
    """Which of `KINDS` it exercises."""
    return "delete" if step.do == "set" and step.writes[-1] is None else step.do
