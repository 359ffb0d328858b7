"""The official SDK of the 2.2 line (apache-flink-statefun 2.2.2), used as its documentation shows."""

import importlib
import os
from typing import Any

from google.protobuf.wrappers_pb2 import Int64Value, StringValue

from benchmarks.engines.contenders.web import serve

# Not an import statement: where types are checked, `statefun` is this repository's.
statefun: Any = importlib.import_module("statefun")

TOPIC = os.environ["ENGINE_BENCH_RESULTS"]


async def count(context: Any, text: StringValue) -> None:
    """Count, and tell the count; its asynchronous handler takes nothing but coroutine functions."""
    value = context.state("count").unpack(Int64Value) or Int64Value()
    value.value += 1
    context.state("count").pack(value)
    told = StringValue(value=f"{value.value} {text.value}")
    record = statefun.kafka_egress_record(topic=TOPIC, key=context.address.identity, value=told)
    context.pack_and_send_egress("bench/results", record)


def main() -> None:
    """Serve it."""
    functions = statefun.StatefulFunctions()
    functions.register(os.environ["ENGINE_BENCH_FUNCTION"], count)
    serve(statefun.AsyncRequestReplyHandler(functions))
