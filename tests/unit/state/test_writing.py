"""What is written of a state at the end of a batch, and what is not."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from statefun import (
    LONG,
    STRING,
    Context,
    ValueSpec,
    ValueType,
)
from statefun.batch import TypedBytes
from tests.unit.rig import Engine
from tests.unit.state.doing import HERE, OBJECT, TAGS, Do, doing, reading, setting


def test_a_state_only_read_is_not_written(engine: Engine) -> None:
    names = ["count", "note", "moment", "form", "tags", "thing"]
    doing(engine, **{name: reading(name) for name in names})
    for name, value, value_type in [
        ("count", 5, LONG),
        ("note", "x", STRING),
        ("moment", Timestamp(seconds=1), None),
        ("form", Struct(), None),
        ("tags", [1, {"a": 2}], TAGS),
        ("thing", {"b": 1, "a": [2]}, OBJECT),
    ]:
        engine.store(HERE, name, value, value_type)
    assert engine.send(HERE, *names).nothing


def test_assigning_is_a_write_even_when_the_value_is_equal(engine: Engine) -> None:
    doing(engine, five=setting("count", 5), zero=setting("count", 0), moment=setting("moment", Timestamp(seconds=1)))
    for _ in range(2):
        assert engine.send(HERE, "five").states == {"count": 5}
        assert engine.send(HERE, "moment").states == {"moment": Timestamp(seconds=1)}
    assert engine.send("test/f/2", "zero").states == {"count": 0}, "the default, assigned"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("count", 0),
        ("note", ""),
        ("flag", False),
        ("ratio", 0.0),
        ("raw", b""),
        ("moment", Timestamp()),
        ("form", Struct()),
        ("tags", []),
        ("thing", {}),
    ],
)
def test_zero_empty_and_false_are_values(engine: Engine, name: str, value: Any) -> None:
    doing(engine, write=setting(name, value), read=reading(name))
    written = engine.send(HERE, "write").effects.mutations
    assert len(written) == 1
    assert written[0].value is not None
    assert engine.send(HERE, "read").nothing
    assert Do.seen[1] == value
    assert Do.seen[1] is not None


def test_the_last_assignment_of_a_batch_wins(engine: Engine) -> None:
    doing(engine, a=setting("note", "a"), b=setting("note", "b"))
    assert engine.send(HERE, "a", "b").states == {"note": "b"}


def test_a_value_is_encoded_at_the_end_of_the_batch(engine: Engine) -> None:
    kept = Timestamp(seconds=1)

    def change(_function: Do) -> None:
        kept.seconds = 2

    doing(engine, write=setting("moment", kept), change=change)
    assert engine.send(HERE, "write", "change").states == {"moment": Timestamp(seconds=2)}


def test_a_state_is_encoded_once_however_often_it_is_assigned(engine: Engine) -> None:
    encoded: list[str] = []

    def encode(text: str) -> bytes:
        encoded.append(text)
        return text.encode()

    counted = ValueType("test/counted", encode=encode, decode=bytes.decode, python_type=str)

    @engine.functions.bind("test/f", specs=[ValueSpec(counted, name="text")])
    def function(context: Context, message: str) -> None:
        context["text"] = message
        assert encoded == [], "nothing is encoded before the end of the batch"

    assert engine.send(HERE, "a", "b", "c").states == {"text": TypedBytes("test/counted", b"c")}
    assert encoded == ["c"]


def test_states_are_written_in_the_order_of_their_first_touch(engine: Engine) -> None:
    doing(engine, a=setting("note", "a"), b=setting("count", 1), c=reading("flag"), d=setting("flag", True))
    answer = engine.send(HERE, "c", "b", "a", "d")
    assert [name for name, _ in answer.effects.mutations] == ["flag", "count", "note"]
