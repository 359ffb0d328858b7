"""States that are changed in place: noticed, and written when they differ."""

from __future__ import annotations

import pytest
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from statefun.batch import TypedBytes
from statefun.errors import (
    StateEncodeError,
)
from tests.unit.rig import Engine
from tests.unit.state.doing import HERE, OBJECT, TAGS, Do, doing, reading


def test_changed_in_place_is_persisted(engine: Engine) -> None:
    def later(function: Do) -> None:
        assert function.moment is not None
        function.moment.seconds += 1

    def tag(function: Do) -> None:
        function.tags.append("second")

    def deep(function: Do) -> None:
        assert function.thing is not None
        function.thing["a"]["b"].append(1)

    doing(engine, later=later, tag=tag, deep=deep)
    engine.store(HERE, "moment", Timestamp(seconds=1))
    engine.store(HERE, "tags", ["x"], TAGS)
    engine.store(HERE, "thing", {"a": {"b": []}}, OBJECT)
    answer = engine.send(HERE, "later", "tag", "deep")
    assert answer.states == {
        "moment": Timestamp(seconds=2),
        "tags": TypedBytes("test/tags", b'["x","second"]'),
        "thing": TypedBytes("test/object", b'{"a":{"b":[1]}}'),
    }


def test_changed_in_place_and_back_again_is_not_written(engine: Engine) -> None:
    def change(function: Do) -> None:
        function.tags.append(1)
        function.tags.pop()

    doing(engine, change=change)
    engine.store(HERE, "tags", [], TAGS)
    assert engine.send(HERE, "change").nothing


def test_another_order_of_keys_alone_is_no_change(engine: Engine) -> None:
    def reorder(function: Do) -> None:
        assert function.thing is not None
        function.thing["a"] = function.thing.pop("a")
        assert list(function.thing) == ["b", "a"]

    def reorder_map(function: Do) -> None:
        # Of three keys the order would stay; of many, protobuf writes them otherwise when they were put there otherwise.
        for key in sorted(function.form, reverse=True):
            number = function.form[key]
            del function.form[key]
            function.form[key] = number

    doing(engine, reorder=reorder, map=reorder_map)
    engine.store(HERE, "thing", {"a": 1, "b": 2}, OBJECT)
    form = Struct()
    form.update({f"key {number}": number for number in range(50)})
    engine.store(HERE, "form", form)
    assert engine.send(HERE, "reorder", "map").nothing


def test_true_in_place_of_1_is_a_change_though_python_calls_them_equal(engine: Engine) -> None:
    def change(function: Do) -> None:
        function.tags[0] = True

    doing(engine, change=change)
    engine.store(HERE, "tags", [1], TAGS)
    assert engine.send(HERE, "change").states == {"tags": TypedBytes("test/tags", b"[true]")}


def test_unknown_fields_of_a_stored_message_are_no_change_and_survive_one(engine: Engine) -> None:
    def touch(function: Do) -> None:
        assert function.moment is not None
        function.moment.seconds = 2

    doing(engine, read=reading("moment"), touch=touch)
    unknown = b"\x7a\x03new"
    engine.store(HERE, "moment", TypedBytes("type.googleapis.com/google.protobuf.Timestamp", unknown + b"\x08\x01"))
    assert engine.send(HERE, "read").nothing
    engine.send(HERE, "touch")
    stored = engine.stored[HERE]["moment"]
    assert stored is not None
    assert unknown in stored.value
    assert engine.state(HERE, "moment").seconds == 2


def test_a_stored_encoding_that_ours_would_not_write_is_no_change(engine: Engine) -> None:
    doing(engine, a=reading("thing"), b=reading("moment"))
    engine.store(HERE, "thing", TypedBytes("test/object", b'{ "a" : 1.0e1, "b": "\\u0041" }'))
    # Fields out of order, one twice, and a varint that is longer than it must be.
    engine.store(
        HERE,
        "moment",
        TypedBytes("type.googleapis.com/google.protobuf.Timestamp", b"\x10\x05\x08\x81\x00\x08\x82\x00"),
    )
    assert engine.send(HERE, "a", "b").nothing
    assert Do.seen[1] == Timestamp(seconds=2, nanos=5)


def test_changed_in_place_to_what_cannot_be_encoded_is_refused(engine: Engine) -> None:
    def change(function: Do) -> None:
        function.tags.append(object())

    doing(engine, change=change)
    with pytest.raises(StateEncodeError, match="tags"):
        engine.send(HERE, "change")
