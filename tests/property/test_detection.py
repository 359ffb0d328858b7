"""Which protocol a request speaks is read from its bytes: 3.x if and only if an argument has a varint in field 2.

The requests are made with protobuf's own classes and hold everything that an engine can send, and more.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import any_pb2
from google.protobuf.empty_pb2 import Empty
from hypothesis import given
from hypothesis import strategies as st

from statefun import Context, RequestReplyHandler, StatefulFunctions
from statefun.batch import ProtocolVersion
from statefun.protocol._generated import v2, v3
from statefun.protocol.engine import decode_response
from statefun.protocol.request import decode_request
from tests.property import strategies

# State says nothing: bytes and a message are the same on the wire, so any bytes may stand there in either protocol.
states = st.lists(st.tuples(strategies.texts, st.one_of(st.binary(max_size=30), st.just(b"\x10\x01"))), max_size=3)
callers = st.one_of(st.none(), st.just(b""), strategies.addresses)


def packed_empty() -> any_pb2.Any:
    """An Any whose message is empty has a type URL alone."""
    made = any_pb2.Any()
    made.Pack(Empty())
    return made


anys = st.one_of(
    st.builds(any_pb2.Any, type_url=strategies.texts, value=strategies.payloads),
    st.builds(any_pb2.Any, type_url=strategies.names),
    st.just(packed_empty()),
    st.just(any_pb2.Any()),
    # Bytes that look like a TypedValue's fields, inside of an Any's.
    st.builds(any_pb2.Any, type_url=strategies.names, value=st.just(b"\x0a\x03a/b\x10\x01\x1a\x01x")),
    st.builds(any_pb2.Any, type_url=st.just("\x10\x01"), value=st.just(b"\x10\x01")),
)
typed_values = st.one_of(
    st.builds(v3.TypedValue, typename=strategies.texts, has_value=st.just(True), value=strategies.payloads),
    st.builds(v3.TypedValue, typename=strategies.names, has_value=st.just(True)),
    st.builds(v3.TypedValue, has_value=st.just(True)),
    # Never sent as an argument, yet what the rule says of it holds.
    st.builds(v3.TypedValue, typename=strategies.names, has_value=st.just(False)),
)


def request(contract: Any, target: Any, states: Any, invocations: Any) -> bytes:
    """A request of either contract; an argument is a message that its bytes are taken of."""
    made = contract.ToFunction()
    batch = made.invocation
    batch.target.namespace, batch.target.type, batch.target.id = target
    for name, value in states:
        # Written by hand, since the value need not be a value.
        encoded = contract.ToFunction.PersistedValue(state_name=name).SerializeToString()
        batch.state.append(encoded + (b"\x12" + bytes([len(value)]) + value if value else b""))
    for caller, argument in invocations:
        each = contract.ToFunction.Invocation()
        if caller is not None:
            each.caller = caller
        each.argument.MergeFromString(argument.SerializeToString())
        batch.invocations.append(each.SerializeToString())
    data: bytes = made.SerializeToString()
    return data


def invocations_of(arguments: Any) -> Any:
    return st.lists(st.tuples(callers, arguments), min_size=1, max_size=4)


@given(strategies.targets, states, invocations_of(anys))
def test_what_carries_any_is_2_2(target: Any, states: Any, invocations: Any) -> None:
    batch = decode_request(request(v2, target, states, invocations))
    assert batch.protocol is ProtocolVersion.V2
    assert [(each.typename, each.value) for each in batch.invocations] == [
        (argument.type_url, argument.value) for _, argument in invocations
    ]
    assert [each.caller for each in batch.invocations] == [caller or b"" for caller, _ in invocations]
    assert batch.target == target


@given(strategies.targets, states, invocations_of(typed_values))
def test_what_carries_typed_values_is_3_x(target: Any, states: Any, invocations: Any) -> None:
    batch = decode_request(request(v3, target, states, invocations))
    assert batch.protocol is ProtocolVersion.V3
    assert [(each.typename, each.value) for each in batch.invocations] == [
        (argument.typename, argument.value) for _, argument in invocations
    ]
    assert [each.caller for each in batch.invocations] == [caller or b"" for caller, _ in invocations]
    assert batch.target == target


def answering(protocols: list[ProtocolVersion]) -> RequestReplyHandler:
    """A handler that notes the protocol of what it answers."""
    functions = StatefulFunctions()

    @functions.bind("test/f")
    def function(context: Context, message: Any) -> None:
        protocols.append(context._activation.encoders.protocol)
        context.send("test/to", "1", message)

    return RequestReplyHandler(functions)


values_of_states = {
    ProtocolVersion.V2: st.one_of(st.just(b""), anys.map(lambda value: value.SerializeToString())),
    ProtocolVersion.V3: st.one_of(st.just(b""), typed_values.map(lambda value: value.SerializeToString())),
}
named_anys = anys.filter(lambda value: bool(value.type_url))
named_values = typed_values.filter(lambda value: bool(value.typename))


@st.composite
def requests(draw: st.DrawFn) -> tuple[ProtocolVersion, bytes]:
    """A request to test/f of either protocol, with states that are values of it."""
    protocol = draw(strategies.protocols)
    contract, arguments = (v2, named_anys) if protocol is ProtocolVersion.V2 else (v3, named_values)
    values = st.tuples(strategies.names, values_of_states[protocol].filter(lambda value: len(value) < 128))
    states = draw(st.lists(values, max_size=3, unique_by=lambda each: each[0]))
    return protocol, request(contract, ("test", "f", "1"), states, draw(invocations_of(arguments)))


@given(requests())
def test_the_handler_answers_in_the_protocol_that_it_was_asked_in(asked: tuple[ProtocolVersion, bytes]) -> None:
    protocol, data = asked
    protocols: list[ProtocolVersion] = []
    answer = answering(protocols)(data)
    assert set(protocols) == {protocol}
    effects = decode_response(answer, protocol)
    assert len(effects.messages) == len(protocols)
