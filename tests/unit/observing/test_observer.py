"""What an observer is told, by both handlers on both protocols: order, counts, errors, and that effects stay what they are."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import Int64Value

from statefun import RequestReplyHandler, StatefulFunctions
from statefun.batch import ProtocolVersion, TypedBytes
from statefun.errors import (
    AsyncFunctionError,
    HandlerError,
    MalformedRequestError,
    MessageDecodeError,
    UnhandledMessageError,
    UnknownFunctionError,
)
from statefun.observing import ObservedBatch, ObservedInvocation, Observers, Outcome
from tests.unit.observing.seen import TRACE, Relay, Seen, engine, with_trace
from tests.unit.rig import PROTOCOLS, V3, Engine

HANDLERS = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
NUMBER = "type.googleapis.com/google.protobuf.Int64Value"


def numbers(*values: int) -> list[Int64Value]:
    return [Int64Value(value=value) for value in values]


@PROTOCOLS
@HANDLERS
def test_a_batch_is_told_from_start_to_end_and_answers_as_it_does_unobserved(
    protocol: ProtocolVersion, asynchronous: bool
) -> None:
    seen = Seen()
    observed, alone = engine(protocol, asynchronous, seen), engine(protocol, asynchronous, None)
    request = observed.request("seen/relay/1", *numbers(5, 6), caller="seen/first/9")
    response = observed.bytes(request)
    assert response == alone.bytes(request)
    entry = seen.told[0].state_bytes
    assert seen.told == [
        ObservedBatch("seen/relay", "1", 2, len(request), entry),
        ObservedInvocation(1, NUMBER, None),
        ("ended", None),
        ObservedInvocation(2, NUMBER, None),
        ("ended", None),
        Outcome(2, 2, 2, 2, len(response)),
    ]
    assert entry >= len("count")


@PROTOCOLS
@HANDLERS
def test_a_failing_message_ends_with_its_error_and_so_does_its_batch(
    protocol: ProtocolVersion, asynchronous: bool
) -> None:
    seen = Seen()
    observed = engine(protocol, asynchronous, seen)
    with pytest.raises(HandlerError) as raised:
        observed.send("seen/relay/1", *numbers(5, 0, 6))
    assert seen.told[1:] == [
        ObservedInvocation(1, NUMBER, None),
        ("ended", None),
        ObservedInvocation(2, NUMBER, None),
        ("ended", raised.value),
        Outcome(1, error=raised.value),
    ]


@PROTOCOLS
@pytest.mark.parametrize(
    ("message", "expected"),
    [("a text", UnhandledMessageError), (TypedBytes(NUMBER, b"\x08"), MessageDecodeError)],
    ids=["unhandled", "undecodable"],
)
def test_a_message_without_a_handler_and_one_that_does_not_decode_are_told_as_messages(
    protocol: ProtocolVersion, message: Any, expected: type[Exception]
) -> None:
    seen = Seen()
    with pytest.raises(expected) as raised:
        engine(protocol, False, seen).ask("seen/relay/1", message)
    assert seen.told[2:] == [("ended", raised.value), Outcome(0, error=raised.value)]


def test_what_cannot_be_read_is_a_batch_of_no_function() -> None:
    seen = Seen()
    with pytest.raises(MalformedRequestError) as raised:
        RequestReplyHandler(StatefulFunctions(), observer=seen)(b"not a request")
    assert seen.told == [ObservedBatch("", "", 0, 13, 0), Outcome(0, error=raised.value)]


def test_an_unknown_function_is_told_by_its_name() -> None:
    seen = Seen()
    with pytest.raises(UnknownFunctionError) as raised:
        engine(V3, False, seen).ask("seen/nobody/1", *numbers(1))
    assert seen.told[0][:3] == ("seen/nobody", "1", 1)
    assert seen.told[1:] == [Outcome(0, error=raised.value)]


@HANDLERS
def test_a_request_that_lacks_states_is_told_and_none_of_its_messages(asynchronous: bool) -> None:
    seen = Seen()
    observed = engine(V3, asynchronous, seen)
    del observed.stored["seen/relay/1"]
    observed.send("seen/relay/1", *numbers(5))
    assert [each.handled for each in seen.told if isinstance(each, Outcome)] == [0, 1]
    assert [type(each) for each in seen.told[:2]] == [ObservedBatch, Outcome]


def test_an_awaitable_on_the_synchronous_handler_is_the_error_of_its_message() -> None:
    seen = Seen()
    observed = Engine(V3, observer=seen)

    async def late() -> None: ...

    @observed.functions.bind("seen/late")
    def sneaky(context: Any, number: Int64Value) -> Any:
        return late()

    with pytest.raises(AsyncFunctionError) as raised:
        observed.ask("seen/late/1", *numbers(1))
    assert seen.told[2:] == [("ended", raised.value), Outcome(0, error=raised.value)]


def test_a_cancelled_request_ends_its_message_and_its_batch() -> None:
    seen = Seen()
    observed = Engine(V3, asynchronous=True, observer=seen)

    @observed.functions.bind("seen/endless")
    async def endless(context: Any, number: Int64Value) -> None:
        started.set()
        await asyncio.get_running_loop().create_future()

    async def cancel() -> None:
        task = asyncio.ensure_future(observed.handler(observed.request("seen/endless/1", *numbers(1))))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    started = asyncio.Event()
    asyncio.run(cancel())
    [(_, error), outcome] = seen.told[2:]
    assert isinstance(error, asyncio.CancelledError)
    assert outcome == Outcome(0, error=error)


def test_batches_that_overlap_are_told_apart() -> None:
    batches: list[Seen] = []

    class Each:
        def batch_started(self, batch: ObservedBatch) -> Seen:
            batches.append(Seen())
            batches[-1].told.append(batch)
            return batches[-1]

    observed = engine(V3, True, Each())
    observed.store("seen/relay/2", "count", None)

    async def both() -> None:
        requests = [observed.request(f"seen/relay/{id}", *numbers(1, 1)) for id in (1, 2)]
        await asyncio.gather(*map(observed.handler, requests))

    asyncio.run(both())
    for id, seen in zip("12", batches, strict=True):
        assert seen.told[0].id == id
        assert [each.number for each in seen.told if isinstance(each, ObservedInvocation)] == [1, 2]
        assert seen.told[-1].handled == 2


def test_several_observers_are_told_in_order_and_of_ends_in_the_opposite_order() -> None:
    told: list[str] = []

    class Named(Seen):
        def __init__(self, name: str) -> None:
            super().__init__(TRACE if name == "b" else None)
            self.name = name

        def batch_started(self, batch: ObservedBatch) -> Any:
            told.append(f"{self.name} begins")
            return super().batch_started(batch)

        def batch_ended(self, outcome: Outcome) -> None:
            told.append(f"{self.name} ends")

    observed = engine(V3, False, Observers(Named("a"), Named("b")))
    response = observed.bytes(observed.request("seen/relay/1", *numbers(5)))
    assert told == ["a begins", "b begins", "b ends", "a ends"]
    assert response.count(TRACE.traceparent.encode()) == 3


@pytest.mark.parametrize("observed", [False, True])
def test_a_trace_is_told_and_nothing_of_it_reaches_the_handler(observed: bool) -> None:
    seen = Seen()
    made = engine(V3, False, seen if observed else None)
    callers: list[str] = []

    @made.functions.bind("seen/caller")
    def caller(context: Any, number: Int64Value) -> None:
        callers.append(f"{context.caller} {number.value}")

    made.bytes(with_trace(made.request("seen/caller/1", *numbers(0, 300), caller="seen/first/9")))
    made.bytes(with_trace(made.request("seen/caller/1", *numbers(5))))
    assert callers == ["seen/first/9 0", "seen/first/9 300", "None 5"]
    if observed:
        traces = [each.trace for each in seen.told if isinstance(each, ObservedInvocation)]
        assert traces == [TRACE] * 3


def test_the_unobserved_handler_has_no_part_of_the_observed_one() -> None:
    functions = StatefulFunctions()
    functions.register(Relay)
    handler = RequestReplyHandler(functions)
    assert handler._start == handler._run
