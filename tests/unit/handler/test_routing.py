"""Which handler a message comes to, and what is told when there is none."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import any_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from statefun import (
    STRING,
    Context,
    StatefulFunction,
    ValueType,
    handles,
    handles_other,
)
from statefun.batch import TypedBytes
from statefun.errors import (
    MalformedRequestError,
    MessageDecodeError,
    RoutingError,
    UnhandledMessageError,
    UnknownFunctionError,
)
from tests.unit.handler.counter import HERE, Counter
from tests.unit.rig import V2, V3, Engine


def test_an_unhandled_type_names_the_function_the_type_and_the_types_it_handles(engine: Engine) -> None:
    engine.register(Counter)
    with pytest.raises(UnhandledMessageError) as caught:
        engine.send(HERE, Timestamp())
    assert isinstance(caught.value, RoutingError)
    for part in ("test/f", "google.protobuf.Timestamp", STRING.typename, "@handles_other"):
        assert part in str(caught.value)


def test_an_unhandled_type_goes_to_handles_other(engine: Engine) -> None:
    seen = []

    class Both(StatefulFunction[str], typename="test/f"):
        @handles
        def on_text(self, context: Context, message: str) -> None:
            seen.append(message)

        @handles_other
        def on_other(self, context: Context, message: any_pb2.Any) -> None:
            moment = Timestamp()
            assert message.Unpack(moment)
            seen.append(moment)

    engine.register(Both)
    engine.send(HERE, "a", Timestamp(seconds=1))
    assert seen == ["a", Timestamp(seconds=1)]


def test_a_batch_with_an_unhandled_message_takes_no_effect(engine: Engine) -> None:
    engine.register(Counter)
    with pytest.raises(UnhandledMessageError):
        engine.send(HERE, "a", 5)
    assert engine.stored[HERE]["count"] is None


def test_a_message_that_does_not_decode_is_a_protocol_error(engine: Engine) -> None:
    @engine.functions.bind("test/f")
    def function(context: Context, message: Timestamp | Any) -> None: ...

    class Takes(StatefulFunction, typename="test/g"):
        @handles
        def on_moment(self, context: Context, message: Timestamp) -> None: ...

    engine.register(Takes)
    for target in (HERE, "test/g/1"):
        with pytest.raises(MessageDecodeError, match=r"3 bytes to test/[fg].*Timestamp"):
            engine.send(target, TypedBytes("type.googleapis.com/google.protobuf.Timestamp", b"\xff\xff\xff"))
    assert MessageDecodeError.status == 400


def test_a_custom_decoder_that_raises_is_a_protocol_error_too(engine: Engine) -> None:
    def decode(data: bytes) -> Any:
        raise LookupError("no such value")

    class Odd:
        pass

    odd: ValueType[Odd] = ValueType("test/odd", encode=lambda _: b"", decode=decode)

    class Takes(StatefulFunction[Any], typename="test/f"):
        on_odd: Any

    def on_odd(self: Any, context: Context, message: Any) -> None: ...

    on_odd.__annotations__["message"] = odd
    Takes.on_odd = handles(on_odd)
    engine.register(Takes)
    with pytest.raises(MessageDecodeError, match="no such value"):
        engine.send(HERE, TypedBytes("test/odd", b""))


def test_2_2_routes_whatever_host_a_type_url_has() -> None:
    engine = Engine(V2).register(Counter)
    for host in ("com.googleapis/", "type.googleapis.com/", "a.b/c/", ""):
        engine.send(HERE, TypedBytes(host + "google.protobuf.StringValue", b"\x0a\x01x"))
    assert engine.state(HERE, "count") == 4


def test_3_x_compares_whole_names() -> None:
    engine = Engine(V3).register(Counter)
    for name in ("other.host/string", "string", "io.statefun.types/String"):
        with pytest.raises(UnhandledMessageError):
            engine.send(HERE, TypedBytes(name, b"\x0a\x01x"))


def test_a_message_that_names_no_type_is_malformed(engine: Engine) -> None:
    engine.register(Counter)
    with pytest.raises(MalformedRequestError, match="no type"):
        engine.send(HERE, TypedBytes("", b"x"))


def test_an_unknown_function_is_a_routing_error_that_names_it_and_what_is_there(engine: Engine) -> None:
    engine.register(Counter)
    with pytest.raises(UnknownFunctionError, match="'test/nowhere'") as caught:
        engine.send("test/nowhere/1", "a")
    assert "test/f" in caught.value.hint
    assert caught.value.status == 501
