"""Values are copied and pickled, since programs send them between processes; what belongs to a batch is not."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from statefun import (
    BOOL,
    BYTES,
    DOUBLE,
    FLOAT,
    INT,
    LONG,
    STRING,
    Address,
    Context,
    ContextError,
    Egress,
    FunctionType,
    StatefulFunction,
    ValueSpec,
    ValueType,
    after_call,
    after_write,
    handles,
    json_type,
)
from statefun.model import KafkaEgress, WebhookEgress
from statefun.types import ANY, protobuf_type
from tests.unit.plain import Plain
from tests.unit.rig import Engine

COPIES: list[Callable[[Any], Any]] = [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))]
copied = pytest.mark.parametrize("copies", COPIES, ids=["copy", "deepcopy", "pickle"])


@attrs.frozen
class Order:
    """Named by json_type below."""

    id: int


ORDER = json_type("test/order", Order)


class Counter(StatefulFunction[str], typename="test/f"):
    """Counts, and does whatever the test wants with itself."""

    count: ValueSpec[int] = ValueSpec(LONG, default=0)
    does: Callable[[Any], Any] = staticmethod(lambda value: None)

    @handles
    def on_message(self, context: Context, message: str) -> None:
        self.count += 1
        type(self).does(self)


def used(function_type: FunctionType[Any]) -> FunctionType[Any]:
    """The same, with what it remembers once something was sent to it."""
    assert function_type.wire_heads[3]
    return function_type


VALUES = [
    WebhookEgress(id="a/b", url="http://x", secret="s", headers={"a": "b"}),
    KafkaEgress(id="a/b", address="x:1", properties={"a": "b"}),
    FunctionType("a/b"),
    used(FunctionType("a/b")),
    FunctionType[int]("a/b"),
    FunctionType("a/b", hint=Order | Timestamp),
    Counter.function_type,
    Egress[str]("a/b"),
    Egress("a/b", hint=Order),
    Address.parse("a/b/c/d"),
    Counter.at("1"),
    after_write(timedelta(days=1)),
    after_call(timedelta(milliseconds=1)),
]


@copied
@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_what_says_where_and_when_is_equal_after_it_was_copied(value: Any, copies: Callable[[Any], Any]) -> None:
    again = copies(value)
    assert (again, type(again), hash(again)) == (value, type(value), hash(value))
    if isinstance(value, FunctionType | Egress):
        assert (again.namespace, again.name, again.accepts) == (value.namespace, value.name, value.accepts)
        assert again.wire_head == value.wire_head
    if isinstance(value, FunctionType):
        assert [again.wire_heads[size] for size in (1, 5000)] == [value.wire_heads[size] for size in (1, 5000)]


TYPES: list[ValueType[Any]] = [
    *(BOOL, INT, LONG, FLOAT, DOUBLE, STRING, BYTES),
    *(ANY, ORDER, protobuf_type(Timestamp)),
]


@copied
@pytest.mark.parametrize("value_type", TYPES, ids=repr)
def test_a_value_type_that_a_python_type_or_this_package_names_is_there_once(
    value_type: ValueType[Any], copies: Callable[[Any], Any]
) -> None:
    assert copies(value_type) is value_type


def encode(value: int) -> bytes:
    return str(value).encode()


def test_a_value_type_of_functions_of_a_module_is_pickled_and_one_of_others_is_copied() -> None:
    named = ValueType[int]("test/number", encode=encode, decode=int, python_type=int, immutable=True)
    again = pickle.loads(pickle.dumps(named))
    assert (again.typename, again.v2, again.v3) == ("test/number", named.v2, named.v3)
    assert (again.python_type, again.immutable, again.fingerprint) == (int, True, encode)
    anonymous = ValueType[int]("test/number", encode=lambda value: b"", decode=int)
    assert copy.deepcopy(anonymous) is copy.copy(anonymous) is anonymous
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(anonymous)


SPECS: list[ValueSpec[Any]] = [
    ValueSpec(LONG, default=0, name="n"),
    ValueSpec(STRING, expire=after_write(timedelta(days=1)), name="n"),
    ValueSpec(Order, name="n"),
    ValueSpec(Struct, default=Struct(), name="n"),
    ValueSpec(AnyMessage, name="n"),
    Counter.count,
]


@copied
@pytest.mark.parametrize("spec", SPECS, ids=repr)
def test_a_spec_declares_the_same_state_after_it_was_copied(spec: ValueSpec[Any], copies: Callable[[Any], Any]) -> None:
    again = copies(spec)
    assert again.value_type is spec.value_type
    assert [getattr(again, each) for each in ("name", "named_by", "default", "expire")] == [
        getattr(spec, each) for each in ("name", "named_by", "default", "expire")
    ]
    assert again.declaration() == spec.declaration()


def test_another_process_has_the_same_values() -> None:
    values = [FunctionType[int]("a/b"), Address.parse("a/b/c"), Egress("a/b"), after_call(timedelta(days=1)), LONG, INT]
    program = (
        "import json, pickle, sys; values = pickle.load(sys.stdin.buffer); import statefun; "
        "assert values[-2:] == [statefun.LONG, statefun.INT]; print(json.dumps([*map(repr, values)]))"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], input=pickle.dumps(values), stdout=subprocess.PIPE, check=True
    )
    assert json.loads(told.stdout) == [*map(repr, values)]


def test_a_process_that_has_not_registered_a_json_type_makes_it_of_its_class() -> None:
    """Where the class and the `json_type` of it are in two modules, and only the first was imported there."""
    kind = json_type("test/plain", Plain)
    program = (
        "import pickle, sys; value_type = pickle.load(sys.stdin.buffer); import tests.unit.plain as plain; "
        "print(value_type.typename, value_type.v3.decode(value_type.v3.encode(plain.Plain(7))))"
    )
    told = subprocess.run([sys.executable, "-c", program], input=pickle.dumps(kind), stdout=subprocess.PIPE, check=True)
    assert told.stdout.decode().strip() == "test/plain Plain(id=7)"


@pytest.mark.parametrize("copying", [copy.deepcopy, pickle.dumps])
def test_a_function_object_of_a_batch_is_neither_copied_nor_pickled(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, copying: Callable[[Any], Any]
) -> None:
    """What is done with the states of a copy would be lost silently."""
    seen: list[Counter] = []

    def does(function: Counter) -> None:
        seen.append(function)
        with pytest.raises(ContextError, match="the states of test/f, id '1', are copied or pickled"):
            copying(function)

    monkeypatch.setattr(Counter, "does", does)
    engine.register(Counter)
    assert engine.send("test/f/1", "a").states == {"count": 1}
    with pytest.raises(ContextError):
        copying(seen[0])


def test_a_json_type_without_a_class_of_its_own_is_pickled_by_what_made_it() -> None:
    for made in (json_type("test/any"), json_type("test/numbers", dict[str, int])):
        again = pickle.loads(pickle.dumps(made))
        assert (again.typename, again.python_type) == (made.typename, made.python_type)
        assert again.v3.decode(again.v3.encode({"a": 1})) == {"a": 1}
        assert again.fingerprint({"b": 1, "a": 1}) == made.fingerprint({"a": 1, "b": 1})
        assert copy.deepcopy(made) is made


@copied
def test_a_function_object_that_a_test_made_is_copied(copies: Callable[[Any], Any]) -> None:
    made = Counter()
    made.count = 5
    assert copies(made).count == 5
