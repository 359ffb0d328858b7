"""Defaults: copied, shared with nobody, written when something comes of them."""

from __future__ import annotations

from threading import Lock
from typing import Any

import pytest
from google.protobuf import any_pb2
from google.protobuf.struct_pb2 import Struct

from statefun import (
    BOOL,
    DOUBLE,
    FLOAT,
    INT,
    LONG,
    STRING,
    Context,
    DefinitionError,
    StatefulFunction,
    StatefulFunctions,
    ValueSpec,
    handles,
    json_type,
)
from statefun.batch import TypedBytes
from tests.unit.rig import Engine
from tests.unit.state.doing import HERE, TAGS, Do, doing, reading


def test_mutable_default_is_copied_for_each_batch(engine: Engine) -> None:
    def tag(function: Do) -> Any:
        function.tags.append("mine")
        function.form["mine"] = 1
        return function.tags

    doing(engine, tag=tag, read=lambda function: list(function.tags))
    engine.send("test/f/1", "tag")
    engine.send("test/f/2", "read")
    assert Do.seen == [["first", "mine"], ["first"]]
    assert Do.tags.default == ["first"]
    assert Do.form.default == Struct()


def test_the_object_given_as_a_default_is_not_shared_with_its_giver(engine: Engine) -> None:
    default = ["first"]

    class Holds(StatefulFunction[str], typename="test/f"):
        tags: ValueSpec[list[Any]] = ValueSpec(TAGS, default=default)

        @handles
        def on_message(self, context: Context, message: str) -> None:
            assert self.tags is not default
            self.tags.append("x")

    engine.register(Holds).send(HERE, "a")
    assert default == ["first"]
    default.append("later")
    assert Holds.tags.default == ["first"], "what its giver makes of it afterwards is no default"


def test_a_default_is_not_written_until_something_is_assigned_or_changed(engine: Engine) -> None:
    def tag(function: Do) -> None:
        function.tags.append("second")

    doing(engine, a=reading("tags"), b=reading("form"), c=reading("count"), tag=tag)
    assert engine.send(HERE, "a", "b", "c").nothing
    assert engine.send(HERE, "a", "tag").states == {"tags": TypedBytes("test/tags", b'["first","second"]')}


def test_a_default_of_another_type_is_refused() -> None:
    with pytest.raises(DefinitionError, match="default"):
        ValueSpec(LONG, default="0")
    with pytest.raises(DefinitionError, match="default"):
        ValueSpec(BOOL, default=1)
    with pytest.raises(DefinitionError, match="default"):
        ValueSpec(DOUBLE, default=10**400)
    with pytest.raises(DefinitionError, match="default"):
        ValueSpec(Struct, default={})


def test_a_default_that_cannot_be_copied_is_refused() -> None:
    with pytest.raises(DefinitionError, match="copied"):
        ValueSpec(json_type("test/anything"), default=Lock())


@pytest.mark.parametrize(
    ("value_type", "default"),
    [(INT, 2**31), (LONG, -(2**63) - 1), (FLOAT, 1e39), (STRING, "\ud800"), (json_type("test/anything"), [object()])],
)
def test_a_default_that_cannot_be_stored_is_refused_at_registration(value_type: Any, default: Any) -> None:
    functions = StatefulFunctions()
    spec: ValueSpec[Any] = ValueSpec(value_type, default=default, name="n")
    with pytest.raises(DefinitionError, match="'n' of 'test/f'") as caught:
        functions.register("test/f", lambda context, message: None, specs=[spec])
    assert caught.value.hint


def test_an_empty_any_may_be_a_default(engine: Engine) -> None:
    @engine.functions.bind("test/f", specs=[ValueSpec(any_pb2.Any, default=any_pb2.Any(), name="packed")])
    def function(context: Context, message: str) -> None:
        context["packed"].Pack(Struct())

    assert [name for name, _ in engine.send(HERE, "a").effects.mutations] == ["packed"]


def test_a_default_converts_as_a_type_checker_allows() -> None:
    assert repr(ValueSpec(DOUBLE, default=1).default) == "1.0"
    assert repr(ValueSpec(LONG, default=True).default) == "1"
