"""The floor: the same answers by hand on protobuf's classes, with no SDK, no routing and no checks.

It does what an SDK has to do for this one function, in the way that measured fastest on upb: `add()` and attributes (a constructor with
keyword arguments costs three times as much), a comparison of type names and `FromString` (not `Is` and `Unpack`), the state decoded
once and encoded once, the message serialized once for both of its uses.
"""

import json
from collections.abc import Callable
from typing import Any

from benchmarks.handler import names, protos
from benchmarks.handler.call import Call, SyncCall
from benchmarks.handler.messages import Order, receipt_for

MODIFY = 1
LEDGER_NAMESPACE, LEDGER_TYPE = names.LEDGER.split("/")
EGRESS_NAMESPACE, EGRESS_TYPE = names.RECEIPTS.split("/")


def build(shape: str, variant: str) -> Call:
    """Give the handler of a workload's shape; `variant` is "2" or "3", the protocol."""
    if variant == "2":
        return SyncCall(_handler_v2(kafka=shape == "kafka"))
    return SyncCall(_handler_v3(kafka=shape == "kafka", json_state=shape == "json"))


def _handler_v3(kafka: bool, json_state: bool) -> Callable[[bytes], bytes]:
    wire = protos.load("engine_v3.proto")
    touched = names.BASKET if json_state else names.COUNT
    egress_payload_type = names.KAFKA_V3 if kafka else names.RECEIPT_TYPE

    def handle(request: bytes) -> bytes:
        batch = wire.ToFunction.FromString(request).invocation
        key = batch.target.id
        stored = next(state.state_value for state in batch.state if state.state_name == touched)
        basket = json.loads(stored.value) if json_state else {}
        count = 0 if json_state else wire.Long.FromString(stored.value).value
        answer = wire.FromFunction()
        result = answer.invocation_result
        add_message, add_egress = result.outgoing_messages.add, result.outgoing_egresses.add
        for invocation in batch.invocations:
            argument = invocation.argument
            if argument.typename != names.ORDER_TYPE:
                raise ValueError(argument.typename)
            order = Order.FromString(argument.value)
            if json_state:
                count = basket[order.item] = basket[order.item] + 1
            else:
                count += 1
            payload = receipt_for(order, count).SerializeToString()
            message = add_message()
            target = message.target
            target.namespace = LEDGER_NAMESPACE
            target.type = LEDGER_TYPE
            target.id = order.customer
            argument = message.argument
            argument.typename = names.RECEIPT_TYPE
            argument.has_value = True
            argument.value = payload
            egress = add_egress()
            egress.egress_namespace = EGRESS_NAMESPACE
            egress.egress_type = EGRESS_TYPE
            argument = egress.argument
            argument.typename = egress_payload_type
            argument.has_value = True
            argument.value = _kafka_record(wire, key, payload) if kafka else payload
        mutation = result.state_mutations.add()
        mutation.mutation_type = MODIFY
        mutation.state_name = touched
        value = mutation.state_value
        value.typename = stored.typename
        value.has_value = True
        value.value = json.dumps(basket).encode() if json_state else wire.Long(value=count).SerializeToString()
        return bytes(answer.SerializeToString())

    return handle


def _handler_v2(kafka: bool) -> Callable[[bytes], bytes]:
    wire = protos.load("engine_v2.proto")
    egress_payload_type = names.KAFKA_V2 if kafka else names.RECEIPT_TYPE

    def handle(request: bytes) -> bytes:
        batch = wire.ToFunction.FromString(request).invocation
        key = batch.target.id
        stored = next(state.state_value for state in batch.state if state.state_name == names.COUNT)
        count = wire.Long.FromString(wire.Any.FromString(stored).value).value
        answer = wire.FromFunction()
        result = answer.invocation_result
        add_message, add_egress = result.outgoing_messages.add, result.outgoing_egresses.add
        for invocation in batch.invocations:
            argument = invocation.argument
            if argument.type_url != names.ORDER_TYPE:
                raise ValueError(argument.type_url)
            order = Order.FromString(argument.value)
            count += 1
            payload = receipt_for(order, count).SerializeToString()
            message = add_message()
            target = message.target
            target.namespace = LEDGER_NAMESPACE
            target.type = LEDGER_TYPE
            target.id = order.customer
            argument = message.argument
            argument.type_url = names.RECEIPT_TYPE
            argument.value = payload
            egress = add_egress()
            egress.egress_namespace = EGRESS_NAMESPACE
            egress.egress_type = EGRESS_TYPE
            argument = egress.argument
            argument.type_url = egress_payload_type
            argument.value = _kafka_record(wire, key, payload) if kafka else payload
        mutation = result.state_mutations.add()
        mutation.mutation_type = MODIFY
        mutation.state_name = names.COUNT
        value = wire.Long(value=count).SerializeToString()
        mutation.state_value = wire.Any(type_url=names.LONG_V2, value=value).SerializeToString()
        return bytes(answer.SerializeToString())

    return handle


def _kafka_record(wire: Any, key: str, payload: bytes) -> bytes:
    record = wire.KafkaRecord()
    record.key = key
    record.value_bytes = payload
    record.topic = names.TOPIC
    return bytes(record.SerializeToString())
