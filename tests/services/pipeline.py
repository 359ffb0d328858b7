"""From Kafka to Kafka through the runtime: a process that tests kill with -9, wherever it is, or that ends itself at a point.

    python -m tests.services.pipeline ADDRESS FROM TO STORE [POINT TIMES | forget]

It prints a line for each transaction. At the crash point POINT, passed for the TIMES-th time, it is gone. With `forget` the sink does not read
back what was delivered, which must be noticed.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta

from statefun import (
    LONG,
    Context,
    KafkaRecord,
    StatefulFunction,
    StatefulFunctions,
    ValueSpec,
    handles,
)
from statefun.model import Delivery, KafkaEgress, KafkaIngress, StartFrom
from statefun.runtime import Options, Report, Store
from statefun.runtime.egress.kafka_transactions import TransactionalDelivery, _Delivered
from tests.runtime.rig import runtime_of


def functions_of(address: str, origin: str, to: str) -> StatefulFunctions:
    """Counts the records of each id, and tells each count."""
    functions = StatefulFunctions()
    out = KafkaEgress(
        id="test/out", address=address, delivery=Delivery.EXACTLY_ONCE, transaction_timeout=timedelta(minutes=1)
    )

    class Counter(StatefulFunction[str], typename="test/counter"):
        count: ValueSpec[int] = ValueSpec(LONG, default=0)

        @handles
        def on_record(self, context: Context, value: str) -> None:
            self.count += 1
            told = f"{context.address.id} {self.count}"
            context.send_egress(out, KafkaRecord(topic=to, key=context.address.id, value=told))

    functions.register(Counter)
    functions.ingress(
        KafkaIngress(
            id="test/in", address=address, topic=origin, message=str, targets=[Counter], startup=StartFrom.EARLIEST
        )
    )
    functions.egress(out)
    return functions


def main(address: str, origin: str, to: str, folder: str, point: str = "", times: str = "0") -> None:
    """Runs until it is killed."""
    if point == "forget":
        TransactionalDelivery._delivered = lambda self, topic: _Delivered(-1, "")
    left = int(times)

    def crash_point(passed: str) -> None:
        nonlocal left
        if passed == point:
            left -= 1
            if not left:
                os._exit(9)

    def progress(report: Report) -> None:
        print(report.groups, flush=True)

    functions = functions_of(address, origin, to)
    with Store(folder) as store:
        runtime = runtime_of(
            functions, store, options=Options(max_group=50), progress=progress, crash_point=crash_point
        )
        with runtime:
            runtime.run_until_idle()


if __name__ == "__main__":
    main(*sys.argv[1:])
