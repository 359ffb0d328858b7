"""Functions with everything that a module.yaml can say of them, for the tests of `generate` and `check`."""

from __future__ import annotations

from datetime import timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from statefun import (
    LONG,
    STRING,
    Context,
    FileIngress,
    KafkaRecord,
    KinesisRecord,
    StatefulFunction,
    StatefulFunctions,
    ValueSpec,
    after_call,
    after_write,
    handles,
)
from statefun.model import (
    AwsRegion,
    Delivery,
    KafkaEgress,
    KafkaIngress,
    KinesisEgress,
    KinesisIngress,
    StartFrom,
    Stream,
    Topic,
)

GREETINGS = KafkaEgress(
    id="example/greetings",
    address="env:BROKERS",
    delivery=Delivery.EXACTLY_ONCE,
    transaction_timeout=timedelta(minutes=10),
)
AUDIT = KinesisEgress(id="example/audit", region=AwsRegion(id="env:REGION"))


class Greeter(StatefulFunction[str | Timestamp], typename="example/greeter"):
    seen: ValueSpec[int] = ValueSpec(LONG, default=0)
    last: ValueSpec[str | None] = ValueSpec(STRING, expire=after_call(timedelta(days=1)))
    cached: ValueSpec[str | None] = ValueSpec(STRING, expire=after_write(timedelta(microseconds=1500)))

    @handles
    def on_visit(self, context: Context, page: str) -> None:
        context.send_egress(GREETINGS, KafkaRecord(topic="greetings", key=context.address.id, value=page))
        context.send_egress(AUDIT, KinesisRecord(stream="audit", partition_key=context.address.id, value=page))
        context.send(Counter.at("all"), page)

    @handles
    def on_time(self, context: Context, at: Timestamp) -> None: ...


class Counter(StatefulFunction[str], typename="example/counter"):
    @handles
    def on_page(self, context: Context, page: str) -> None: ...


functions = StatefulFunctions()
functions.register(Greeter)
functions.register(Counter)
functions.ingress(
    KafkaIngress(
        id="example/visits",
        address="env:BROKERS",
        topic="visits",
        message=STRING,
        targets=[Greeter],
        consumer_group="example",
        startup=StartFrom.GROUP_OFFSETS,
    )
)
functions.ingress(
    KafkaIngress(
        id="example/more",
        address="env:BROKERS",
        topics=[
            Topic("times", message=Timestamp, targets=[Greeter]),
            Topic("pages", message=str, targets=[Greeter, "example/counter"]),
        ],
    )
)
functions.ingress(KinesisIngress(id="example/stream", streams=[Stream("pages", message=str, targets=[Counter])]))
functions.egress(GREETINGS)
functions.egress(AUDIT)

with_a_file = StatefulFunctions()
with_a_file.register(Counter)
with_a_file.ingress(
    FileIngress(id="example/file", path="pages.csv", message=STRING, key="user", convert=str, targets=[Counter])
)
