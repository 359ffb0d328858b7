"""Whatever union of types a function is made of, each message reaches exactly the handler that names its type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Union

import pytest
from google.protobuf import any_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import ListValue, Struct
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from statefun import (
    INT,
    Context,
    RequestReplyHandler,
    StatefulFunction,
    StatefulFunctions,
    ValueType,
    handles,
    handles_other,
    json_type,
)
from statefun.batch import Batch, Invocation, ProtocolVersion, Target
from statefun.errors import UnhandledMessageError
from statefun.protocol.engine import encode_request
from statefun.types import value_type_of
from tests.property import strategies

ONE, TWO = json_type("test/one", dict), json_type("other.ns/Timestamp", list)
SAMPLES: dict[Any, Any] = {
    Timestamp: Timestamp(seconds=5),
    Duration: Duration(),
    Struct: Struct(),
    ListValue: ListValue(),
    Empty: Empty(),
    str: "text",
    int: -5,
    bool: False,
    float: 0.5,
    bytes: b"",
    INT: 7,
    ONE: {"a": 1},
    TWO: [],
}


@st.composite
def functions(draw: st.DrawFn) -> tuple[list[list[Any]], bool, bool]:
    """Types split into handlers, whether the class declares them, and whether it handles others."""
    types = draw(st.lists(st.sampled_from(list(SAMPLES)), min_size=1, max_size=6, unique_by=id))
    handlers: list[list[Any]] = []
    for each in types:
        if handlers and draw(st.booleans()):
            draw(st.sampled_from(handlers)).append(each)
        else:
            handlers.append([each])
    return handlers, draw(st.booleans()), draw(st.booleans())


def made(handlers: Sequence[Sequence[Any]], declares: bool, other: bool, seen: list[Any]) -> RequestReplyHandler:
    """A class of those handlers."""

    def method(number: int, types: Sequence[Any]) -> Any:
        def on_message(self: Any, context: Context, message: Any) -> None:
            seen.append((number, message))

        on_message.__annotations__["message"] = union(types)
        return handles(on_message)

    members: dict[str, Any] = {f"on_{number}": method(number, types) for number, types in enumerate(handlers)}
    if other:

        def on_other(self: Any, context: Context, message: any_pb2.Any) -> None:
            seen.append(("other", (message.type_url, message.value)))

        members["on_other"] = handles_other(on_other)
    base: Any = (
        StatefulFunction[union([each for types in handlers for each in types])] if declares else StatefulFunction
    )

    class Made(base, typename="test/f"):
        locals().update(members)

    registry = StatefulFunctions()
    registry.register(Made)
    return RequestReplyHandler(registry)


def union(types: Sequence[Any]) -> Any:
    """Value types stand in a union as Annotated, which is where a user writes them."""
    from typing import Annotated

    spelt = [Annotated[object, each] if isinstance(each, ValueType) else each for each in types]
    return Union[tuple(spelt)]  # noqa: UP007


@given(functions(), st.lists(st.sampled_from(list(SAMPLES)), min_size=1, max_size=5), strategies.protocols)
def test_each_message_reaches_exactly_its_handler(
    function: tuple[list[list[Any]], bool, bool], sent: list[Any], protocol: ProtocolVersion
) -> None:
    handlers, declares, other = function
    seen: list[Any] = []
    handler = made(handlers, declares, other, seen)
    expected: list[Any] = []
    handled = {}
    for number, types in enumerate(handlers):
        handled.update({id(each): number for each in types})
    if protocol is ProtocolVersion.V2 and id(INT) not in handled:
        sent = [each for each in sent if each is not INT] or [handlers[0][0]]
    unhandled = False
    invocations = []
    for each in sent:
        value = SAMPLES[each]
        typed = value_type_of(each).encode(value, protocol)
        invocations.append(Invocation(*typed))
        if id(each) in handled:
            expected.append((handled[id(each)], value))
        elif other:
            expected.append(("other", tuple(typed)))
        else:
            unhandled = True
            break
    request = encode_request(Batch(protocol, Target("test", "f", "1"), {}, invocations))
    if unhandled:
        with pytest.raises(UnhandledMessageError, match="test/f"):
            handler(request)
    else:
        assert handler(request) == b""
    assert seen == expected
    assert [type(message) for _, message in seen] == [type(message) for _, message in expected]
