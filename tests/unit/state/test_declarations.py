"""What a function declares, and how an engine learns of it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from statefun import (
    LONG,
    STRING,
    Context,
    DefinitionError,
    Expiration,
    StatefulFunction,
    ValueSpec,
    after_call,
    after_write,
    handles,
)
from statefun.batch import Effects, MissingStates, StateDeclaration
from statefun.errors import (
    DuplicateStateError,
    MessageTypeError,
    MissingStateError,
)
from tests.unit.rig import V2, V3, Engine
from tests.unit.state.doing import HERE, Do


def test_3_x_learns_every_declared_state_before_any_user_code_runs() -> None:
    class Declares(StatefulFunction[str], typename="test/f"):
        def __init__(self) -> None:
            raise AssertionError("user code ran")

        second: ValueSpec[int] = ValueSpec(LONG, default=0, expire=after_call(timedelta(seconds=1)))
        first: ValueSpec[Timestamp | None] = ValueSpec(Timestamp, expire=after_write(timedelta(microseconds=1)))
        third: ValueSpec[str | None] = ValueSpec(STRING, name="renamed")

        @handles
        def on_message(self, context: Context, message: str) -> None: ...

    engine = Engine(V3).register(Declares)
    answer = engine.ask(HERE, "a")
    assert answer == MissingStates(
        (
            StateDeclaration("second", "io.statefun.types/long", after_call(timedelta(seconds=1))),
            StateDeclaration(
                "first", "type.googleapis.com/google.protobuf.Timestamp", after_write(timedelta(milliseconds=1))
            ),
            StateDeclaration("renamed", "io.statefun.types/string", None),
        )
    )
    engine.store(HERE, "first", None)
    answer = engine.ask(HERE, "a")
    assert isinstance(answer, MissingStates)
    assert [state.name for state in answer.states] == ["second", "renamed"], "only those that the request lacks"


def test_2_2_reads_its_states_from_the_first_request_on_and_names_one_that_its_module_lacks() -> None:
    class Two(StatefulFunction[str], typename="test/f"):
        here: ValueSpec[int] = ValueSpec(LONG, default=0)
        lacking: ValueSpec[int] = ValueSpec(LONG, default=0)

        @handles
        def on_message(self, context: Context, message: str) -> None:
            self.here += 1
            if message == "lacking":
                self.lacking += 1
            elif message == "write":
                self.lacking = 1
            elif message == "delete":
                del self.lacking

    engine = Engine(V2).register(Two)
    engine.store(HERE, "here", None)
    request = engine.request
    engine.functions.specs = dict
    assert isinstance(engine.ask(HERE, "here"), Effects)
    for message in ("lacking", "write", "delete"):
        with pytest.raises(MissingStateError, match="'lacking'") as caught:
            engine.bytes(request(HERE, message))
        assert "module.yaml" in caught.value.hint


def test_every_expiration_that_can_be_declared_reaches_the_engine() -> None:
    engine = Engine(V3)
    expirations = [after_write(timedelta.max), after_call(timedelta(microseconds=1))]
    specs = [ValueSpec(LONG, expire=each, name=each.mode.value) for each in expirations]
    engine.functions.register("test/f", lambda context, message: None, specs=specs)
    engine.send(HERE, "a")
    ((longest, shortest),) = engine.learnt
    assert longest.expiration == after_write(timedelta(milliseconds=86_399_999_999_999_999))
    assert shortest.expiration == after_call(timedelta(milliseconds=1))


def test_the_name_of_an_attribute_is_its_own_unless_given(engine: Engine) -> None:
    class Named(StatefulFunction[str], typename="test/f"):
        own: ValueSpec[int] = ValueSpec(LONG, default=0)
        other: ValueSpec[int] = ValueSpec(LONG, default=0, name="wire-name")

        @handles
        def on_message(self, context: Context, message: str) -> None:
            self.own = 1
            self.other = 2

    assert engine.register(Named).send(HERE, "a").states == {"own": 1, "wire-name": 2}


def test_a_spec_that_another_attribute_named_is_refused(engine: Engine) -> None:
    # It would be stored under the other's name, and under its own as soon as the other is gone.
    shared: ValueSpec[int] = ValueSpec(LONG, default=0)
    named: ValueSpec[int] = ValueSpec(LONG, default=0, name="wire-name")

    class First(StatefulFunction[str], typename="test/f"):
        seen = shared
        also = named

        @handles
        def on_message(self, context: Context, message: str) -> None: ...

    class Second(First, typename="test/g"):
        visits = shared
        also = named

    engine.register(First)
    with pytest.raises(DefinitionError, match=r"'visits'.*'seen'") as caught:
        engine.register(Second)
    assert "ValueSpec" in caught.value.hint


def test_duplicate_state_names_are_refused(engine: Engine) -> None:
    class Twice(StatefulFunction[str], typename="test/f"):
        a: ValueSpec[int] = ValueSpec(LONG, default=0)
        b: ValueSpec[int] = ValueSpec(LONG, default=0, name="a")

        @handles
        def on_message(self, context: Context, message: str) -> None: ...

    with pytest.raises(DuplicateStateError, match="'a'"):
        engine.register(Twice)
    with pytest.raises(DuplicateStateError, match="'n'"):
        engine.functions.bind("test/g", specs=[ValueSpec(LONG, name="n"), ValueSpec(STRING, name="n")])(
            lambda context, message: None
        )


def test_states_are_inherited_and_overridden(engine: Engine) -> None:
    class Base(StatefulFunction[str]):
        kept: ValueSpec[int] = ValueSpec(LONG, default=1)
        changed: ValueSpec[Any] = ValueSpec(LONG, default=1)
        gone: Any = ValueSpec(LONG, default=1)

        @handles
        def on_message(self, context: Context, message: str) -> None:
            context.send("test/f", "2", f"{self.kept} {self.changed} {self.gone}")

    class Derived(Base, typename="test/f"):
        changed: ValueSpec[Any] = ValueSpec(STRING, default="new")
        gone = "no state"

    engine.register(Derived)
    assert [state.name for state in engine.functions.specs()["test/f"]] == ["kept", "changed"]
    assert engine.send(HERE, "a").messages == [("test/f/2", "1 new no state")]


def test_a_type_without_a_name_on_the_wire_is_refused() -> None:
    for unnamed in (object, dict, list[int], Decimal, None, "LONG"):
        with pytest.raises(MessageTypeError):
            ValueSpec(unnamed)


def test_a_state_that_is_set_after_its_class_has_no_name_and_is_refused(engine: Engine) -> None:
    class Late(StatefulFunction[str], typename="test/f"):
        @handles
        def on_message(self, context: Context, message: str) -> None: ...

    Late.count = ValueSpec(LONG, default=0)
    with pytest.raises(DefinitionError, match="no name") as caught:
        engine.register(Late)
    assert "name=" in caught.value.hint


@pytest.mark.parametrize("name", ["\ud800", 5, b"n"])
def test_a_state_name_that_cannot_travel_is_refused(name: Any) -> None:
    with pytest.raises(DefinitionError, match="name"):
        ValueSpec(LONG, name=name)


def test_what_is_no_expiration_is_refused() -> None:
    with pytest.raises(DefinitionError, match="after_write"):
        ValueSpec(LONG, expire=timedelta(days=1))


def test_a_spec_tells_its_parts() -> None:
    expiration = after_write(timedelta(days=1))
    spec = ValueSpec(LONG, default=3, expire=expiration, name="n")
    assert (spec.value_type, spec.default, spec.expire, spec.name) == (LONG, 3, expiration, "n")
    assert isinstance(spec.expire, Expiration)
    assert repr(spec) == "ValueSpec(ValueType('io.statefun.types/long'), name='n')"
    assert isinstance(Do.count, ValueSpec), "on the class it is the spec"
