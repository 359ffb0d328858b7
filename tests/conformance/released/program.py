"""Functions written for apache-flink-statefun 2.2.2, which know nothing of this project; `record.py` and the test run the same file.

The messages are the well-known ones of protobuf, so that nothing has to be generated: StringValue is a user, Int32Value a count.
"""

# ruff: noqa: UP007, UP031, UP032  it is written as programs of its time are

import functools
import typing
from datetime import timedelta

from google.protobuf.any_pb2 import Any
from google.protobuf.struct_pb2 import Struct
from google.protobuf.wrappers_pb2 import BytesValue, Int32Value, StringValue

from statefun import StatefulFunctions, kafka_egress_record, kinesis_egress_record

functions = StatefulFunctions()


def packed(message):
    envelope = Any()
    envelope.Pack(message)
    return envelope


@functions.bind("test/untyped")
def untyped(context, message):
    user = StringValue()
    print(message.Unpack(user), user.value, context.address, context.address.typename(), context.address.identity)


@functions.bind("test/typed")
def typed(context, user: StringValue):
    print(user.value)


@functions.bind("test/union")
def union(context, message: typing.Union[StringValue, Int32Value]):
    print(type(message).__name__, message.value)


@functions.bind("test/twice-bound")
@functions.bind("test/bound")
def bound(context, message):
    print(context.address.type)


def with_database(function):
    @functools.wraps(function)
    def wrapper(context, message):
        return function("a database", context, message)

    return wrapper


@functions.bind("test/wrapped")
@with_database
def wrapped(database, context, message: StringValue):
    print(database, message.value)


@functions.bind("test/caller")
def caller(context, message):
    sender = context.caller
    print(sender.namespace, sender.type, sender.identity, sender.typename(), sender)


@functions.bind("test/formats")
def formats(context, message):
    print("%s, {}, %s".format(context.address) % (context.address, context.caller))


@functions.bind("test/sends")
def sends(context, message):
    context.send("test/a", "1", packed(StringValue(value="sent")))
    context.pack_and_send("test/a", "2", StringValue(value="packed"))
    context.send("test/a", "3", message)
    context.send_egress("test/out", packed(StringValue(value="sent")))
    context.pack_and_send_egress("test/out", StringValue(value="packed"))
    context.send_after(timedelta(seconds=1), "test/a", "4", packed(StringValue()))
    context.pack_and_send_after(timedelta(minutes=30), "test/a", "5", Int32Value(value=-1))


@functions.bind("test/replies")
def replies(context, message):
    context.reply(message)
    context.pack_and_reply(Int32Value(value=1))


@functions.bind("test/records")
def records(context, user: StringValue):
    for record in (
        kafka_egress_record(topic="topic", key=user.value, value=Int32Value(value=1)),
        kafka_egress_record("topic", user),
        kafka_egress_record("topic", BytesValue(value=b"\xff"), "key"),
        kinesis_egress_record(stream="stream", partition_key="partition", value=user),
        kinesis_egress_record("stream", user, "partition", "hash"),
    ):
        context.pack_and_send_egress("test/out", record)


@functions.bind("test/counts")
def counts(context, message):
    state = context["count"]
    count = Int32Value()
    if state is None:
        state = Any()
    else:
        state.Unpack(count)
    count.value += 1
    state.Pack(count)
    context["count"] = state


@functions.bind("test/handles")
def handles(context, message):
    count = context.state("count").unpack(Int32Value)
    if not count:
        count = Int32Value()
    count.value += 1
    context.state("count").pack(count)
    print(context.state("count").value.type_url)


@functions.bind("test/reads")
def reads(context, message):
    print(context["count"] is None, context.state("count").value is None)


@functions.bind("test/changes-what-it-set")
def changes_what_it_set(context, message):
    state = packed(Int32Value(value=1))
    context["count"] = state
    state.Pack(Int32Value(value=2))


@functions.bind("test/sets-and-deletes")
def sets_and_deletes(context, message):
    context["count"] = message
    del context["count"]
    print(context["count"])


@functions.bind("test/deletes-and-sets")
def deletes_and_sets(context, message):
    handle = context.state("count")
    del handle.value
    print(handle.value, handle.unpack(Int32Value))
    handle.value = message


@functions.bind("test/fails")
def fails(context, message):
    context.send("test/a", "1", message)
    raise LookupError("no")


@functions.bind("test/unknown-state")
def unknown_state(context, message):
    context["unknown"] = message


@functions.bind("test/no-id")
def no_id(context, message):
    context.send("test/a", "", message)


@functions.bind("test/no-slash")
def no_slash(context, message):
    context.send("a", "1", message)


# --- where this project differs -------------------------------------------------------------------------------------


@functions.bind("test/none")
def none(context, message):
    context["count"] = None


@functions.bind("test/message-as-state")
def message_as_state(context, message):
    context["count"] = Int32Value(value=3)


@functions.bind("test/other-type")
def other_type(context, message):
    print(context.state("count").unpack(StringValue).value)


@functions.bind("test/deletes")
def deletes(context, message):
    del context["count"]


@functions.bind("test/sends-one-any-twice")
def sends_one_any_twice(context, message):
    envelope = packed(StringValue(value="first"))
    context.send("test/a", "1", envelope)
    envelope.Pack(StringValue(value="second"))
    context.send("test/a", "2", envelope)


@functions.bind("test/packs-an-any")
def packs_an_any(context, message):
    context.pack_and_send("test/a", "1", message)


@functions.bind("test/empty-struct")
def empty_struct(context, message: Struct):
    print(type(message).__name__)


@functions.bind("test/no-delay")
def no_delay(context, message):
    context.send_after(timedelta(0), "test/a", "1", message)


@functions.bind("test/short-delay")
def short_delay(context, message):
    context.send_after(timedelta(microseconds=1500), "test/a", "1", message)


@functions.bind("test/negative-delay")
def negative_delay(context, message):
    context.send_after(timedelta(seconds=-1), "test/a", "1", message)


@functions.bind("test/delay-third")
def delay_third(context, message):
    context.pack_and_send_after("test/a", "1", timedelta(minutes=30), StringValue())


@functions.bind("test/address-behind-a-percent-sign")
def address_behind_a_percent_sign(context, message):
    print("%s" % context.address)


@functions.bind("test/sends-an-empty-struct")
def sends_an_empty_struct(context, message):
    context.pack_and_send("test/a", "1", Struct())


@functions.bind("test/two-slashes")
def two_slashes(context, message):
    context.send("a/b/c", "1", message)
