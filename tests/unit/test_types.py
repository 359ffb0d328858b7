"""Value types and expirations: names on both protocols, what they are equal to, what they refuse."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from statefun import (
    BOOL,
    BYTES,
    DOUBLE,
    FLOAT,
    INT,
    LONG,
    STRING,
    DefinitionError,
    Expiration,
    ValueType,
    after_call,
    after_write,
)
from statefun.errors import TypenameError
from statefun.expiration import ExpirationMode
from statefun.types import protobuf_type, value_type_of
from tests.unit.rig import V2, V3

NAMES = {
    "bool": (BOOL, "BoolValue"),
    "int": (INT, "Int32Value"),
    "long": (LONG, "Int64Value"),
    "float": (FLOAT, "FloatValue"),
    "double": (DOUBLE, "DoubleValue"),
    "string": (STRING, "StringValue"),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_primitive_is_a_wrapper_of_3_x_and_of_protobuf_on_2_2(name: str) -> None:
    value_type, wrapper = NAMES[name]
    assert value_type.v3.typename == value_type.typename == f"io.statefun.types/{name}"
    assert value_type.v2.typename == f"type.googleapis.com/google.protobuf.{wrapper}"
    assert value_type.matches(f"com.googleapis/google.protobuf.{wrapper}", V2)
    assert not value_type.matches(f"com.googleapis/google.protobuf.{wrapper}", V3)
    assert not value_type.matches(f"other/{name}", V3)
    assert value_type.immutable


def test_bytes_are_a_protobuf_message_on_both() -> None:
    assert BYTES.v2.typename == BYTES.v3.typename == "type.googleapis.com/google.protobuf.BytesValue"


def test_plain_python_types_stand_for_their_value_types() -> None:
    assert [value_type_of(each) for each in (bool, int, float, str, bytes)] == [BOOL, LONG, DOUBLE, STRING, BYTES]


def test_a_protobuf_class_is_one_value_type() -> None:
    assert value_type_of(Timestamp) is value_type_of(Timestamp) is protobuf_type(Timestamp)
    assert value_type_of(Timestamp).typename == "type.googleapis.com/google.protobuf.Timestamp"
    assert not value_type_of(Timestamp).immutable


def test_a_custom_type_travels_under_its_name_on_both() -> None:
    custom: ValueType[str] = ValueType("test/custom", encode=str.encode, decode=bytes.decode)
    for protocol in (V2, V3):
        assert custom.encode("a", protocol) == ("test/custom", b"a")
        assert custom.matches("test/custom", protocol)
        assert not custom.matches("other/custom", protocol)
    assert repr(custom) == "ValueType('test/custom')"


@pytest.mark.parametrize("typename", ["", "custom", "a/b/c", None, 5])
def test_a_custom_type_with_a_bad_typename_is_refused(typename: Any) -> None:
    with pytest.raises(TypenameError):
        ValueType(typename, encode=str.encode, decode=bytes.decode)


def test_an_expiration_is_a_mode_and_a_duration_in_milliseconds_rounded_up() -> None:
    assert after_write(timedelta(days=30)) == Expiration(ExpirationMode.AFTER_WRITE, timedelta(days=30))
    assert after_call(timedelta(microseconds=1)).milliseconds == 1
    assert after_call(timedelta(microseconds=1)).mode is ExpirationMode.AFTER_CALL
    assert after_write(timedelta(microseconds=1001)).milliseconds == 2
    assert after_write(timedelta.max).milliseconds == 86_399_999_999_999_999, "what a timedelta can hold again"


@pytest.mark.parametrize("duration", [timedelta(0), timedelta(microseconds=-1), 5, None, "1 day"])
def test_an_expiration_that_is_not_longer_than_zero_is_refused(duration: Any) -> None:
    for make in (after_write, after_call):
        with pytest.raises(DefinitionError, match="duration=") as caught:
            make(duration)
        assert caught.value.hint


def test_a_duration_that_cannot_be_shown_is_refused_like_any_other() -> None:
    number: Any = 10**5000
    with pytest.raises(DefinitionError, match="duration=<int>"):
        after_write(number)


@pytest.mark.parametrize("value_type", [BOOL, INT, LONG, FLOAT, DOUBLE, STRING, BYTES])
def test_an_error_shows_no_more_than_the_beginning_of_a_value(value_type: ValueType[Any]) -> None:
    for value in (["x" * 1_000_000], [10**5000]):
        for encoding in (value_type.v2, value_type.v3):
            with pytest.raises(TypeError) as raised:
                encoding.encode(value)
            assert len(str(raised.value)) < 150


@pytest.mark.parametrize("mode", ["after-write", "AFTER_WRITE", None, 1])
def test_an_expiration_by_what_is_no_mode_is_refused(mode: Any) -> None:
    with pytest.raises(DefinitionError, match="mode=") as caught:
        Expiration(mode, timedelta(days=1))
    assert "after_write(" in caught.value.hint
