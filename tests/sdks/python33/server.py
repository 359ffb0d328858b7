"""The scenario of tests/sdks/README.md with apache-flink-statefun 3.3.0, in a Python that has no other `statefun`."""

import sys
from datetime import timedelta

from serving import serve

from statefun import (
    LongType,
    RequestReplyHandler,
    StatefulFunctions,
    StringType,
    ValueSpec,
    egress_message_builder,
    kafka_egress_message,
    message_builder,
)

_, listen, namespace, total = sys.argv
functions = StatefulFunctions()


@functions.bind(
    f"{namespace}/counter",
    specs=[
        ValueSpec("count", LongType),
        ValueSpec("confirmed", LongType),
        ValueSpec("recent", StringType, expire_after_write=timedelta(milliseconds=50)),
        ValueSpec("lately", StringType, expire_after_call=timedelta(hours=1)),
    ],
)
async def counter(context, message):
    storage, typename, id = context.storage, context.address.typename, context.address.id

    def tell(text):
        context.send_egress(egress_message_builder("demo/out", f"{namespace} {id} {text}", StringType))

    if message.is_long():
        number = message.as_long()
        storage.count = (storage.count or 0) + number
        storage.recent = storage.lately = str(number)
        context.send(message_builder(total, "all", long_value=number))
        if context.caller is not None:
            context.send(message_builder(context.caller.typename, context.caller.id, long_value=storage.count))
        tell(f"counts {storage.count}")
        context.send_egress(kafka_egress_message("demo/kafka", topic="counts", key=id, value=f"{namespace} {number}"))
        return
    text = message.as_string()
    if text == "remind":
        context.send_after(timedelta(milliseconds=200), message_builder(typename, id, str_value="due"))
        context.send_after(timedelta(hours=1), message_builder(typename, id, str_value="never"), f"never/{id}")
    elif text == "forget":
        context.cancel_delayed_message(f"never/{id}")
    elif text == "reset":
        del storage.count
    elif text == "confirmed":
        storage.confirmed = (storage.confirmed or 0) + 1
    else:
        tell(f"{text}: recent={storage.recent or 'gone'} lately={storage.lately or 'gone'}")


@functions.bind(f"{namespace}/total", specs=[ValueSpec("sum", LongType)])
def summed(context, message):
    context.storage.sum = (context.storage.sum or 0) + message.as_long()
    context.send(message_builder(context.caller.typename, context.caller.id, str_value="confirmed"))


serve(listen, RequestReplyHandler(functions).handle_sync)
