"""The official SDK of the 2.2 line (apache-flink-statefun 2.2.2), used as its documentation shows."""

import importlib
from typing import Any

from google.protobuf.wrappers_pb2 import Int64Value

from benchmarks.handler import names
from benchmarks.handler.call import Call, SyncCall
from benchmarks.handler.messages import Order, receipt_for

# Not an import statement: where types are checked, `statefun` is this repository's.
statefun: Any = importlib.import_module("statefun")


def build(shape: str, variant: str) -> Call:
    """Give the handler of a workload's shape."""
    functions = statefun.StatefulFunctions()
    functions.register(names.FUNCTION, count_with_kafka if shape == "kafka" else count)
    return SyncCall(statefun.RequestReplyHandler(functions))


def count(context: Any, order: Order) -> None:
    """Count in a state."""
    value = context.state(names.COUNT).unpack(Int64Value) or Int64Value()
    value.value += 1
    context.state(names.COUNT).pack(value)
    receipt = receipt_for(order, value.value)
    context.pack_and_send(names.LEDGER, order.customer, receipt)
    context.pack_and_send_egress(names.RECEIPTS, receipt)


def count_with_kafka(context: Any, order: Order) -> None:
    """Count in a state, and send a Kafka record."""
    value = context.state(names.COUNT).unpack(Int64Value) or Int64Value()
    value.value += 1
    context.state(names.COUNT).pack(value)
    receipt = receipt_for(order, value.value)
    context.pack_and_send(names.LEDGER, order.customer, receipt)
    record = statefun.kafka_egress_record(topic=names.TOPIC, key=context.address.identity, value=receipt)
    context.pack_and_send_egress(names.RECEIPTS, record)
