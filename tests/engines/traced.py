"""Three functions in a row, which emit the spans that they run in: the second gets its message with a delay."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import Final

from google.protobuf.wrappers_pb2 import Int64Value
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from statefun import Context, Egress, KafkaRecord, StatefulFunction, StatefulFunctions, handles

SPANS: Final = Egress[KafkaRecord]("engines/spans")
DELAY: Final = timedelta(milliseconds=10)
TOPIC: Final = os.environ.get("ENGINE_TESTS_RESULTS")
if TOPIC is not None:  # in the function server, and not in the test that reads the names of the functions
    trace.set_tracer_provider(TracerProvider())


def emit(context: Context) -> None:
    """Sends a record of the span that is current."""
    span = trace.get_current_span()
    here, parent = span.get_span_context(), getattr(span, "parent", None)
    what = {
        "what": "span",
        "function": context.address.function_type.typename,
        "trace": f"{here.trace_id:032x}",
        "span": f"{here.span_id:016x}",
        "parent": None if parent is None else f"{parent.span_id:016x}",
    }
    context.send_egress(SPANS, KafkaRecord(topic=TOPIC or "spans", key=context.address.id, value=json.dumps(what)))


class First(StatefulFunction[Int64Value], typename="engines/first"):
    """Gets its messages from Kafka."""

    @handles
    def on_number(self, context: Context, number: Int64Value) -> None:
        emit(context)
        context.send_after(DELAY, Second.at(context.address.id), number)


class Second(StatefulFunction[Int64Value], typename="engines/second"):
    """Is a coroutine."""

    @handles
    async def on_number(self, context: Context, number: Int64Value) -> None:
        emit(context)
        context.send(Third.at(context.address.id), number)


class Third(StatefulFunction[Int64Value], typename="engines/third"):
    """Ends the chain."""

    @handles
    def on_number(self, context: Context, number: Int64Value) -> None:
        emit(context)


functions = StatefulFunctions()
for each in (First, Second, Third):
    functions.register(each)
