"""States by their names, declared or not, and states outside of a batch."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from statefun import (
    LONG,
    Context,
    ContextError,
    StateError,
    StatefulFunction,
    StatefunError,
    ValueSpec,
    handles,
)
from statefun.batch import TypedBytes
from statefun.errors import (
    ContextClosedError,
    MissingStateError,
    StateDecodeError,
    StateEncodeError,
    StateTypeError,
    UndeclaredStateError,
)
from tests.unit.rig import V2, V3, Engine
from tests.unit.state.doing import HERE, TAGS, Do, deleting, doing, reading, setting

# --- lifetime --------------------------------------------------------------------------------------------------------


def test_a_function_object_made_by_hand_has_its_states_in_memory() -> None:
    function = Do({})
    assert function.count == 0
    function.count += 1
    function.tags.append("x")
    assert (function.count, function.tags) == (1, ["first", "x"])
    del function.count
    assert function.count == 0
    assert Do({}).tags == ["first"]


def test_a_state_used_after_its_batch_raises(engine: Engine) -> None:
    kept = []
    doing(engine, keep=kept.append)
    engine.send(HERE, "keep")
    (function,) = kept
    for use in (reading("count"), setting("count", 1), deleting("count"), setting("note", None)):
        with pytest.raises(ContextClosedError):
            use(function)


def test_init_reads_and_writes_states(engine: Engine) -> None:
    class Starts(StatefulFunction[str], typename="test/f"):
        batches: ValueSpec[int] = ValueSpec(LONG, default=0)

        def __init__(self) -> None:
            self.batches += 1

        @handles
        def on_message(self, context: Context, message: str) -> None: ...

    engine.register(Starts)
    assert engine.send(HERE, "a", "b").states == {"batches": 1}
    assert engine.send(HERE, "a").states == {"batches": 2}


def test_states_are_attached_without_a_call_of_super(engine: Engine) -> None:
    assert "super" not in Do.__init__.__code__.co_names
    doing(engine, a=setting("count", 1))
    assert engine.send(HERE, "a").states == {"count": 1}


# --- by name ---------------------------------------------------------------------------------------------------------


def test_a_decorated_function_reads_and_writes_its_declared_states_decoded(engine: Engine) -> None:
    @engine.functions.bind("test/f", specs=[ValueSpec(LONG, name="count"), ValueSpec(TAGS, name="tags", default=[])])
    def function(context: Context, message: str) -> None:
        context["count"] = (context["count"] or 0) + 1
        context["tags"].append(message)

    assert engine.send(HERE, "a", "b").states == {
        "count": 2,
        "tags": TypedBytes("test/tags", b'["a","b"]'),
    }
    assert engine.send(HERE, "c").states["count"] == 3


def test_a_class_reads_its_states_by_name_too_and_they_are_the_same(engine: Engine) -> None:
    class Named(StatefulFunction[str], typename="test/f"):
        count: ValueSpec[int] = ValueSpec(LONG, default=0)

        @handles
        def on_message(self, context: Context, message: str) -> None:
            self.count += 1
            assert context["count"] == self.count
            context["count"] += 1
            assert context["count"] == self.count

    assert engine.register(Named).send(HERE, "a").states == {"count": 2}


@pytest.mark.parametrize("use", ["get", "set", "del"])
def test_an_undeclared_state_on_3_x_is_a_state_error_that_names_specs(use: str) -> None:
    engine = Engine(V3)

    @engine.functions.bind("test/f")
    def function(context: Context, message: Any) -> None:
        if use == "get":
            context["nowhere"]
        elif use == "set":
            context["nowhere"] = message
        else:
            del context["nowhere"]

    with pytest.raises(UndeclaredStateError, match="'nowhere'") as caught:
        engine.send(HERE, "a")
    assert isinstance(caught.value, StateError)
    assert "specs=" in caught.value.hint


def test_an_undeclared_state_on_2_2_is_an_any() -> None:
    engine = Engine(V2, extra=["count"])
    seen = []

    @engine.functions.bind("test/f")
    def function(context: Context, message: Any) -> None:
        seen.append(context["count"])
        if seen[-1] is not None:
            del context["count"]
        else:
            context["count"] = message

    engine.send(HERE, "a")
    assert engine.state(HERE, "count") == "a"
    engine.send(HERE, "b")
    assert engine.state(HERE, "count") is None
    assert seen[0] is None
    assert seen[1].type_url == "type.googleapis.com/google.protobuf.StringValue"


def test_a_state_that_a_2_2_request_does_not_carry_is_missing() -> None:
    engine = Engine(V2)

    @engine.functions.bind("test/f")
    def function(context: Context, message: Any) -> None:
        context["nowhere"] = message

    with pytest.raises(MissingStateError, match="'nowhere'"):
        engine.send(HERE, "a")


def test_an_any_is_unpacked_to_the_declared_type(engine: Engine) -> None:
    @engine.functions.bind("test/f", specs=[ValueSpec(Timestamp, name="moment")])
    def function(context: Context, message: Any) -> None:
        context["moment"] = message
        assert isinstance(context["moment"], Timestamp)

    assert engine.send(HERE, Timestamp(seconds=3)).states == {"moment": Timestamp(seconds=3)}
    with pytest.raises(StateTypeError, match="Duration"):
        engine.send(HERE, Duration(seconds=3))


def test_a_state_handle_packs_and_unpacks(engine: Engine) -> None:
    engine.extra = ["undeclared"]
    seen = []

    @engine.functions.bind("test/f", specs=[ValueSpec(Timestamp, name="declared")])
    def function(context: Context, message: Any) -> None:
        names = ["declared", "undeclared"] if engine.protocol is V2 else ["declared"]
        for name in names:
            state = context.state(name)
            seen.append(state.unpack(Timestamp))
            state.pack(Timestamp(seconds=5))
            seen.append(state.unpack(Timestamp))
            assert state.value is not None
            with pytest.raises(StateTypeError, match="Duration"):
                state.unpack(Duration)

    engine.send(HERE, "a")
    engine.send(HERE, "a")
    expected = [None, *[Timestamp(seconds=5)] * 3]
    assert [each for each in seen if each is None] == [None] * (2 if engine.protocol is V2 else 1)
    assert all(each in expected for each in seen)
    assert engine.state(HERE, "declared") == Timestamp(seconds=5)


def test_a_state_handles_value_is_set_and_deleted(engine: Engine) -> None:
    @engine.functions.bind("test/f", specs=[ValueSpec(LONG, name="count")])
    def function(context: Context, message: str) -> None:
        state = context.state("count")
        if message == "set":
            state.value = 3
            assert state.value == 3
        else:
            del state.value
            assert state.value is None

    assert engine.send(HERE, "set").states == {"count": 3}
    assert engine.send(HERE, "del").states == {"count": None}


def test_state_errors_answer_a_status_that_an_engine_tries_again() -> None:
    for error in (StateError, StateTypeError, StateDecodeError, StateEncodeError, MissingStateError):
        assert issubclass(error, StatefunError)
        assert error.status == 500
    assert not issubclass(StateError, ContextError)
