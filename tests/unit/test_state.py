"""States, as an engine sees them: what is read, what is written at the end of a batch, and what is not."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import ListValue, Struct
from google.protobuf.timestamp_pb2 import Timestamp

from statefun import (
    BOOL,
    BYTES,
    DOUBLE,
    INT,
    LONG,
    STRING,
    Context,
    ContextError,
    DefinitionError,
    Expiration,
    StateError,
    StatefulFunction,
    StatefunError,
    ValueSpec,
    ValueType,
    after_call,
    after_write,
    handles,
    json_type,
)
from statefun.batch import Effects, MissingStates, StateDeclaration, TypedBytes
from statefun.errors import (
    ContextClosedError,
    DuplicateStateError,
    MessageTypeError,
    MissingStateError,
    StateDecodeError,
    StateEncodeError,
    StateTypeError,
    UndeclaredStateError,
)
from tests.unit.rig import V2, V3, Engine

TAGS: ValueType[list[Any]] = json_type("test/tags", list)
OBJECT: ValueType[dict[str, Any]] = json_type("test/object", dict)
HERE = "test/f/1"


class Do(StatefulFunction[str], typename="test/f"):
    """Does to its states what the message names."""

    count: ValueSpec[int] = ValueSpec(LONG, default=0)
    note: ValueSpec[str | None] = ValueSpec(STRING)
    flag: ValueSpec[bool | None] = ValueSpec(BOOL)
    ratio: ValueSpec[float | None] = ValueSpec(DOUBLE)
    raw: ValueSpec[bytes | None] = ValueSpec(BYTES)
    moment: ValueSpec[Timestamp | None] = ValueSpec(Timestamp)
    form: ValueSpec[Struct] = ValueSpec(Struct, default=Struct())
    tags: ValueSpec[list[Any]] = ValueSpec(TAGS, default=["first"])
    thing: ValueSpec[dict[str, Any] | None] = ValueSpec(OBJECT)

    seen: list[Any] = []

    def __init__(self, steps: Any) -> None:
        self.steps = steps

    @handles
    def on_message(self, context: Context, message: str) -> None:
        del context
        Do.seen.append(self.steps[message](self))


def doing(engine: Engine, **steps: Any) -> Engine:
    Do.seen = []
    engine.functions.register(Do, factory=lambda: Do(steps))
    return engine


def setting(name: str, value: Any) -> Any:
    return lambda function: setattr(function, name, value)


def reading(name: str) -> Any:
    return lambda function: getattr(function, name)


def deleting(name: str) -> Any:
    return lambda function: delattr(function, name)


# --- reading ------------------------------------------------------------------------------------------------------------


def test_an_absent_state_reads_none_and_one_with_a_default_its_default(engine: Engine) -> None:
    doing(engine, a=reading("note"), b=reading("count"))
    assert engine.send(HERE, "a", "b").nothing
    assert Do.seen == [None, 0]


@pytest.mark.parametrize(
    ("name", "value"),
    [("count", -(2**63)), ("note", "ü"), ("flag", True), ("ratio", 0.5), ("raw", b"\0\xff"), ("tags", [1, None])],
)
def test_a_state_reads_what_an_earlier_batch_wrote(engine: Engine, name: str, value: Any) -> None:
    doing(engine, write=setting(name, value), read=reading(name))
    engine.send(HERE, "write")
    assert engine.send(HERE, "read").nothing
    assert Do.seen == [None, value]
    assert type(Do.seen[1]) is type(value)


def test_a_state_carries_from_one_invocation_to_the_next_and_is_written_once(engine: Engine) -> None:
    def add(function: Do) -> None:
        function.count += 1

    doing(engine, add=add)
    assert engine.send(HERE, "add", "add", "add").states == {"count": 3}
    assert engine.send(HERE, "add").states == {"count": 4}


def test_a_state_is_decoded_once_for_a_batch(engine: Engine) -> None:
    decoded = []
    counted = ValueType("test/counted", encode=str.encode, decode=lambda data: decoded.append(data) or data.decode())

    class Reads(StatefulFunction[str], typename="test/f"):
        text: ValueSpec[str | None] = ValueSpec(counted)

        @handles
        def on_message(self, context: Context, message: str) -> None:
            context.send("test/f", "2", (self.text or "") + (self.text or ""))

    engine.register(Reads)
    engine.store(HERE, "text", "x", counted)
    assert [value for _, value in engine.send(HERE, "a", "b").messages] == ["xx", "xx"]
    # Once for the reads, and once more where it is held against what was stored, since a str of a custom type may be mutable.
    assert len(decoded) <= 2


def test_a_state_of_an_immutable_type_is_decoded_once_and_never_compared(engine: Engine) -> None:
    calls = []
    counted = ValueType(
        "test/money",
        encode=lambda value: calls.append("encode") or str(value).encode(),
        decode=lambda data: calls.append("decode") or Decimal(data.decode()),
        python_type=Decimal,
        immutable=True,
    )

    class Reads(StatefulFunction[str], typename="test/f"):
        money: ValueSpec[Decimal | None] = ValueSpec(counted)

        @handles
        def on_message(self, context: Context, message: str) -> None:
            assert self.money == Decimal("1.50")

    engine.register(Reads)
    engine.store(HERE, "money", TypedBytes("test/money", b"1.50"))
    assert engine.send(HERE, "a", "b", "c").nothing
    assert calls == ["decode"]


def test_states_that_nobody_touches_are_never_decoded(engine: Engine) -> None:
    doing(engine, a=reading("note"))
    engine.store(HERE, "count", TypedBytes("other/type", b"\xff\xff"))
    engine.store(HERE, "thing", TypedBytes("test/object", b"no JSON"))
    assert engine.send(HERE, "a").nothing


def test_a_state_read_in_place_is_the_same_object_within_a_batch_and_another_in_the_next(engine: Engine) -> None:
    doing(engine, write=setting("tags", [1]), read=reading("tags"))
    engine.send(HERE, "write")
    engine.send(HERE, "read", "read")
    engine.send(HERE, "read")
    _, first, second, third = Do.seen
    assert first is second
    assert first == third
    assert first is not third


# --- writing ------------------------------------------------------------------------------------------------------------


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


def test_states_are_written_in_the_order_of_their_first_touch(engine: Engine) -> None:
    doing(engine, a=setting("note", "a"), b=setting("count", 1), c=reading("flag"), d=setting("flag", True))
    answer = engine.send(HERE, "c", "b", "a", "d")
    assert [name for name, _ in answer.effects.mutations] == ["flag", "count", "note"]


# --- changing in place --------------------------------------------------------------------------------------------------


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
        number = function.form["a"]
        del function.form["a"]
        function.form["a"] = number

    doing(engine, reorder=reorder, map=reorder_map)
    engine.store(HERE, "thing", {"a": 1, "b": 2}, OBJECT)
    form = Struct()
    form.update({"a": 1, "b": 2, "c": 3})
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


# --- defaults -----------------------------------------------------------------------------------------------------------


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


# --- deleting -----------------------------------------------------------------------------------------------------------


def test_assigning_none_deletes(engine: Engine) -> None:
    doing(engine, clear=setting("note", None), read=reading("note"))
    engine.store(HERE, "note", "x", STRING)
    assert engine.send(HERE, "clear", "read").states == {"note": None}
    assert engine.state(HERE, "note") is None
    assert Do.seen == [None, None]


def test_del_deletes(engine: Engine) -> None:
    doing(engine, clear=deleting("note"), read=reading("note"))
    engine.store(HERE, "note", "x", STRING)
    assert engine.send(HERE, "clear").states == {"note": None}
    engine.send(HERE, "read")
    assert Do.seen == [None, None]


def test_the_last_of_set_and_del_wins(engine: Engine) -> None:
    doing(engine, set=setting("note", "y"), clear=deleting("note"), none=setting("note", None))
    engine.store(HERE, "note", "x", STRING)
    assert engine.send(HERE, "clear", "set").states == {"note": "y"}
    assert engine.send(HERE, "set", "clear").states == {"note": None}
    engine.store(HERE, "note", "x", STRING)
    assert engine.send(HERE, "set", "none", "set", "none").states == {"note": None}


def test_a_delete_of_a_state_that_the_request_does_not_hold_is_left_out(engine: Engine) -> None:
    doing(engine, set=setting("note", "y"), clear=deleting("note"), none=setting("count", None))
    assert engine.send(HERE, "clear", "none").nothing
    assert engine.send(HERE, "set", "clear").nothing


def test_after_del_a_state_with_a_default_reads_its_default(engine: Engine) -> None:
    doing(engine, clear=deleting("count"), read=reading("count"), forget=deleting("tags"), tags=reading("tags"))
    engine.store(HERE, "count", 5, LONG)
    engine.store(HERE, "tags", ["x"], TAGS)
    assert engine.send(HERE, "read", "clear", "read", "forget", "tags").states == {"count": None, "tags": None}
    assert Do.seen == [5, None, 0, None, ["first"]]


def test_after_del_a_default_that_is_changed_in_place_is_written(engine: Engine) -> None:
    def tag(function: Do) -> None:
        function.tags.append("z")

    doing(engine, forget=deleting("tags"), tag=tag)
    engine.store(HERE, "tags", ["first", "z"], TAGS)
    answer = engine.send(HERE, "forget", "tag")
    assert answer.states == {"tags": TypedBytes("test/tags", b'["first","z"]')}


def test_after_del_a_changed_object_of_before_is_not_written(engine: Engine) -> None:
    def change(function: Do) -> None:
        held = function.tags
        del function.tags
        held.append("lost")

    doing(engine, change=change)
    engine.store(HERE, "tags", ["x"], TAGS)
    assert engine.send(HERE, "change").states == {"tags": None}


def test_deleting_reads_nothing(engine: Engine) -> None:
    """A state of another type than declared can be deleted, so that its function can be mended."""
    doing(engine, clear=deleting("count"))
    engine.store(HERE, "count", "a text", STRING)
    assert engine.send(HERE, "clear").states == {"count": None}


# --- types --------------------------------------------------------------------------------------------------------------


def test_a_stored_value_of_another_type_is_a_state_error_that_names_both_types(engine: Engine) -> None:
    doing(engine, read=reading("count"))
    engine.store(HERE, "count", "5", STRING)
    stored = engine.stored[HERE]["count"]
    assert stored is not None
    with pytest.raises(StateTypeError) as caught:
        engine.send(HERE, "read")
    assert isinstance(caught.value, StateError)
    assert repr(stored.typename) in str(caught.value)
    assert repr(LONG.encoding(engine.protocol).typename) in str(caught.value)
    assert "'count'" in str(caught.value)
    assert "test/f" in str(caught.value)


def test_a_stored_int_is_not_read_as_a_long() -> None:
    engine = doing(Engine(V3), read=reading("count"))
    engine.store(HERE, "count", 5, INT)
    with pytest.raises(StateTypeError, match="types/int"):
        engine.send(HERE, "read")


def test_2_2_finds_the_type_behind_whatever_host() -> None:
    engine = doing(Engine(V2), read=reading("note"))
    engine.store(HERE, "note", TypedBytes("com.googleapis/google.protobuf.StringValue", b"\x0a\x01x"))
    engine.send(HERE, "read")
    assert Do.seen == ["x"]


def test_stored_bytes_that_do_not_decode_are_a_state_error(engine: Engine) -> None:
    doing(engine, a=reading("moment"), b=reading("thing"), c=reading("note"))
    engine.store(HERE, "moment", TypedBytes("type.googleapis.com/google.protobuf.Timestamp", b"\xff"))
    engine.store(HERE, "thing", TypedBytes("test/object", b"{"))
    for step in "ab":
        with pytest.raises(StateDecodeError, match=r"test/f|test/object"):
            engine.send(HERE, step)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("count", "5"),
        ("count", 5.0),
        ("note", b"x"),
        ("note", 5),
        ("flag", 1),
        ("ratio", "1.0"),
        ("raw", "x"),
        ("moment", Duration()),
        ("form", {}),
        ("form", ListValue()),
        ("tags", {}),
        ("thing", []),
    ],
)
def test_assigning_another_type_is_refused_where_it_is_assigned(engine: Engine, name: str, value: Any) -> None:
    def assign(function: Do) -> None:
        with pytest.raises(StateTypeError, match=name) as caught:
            setattr(function, name, value)
        assert caught.value.hint

    doing(engine, a=assign)
    assert engine.send(HERE, "a").nothing


def test_assigning_converts_as_a_type_checker_allows(engine: Engine) -> None:
    doing(engine, a=setting("count", True), b=setting("ratio", 2), c=reading("count"), d=reading("ratio"))
    assert engine.send(HERE, "a", "b", "c", "d").states == {"count": 1, "ratio": 2.0}
    assert repr(Do.seen[2:]) == "[1, 2.0]"


@pytest.mark.parametrize(("name", "value"), [("count", 2**63), ("count", -(2**63) - 1), ("note", "\ud800")])
def test_a_value_that_its_type_cannot_encode_is_a_state_error(engine: Engine, name: str, value: Any) -> None:
    doing(engine, a=setting(name, value))
    with pytest.raises(StateEncodeError, match=name):
        engine.send(HERE, "a")
    assert engine.stored[HERE].get(name) is None


# --- declarations -------------------------------------------------------------------------------------------------------


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
    engine.functions.specs = dict  # type: ignore[method-assign]
    assert isinstance(engine.ask(HERE, "here"), Effects)
    for message in ("lacking", "write", "delete"):
        with pytest.raises(MissingStateError, match="'lacking'") as caught:
            engine.bytes(request(HERE, message))
        assert "module.yaml" in caught.value.hint


def test_the_name_of_an_attribute_is_its_own_unless_given(engine: Engine) -> None:
    class Named(StatefulFunction[str], typename="test/f"):
        own: ValueSpec[int] = ValueSpec(LONG, default=0)
        other: ValueSpec[int] = ValueSpec(LONG, default=0, name="wire-name")

        @handles
        def on_message(self, context: Context, message: str) -> None:
            self.own = 1
            self.other = 2

    assert engine.register(Named).send(HERE, "a").states == {"own": 1, "wire-name": 2}


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
            ValueSpec(unnamed)  # type: ignore[call-overload]


@pytest.mark.parametrize("name", ["\ud800", 5, b"n"])
def test_a_state_name_that_cannot_travel_is_refused(name: Any) -> None:
    with pytest.raises(DefinitionError, match="name"):
        ValueSpec(LONG, name=name)


def test_what_is_no_expiration_is_refused() -> None:
    with pytest.raises(DefinitionError, match="after_write"):
        ValueSpec(LONG, expire=timedelta(days=1))  # type: ignore[call-overload]


def test_a_spec_tells_its_parts() -> None:
    expiration = after_write(timedelta(days=1))
    spec = ValueSpec(LONG, default=3, expire=expiration, name="n")
    assert (spec.value_type, spec.default, spec.expire, spec.name) == (LONG, 3, expiration, "n")
    assert isinstance(spec.expire, Expiration)
    assert repr(spec) == "ValueSpec(ValueType('io.statefun.types/long'), name='n')"
    assert isinstance(Do.count, ValueSpec), "on the class it is the spec"


# --- lifetime -----------------------------------------------------------------------------------------------------------


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


# --- by name ------------------------------------------------------------------------------------------------------------


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
