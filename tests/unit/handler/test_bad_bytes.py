"""Requests that are none, or too large: a typed error each, and the next request is served."""

from __future__ import annotations

import contextlib
import tracemalloc

import pytest

from statefun import (
    LONG,
    Context,
    RequestReplyHandler,
    StatefulFunctions,
    StatefunError,
    ValueSpec,
)
from statefun.batch import Effects, ProtocolVersion, TypedBytes
from statefun.errors import (
    EmptyBatchError,
    LimitError,
    MalformedRequestError,
    MessageDecodeError,
    MissingStateError,
)
from statefun.protocol.engine import decode_response
from statefun.protocol.values import encode_address, wrap
from statefun.wire import delimited, text
from tests.exchange import address
from tests.unit.handler.counter import HERE, Counter
from tests.unit.handler.parts import with_raw_parts
from tests.unit.rig import PROTOCOLS, V3, Answer, Engine

OVERLONG = b"\xa2\x06" + b"\xff" * 9 + b"\x01"
BAD = {
    "empty": (b"", MalformedRequestError),
    "no invocation": (b"\xa2\x06\x00", EmptyBatchError),
    "another message": (b"\x0a\x03abc", EmptyBatchError),
    "truncated": (b"\xa2\x06\x05\x0a", MalformedRequestError),
    "a field without an end": (b"\xff" * 11, MalformedRequestError),
    "a length beyond the end": (OVERLONG, MalformedRequestError),
    "text": (b"POST / HTTP/1.1", MalformedRequestError),
    "an id that is no UTF-8": (b"\xa2\x06\x07\x0a\x03\x1a\x01\xff\x1a\x00", MalformedRequestError),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("asynchronous", [False, True])
def test_bad_input_is_a_typed_error_and_the_handler_goes_on(case: str, asynchronous: bool) -> None:
    engine = Engine(V3, asynchronous).register(Counter)
    body, error = BAD[case]
    with pytest.raises(error) as caught:
        engine.bytes(body)
    assert caught.value.status == 400
    assert engine.send(HERE, "a").states == {"count": 1}


@PROTOCOLS
@pytest.mark.parametrize(
    "caller",
    [
        *(b"\x0a\x01\xff", b"\xff", b"\x0b\x0c\x1a\x01\xff", b"\x0a\x05a"),
        text(b"\x0a", "namespace alone"),
        text(b"\x0a", "a/b") + text(b"\x12", "c") + text(b"\x1a", "1"),
    ],
)
def test_a_caller_that_is_no_address_is_malformed(protocol: ProtocolVersion, caller: bytes) -> None:
    engine = Engine(protocol)

    @engine.functions.bind("test/f")
    def function(context: Context, message: str) -> None:
        context.caller  # noqa: B018

    with pytest.raises(MalformedRequestError):
        engine.bytes(with_raw_parts(protocol, caller=caller))


@PROTOCOLS
def test_a_malformed_state_is_a_protocol_error_when_it_is_read(protocol: ProtocolVersion) -> None:
    engine = Engine(protocol).register(Counter)
    engine.send(HERE, "a")
    name = text(b"\x0a", "count")
    for value in (b"\x12\x02\x0a\x05", b"\x12\x03\x0a\x01\xff", b"\x12\x7f", b"\xff"):
        with pytest.raises(MalformedRequestError):
            engine.bytes(with_raw_parts(protocol, states=[name + value]))
    assert engine.send(HERE, "b").states == {"count": 2}


@PROTOCOLS
@pytest.mark.parametrize("caller", [None, b"", b"\x0a\x00", b"\x12\x00\x1a\x00", b"\x7a\x01x", b"\x08\x01"])
def test_an_empty_address_is_no_caller(protocol: ProtocolVersion, caller: bytes | None) -> None:
    """2.2 sends one."""
    engine = Engine(protocol)
    seen = []

    @engine.functions.bind("test/f")
    def function(context: Context, message: str) -> None:
        seen.append(context.caller)

    engine.bytes(with_raw_parts(protocol, caller=caller))
    assert seen == [None]


MANY_FIELDS = b"\x48\x00" * 500_000


def peak_of_refusing_or_serving(engine: Engine, body: bytes) -> int:
    """The most memory that Python's objects took for a request, in bytes."""
    tracemalloc.start()
    try:
        with contextlib.suppress(MalformedRequestError, MessageDecodeError):
            engine.bytes(body)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@PROTOCOLS
def test_what_holds_a_million_fields_is_not_taken_apart(protocol: ProtocolVersion) -> None:
    """An object for each would be forty times the bytes of the request."""
    engine = Engine(protocol)

    @engine.functions.bind("test/f", specs=[ValueSpec(LONG, name="count")])
    def function(context: Context, message: int | str) -> None:
        context.caller  # noqa: B018
        context["count"] = 1

    name = text(b"\x0a", "count")
    number = wrap(TypedBytes(LONG.encoding(protocol).typename, MANY_FIELDS), protocol)
    argument = delimited(b"\x12", number)
    target = delimited(b"\x0a", encode_address(address(HERE)))
    for body in (
        with_raw_parts(protocol, states=[MANY_FIELDS + name]),
        with_raw_parts(protocol, states=[name], caller=MANY_FIELDS + encode_address(address(HERE))),
        delimited(b"\xa2\x06", target + delimited(b"\x12", name) + delimited(b"\x1a", argument)),
    ):
        assert peak_of_refusing_or_serving(engine, body) < 8 * len(body)


@PROTOCOLS
def test_a_state_whose_name_stands_behind_its_value_is_known_by_it(protocol: ProtocolVersion) -> None:
    engine = Engine(protocol).register(Counter)
    value = wrap(TypedBytes(LONG.encoding(protocol).typename, LONG.encoding(protocol).encode(7)), protocol)
    entry = MANY_FIELDS + delimited(b"\x12", value) + text(b"\x0a", "count")
    answer = decode_response(engine.bytes(with_raw_parts(protocol, states=[entry])), protocol)
    assert isinstance(answer, Effects)
    assert Answer(answer).states == {"count": 8}


def empties(count: int, *, state: bool = False) -> bytes:
    return delimited(b"\xa2\x06", b"\x0a\x00" + (b"\x12\x00" if state else b"\x1a\x00") * count)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_million_empty_invocations_are_refused_before_they_are_parsed(asynchronous: bool) -> None:
    engine = Engine(V3, asynchronous).register(Counter)
    with pytest.raises(LimitError, match="100000") as caught:
        engine.bytes(empties(1_000_000))
    assert caught.value.status == 413
    assert "maxNumBatchRequests" in caught.value.hint


def test_the_batch_limit_is_a_parameter() -> None:
    functions = StatefulFunctions()
    functions.register(Counter)
    handler = RequestReplyHandler(functions, max_batch_size=3)
    with pytest.raises(LimitError):
        handler(empties(4))
    with pytest.raises(StatefunError) as caught:
        handler(empties(3))
    assert not isinstance(caught.value, LimitError)


def test_a_huge_body_is_refused_or_served_but_kills_nothing() -> None:
    engine = Engine(V3).register(Counter)
    assert engine.send(HERE, "x" * 20_000_000).states == {"count": 1}
    for body in (b"\x00" * 5_000_000, b"\xff" * 5_000_000, b"\x0a" * 5_000_000):
        with pytest.raises((MalformedRequestError, LimitError)):
            engine.bytes(body)


@PROTOCOLS
def test_one_odd_request_does_not_change_how_the_next_is_read(protocol: ProtocolVersion) -> None:
    """What is remembered of a function's states from one request to the next never mistakes one name for another."""
    engine = Engine(protocol).register(Counter)
    engine.send(HERE, "a")
    entry = text(b"\x0a", "count")
    for number, odd in enumerate(
        [
            [b""],  # a state without a name
            [text(b"\x0a", "c")],
            [text(b"\x0a", "other")],
            [text(b"\x0a", "other") + entry],  # the last one counts
            [entry + text(b"\x0a", "other")],
            [b"\x12\x00" + entry],
            [entry, entry],
            [b"", entry],
            [],
        ]
    ):
        with contextlib.suppress(MissingStateError):
            engine.bytes(with_raw_parts(protocol, states=odd))
        assert engine.send(HERE, "b").states == {"count": number + 2}, odd
