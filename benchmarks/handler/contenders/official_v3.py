"""The official SDK of the 3.x line (apache-flink-statefun 3.3.0), used as its documentation shows."""

import importlib
from typing import Any

from benchmarks.handler import names
from benchmarks.handler.call import AsyncCall, Call
from benchmarks.handler.messages import Order, Receipt, receipt_for

# Not an import statement: where types are checked, `statefun` is this repository's.
statefun: Any = importlib.import_module("statefun")

ORDER = statefun.make_protobuf_type(Order)
RECEIPT = statefun.make_protobuf_type(Receipt)
BASKET = statefun.make_json_type(names.BASKET_TYPE)


def build(shape: str, variant: str) -> Call:
    """Give the handler of a workload's shape."""
    functions = statefun.StatefulFunctions()
    if shape == "json":
        functions.register(names.FUNCTION, count_in_basket, [statefun.ValueSpec(names.BASKET, BASKET)])
    else:
        states = (names.COUNT, *names.UNTOUCHED) if shape == "wide" else (names.COUNT,)
        handler = count_with_kafka if shape == "kafka" else count
        functions.register(names.FUNCTION, handler, [statefun.ValueSpec(name, statefun.LongType) for name in states])
    # Not handle_sync: it makes and closes an event loop for every request, which costs more than the request.
    return AsyncCall(statefun.RequestReplyHandler(functions).handle_async)


def count(context: Any, message: Any) -> None:
    """Count in a state."""
    if not message.is_type(ORDER):
        raise ValueError(message.value_typename())
    order = message.as_type(ORDER)
    count = (context.storage.count or 0) + 1
    context.storage.count = count
    _emit(context, order, count)


def count_with_kafka(context: Any, message: Any) -> None:
    """Count in a state, and send a Kafka record."""
    if not message.is_type(ORDER):
        raise ValueError(message.value_typename())
    order = message.as_type(ORDER)
    count = (context.storage.count or 0) + 1
    context.storage.count = count
    receipt = receipt_for(order, count)
    context.send(statefun.message_builder(names.LEDGER, order.customer, value=receipt, value_type=RECEIPT))
    context.send_egress(
        statefun.kafka_egress_message(
            names.RECEIPTS, topic=names.TOPIC, key=context.address.id, value=receipt, value_type=RECEIPT
        )
    )


def count_in_basket(context: Any, message: Any) -> None:
    """Count in a JSON state. Without the assignment the change would be lost."""
    if not message.is_type(ORDER):
        raise ValueError(message.value_typename())
    order = message.as_type(ORDER)
    basket = context.storage.basket or {}
    count = basket.get(order.item, 0) + 1
    basket[order.item] = count
    context.storage.basket = basket
    _emit(context, order, count)


def _emit(context: Any, order: Order, count: int) -> None:
    receipt = receipt_for(order, count)
    context.send(statefun.message_builder(names.LEDGER, order.customer, value=receipt, value_type=RECEIPT))
    context.send_egress(statefun.egress_message_builder(names.RECEIPTS, value=receipt, value_type=RECEIPT))
