"""A function that counts, and whom it sends to."""

from __future__ import annotations

from typing import Any

from statefun import (
    LONG,
    Address,
    Context,
    StatefulFunction,
    ValueSpec,
    handles,
)

HERE = "test/f/1"
TO: Address[Any] = Address.parse("test/to/2")


class Counter(StatefulFunction[str], typename="test/f"):
    """Counts, tells, and fails where it is told to."""

    count: ValueSpec[int] = ValueSpec(LONG, default=0)

    @handles
    def on_message(self, context: Context, message: str) -> None:
        self.count += 1
        context.send(TO, message)
        context.send_egress("test/out", message)
        if message == "fail":
            raise LookupError("on purpose")
