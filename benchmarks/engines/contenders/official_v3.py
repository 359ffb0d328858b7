"""The official SDK of the 3.x line (apache-flink-statefun 3.3.0), used as its documentation shows."""

import importlib
import os
from typing import Any

from google.protobuf.wrappers_pb2 import StringValue

from benchmarks.engines.contenders.web import serve

# Not an import statement: where types are checked, `statefun` is this repository's.
statefun: Any = importlib.import_module("statefun")

TOPIC = os.environ["ENGINE_BENCH_RESULTS"]


def count(context: Any, message: Any) -> None:
    """Count, and tell the count."""
    count = (context.storage.count or 0) + 1
    context.storage.count = count
    told = StringValue(value=f"{count} {message.as_string()}").SerializeToString()
    record = statefun.kafka_egress_message("bench/results", topic=TOPIC, key=context.address.id, value=told)
    context.send_egress(record)


def main() -> None:
    """Serve it."""
    functions = statefun.StatefulFunctions()
    functions.register(os.environ["ENGINE_BENCH_FUNCTION"], count, [statefun.ValueSpec("count", statefun.LongType)])
    serve(statefun.RequestReplyHandler(functions).handle_async)
