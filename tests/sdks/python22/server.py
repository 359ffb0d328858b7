"""The scenario of tests/sdks/README.md with apache-flink-statefun 2.2.2, in a Python that has no other `statefun`.

That line has no primitive types and no cancellation: numbers and texts are protobuf's wrappers, and what is not cancelled is not sent.
"""

import sys
from datetime import timedelta
from typing import Union

from google.protobuf.wrappers_pb2 import Int64Value, StringValue
from serving import serve

from statefun import RequestReplyHandler, StatefulFunctions, kafka_egress_record

_, listen, namespace, total = sys.argv
functions = StatefulFunctions()


def read(context, name, cls):
    """The value of a state, or None."""
    value = context.state(name).unpack(cls)
    return None if value is None else value.value


@functions.bind(f"{namespace}/counter")
def counter(context, message: Union[Int64Value, StringValue]):  # noqa: UP007  the SDK reads no other form
    typename, id = context.address.typename(), context.address.identity

    def tell(text):
        context.pack_and_send_egress("demo/out", StringValue(value=f"{namespace} {id} {text}"))

    if isinstance(message, Int64Value):
        count = (read(context, "count", Int64Value) or 0) + message.value
        context.state("count").pack(Int64Value(value=count))
        for name in ("recent", "lately"):
            context.state(name).pack(StringValue(value=str(message.value)))
        context.pack_and_send(total, "all", message)
        if context.caller.namespace:  # the SDK gives an empty address where there is no caller
            context.pack_and_reply(Int64Value(value=count))
        tell(f"counts {count}")
        record = StringValue(value=f"{namespace} {message.value}")
        context.pack_and_send_egress("demo/kafka", kafka_egress_record("counts", record, key=id))
    elif message.value == "remind":
        context.pack_and_send_after(timedelta(milliseconds=200), typename, id, StringValue(value="due"))
    elif message.value == "reset":
        del context["count"]
    elif message.value == "confirmed":
        confirmed = read(context, "confirmed", Int64Value) or 0
        context.state("confirmed").pack(Int64Value(value=confirmed + 1))
    else:
        recent, lately = (read(context, name, StringValue) or "gone" for name in ("recent", "lately"))
        tell(f"{message.value}: recent={recent} lately={lately}")


@functions.bind(f"{namespace}/total")
def summed(context, message: Int64Value):
    context.state("sum").pack(Int64Value(value=(read(context, "sum", Int64Value) or 0) + message.value))
    context.pack_and_reply(StringValue(value="confirmed"))


serve(listen, RequestReplyHandler(functions))
