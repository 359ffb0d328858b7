"""States over several batches, against a plain model: a dict of what is stored, and a dict of what a batch sees of it.

Every batch goes through a real handler as bytes, with what the batch before it left in the engine.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from statefun import LONG, STRING, Context, HandlerError, StatefulFunction, ValueSpec, handles, json_type
from statefun.batch import ProtocolVersion, TypedBytes
from tests.unit.rig import V2, V3, Engine

TAGS = json_type("test/model-tags", list)
HERE = "test/f/1"
NAMES = ["number", "counter", "text", "tags", "listed", "form", "formed"]
DEFAULTS: dict[str, Any] = {"counter": 0, "listed": ["default"], "formed": Struct()}
TYPES = {
    "number": LONG,
    "counter": LONG,
    "text": STRING,
    "tags": TAGS,
    "listed": TAGS,
    "form": Struct,
    "formed": Struct,
}

numbers = st.integers(-(2**63), 2**63 - 1)
plain = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=3), st.floats(0, 1))
lists = st.lists(st.one_of(plain, st.lists(plain, max_size=2), st.dictionaries(st.text(max_size=2), plain)), max_size=3)
texts = st.text(st.characters(codec="utf-8"), max_size=5)


def forms(content: dict[str, float]) -> Struct:
    made = Struct()
    made.update(content)
    return made


structs = st.dictionaries(st.text(max_size=3), st.floats(0, 5), max_size=3).map(forms)
VALUES = {
    "number": numbers,
    "counter": numbers,
    "text": texts,
    "tags": lists,
    "listed": lists,
    "form": structs,
    "formed": structs,
}


class Does(StatefulFunction[str], typename="test/f"):
    """Does what the test is about to look at; one message is one invocation of the batch."""

    number: ValueSpec[int | None] = ValueSpec(LONG)
    counter: ValueSpec[int] = ValueSpec(LONG, default=0)
    text: ValueSpec[str | None] = ValueSpec(STRING)
    tags: ValueSpec[list[Any] | None] = ValueSpec(TAGS)
    listed: ValueSpec[list[Any]] = ValueSpec(TAGS, default=["default"])
    form: ValueSpec[Struct | None] = ValueSpec(Struct)
    formed: ValueSpec[Struct] = ValueSpec(Struct, default=Struct())

    def __init__(self, machine: States) -> None:
        self.machine = machine

    @handles
    def on_message(self, context: Context, message: str) -> None:
        self.machine.invoke(self, context, int(message))


class States(RuleBasedStateMachine):
    """Collects the steps of a batch, runs it, and holds what comes back against the model."""

    protocol: ProtocolVersion

    @initialize(asynchronous=st.booleans())
    def start(self, asynchronous: bool) -> None:
        self.engine = Engine(self.protocol, asynchronous)
        self.engine.functions.register(Does, factory=lambda: Does(self))
        self.stored: dict[str, Any] = {}
        self.steps: list[list[tuple[str, str, Any]]] = [[]]
        self.fails = False

    # --- what a batch does ----------------------------------------------------------------------------------------------

    @rule(name=st.sampled_from(NAMES))
    def read(self, name: str) -> None:
        self.steps[-1].append(("read", name, None))

    @rule(name=st.sampled_from(NAMES), data=st.data())
    def write(self, name: str, data: st.DataObject) -> None:
        self.steps[-1].append(("write", name, data.draw(VALUES[name])))

    @rule(name=st.sampled_from(NAMES), how=st.sampled_from(["del", "none", "by name"]))
    def delete(self, name: str, how: str) -> None:
        self.steps[-1].append(("delete", name, how))

    @rule(name=st.sampled_from(["tags", "listed", "form", "formed"]), value=plain, undo=st.booleans())
    def change_in_place(self, name: str, value: Any, undo: bool) -> None:
        self.steps[-1].append(("change", name, (value, undo)))

    @rule(name=st.sampled_from(NAMES))
    def write_what_it_reads(self, name: str) -> None:
        self.steps[-1].append(("rewrite", name, None))

    @rule()
    def next_invocation(self) -> None:
        self.steps.append([])

    @rule(fails=st.sampled_from([False, False, False, True]))
    def end_of_batch(self, fails: bool) -> None:
        self.run(fails)

    def teardown(self) -> None:
        if hasattr(self, "engine"):
            self.run(fails=False)

    # --- a batch, and the model of it -----------------------------------------------------------------------------------

    def run(self, fails: bool) -> None:
        self.seen: dict[str, Any] = {}  # what the batch made of a state; None for deleted
        self.touched: dict[str, Any] = {}  # what a state was when it was first read since the last write or delete
        self.written: set[str] = set()
        self.deleted: set[str] = set()
        self.fails = fails
        steps, messages = self.steps, [str(number) for number in range(len(self.steps))]
        if fails:
            with pytest.raises(HandlerError):
                self.engine.send(HERE, *messages)
        else:
            answer = self.engine.send(HERE, *messages)
            expected = self.expected()
            found = {name: self.decoded(name, value) for name, value in answer.effects.mutations}
            assert self.comparable(found) == self.comparable(expected), steps
            for name, value in expected.items():
                if value is None:
                    self.stored.pop(name)
                else:
                    self.stored[name] = deepcopy(value)
        self.steps = [[]]

    def invoke(self, function: Any, context: Context, number: int) -> None:
        for step, name, value in self.steps[number]:
            if step == "read":
                assert self.comparable({name: getattr(function, name)}) == self.comparable({name: self.current(name)})
            elif step == "write":
                setattr(function, name, deepcopy(value))
                self.assign(name, value)
            elif step == "rewrite":
                current = self.current(name)
                setattr(function, name, getattr(function, name))
                if current is None:
                    self.remove(name)
                else:
                    self.assign(name, current)
            elif step == "delete":
                if value == "none":
                    setattr(function, name, None)
                elif value == "del":
                    delattr(function, name)
                else:
                    del context[name]
                self.remove(name)
            else:
                model, real = self.current(name), getattr(function, name)
                if model is not None:
                    self.change(model, *value)
                    self.change(real, *value)
        if self.fails and number == len(self.steps) - 1:
            raise LookupError("the batch fails after all that it did")

    def current(self, name: str) -> Any:
        """What a read of the state must give: the same object until the next write or delete."""
        if name not in self.seen:
            initial = DEFAULTS.get(name) if name in self.deleted or name not in self.stored else self.stored[name]
            self.seen[name] = deepcopy(initial)
            self.touched[name] = deepcopy(initial)
        return self.seen[name]

    def assign(self, name: str, value: Any) -> None:
        self.seen[name] = value if value is self.seen.get(name) else deepcopy(value)
        self.written.add(name)

    def remove(self, name: str) -> None:
        self.seen.pop(name, None)
        self.touched.pop(name, None)
        self.written.discard(name)
        self.deleted.add(name)

    def expected(self) -> dict[str, Any]:
        """The mutations: what was written or changed, with its value; None for what was deleted and is there."""
        found: dict[str, Any] = {}
        for name in NAMES:
            changed = name in self.touched and self.comparable({name: self.touched[name]}) != self.comparable(
                {name: self.seen[name]}
            )
            if name in self.written or changed:
                found[name] = self.seen[name]
            elif name in self.deleted and name in self.stored:
                found[name] = None
        return found

    @staticmethod
    def change(value: Any, item: Any, undo: bool) -> None:
        if isinstance(value, Struct):
            value["changed"] = item
            if undo:
                del value["changed"]
        else:
            value.append(item)
            if undo:
                value.pop()

    def decoded(self, name: str, value: TypedBytes | None) -> Any:
        if value is None:
            return None
        if TYPES[name] is TAGS:
            assert value.typename == "test/model-tags"
            return TAGS.v3.decode(value.value)
        from tests.unit.rig import plain as python_value

        return python_value(value)

    @staticmethod
    def comparable(states: dict[str, Any]) -> dict[str, Any]:
        """States for comparison: 1, 1.0 and True differ; the order of keys does not matter."""

        def show(value: Any) -> Any:
            if isinstance(value, Struct):
                return ("struct", value.SerializeToString(deterministic=True))
            if isinstance(value, dict):
                return ("dict", sorted((key, show(each)) for key, each in value.items()))
            if isinstance(value, list):
                return ("list", [show(each) for each in value])
            return repr(value)

        return {name: show(value) for name, value in states.items()}

    @invariant()
    def the_engine_holds_what_the_model_holds(self) -> None:
        if not hasattr(self, "engine"):
            return
        held = {name: value for name, value in self.engine.stored.get(HERE, {}).items() if value is not None}
        assert self.comparable({name: self.decoded(name, value) for name, value in held.items()}) == self.comparable(
            self.stored
        )


class States22(States):
    protocol = V2


class States3x(States):
    protocol = V3


TestStates22 = States22.TestCase
TestStates3x = States3x.TestCase
TestStates22.settings = TestStates3x.settings = settings(stateful_step_count=30)
