"""This repository: a class, served by `statefun serve`. The same for both engines."""

import os

from google.protobuf.wrappers_pb2 import StringValue

from statefun import LONG, Context, Egress, KafkaRecord, StatefulFunction, StatefulFunctions, ValueSpec, handles

RESULTS = Egress[KafkaRecord]("bench/results")
TOPIC = os.environ["ENGINE_BENCH_RESULTS"]


class Counter(StatefulFunction[str], typename="bench/ours"):
    """Counts, and tells the count."""

    count: ValueSpec[int] = ValueSpec(LONG, default=0)

    @handles
    def on_text(self, context: Context, text: str) -> None:
        self.count += 1
        told = StringValue(value=f"{self.count} {text}")
        context.send_egress(RESULTS, KafkaRecord(topic=TOPIC, key=context.address.id, value=told))


functions = StatefulFunctions()
functions.register(Counter)
