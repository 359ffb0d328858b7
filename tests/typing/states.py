"""What a state reads: with a default never None, without one perhaps None."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_type

from attrs import frozen
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from statefun import (
    BOOL,
    BYTES,
    DOUBLE,
    FLOAT,
    INT,
    LONG,
    STRING,
    Context,
    Expiration,
    StatefulFunction,
    ValueSpec,
    ValueType,
    after_call,
    after_write,
    handles,
    json_type,
)


@frozen
class Order:
    number: int


ORDER = json_type("typing-states/order", Order)
TOTALS = json_type("typing-states/totals", dict[str, int])
MONEY = ValueType("typing-states/money", encode=lambda money: bytes(money), decode=bytearray, python_type=bytearray)

# --- value types ------------------------------------------------------------------------------------------------------

assert_type(BOOL, ValueType[bool])
assert_type(INT, ValueType[int])
assert_type(LONG, ValueType[int])
assert_type(FLOAT, ValueType[float])
assert_type(DOUBLE, ValueType[float])
assert_type(STRING, ValueType[str])
assert_type(BYTES, ValueType[bytes])
assert_type(ORDER, ValueType[Order])
assert_type(TOTALS, ValueType[dict[str, int]])
assert_type(MONEY, ValueType[bytearray])
assert_type(MONEY.v3.decode(b""), bytearray)

# --- specs ------------------------------------------------------------------------------------------------------------

assert_type(ValueSpec(LONG), ValueSpec[int | None])
assert_type(ValueSpec(LONG, default=0), ValueSpec[int])
assert_type(ValueSpec(LONG, default=True), ValueSpec[int])
assert_type(ValueSpec(DOUBLE, default=0), ValueSpec[float])
assert_type(ValueSpec(STRING, default="", name="text"), ValueSpec[str])
assert_type(ValueSpec(Timestamp), ValueSpec[Timestamp | None])
assert_type(ValueSpec(Timestamp, default=Timestamp()), ValueSpec[Timestamp])
assert_type(ValueSpec(Order), ValueSpec[Order | None])
assert_type(ValueSpec(ORDER, expire=after_call(timedelta(days=1))), ValueSpec[Order | None])
assert_type(ValueSpec(TOTALS, default={}), ValueSpec[dict[str, int]])
assert_type(after_write(timedelta(hours=1)), Expiration)


class Stateful(StatefulFunction[str | Timestamp], typename="typing-states/stateful"):
    count: ValueSpec[int] = ValueSpec(LONG, default=0)
    ratio: ValueSpec[float] = ValueSpec(DOUBLE, default=0, expire=after_write(timedelta(days=30)))
    seen: ValueSpec[Timestamp | None] = ValueSpec(Timestamp)
    order: ValueSpec[Order | None] = ValueSpec(Order)
    totals: ValueSpec[dict[str, int]] = ValueSpec(TOTALS, default={})
    document: ValueSpec[Struct] = ValueSpec(Struct, default=Struct(), name="doc")
    inferred = ValueSpec(STRING, default="")
    perhaps = ValueSpec(STRING)

    @handles
    def on_text(self, context: Context, message: str) -> None:
        assert_type(self.count, int)
        assert_type(self.ratio, float)
        assert_type(self.seen, Timestamp | None)
        assert_type(self.order, Order | None)
        assert_type(self.totals, dict[str, int])
        assert_type(self.document, Struct)
        assert_type(self.inferred, str)
        assert_type(self.perhaps, str | None)
        if self.order is not None:
            assert_type(self.order, Order)
        self.count += 1
        self.count = True
        self.ratio = 1
        self.order = Order(7)
        self.totals["new"] = 1
        self.document["key"] = message
        self.inferred = message
        self.perhaps = None
        del self.count

    @handles
    def on_time(self, context: Context, message: Timestamp) -> None:
        self.seen = message
        assert_type(self.seen, Timestamp)


assert_type(Stateful.count, ValueSpec[int])
assert_type(Stateful.seen, ValueSpec[Timestamp | None])
assert_type(Stateful().count, int)
