"""What a generic base, a named type and contravariant addresses do not allow."""

from datetime import timedelta
from typing import Generic

import attrs
from google.protobuf.message import Message
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
        # mypy error: [misc] Cannot infer value of type parameter "M" of "send" of "Context"
        # pyright error: [reportArgumentType] Argument of type "Literal['text']" cannot be assigned to parameter "message" of type "M@send" in function "send"
        context.send(to, "text")


class Orders(Base[Order], typename="shop/orders"):
    last: ValueSpec[Order | None] = ValueSpec(ORDER)
    # mypy error: [arg-type] Argument 1 to "ValueSpec" has incompatible type "ValueType[Order]"; expected "ValueType[int] | type[int]"
    # pyright error: [reportAssignmentType] Type "ValueSpec[Order | None]" is not assignable to declared type "ValueSpec[int | None]"
    wrong: ValueSpec[int | None] = ValueSpec(ORDER)
    # mypy error: [arg-type] Argument "default" to "ValueSpec" has incompatible type "int"; expected "Order"
    # pyright error: [reportArgumentType] Argument of type "Literal[7]" cannot be assigned to parameter "default" of type "T@__init__" in function "__init__"
    default: ValueSpec[Order] = ValueSpec(ORDER, default=7)

    @handles
    def on_order(self, context: Context, order: Order) -> None:
        # mypy error: [assignment] Incompatible types in assignment (expression has type "int", variable has type "Order | None")
        # pyright error: [reportAttributeAccessIssue] Cannot assign to attribute "last" for class "Orders*" Type "Literal[7]" is not assignable to type "Order | None"
        self.last = 7
        # mypy error: [assignment] Incompatible types in assignment (expression has type "dict[str, int]", variable has type "Order | None")
        # pyright error: [reportAttributeAccessIssue] Cannot assign to attribute "last" for class "Orders*" Type "dict[str, int]" is not assignable to type "Order | None"
        self.last = {"number": 7}
        # mypy error: [arg-type] Argument 3 to "notify" of "Base" has incompatible type "int"; expected "Order"
        # pyright error: [reportArgumentType] Argument of type "Literal[7]" cannot be assigned to parameter "event" of type "Order" in function "notify"
        self.notify(context, Orders.at("x"), 7)
        # mypy error: [misc] Cannot infer value of type parameter "M" of "send" of "Context"
        # pyright error: [reportArgumentType] Argument of type "Literal[7]" cannot be assigned to parameter "message" of type "M@send" in function "send"
        context.send(Orders.at("x"), 7)
        # mypy error: [arg-type] Argument 1 to "at" of "StatefulFunction" has incompatible type "int"; expected "str"
        # pyright error: [reportArgumentType] Argument of type "Literal[7]" cannot be assigned to parameter "identity" of type "str" in function "at"
        context.send(Orders.at(7), order)
        # mypy error: [arg-type] Argument 1 to "reply_after" of "Context" has incompatible type "str"; expected "timedelta"
        # pyright error: [reportArgumentType] Argument of type "Literal['1s']" cannot be assigned to parameter "delay" of type "timedelta" in function "reply_after"
        context.reply_after("1s", order)
        # mypy error: [arg-type] Argument 1 to "cancel" of "Context" has incompatible type "int"; expected "str"
        # pyright error: [reportArgumentType] Argument of type "Literal[7]" cannot be assigned to parameter "cancellation_token" of type "str" in function "cancel"
        context.cancel(7)
        # mypy error: [call-overload] No overload variant of "send_after" of "Context" matches argument types "Address[Order]", "timedelta", "Order"
        # pyright error: [reportArgumentType] Argument of type "Address[Order]" cannot be assigned to parameter "delay" of type "timedelta" in function "send_after"
        # pyright error: [reportArgumentType] Argument of type "timedelta" cannot be assigned to parameter "to" of type "Address[M@send_after]" in function "send_after"
        context.send_after(Orders.at("x"), timedelta(seconds=1), order)
        # mypy error: [call-overload] No overload variant of "pack_and_send_after" of "Context" matches argument types "str", "int", "str", "Order"
        # pyright error: [reportCallIssue] No overloads for "pack_and_send_after" match the provided arguments
        # pyright error: [reportArgumentType] Argument of type "Literal[1]" cannot be assigned to parameter "typename" of type "str" in function "pack_and_send_after"
        # pyright error: [reportArgumentType] Argument of type "Literal['x']" cannot be assigned to parameter "id" of type "timedelta" in function "pack_and_send_after"
        context.pack_and_send_after("a/b", 1, "x", order)
        # mypy error: [misc] Property "identity" defined in "Address" is read-only
        # pyright error: [reportAttributeAccessIssue] Cannot assign to attribute "identity" for class "Address[Any]" Attribute "identity" is read-only
        context.address.identity = "y"
        # mypy error: [misc] Property "caller" defined in "Context" is read-only
        # pyright error: [reportAttributeAccessIssue] Cannot assign to attribute "caller" for class "Context" "None" is not assignable to "property"
        context.caller = None


INTS = FunctionType[int]("example/ints")
BOTH = FunctionType[int | str]("example/both")


def to_ints(address: Address[int], egress: Egress[int]) -> None: ...
def to_both(address: Address[int | str], egress: Egress[int | str]) -> None: ...


to_ints(BOTH.at("x"), Egress[int | str]("example/out"))  # who takes more takes this too
# mypy error: [arg-type] Argument 1 to "to_both" has incompatible type "Address[int]"; expected "Address[int | str]"
# pyright error: [reportArgumentType] Argument of type "Address[int]" cannot be assigned to parameter "address" of type "Address[int | str]" in function "to_both"
to_both(INTS.at("x"), Egress[int | str]("example/out"))
# mypy error: [arg-type] Argument 2 to "to_both" has incompatible type "Egress[int]"; expected "Egress[int | str]"
# pyright error: [reportArgumentType] Argument of type "Egress[int]" cannot be assigned to parameter "egress" of type "Egress[int | str]" in function "to_both"
to_both(BOTH.at("x"), Egress[int]("example/out"))
# mypy error: [assignment] Incompatible types in assignment (expression has type "ValueType[int]", variable has type "Order")
# pyright error: [reportAssignmentType] Type "ValueType[int]" is not assignable to declared type "Order"
number: Order = json_type("shop/number", int)
P = TypeVar("P", bound=Message)


class Protobuf(StatefulFunction[P]):
    """Takes a protobuf message, of whichever class."""


# mypy error: [type-var] Type argument "int" of "Protobuf" must be a subtype of "Message"
# pyright error: [reportInvalidTypeArguments] Type "int" cannot be assigned to type variable "P@Protobuf"
class NoProtobuf(Protobuf[int], typename="shop/no-protobuf"):
    """An int is none."""
