"""This repository's SDK: a typed function class."""

import types
from typing import Any

from benchmarks.handler import names
from benchmarks.handler.call import AsyncCall, Call, SyncCall
from benchmarks.handler.messages import Order, Receipt, receipt_for
from statefun import (
    LONG,
    AsyncRequestReplyHandler,
    Context,
    Egress,
    FunctionType,
    KafkaRecord,
    RequestReplyHandler,
    StatefulFunction,
    StatefulFunctions,
    ValueSpec,
    handles,
    json_type,
)

LEDGER = FunctionType[Receipt](names.LEDGER)
RECEIPTS = Egress[Receipt](names.RECEIPTS)
KAFKA_RECEIPTS = Egress[KafkaRecord](names.RECEIPTS)
BASKET = json_type(names.BASKET_TYPE, dict)


def build(shape: str, variant: str) -> Call:
    """Give the handler of a workload's shape; `variant` is "sync", "async" or "in-place"."""
    functions = StatefulFunctions()
    if variant == "async":
        functions.register(
            names.FUNCTION,
            {"count": AsyncCounter, "kafka": AsyncKafkaCounter, "wide": AsyncWide, "json": AsyncBasket}[shape],
        )
        return AsyncCall(AsyncRequestReplyHandler(functions))
    if variant == "in-place":
        functions.register(names.FUNCTION, InPlaceBasket)
    else:
        functions.register(
            names.FUNCTION, {"count": Counter, "kafka": KafkaCounter, "wide": Wide, "json": Basket}[shape]
        )
    return SyncCall(RequestReplyHandler(functions))


class Counter(StatefulFunction[Order]):
    """Counts in a state."""

    count: ValueSpec[int] = ValueSpec(LONG, default=0)

    @handles
    def on_order(self, context: Context, order: Order) -> None:
        self.count += 1
        _emit(context, order, self.count)


class AsyncCounter(StatefulFunction[Order]):
    """The same as a coroutine."""

    count: ValueSpec[int] = ValueSpec(LONG, default=0)

    @handles
    async def on_order(self, context: Context, order: Order) -> None:
        self.count += 1
        _emit(context, order, self.count)


class KafkaCounter(StatefulFunction[Order]):
    """Counts in a state, and sends a Kafka record."""

    count: ValueSpec[int] = ValueSpec(LONG, default=0)

    @handles
    def on_order(self, context: Context, order: Order) -> None:
        self.count += 1
        receipt = receipt_for(order, self.count)
        context.send(LEDGER.at(order.customer), receipt)
        context.send_egress(KAFKA_RECEIPTS, KafkaRecord(topic=names.TOPIC, key=context.address.id, value=receipt))


class AsyncKafkaCounter(StatefulFunction[Order]):
    """The same as a coroutine."""

    count: ValueSpec[int] = ValueSpec(LONG, default=0)

    @handles
    async def on_order(self, context: Context, order: Order) -> None:
        self.count += 1
        receipt = receipt_for(order, self.count)
        context.send(LEDGER.at(order.customer), receipt)
        context.send_egress(KAFKA_RECEIPTS, KafkaRecord(topic=names.TOPIC, key=context.address.id, value=receipt))


def _declare_untouched(body: dict[str, Any]) -> None:
    body["__module__"] = __name__
    body.update({name: ValueSpec(LONG, default=0) for name in names.UNTOUCHED})


Wide = types.new_class("Wide", (Counter,), {}, _declare_untouched)
AsyncWide = types.new_class("AsyncWide", (AsyncCounter,), {}, _declare_untouched)


class Basket(StatefulFunction[Order]):
    """Counts in a JSON state, and assigns it as the official SDK makes its users do."""

    basket: ValueSpec[dict[str, int]] = ValueSpec(BASKET, default={})

    @handles
    def on_order(self, context: Context, order: Order) -> None:
        basket = self.basket
        count = basket.get(order.item, 0) + 1
        basket[order.item] = count
        self.basket = basket
        _emit(context, order, count)


class AsyncBasket(StatefulFunction[Order]):
    """The same as a coroutine."""

    basket: ValueSpec[dict[str, int]] = ValueSpec(BASKET, default={})

    @handles
    async def on_order(self, context: Context, order: Order) -> None:
        basket = self.basket
        count = basket.get(order.item, 0) + 1
        basket[order.item] = count
        self.basket = basket
        _emit(context, order, count)


class InPlaceBasket(StatefulFunction[Order]):
    """Changes the JSON state in place, which the SDK has to notice."""

    basket: ValueSpec[dict[str, int]] = ValueSpec(BASKET, default={})

    @handles
    def on_order(self, context: Context, order: Order) -> None:
        count = self.basket.get(order.item, 0) + 1
        self.basket[order.item] = count
        _emit(context, order, count)


def _emit(context: Context, order: Order, count: int) -> None:
    receipt = receipt_for(order, count)
    context.send(LEDGER.at(order.customer), receipt)
    context.send_egress(RECEIPTS, receipt)
