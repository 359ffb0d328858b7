"""An observer that writes down what it is told, and functions to observe."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from google.protobuf.wrappers_pb2 import Int64Value

from statefun import LONG, Context, Egress, StatefulFunction, StatefulFunctions, ValueSpec, handles
from statefun.batch import ProtocolVersion
from statefun.observing import BatchObserver, ObservedBatch, ObservedInvocation, Outcome, TraceContext
from statefun.protocol._generated import v3
from statefun.wire import delimited, unknown_fields
from tests.unit.rig import Engine

TRACE = TraceContext("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "vendor=of its own")
RECORDS = Egress[Int64Value]("seen/records")


class ZeroError(Exception):
    pass


class Seen:
    """Writes down all that it is told, and gives each message the trace that it is made with."""

    def __init__(self, gives: TraceContext | None = None) -> None:
        self.gives = gives
        self.told: list[Any] = []

    def batch_started(self, batch: ObservedBatch) -> BatchObserver:
        self.told.append(batch)
        return self

    def invocation_started(self, invocation: ObservedInvocation) -> TraceContext | None:
        self.told.append(invocation)
        return self.gives

    def invocation_ended(self, error: BaseException | None) -> None:
        self.told.append(("ended", error))

    def batch_ended(self, outcome: Outcome) -> None:
        self.told.append(outcome)


class Relay(StatefulFunction[Int64Value], typename="seen/relay"):
    """Sends on in every way what it is sent; raises at 0, and waits at 1 where it is a coroutine."""

    count: ValueSpec[int] = ValueSpec(LONG, default=0)

    @handles
    def on_number(self, context: Context, number: Int64Value) -> None:
        if not number.value:
            raise ZeroError("zero")
        self.count += 1
        context.send("seen/next", "1", number)
        context.send_after(timedelta(seconds=1), "seen/next", "1", number)
        context.send_egress(RECORDS, number)


class AsyncRelay(StatefulFunction[Int64Value], typename="seen/relay"):
    count: ValueSpec[int] = ValueSpec(LONG, default=0)

    @handles
    async def on_number(self, context: Context, number: Int64Value) -> None:
        await asyncio.sleep(0)
        Relay.on_number(self, context, number)


def engine(protocol: ProtocolVersion, asynchronous: bool, observer: Any) -> Engine:
    """An engine around an observed relay that has the states of its address already."""
    made = Engine(protocol, asynchronous, StatefulFunctions(), observer=observer)
    made.register(AsyncRelay if asynchronous else Relay)
    made.store("seen/relay/1", "count", None)
    return made


def with_trace(request: bytes, trace: TraceContext = TRACE) -> bytes:
    """A request whose messages carry a trace, written by protobuf's own encoder of a message that knows the fields."""
    suffix = delimited(b"\x8a\xe2\x09", trace.traceparent.encode()) + delimited(
        b"\x92\xe2\x09", trace.tracestate.encode()
    )
    parsed = v3.ToFunction.FromString(request)
    parsed.invocation.invocations[:] = [_suffixed(raw, suffix) for raw in parsed.invocation.invocations]
    return parsed.SerializeToString()


def _suffixed(invocation: bytes, suffix: bytes) -> bytes:
    fields = {number: data for number, _, data in unknown_fields(invocation)}
    caller = delimited(b"\x0a", fields[1]) if 1 in fields else b""
    return caller + delimited(b"\x12", fields[2] + suffix)


def carried(response: bytes) -> list[dict[int, str]]:
    """The fields above 20000 of each value that a response sends: messages, delayed messages, egress records."""
    result = v3.FromFunction.FromString(response).invocation_result
    values = [
        each.argument
        for sent in (result.outgoing_messages, result.delayed_invocations, result.outgoing_egresses)
        for each in sent
    ]
    return [{number: data.decode() for number, _, data in unknown_fields(value) if number > 20000} for value in values]
