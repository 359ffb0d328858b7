"""JSON value types: plain JSON, attrs classes, dataclasses and TypedDicts."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any, NewType, TypedDict

import attrs
import pytest

from statefun import Context, DefinitionError, StatefulFunction, ValueSpec, ValueType, handles, json_type
from statefun.errors import MessageDecodeError, TypenameError
from tests.unit.rig import Engine

ROOT = Path(__file__).resolve().parents[2]


@attrs.frozen
class Item:
    name: str
    price: float


@attrs.define
class Order:
    number: int
    items: list[Item] = attrs.Factory(list)


@dataclasses.dataclass
class Point:
    x: int
    y: int | None = None


class Form(TypedDict):
    name: str


ORDER = json_type("test/json-order", Order)
POINT = json_type("test/json-point", Point)


def test_an_attrs_class_is_json_and_back() -> None:
    order = Order(7, [Item("a", 1.5)])
    assert ORDER.v3.encode(order) == b'{"number":7,"items":[{"name":"a","price":1.5}]}'
    assert ORDER.v3.decode(ORDER.v3.encode(order)) == order
    assert ORDER.v2.encode(order) == ORDER.v3.encode(order)


def test_a_dataclass_is_json_and_back() -> None:
    for point in (Point(1, 2), Point(1)):
        assert POINT.v3.decode(POINT.v3.encode(point)) == point


def test_fields_that_a_newer_sender_adds_are_passed_over() -> None:
    assert POINT.v3.decode(b'{"x": 1, "y": 2, "z": 3}') == Point(1, 2)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"{}", b'{"x": "a"}', b"\xff", b"[" * 100_000])
def test_bytes_that_are_no_such_value_are_refused(engine: Engine, data: bytes) -> None:
    from statefun.batch import TypedBytes

    @engine.functions.bind("test/f")
    def function(context: Context, message: Point) -> None: ...

    with pytest.raises(MessageDecodeError, match="test/json-point"):
        engine.send("test/f/1", TypedBytes("test/json-point", data))


def test_a_named_class_stands_in_hints_and_specs_and_is_sent_as_it_is(engine: Engine) -> None:
    class Takes(StatefulFunction[Order | Point], typename="test/f"):
        last: ValueSpec[Order | None] = ValueSpec(Order)

        @handles
        def on_order(self, context: Context, order: Order) -> None:
            self.last = order
            order.items.append(Item("b", 2.0))
            context.send(Takes.at("2"), order)
            context.send(Takes.at("2"), Point(1))

        @handles
        def on_point(self, context: Context, point: Point) -> None:
            assert self.last is not None
            self.last.number += point.x

    engine.functions.register(Takes)
    answer = engine.send("test/f/1", Order(7))
    stored = b'{"number":7,"items":[{"name":"b","price":2.0}]}'
    assert [value.value for _, value in answer.messages] == [stored, b'{"x":1,"y":null}']
    assert answer.states["last"].value == stored
    answer = engine.send("test/f/1", Point(3))
    assert answer.states["last"].value == stored.replace(b"7", b"10")


def test_a_python_type_has_one_name() -> None:
    json_type("test/json-order", Order)  # the same again
    with pytest.raises(DefinitionError, match=r"test/json-order.*test/json-other"):
        json_type("test/json-other", Order)


@pytest.mark.parametrize(
    ("python_type", "value", "wrong"),
    [
        (dict, {"a": [1, None]}, []),
        (list, [1, {"a": 2}], {}),
        (dict[str, int], {"a": 1}, []),
        (list[int], [1], "a"),
        (Form, {"name": "a"}, []),
        (str, "é", 5),
        (int, 2**70, "5"),
        (float, 1.5, "1.5"),
        (bool, True, 1),
        (None, [1, "a", None, {"b": 1.5}], None),
    ],
)
def test_plain_json_types_hold_what_they_name(python_type: Any, value: Any, wrong: Any) -> None:
    kind: ValueType[Any] = json_type("test/json-plain", python_type) if python_type else json_type("test/json-plain")
    assert kind.v3.decode(kind.v3.encode(value)) == value
    if wrong is not None:
        with pytest.raises(ValueError, match="JSON value"):
            kind.v3.encode(wrong)
        with pytest.raises(ValueError, match="JSON value"):
            kind.v3.decode(json_type("test/json-anything").v3.encode(wrong))


def test_a_whole_number_is_a_float_where_that_is_declared() -> None:
    number = json_type("test/json-float", float)
    assert repr(number.v3.decode(b"1")) == "1.0"
    assert number.v3.encode(1) == b"1.0"


def test_json_is_utf_8_without_blanks_or_what_is_no_json() -> None:
    anything = json_type("test/json-anything")
    assert anything.v3.encode({"é": ["a", 1]}) == '{"é":["a",1]}'.encode()
    for value in (float("nan"), float("inf"), {"a": object()}, "\ud800"):
        with pytest.raises((ValueError, TypeError)):
            anything.v3.encode(value)


@pytest.mark.parametrize("typename", ["", "order", "a/b/c", None])
def test_a_bad_typename_is_refused(typename: Any) -> None:
    with pytest.raises(TypenameError):
        json_type(typename, dict)


@pytest.mark.parametrize("python_type", [object, set, bytes, complex, type, 5, "Order", int | str])
def test_a_type_that_has_no_agreed_json_form_is_refused(python_type: Any) -> None:
    with pytest.raises(DefinitionError, match="test/json-odd") as caught:
        json_type("test/json-odd", python_type)
    assert caught.value.hint


@pytest.mark.parametrize(
    "python_type", [dict[int, str], dict[float, int], dict[bytes, Any], dict[tuple[int, int], str]]
)
def test_keys_that_are_no_str_are_refused_since_they_would_be_read_as_text(python_type: Any) -> None:
    with pytest.raises(DefinitionError, match="test/json-keys") as caught:
        json_type("test/json-keys", python_type)
    assert "dict[str" in caught.value.hint
    for fine in (dict[str, Any], dict[Any, Any], dict[NewType("Name", str), int]):
        assert json_type("test/json-keys", fine).v3.encode({"a": 1}) == b'{"a":1}'


WITHOUT_CATTRS = """
import sys
sys.modules["cattrs"] = sys.modules["cattrs.preconf"] = sys.modules["cattrs.preconf.json"] = None
import attrs, statefun
@attrs.frozen
class Order:
    number: int
assert statefun.json_type("a/b", dict).v3.encode({}) == b"{}"
try:
    statefun.json_type("a/b", Order)
except statefun.DefinitionError as error:
    assert "cattrs" in error.message and "pip install" in error.hint
else:
    raise SystemExit("cattrs was not missed")
"""


def test_without_cattrs_plain_types_work_and_classes_say_what_to_install() -> None:
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_CATTRS], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )
    assert result.returncode == 0, result.stderr
