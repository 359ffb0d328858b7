"""Defaults: copied, shared with nobody, written when something comes of them."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct

from statefun import (
    BOOL,
    DOUBLE,
    LONG,
    Context,
    DefinitionError,
    StatefulFunction,
    ValueSpec,
    handles,
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


def test_a_default_is_not_written_until_something_is_assigned_or_changed(engine: Engine) -> None:
    def tag(function: Do) -> None:
        function.tags.append("second")

    doing(engine, a=reading("tags"), b=reading("form"), c=reading("count"), tag=tag)
    assert engine.send(HERE, "a", "b", "c").nothing
    assert engine.send(HERE, "a", "tag").states == {"tags": TypedBytes("test/tags", b'["first","second"]')}


def test_a_default_of_another_type_is_refused() -> None:
    with pytest.raises(DefinitionError, match="default"):
        ValueSpec(LONG, default="0")  # type: ignore[call-overload]
    with pytest.raises(DefinitionError, match="default"):
        ValueSpec(BOOL, default=1)  # type: ignore[arg-type]
    with pytest.raises(DefinitionError, match="default"):
        ValueSpec(Struct, default={})  # type: ignore[call-overload]


def test_a_default_converts_as_a_type_checker_allows() -> None:
    assert repr(ValueSpec(DOUBLE, default=1).default) == "1.0"
    assert repr(ValueSpec(LONG, default=True).default) == "1"
