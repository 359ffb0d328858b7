"""What is asked of the contenders: the workloads, their request bytes and the effects that they must have."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.handler import names, protos
from benchmarks.handler.effects import Effects, Egress, Message, Mutation
from benchmarks.handler.messages import Order

# What the handler counts in: one LONG; the same, its egress record being a Kafka record that the SDK's own helper makes; the same
# with 63 more states beside it; an item of a JSON object with 10,000 of them.
Shape = Literal["count", "kafka", "wide", "json"]

CUSTOMER = "customer-0042"
FIRST_COUNT = 41
ITEMS = 10_000


@dataclass(frozen=True)
class Workload:
    """One batch for one address, against one contender that the others are compared with.

    `target` is the ratio to reach without native code, None where there is none.
    """

    name: str
    title: str
    protocol: Literal[2, 3]
    invocations: int
    shape: Shape
    baseline: str
    target: float | None


WORKLOADS = (
    Workload("v3-n100", "3.x, N=100", 3, 100, "count", "official-3.3-upb", 3.0),
    Workload("v3-n1", "3.x, N=1", 3, 1, "count", "official-3.3-upb", 2.3),
    Workload("v2-n100", "2.2, N=100", 2, 100, "count", "official-2.2", 22.0),
    Workload("v2-n1", "2.2, N=1", 2, 1, "count", "official-2.2", None),
    Workload("v3-states-n1", "3.x, 64 states, one touched, N=1", 3, 1, "wide", "official-3.3-upb", 5.0),
    Workload("v3-kafka-n100", "3.x, Kafka records, N=100", 3, 100, "kafka", "official-3.3-upb", None),
    Workload("v2-kafka-n100", "2.2, Kafka records, N=100", 2, 100, "kafka", "official-2.2", None),
    Workload("v3-json-n100", "3.x, a JSON state of 10,000 items, N=100", 3, 100, "json", "official-3.3-upb", 40.0),
)


def request(workload: Workload) -> bytes:
    """Build the request, the same bytes for every contender. Invocations have no caller, as from an ingress."""
    wire = protos.load(f"engine_v{workload.protocol}.proto")
    to_function = wire.ToFunction()
    batch = to_function.invocation
    _address(batch.target, names.FUNCTION, CUSTOMER)
    for name, typename, value in _states(workload, wire):
        state = batch.state.add(state_name=name)
        if workload.protocol == 2:
            state.state_value = wire.Any(type_url=typename, value=value).SerializeToString()
        else:
            state.state_value.MergeFrom(wire.TypedValue(typename=typename, has_value=True, value=value))
    for order in orders(workload):
        argument = batch.invocations.add().argument
        argument.value = order.SerializeToString()
        if workload.protocol == 2:
            argument.type_url = names.ORDER_TYPE
        else:
            argument.typename = names.ORDER_TYPE
            argument.has_value = True
    return bytes(to_function.SerializeToString())


def expected(workload: Workload) -> Effects:
    """Tell by plain arithmetic what the answer to the request must say."""
    counts = _basket() if workload.shape == "json" else {}
    messages, egresses = [], []
    count = FIRST_COUNT
    for order in orders(workload):
        count = counts[order.item] + 1 if workload.shape == "json" else count + 1
        counts[order.item] = count
        receipt = (order.item, count)
        messages.append(Message(names.LEDGER, order.customer, names.RECEIPT_TYPE, receipt))
        egresses.append(_egress(workload, receipt))
    if workload.shape == "json":
        mutation = Mutation(names.BASKET, "MODIFY", names.BASKET_TYPE, counts)
    else:
        mutation = Mutation(names.COUNT, "MODIFY", names.LONG_V2 if workload.protocol == 2 else names.LONG_V3, count)
    return Effects((mutation,), tuple(messages), tuple(egresses))


def orders(workload: Workload) -> Iterator[Order]:
    """Give the arguments of the invocations."""
    for number in range(workload.invocations):
        yield Order(customer=f"customer-{number:04}", item=f"item-{number * 97:05}", amount=number + 1)


def _egress(workload: Workload, receipt: tuple[str, int]) -> Egress:
    if workload.shape != "kafka":
        return Egress(names.RECEIPTS, names.RECEIPT_TYPE, None, None, receipt)
    typename = names.KAFKA_V2 if workload.protocol == 2 else names.KAFKA_V3
    return Egress(names.RECEIPTS, typename, names.TOPIC, CUSTOMER, receipt)


def _states(workload: Workload, wire: Any) -> Iterator[tuple[str, str, bytes]]:
    if workload.shape == "json":
        yield names.BASKET, names.BASKET_TYPE, json.dumps(_basket()).encode()
        return
    long = names.LONG_V2 if workload.protocol == 2 else names.LONG_V3
    yield names.COUNT, long, wire.Long(value=FIRST_COUNT).SerializeToString()
    if workload.shape == "wide":
        for number, name in enumerate(names.UNTOUCHED):
            yield name, long, wire.Long(value=number + 1).SerializeToString()


def _basket() -> dict[str, int]:
    return {f"item-{number:05}": number % 10 for number in range(ITEMS)}


def _address(address: Any, typename: str, identifier: str) -> None:
    address.namespace, address.type = typename.rsplit("/", 1)
    address.id = identifier
