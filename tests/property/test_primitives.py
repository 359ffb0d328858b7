"""The primitive value types against protobuf's own wrapper messages, at their limits and everywhere between."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from google.protobuf import wrappers_pb2
from hypothesis import given
from hypothesis import strategies as st

from statefun import BOOL, BYTES, DOUBLE, FLOAT, INT, LONG, STRING, ValueType
from statefun.protocol._generated import types_v3
from tests.property import strategies


def edges(bits: int) -> st.SearchStrategy[int]:
    limit = 1 << (bits - 1)
    near = [0, 1, -1, limit - 1, -limit, limit >> 1, 127, 128, -128, -129, 255, 256]
    return st.one_of(st.integers(-limit, limit - 1), st.sampled_from([each for each in near if -limit <= each < limit]))


doubles = st.one_of(
    st.floats(), st.sampled_from([0.0, -0.0, math.nan, math.inf, -math.inf, 5e-324, 1.7976931348623157e308])
)
singles = st.floats(width=32)
CASES: dict[str, tuple[ValueType[Any], Any, Any, st.SearchStrategy[Any]]] = {
    "BOOL": (BOOL, types_v3.BooleanWrapper, wrappers_pb2.BoolValue, st.booleans()),
    "INT": (INT, types_v3.IntWrapper, wrappers_pb2.Int32Value, edges(32)),
    "LONG": (LONG, types_v3.LongWrapper, wrappers_pb2.Int64Value, edges(64)),
    "FLOAT": (FLOAT, types_v3.FloatWrapper, wrappers_pb2.FloatValue, singles),
    "DOUBLE": (DOUBLE, types_v3.DoubleWrapper, wrappers_pb2.DoubleValue, doubles),
    "STRING": (STRING, types_v3.StringWrapper, wrappers_pb2.StringValue, st.text(st.characters(codec="utf-8"))),
    "BYTES": (BYTES, wrappers_pb2.BytesValue, wrappers_pb2.BytesValue, strategies.payloads),
}


def same(one: Any, other: Any) -> bool:
    """Whether two values are one, to the bit: 0.0 and -0.0 differ, and NaN is itself."""
    if isinstance(one, float) and isinstance(other, float):
        return (math.isnan(one) and math.isnan(other)) or struct.pack("d", one) == struct.pack("d", other)
    return type(one) is type(other) and bool(one == other)


@pytest.mark.parametrize("name", CASES)
@given(data=st.data())
def test_a_primitive_is_written_as_protobuf_writes_it_and_read_back(name: str, data: st.DataObject) -> None:
    value_type, wrapper_v3, wrapper_v2, values = CASES[name]
    value = data.draw(values)
    for encoding, wrapper in ((value_type.v3, wrapper_v3), (value_type.v2, wrapper_v2)):
        encoded = encoding.encode(value)
        assert encoded == wrapper(value=value).SerializeToString(deterministic=True)
        assert same(encoding.decode(encoded), value)
        assert same(encoding.decode(encoded), wrapper.FromString(encoded).value)


@pytest.mark.parametrize("name", CASES)
@given(data=st.data())
def test_a_primitive_is_read_as_protobuf_reads_it_whatever_the_bytes(name: str, data: st.DataObject) -> None:
    """Fields that are there twice, that are unknown or of another wire type; and what protobuf refuses is refused."""
    value_type, wrapper_v3, wrapper_v2, values = CASES[name]
    parts = st.one_of(
        st.binary(max_size=12),
        values.map(lambda value: wrapper_v3(value=value).SerializeToString()),
        values.map(lambda value: wrapper_v2(value=value).SerializeToString()),
        st.sampled_from(
            [b"\x08\x01", b"\x0a\x01x", b"\x0d1234", b"\x0912345678", b"\x12\x00", b"\x0b\x0c", b"\x7a\x01x"]
        ),
    )
    raw = b"".join(data.draw(st.lists(parts, max_size=3)))
    for encoding, wrapper in ((value_type.v3, wrapper_v3), (value_type.v2, wrapper_v2)):
        try:
            expected = wrapper.FromString(raw).value
        except Exception:  # noqa: BLE001  whatever protobuf refuses them with
            with pytest.raises(Exception):  # noqa: B017
                encoding.decode(raw)
        else:
            assert same(encoding.decode(raw), expected)


class NotOne:
    def __index__(self) -> int:
        return 5

    def __float__(self) -> float:
        return 5.0


@pytest.mark.parametrize(
    ("value_type", "value"),
    [
        *((INT, value) for value in (2**31, -(2**31) - 1, 1.0, "1", None, NotOne(), 0.0)),
        *((LONG, value) for value in (2**63, -(2**63) - 1, 1.0, "1", None, NotOne(), 0.0)),
        *((BOOL, value) for value in (1, 0, None, "True")),
        *((FLOAT, value) for value in (1e39, -1e39, 10**400, "1", None, NotOne())),
        *((DOUBLE, value) for value in (10**400, "1", None, NotOne())),
        *((STRING, value) for value in ("\ud800", "a\udfff", b"a", None, 5)),
        *((BYTES, value) for value in ("a", None, 5, [1])),
    ],
)
def test_what_is_no_value_of_the_type_is_refused_by_both_encodings(value_type: ValueType[Any], value: Any) -> None:
    for encoding in (value_type.v2, value_type.v3):
        with pytest.raises((TypeError, ValueError)):
            encoding.encode(value)


@given(st.integers())
def test_an_int_of_any_size_is_encoded_or_refused_alike_by_both_encodings(value: int) -> None:
    for value_type, bits in ((INT, 32), (LONG, 64)):
        fits = -(1 << (bits - 1)) <= value < 1 << (bits - 1)
        for encoding in (value_type.v2, value_type.v3):
            if fits:
                assert encoding.decode(encoding.encode(value)) == value
            else:
                with pytest.raises(ValueError, match=f"{bits} bits"):
                    encoding.encode(value)


def test_bool_travels_as_a_number_where_a_number_is_declared() -> None:
    for value_type in (INT, LONG):
        for encoding in (value_type.v2, value_type.v3):
            assert [encoding.decode(encoding.encode(value)) for value in (True, False)] == [1, 0]
    for value_type in (FLOAT, DOUBLE):
        for encoding in (value_type.v2, value_type.v3):
            assert [encoding.decode(encoding.encode(value)) for value in (True, False)] == [1.0, 0.0]


def test_bytes_of_every_kind_are_bytes() -> None:
    for encoding in (BYTES.v2, BYTES.v3):
        for value in (b"a", bytearray(b"a"), memoryview(b"a"), memoryview(b"-a-")[1:2]):
            assert encoding.decode(encoding.encode(value)) == b"a"
