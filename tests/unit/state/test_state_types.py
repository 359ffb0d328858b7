"""What a state may hold: the type that it was declared with, and what converts to it."""

from __future__ import annotations

import contextlib
from enum import IntEnum, StrEnum
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import ListValue

from statefun import (
    DOUBLE,
    FLOAT,
    INT,
    LONG,
    STRING,
    Context,
    StateError,
    ValueSpec,
)
from statefun.batch import ProtocolVersion, TypedBytes
from statefun.errors import (
    StateDecodeError,
    StateEncodeError,
    StateTypeError,
)
from tests.unit.rig import PROTOCOLS, V2, V3, Engine
from tests.unit.state.doing import HERE, Do, doing, reading, setting


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
        pytest.param("form", 10**5000, id="a number of 5,000 digits, which Python does not show"),
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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("count", 2**63),
        ("count", -(2**63) - 1),
        pytest.param("count", 10**5000, id="a number of 5,000 digits, which Python does not show"),
        ("note", "\ud800"),
    ],
)
def test_a_value_that_its_type_cannot_encode_is_a_state_error(engine: Engine, name: str, value: Any) -> None:
    doing(engine, a=setting(name, value))
    with pytest.raises(StateEncodeError, match=name):
        engine.send(HERE, "a")
    assert engine.stored[HERE].get(name) is None


class Unshowable:
    def __repr__(self) -> str:
        raise LookupError


def deep(levels: int) -> list[Any]:
    made: list[Any] = []
    for _ in range(levels):
        made = [made]
    return made


@pytest.mark.parametrize(
    ("name", "value"),
    [("count", 10**5000), ("tags", [Unshowable()]), ("tags", deep(100_000))],
    ids=["a huge int", "no repr", "too deep"],
)
def test_a_value_that_cannot_be_shown_is_a_state_error_too(engine: Engine, name: str, value: Any) -> None:
    doing(engine, a=setting(name, value))
    with pytest.raises(StateEncodeError, match=name):
        engine.send(HERE, "a")


@pytest.mark.parametrize(
    ("name", "value"),
    [("ratio", 10**400), ("ratio", Unshowable()), ("note", 10**5000)],
    ids=["a large int", "no repr", "a huge int"],
)
def test_and_so_is_one_that_is_refused_where_it_is_assigned(engine: Engine, name: str, value: Any) -> None:
    def assign(function: Do) -> None:
        with pytest.raises(StateTypeError, match=name):
            setattr(function, name, value)

    doing(engine, a=assign)
    assert engine.send(HERE, "a").nothing


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("count", IntEnum("Number", {"THREE": 3})(3), 3),
        ("note", StrEnum("Word", {"A": "a"})("a"), "a"),
        ("raw", type("Bytes", (bytes,), {})(b"a"), b"a"),
    ],
    ids=["IntEnum", "StrEnum", "bytes"],
)
def test_a_value_of_a_subclass_is_stored_as_its_base(engine: Engine, name: str, value: Any, read: Any) -> None:
    doing(engine, a=setting(name, value), b=reading(name))
    assert engine.send(HERE, "a").states == {name: read}
    engine.send(HERE, "b")
    assert type(Do.seen[-1]) is type(read)


@pytest.mark.parametrize("value", [float("inf"), -0.0, 5e-324, float("nan")])
def test_every_float_is_a_value(engine: Engine, value: float) -> None:
    doing(engine, a=setting("ratio", value), b=reading("ratio"))
    engine.send(HERE, "a")
    engine.send(HERE, "b")
    assert repr(Do.seen[-1]) == repr(value)


@PROTOCOLS
def test_a_float_beyond_32_bits_is_no_float_and_is_a_double(protocol: ProtocolVersion) -> None:
    def assign(context: Context, message: str) -> None:
        context["real"] = 1e39

    for value_type, fits in ((FLOAT, False), (DOUBLE, True)):
        engine = Engine(protocol)
        engine.functions.register("test/f", assign, specs=[ValueSpec(value_type, name="real")])
        with contextlib.nullcontext() if fits else pytest.raises(StateEncodeError, match="real"):
            engine.send(HERE, "a")
        assert (engine.state(HERE, "real") == 1e39) is fits
