"""What both checkers, in strict mode and without a plugin, must see of the API. It is checked, not run: see mypy.ini, pyproject.toml."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Generic, assert_type

import attrs
from google.protobuf.any_pb2 import Any as PackedAny
from google.protobuf.struct_pb2 import Struct
from google.protobuf.wrappers_pb2 import Int64Value, StringValue
from typing_extensions import TypeVar

from statefun import (
    BYTES,
    INT,
    LONG,
    STRING,
    Address,
    AsyncRequestReplyHandler,
    Context,
    Egress,
    FileEgress,
    FileIngress,
    FunctionType,
    KafkaRecord,
    RequestReplyHandler,
    StatefulFunction,
    StatefulFunctions,
    ValueSpec,
    ValueType,
    after_call,
    after_write,
    handles,
    handles_other,
    json_type,
)


@attrs.frozen
class Order:
    number: int


ORDER = json_type("shop/order", Order)
GREETINGS = Egress[KafkaRecord]("example/greetings")
NUMBERS = Egress[int]("example/numbers")
ELSEWHERE = FunctionType[Int64Value | StringValue]("other/service")

assert_type(ORDER, ValueType[Order])
assert_type(json_type("shop/anything"), ValueType[Any])
assert_type(LONG, ValueType[int])
assert_type(BYTES, ValueType[bytes])


class Greeter(StatefulFunction[StringValue | Int64Value], typename="example/greeter"):
    seen: ValueSpec[int] = ValueSpec(LONG, default=0)
    last: ValueSpec[StringValue | None] = ValueSpec(StringValue, expire=after_write(timedelta(days=30)))
    note: ValueSpec[str | None] = ValueSpec(STRING, expire=after_call(timedelta(hours=1)), name="remark")
    order: ValueSpec[Order | None] = ValueSpec(ORDER)
    same: ValueSpec[Order | None] = ValueSpec(Order)

    @handles
    def on_name(self, context: Context, name: StringValue) -> None:
        assert_type(self.seen, int)
        assert_type(self.last, StringValue | None)
        assert_type(self.note, str | None)
        assert_type(self.order, Order | None)
        assert_type(context.caller, Address[Any] | None)
        self.seen += 1
        self.last = name
        self.last = None
        self.note = "x"
        del self.note
        self.order = self.same = Order(7)
        context.send(Greeter.at("bob"), Int64Value())
        context.send(ELSEWHERE.at("x"), StringValue())
        context.send("other/anything", "id", object())
        context.send_after(timedelta(seconds=1), Greeter.at("bob"), name, cancellation_token="t")
        context.send_after(timedelta(seconds=1), "other/anything", "id", name)
        context.pack_and_send_after(timedelta(seconds=1), "other/anything", "id", name)
        context.pack_and_send_after("other/anything", "id", timedelta(seconds=1), name)
        context.send_egress(GREETINGS, KafkaRecord(topic="t", value="v"))
        context.send_egress(NUMBERS, 7)
        context.send_egress("example/other", 7, type=INT)
        context.reply("whatever")
        context.cancel("t")

    @handles
    async def on_number(self, context: Context, number: Int64Value) -> None:
        assert_type(context.address, Address[Any])
        await other(context)

    @handles_other
    def on_other(self, context: Context, message: PackedAny) -> None:
        assert_type(message, PackedAny)


async def other(context: Context) -> None: ...


assert_type(Greeter.at("bob"), Address[StringValue | Int64Value])
assert_type(ELSEWHERE.at("x"), Address[Int64Value | StringValue])
assert_type(Greeter.seen, ValueSpec[int])


class Counter(StatefulFunction[int | float], typename="example/counter"):
    @handles
    def on_number(self, context: Context, number: int | float) -> None:
        context.send(Counter.at("a"), True)
        context.send(FunctionType[float]("example/floats").at("a"), 1)


class Bare(StatefulFunction, typename="example/bare"):
    @handles
    def on_struct(self, context: Context, message: Struct) -> None:
        context.send(Bare.at("x"), object())


assert_type(Bare.at("x"), Address[Any])

E = TypeVar("E")


class Base(StatefulFunction[E], Generic[E]):
    def notify(self, context: Context, to: Address[E], event: E) -> None:
        context.send(to, event)


class Orders(Base[Order], typename="example/orders"):
    def __init__(self, prices: dict[str, int]) -> None:
        self.prices = prices

    @handles
    def on_order(self, context: Context, order: Order) -> None:
        self.notify(context, Orders.at("x"), order)


assert_type(Orders.at("x"), Address[Order])

functions = StatefulFunctions()
functions.register(Greeter)
functions.register("example/again", Greeter)
functions.register(Orders, factory=lambda: Orders({}))


@functions.bind("example/decorated", specs=[ValueSpec(LONG, name="count")])
def decorated(context: Context, message: StringValue) -> int:
    return 7


assert_type(decorated(Context.__new__(Context), StringValue()), int)
functions.register("example/manual", decorated)
functions.ingress(
    FileIngress(
        id="a/b", path="x.csv", message=STRING, key="k", convert=lambda row: row["text"], targets=[Greeter, "a/b"]
    )
)
functions.egress(FileEgress(id="a/c", path="x.jsonl"))
assert_type(RequestReplyHandler(functions)(b""), bytes)


async def serve() -> None:
    assert_type(await AsyncRequestReplyHandler(functions)(b""), bytes)
