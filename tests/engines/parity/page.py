"""docs/parity.md, from the outcomes of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.engines.parity.steps import KINDS, SEEDS, kind_of, walk
from tests.engines.parity.suite import Outcome, expected, roots

__all__ = ["PAGE", "page"]

PAGE: Final = Path(__file__).resolve().parents[3] / "docs" / "parity.md"
MEANINGS: Final = {
    "count": "adds to a state",
    "forward": "sends a message for each following step to another actor",
    "reply": "asks a coroutine function, which replies with the following steps",
    "delay": "sends itself a delayed message with the following steps",
    "cancel": "sends one that would come late, and takes it back: half of them at once, half in a later call",
    "set": "writes a state of another function, several times",
    "delete": "the same, and the last write deletes",
    "expire": "writes states that expire after a write, after a call and not at all, and looks at them later",
    "egress": "sends a record",
}


def page(outcomes: Mapping[str, Outcome]) -> str:
    """The page that says what each world came to."""
    drawn = Counter(kind_of(step) for _, root in roots() for step in walk(root))
    model = expected()
    rows = "\n".join(
        f"| {name} | {sum(each.records.values()):,} | {sum(each.states.values()):,} | `{each.digest()}` |"
        f" {'yes' if each == model else 'NO'} |"
        for name, each in {"the model": model, **outcomes}.items()
    )
    kinds = "\n".join(f"| {kind} | {drawn[kind]} | {MEANINGS[kind]} |" for kind in KINDS)
    return f"""<!-- Written by `make parity` from the outcomes of its run; tests/engines/test_parity.py holds it to what it runs. -->

# Parity of the engines

One program, no line of it changed, comes to the same end on the embedded runtime, on Flink StateFun 2.2.2 and on Flink StateFun 3.3.0.

{len(SEEDS)} scenarios are generated from the seeds {SEEDS[0]} to {SEEDS[-1]}: trees of steps, which functions carry out and send to each other. Each world takes
all of them at once, {len(roots())} messages from outside that make {drawn.total():,} steps. At the end every function is asked for the states of every id. Equal
means: the same egress records, each as often, and the same states.

| world | egress records | states told | digest | as the model |
|---|---|---|---|---|
{rows}

The model knows no functions, no messages and no time: it adds up what the trees say. The digest is of all records and states.

| step | how many | what it does |
|---|---|---|
{kinds}

## What is compared, and what is not

- On the engines messages come from Kafka and records are read from Kafka, committed ones alone; on the embedded runtime both are files, and each
  feeding is a run of its own over the same store.
- The steps are such that the order in which different addresses work does not matter to where they come to: none of the worlds promises one.
- The protocol of 2.2 has no cancellation. The program catches the `UnsupportedError`, remembers what it took back, and ignores it when it comes. The
  states are the same in the end.
- Where a world emits something more, long after all was due, nobody waits for it: the last message is sent behind all others and comes
  later than all that was taken back.

Run it: `make parity`. It needs a JDK and Maven, as `make test-engines` does ([how the engines are started](engines.md)).
"""
