"""How values are named when they are sent, to functions and to egresses."""

from __future__ import annotations

import contextlib
from typing import Annotated, Any, Generic, TypeVar

import pytest
from google.protobuf import any_pb2
from google.protobuf.descriptor_pb2 import UninterpretedOption
from google.protobuf.timestamp_pb2 import Timestamp

from statefun import (
    BOOL,
    BYTES,
    DOUBLE,
    FLOAT,
    INT,
    LONG,
    STRING,
    Context,
    Egress,
    FunctionType,
    KafkaRecord,
    StatefulFunction,
    ValueType,
    handles,
    json_type,
)
from statefun.errors import ValueTypeError
from tests.unit.context.running import OUT, SECOND, TO, running
from tests.unit.rig import Engine

# --- egress ----------------------------------------------------------------------------------------------------------


def test_send_egress_takes_an_egress_or_a_typename(engine: Engine) -> None:
    def body(context: Context) -> None:
        context.send_egress(OUT, "a")
        context.send_egress("test/out", "b")
        context.send_egress(typename="test/out", message="c")
        context.pack_and_send_egress("test/out", "d")
        context.send_egress(OUT, 5, type=INT)

    assert running(engine, body).egresses == [("test/out", each) for each in ("a", "b", "c", "d", 5)]


# --- how values are named --------------------------------------------------------------------------------------------


def names(engine: Engine, value_type: ValueType[Any]) -> str:
    return value_type.encoding(engine.protocol).typename


class Mute:
    """A value that cannot be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


class Unspoken(Exception):  # noqa: N818  what a user may name it
    """An error that cannot be told."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


def refuse(_value: Any) -> bytes:
    raise Unspoken


@pytest.mark.parametrize(("value", "natural"), [("a", STRING), (True, BOOL), (1, LONG), (1.5, DOUBLE)])
def test_plain_values_travel_as_string_bool_long_and_double(
    engine: Engine, value: Any, natural: ValueType[Any]
) -> None:
    def body(context: Context) -> None:
        context.send(TO, value)
        context.send_after(SECOND, TO, value)
        context.send_egress(OUT, value)

    answer = running(engine, body)
    sent = [answer.messages[0][1], answer.later[0].value, answer.egresses[0][1]]
    assert repr(sent) == repr([value] * 3)
    assert answer.effects.messages[0].typename == names(engine, natural)


TAGS: ValueType[list[Any]] = json_type("test/int-json", int)


@pytest.mark.parametrize(
    ("accepts", "value", "expected"),
    [
        (FunctionType[int], True, LONG),
        (FunctionType[float], 1, DOUBLE),
        (FunctionType[float], True, DOUBLE),
        (FunctionType[int | float], 1, LONG),
        (FunctionType[bool | int], True, BOOL),
        (FunctionType[str | None], "a", STRING),
        (FunctionType["int"], True, LONG),
        (FunctionType[Annotated[int, INT]], 1, INT),
        (FunctionType[Annotated[int, INT]], True, INT),
        (FunctionType[Annotated[float, FLOAT] | str], 1, FLOAT),
        (FunctionType[Annotated[int, TAGS]], 1, TAGS),
        (FunctionType[bytes], b"a", BYTES),
        (FunctionType[str], 1, LONG),
        (FunctionType[Any], 1, LONG),
        (FunctionType["Nowhere"], 1, LONG),
        (FunctionType, True, BOOL),
    ],
)
def test_plain_values_travel_as_what_the_address_declares(
    engine: Engine, accepts: Any, value: Any, expected: ValueType[Any]
) -> None:
    to = accepts("test/to")

    def body(context: Context) -> None:
        context.send(to.at("2"), value)
        context.send_after(SECOND, to.at("2"), value)

    effects = running(engine, body).effects
    assert effects.messages[0].typename == names(engine, expected)
    assert effects.delayed[0].typename == names(engine, expected)


def test_plain_values_travel_as_what_the_egress_declares(engine: Engine) -> None:
    out = Egress[Annotated[int, INT]]("test/out")
    effects = running(engine, lambda context: context.send_egress(out, 1)).effects
    assert effects.egresses[0].typename == names(engine, INT)


E = TypeVar("E")


class GenericBase(StatefulFunction[E], Generic[E]):
    @handles
    def on_message(self, context: Context, message: E) -> None: ...


def test_plain_values_travel_as_what_the_class_declares(engine: Engine) -> None:
    class Takes(StatefulFunction[Annotated[int, INT] | float], typename="test/to"):
        @handles
        def on_int(self, context: Context, message: Annotated[int, INT]) -> None: ...

        @handles
        def on_float(self, context: Context, message: float) -> None: ...

    def body(context: Context) -> None:
        context.send(Takes.at("2"), 1)
        context.send(Takes.at("2"), 1.0)

    effects = running(engine, body).effects
    assert [each.typename for each in effects.messages] == [names(engine, INT), names(engine, DOUBLE)]


def test_a_declared_type_that_a_generic_base_passes_on_counts_too(engine: Engine) -> None:
    class Takes(GenericBase[Annotated[int, INT]], typename="test/to"): ...

    engine.register(Takes)
    effects = running(engine, lambda context: context.send(Takes.at("2"), 1)).effects
    assert effects.messages[0].typename == names(engine, INT)


@pytest.mark.parametrize(
    ("value", "value_type"), [(5, INT), (1.5, FLOAT), (b"a", BYTES), ({"a": 1}, json_type("test/object", dict))]
)
def test_anything_else_goes_with_its_value_type_beside_it(
    engine: Engine, value: Any, value_type: ValueType[Any]
) -> None:
    def body(context: Context) -> None:
        for _ in range(2):
            context.send(TO, value, type=value_type)
            context.send("test/to", "2", value, type=value_type)
            context.send_after(SECOND, TO, value, type=value_type)
            context.send_egress(OUT, value, type=value_type)

    effects = running(engine, body).effects
    expected = tuple(value_type.encode(value, engine.protocol))
    for sent in (*effects.messages, *effects.egresses):
        assert sent[1:] == expected
    assert all((each.typename, each.value) == expected for each in effects.delayed)


@pytest.mark.parametrize(
    ("value", "value_type"),
    [
        (b"a", None),
        (None, None),
        ({}, None),
        ([], None),
        (object(), None),
        (Timestamp, None),
        (any_pb2.Any(), None),
        (2**63, None),
        ("\ud800", None),
        ("a", INT),
        (1, BOOL),
        (2**31, INT),
        (1e300, FLOAT),
        (10**400, DOUBLE),
        ("a", object()),
        ("a", dict),
        ({"a": object()}, json_type("test/any-json")),
        (float("nan"), json_type("test/any-json")),
        ([], json_type("test/object", dict)),
        (UninterpretedOption.NamePart(), None),
        (KafkaRecord(topic="t", value=object()), None),
        (KafkaRecord(topic="t", value=5), None),
        (KafkaRecord(topic="t", value="\ud800"), None),
        # What has no repr and no text of its own: Python shows no int of so many digits.
        pytest.param(10**5000, None, id="untyped-int-of-5000-digits"),
        pytest.param(10**5000, DOUBLE, id="double-from-int-of-5000-digits"),
        pytest.param(10**5000, STRING, id="string-from-int-of-5000-digits"),
        (Mute(), None),
        (Mute(), LONG),
        ("a", Mute()),
        (5, ValueType("test/refused", encode=refuse, decode=bytes)),
    ],
)
def test_a_value_that_has_no_name_or_does_not_encode_is_refused_where_it_is_sent(
    engine: Engine, value: Any, value_type: Any
) -> None:
    """At the first send and at every other: what is remembered of a class changes no error."""

    def body(context: Context) -> None:
        for send in (
            lambda: context.send(TO, value, type=value_type),
            lambda: context.send_after(SECOND, TO, value, type=value_type),
            lambda: context.send_egress(OUT, value, type=value_type),
        ):
            for _ in range(2):
                with pytest.raises(ValueTypeError) as caught:
                    send()
                assert caught.value.hint

    with contextlib.suppress(ValueTypeError):  # so that the class is known, if it can be
        running(Engine(engine.protocol), lambda context: context.send(TO, value))
    assert running(engine, body).nothing
