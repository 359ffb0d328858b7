"""What a generic base, a named type and contravariant addresses do not allow."""

from datetime import timedelta
from typing import Generic

import attrs
from typing_extensions import TypeVar

from statefun import Address, Context, Egress, FunctionType, StatefulFunction, ValueSpec, handles, json_type


@attrs.frozen
class Order:
    number: int


ORDER = json_type("shop/order", Order)
E = TypeVar("E")


class Base(StatefulFunction[E], Generic[E]):
    def notify(self, context: Context, to: Address[E], event: E) -> None:
        context.send(to, event)
        context.send(to, "text")  # E: misc | reportArgumentType


class Orders(Base[Order], typename="shop/orders"):
    last: ValueSpec[Order | None] = ValueSpec(ORDER)
    wrong: ValueSpec[int | None] = ValueSpec(ORDER)  # E: arg-type | reportAssignmentType
    default: ValueSpec[Order] = ValueSpec(ORDER, default=7)  # E: arg-type | reportArgumentType

    @handles
    def on_order(self, context: Context, order: Order) -> None:
        self.last = 7  # E: assignment | reportAttributeAccessIssue
        self.last = {"number": 7}  # E: assignment | reportAttributeAccessIssue
        self.notify(context, Orders.at("x"), 7)  # E: arg-type | reportArgumentType
        context.send(Orders.at("x"), 7)  # E: misc | reportArgumentType
        context.send(Orders.at(7), order)  # E: arg-type | reportArgumentType
        context.reply_after("1s", order)  # E: arg-type | reportArgumentType
        context.cancel(7)  # E: arg-type | reportArgumentType
        context.send_after(Orders.at("x"), timedelta(seconds=1), order)  # E: call-overload | reportArgumentType
        context.pack_and_send_after("a/b", 1, "x", order)  # E: call-overload | reportArgumentType,reportCallIssue
        context.address.identity = "y"  # E: misc | reportAttributeAccessIssue
        context.caller = None  # E: misc | reportAttributeAccessIssue


INTS = FunctionType[int]("example/ints")
BOTH = FunctionType[int | str]("example/both")


def to_ints(address: Address[int], egress: Egress[int]) -> None: ...
def to_both(address: Address[int | str], egress: Egress[int | str]) -> None: ...


to_ints(BOTH.at("x"), Egress[int | str]("example/out"))  # who takes more takes this too
to_both(INTS.at("x"), Egress[int | str]("example/out"))  # E: arg-type | reportArgumentType
to_both(BOTH.at("x"), Egress[int]("example/out"))  # E: arg-type | reportArgumentType
number: Order = json_type("shop/number", int)  # E: assignment | reportAssignmentType
