"""Random trees of operations, crashes included, against the model; and bugs that are seeded to see that it would notice."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from statefun.batch import ProtocolVersion
from statefun.runtime import Options
from statefun.runtime.changes import Changes
from statefun.runtime.timers import TimerChanges
from tests.runtime.rig import Actor, CrashingStore, Operation, Record, Scenario, model, perform

functions = st.sampled_from(["sim/a", "sim/b"])
ids = st.sampled_from(["1", "2", "3"])
numbers = st.integers(1, 9)
_names = iter(range(10**9))


def unique(prefix: str) -> Any:
    return st.builds(lambda: f"{prefix}{next(_names)}")


add = st.tuples(st.just("add"), numbers).map(list)
emit = unique("line").map(lambda text: ["emit", text])
fail = st.tuples(st.just("fail"), unique("uid"), st.sampled_from([1, 999])).map(list)


def trees(leaves: Any, cancelling: bool) -> Any:
    def nested(inner: Any) -> Any:
        some = st.lists(inner, min_size=1, max_size=3)
        send = st.tuples(st.just("send"), functions, ids, some).map(list)
        after = st.tuples(st.just("after"), st.integers(1, 40), functions, ids, some, st.just("")).map(list)
        return st.one_of(leaves, send, after)

    return st.recursive(leaves, nested, max_leaves=6)


@st.composite
def programs(draw: st.DrawFn, kind: str) -> list[Record]:
    """Records of one kind: with failures, or with cancellations, since a retry delays a cancellation behind its time."""
    leaves = st.one_of(add, emit, fail) if kind == "failing" else st.one_of(add, emit)
    records: list[Record] = []
    for _ in range(draw(st.integers(1, 10))):
        id = draw(ids)
        ops: list[Operation] = draw(st.lists(trees(leaves, False), min_size=1, max_size=4))
        if kind == "cancelling":
            token = f"token{next(_names)}"
            inner = draw(st.lists(trees(leaves, False), min_size=1, max_size=2))
            due, again, cancelled = (draw(st.integers(1, 30)) for _ in range(3))
            ops.append(["after", due, "sim/b", draw(ids), inner, token])
            # What follows is sent to itself, since a token belongs to its sender.
            match draw(st.sampled_from(["keep", "now", "later", "rearm"])):
                case "now":
                    ops.append(["send", "sim/a", id, [["cancel", token]]])
                case "later":
                    ops.append(["after", cancelled, "sim/a", id, [["cancel", token]], ""])
                case "rearm":
                    ops.append(["send", "sim/a", id, [["after", again, "sim/b", "1", inner, token]]])
        records.append((id, ops))
    return records


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    protocol = draw(st.sampled_from(ProtocolVersion))
    kind = draw(st.sampled_from(["plain", "failing"] if protocol is ProtocolVersion.V2 else ["failing", "cancelling"]))
    options = Options(
        protocol=protocol,
        max_group=draw(st.integers(1, 6)),
        max_batch=draw(st.integers(1, 4)),
        max_invocations=draw(st.sampled_from([1, 2, 5, 1000])),
        cached=draw(st.sampled_from([1, 2, 1000])),
        timers=draw(st.sampled_from([1, 2, 1000])),
        attempts=8,
        backoff=10,
    )
    crashes = st.lists(st.tuples(st.integers(1, 6), st.booleans()), max_size=3)
    return Scenario(
        records=draw(programs(kind)), crashes=draw(crashes), options=options, asynchronous=draw(st.booleans())
    )


def check(scenario: Scenario, store_class: type[CrashingStore] = CrashingStore) -> None:
    with tempfile.TemporaryDirectory() as folder:
        left = perform(scenario, Path(folder), store_class)
    assert left == model(scenario.records, scenario.options.attempts)


@given(scenarios())
@settings(max_examples=120)
def test_every_effect_happens_once_whatever_crashes(scenario: Scenario) -> None:
    check(scenario)


# --- seeded bugs ---------------------------------------------------------------------------------------------------------------

BUSY = Scenario(
    records=[
        (
            str(number % 3),
            [["add", 1], ["emit", f"line{number}"], ["after", 5 + number, "sim/b", "1", [["add", 1]], ""]],
        )
        for number in range(40)
    ],
    crashes=[(3, True), (4, False), (5, True), (4, False)],
    options=Options(max_group=3, max_invocations=2),
)


def test_the_scenario_of_the_seeded_bugs_passes_without_them() -> None:
    check(BUSY)


class PositionBefore(CrashingStore):
    """Commits the position in a transaction of its own, before the rest."""

    def commit(self, changes: Changes) -> None:
        self._connection.executemany(
            "INSERT OR REPLACE INTO ingress (id, position) VALUES (?, ?)", changes.positions.items()
        )
        super().commit(changes)


class PositionAfter(CrashingStore):
    """Commits the position behind the rest."""

    def commit(self, changes: Changes) -> None:
        super().commit(evolve(changes, positions={}))
        self._connection.executemany(
            "INSERT OR REPLACE INTO ingress (id, position) VALUES (?, ?)", changes.positions.items()
        )


class TimersForgotten(CrashingStore):
    """Keeps delayed messages in memory only."""

    def commit(self, changes: Changes) -> None:
        super().commit(evolve(changes, timers=TimerChanges(changes.timers.cancelled, changes.timers.removed, [])))


class FiredKept(CrashingStore):
    """Does not take out what has fired."""

    def commit(self, changes: Changes) -> None:
        super().commit(evolve(changes, timers=TimerChanges(changes.timers.cancelled, [], changes.timers.armed)))


class OutboxForgotten(CrashingStore):
    """Writes to the egress without keeping the records until they are delivered."""

    def commit(self, changes: Changes) -> None:
        outbox, changes.outbox = changes.outbox, []
        super().commit(changes)
        changes.outbox = outbox


class InboxForgotten(CrashingStore):
    """Keeps what is pending in memory only."""

    def commit(self, changes: Changes) -> None:
        super().commit(evolve(changes, inbox=[]))


class ConsumedKept(CrashingStore):
    """Does not take consumed messages out of the inbox."""

    def commit(self, changes: Changes) -> None:
        super().commit(evolve(changes, inbox_removed=[]))


class StatesForgotten(CrashingStore):
    """Loses the states of the last group before a crash."""

    def commit(self, changes: Changes) -> None:
        super().commit(evolve(changes, states=[]) if self.commits + 1 == self.crash_at else changes)


SABOTAGED = (
    PositionBefore,
    PositionAfter,
    TimersForgotten,
    FiredKept,
    OutboxForgotten,
    InboxForgotten,
    ConsumedKept,
    StatesForgotten,
)


@pytest.mark.parametrize("store_class", SABOTAGED)
def test_a_seeded_bug_is_noticed(store_class: type[CrashingStore]) -> None:
    with pytest.raises(AssertionError):
        check(BUSY, store_class)


@pytest.fixture
def last_in_first_out(monkeypatch: pytest.MonkeyPatch) -> None:
    from statefun.runtime.core import Core

    deliver = Core._deliver

    def reversing(self: Core, entry: Any, sender: bytes, argument: bytes) -> None:
        deliver(self, entry, sender, argument)
        if not entry.chunks:
            entry.inbox.reverse()

    monkeypatch.setattr(Core, "_deliver", reversing)


@pytest.mark.usefixtures("last_in_first_out")
def test_messages_out_of_order_are_noticed() -> None:
    with pytest.raises(AssertionError):
        check(Scenario(records=[("1", [["send", "sim/b", "1", [["add", 1]]] for _ in range(4)]), ("2", [["add", 1]])]))


def test_the_actor_and_the_model_know_the_same_operations() -> None:
    for name in ("add", "emit", "send", "after", "cancel", "fail"):
        assert callable(getattr(Actor, name))
