"""What a context is asked that it does not answer."""

from datetime import timedelta
from typing import NewType

from google.protobuf.timestamp_pb2 import Timestamp

from statefun import BYTES, Address, Context, Egress, FunctionType, StatefulFunction, ValueType, handles, json_type

Name = NewType("Name", str)
TOTALS = json_type("negative-contexts/totals", dict[str, int])
TOTALLED = FunctionType[dict[str, int]]("negative-contexts/totalled")
RAW = Egress[bytes]("negative-contexts/raw")
SOON = timedelta(seconds=1)


class Named(StatefulFunction[Name | int], typename="negative-contexts/named"):
    @handles
    def on_name(self, context: Context, name: Name) -> None:
        context.send(Named.at("a"), name)
        # mypy error: [misc] Cannot infer value of type parameter "M" of "send" of "Context"
        # pyright error: [reportArgumentType] Argument of type "Literal['no name']" cannot be assigned to parameter "message" of type "M@send" in function "send"
        context.send(Named.at("a"), "no name")
        # mypy error: [call-overload] No overload variant of "send" of "Context" matches argument types "Named", "Name"
        # pyright error: [reportArgumentType] Argument of type "Named" cannot be assigned to parameter "to" of type "Address[M@send]" in function "send"
        context.send(Named("a"), name)
        # mypy error: [call-overload] No overload variant of "send" of "Context" matches argument types "Address[Name | int]", "Name"
        # mypy error: [call-overload] Unexpected keyword argument "name" for overloaded function "send" of "Context"
        # pyright error: [reportCallIssue] No overloads for "send" match the provided arguments Argument types: (Address[Name | int], Name)
        context.send(Named.at("a"), name=name)
        # mypy error: [call-overload] No overload variant of "send" of "Context" matches argument types "Address[Name | int]", "Name"
        # mypy error: [call-overload] Unexpected keyword argument "to" for overloaded function "send" of "Context"
        # pyright error: [reportCallIssue] No overloads for "send" match the provided arguments Argument types: (Address[Name | int], Name)
        context.send(to=Named.at("a"), message=name)
        # mypy error: [call-overload] No overload variant of "send_after" of "Context" matches argument types "timedelta", "Address[Name | int]", "Name"
        # mypy error: [call-overload] Unexpected keyword argument "to" for overloaded function "send_after" of "Context"
        # pyright error: [reportCallIssue] No overloads for "send_after" match the provided arguments Argument types: (timedelta, Address[Name | int], Name)
        context.send_after(delay=SOON, to=Named.at("a"), message=name)
        # mypy error: [call-overload] No overload variant of "send_after" of "Context" matches argument types "timedelta", "Address[Name | int]", "Name", "int"
        # pyright error: [reportArgumentType] Argument of type "Literal[7]" cannot be assigned to parameter "cancellation_token" of type "str | None" in function "send_after"
        context.send_after(SOON, Named.at("a"), name, cancellation_token=7)
        # mypy error: [arg-type] Argument 1 to "reply_after" of "Context" has incompatible type "Name"; expected "timedelta"
        # pyright error: [reportArgumentType] Argument of type "Name" cannot be assigned to parameter "delay" of type "timedelta" in function "reply_after"
        context.reply_after(name, SOON)

    @handles
    def on_number(self, context: Context, number: int) -> None:
        context.send(TOTALLED.at("a"), {"a": number}, type=TOTALS)
        # mypy error: [misc] Cannot infer value of type parameter "M" of "send" of "Context"
        # pyright error: [reportArgumentType] Argument of type "dict[str, str]" cannot be assigned to parameter "message" of type "M@send" in function "send"
        context.send(TOTALLED.at("a"), {"a": "one"}, type=TOTALS)
        # mypy error: [call-overload] No overload variant of "send" of "Context" matches argument types "Address[dict[str, int]]", "dict[str, int]", "str"
        # pyright error: [reportArgumentType] Argument of type "Literal['shop/totals']" cannot be assigned to parameter "type" of type "ValueType[Any] | None" in function "send"
        context.send(TOTALLED.at("a"), {"a": number}, type="shop/totals")

        context.send_egress(RAW, b"raw", type=BYTES)
        # mypy error: [misc] Cannot infer value of type parameter "M" of "send_egress" of "Context"
        # pyright error: [reportArgumentType] Argument of type "Literal['text']" cannot be assigned to parameter "message" of type "M@send_egress" in function "send_egress"
        # pyright error: [reportCallIssue] No overloads for "send_egress" match the provided arguments
        context.send_egress(RAW, "text", type=BYTES)
        # mypy error: [call-overload] No overload variant of "send_egress" of "Context" matches argument types "Address[Name | int]", "int"
        # pyright error: [reportArgumentType] Argument of type "Address[Name | int]" cannot be assigned to parameter "typename" of type "str" in function "send_egress"
        # pyright error: [reportCallIssue] No overloads for "send_egress" match the provided arguments
        context.send_egress(Named.at("a"), number)


def asks(context: Context) -> None:
    # mypy error: [misc] "None" not callable
    # pyright error: [reportOperatorIssue] Operator "in" not supported for types
    if "count" in context:
        ...
    # mypy error: [misc] "None" not callable
    # pyright error: [reportGeneralTypeIssues] "Context" is not iterable
    # pyright error: [reportUnknownVariableType] Type of "_name" is unknown
    for _name in context:
        ...
    # mypy error: [attr-defined] "Context" has no attribute "count"
    # pyright error: [reportAttributeAccessIssue] Cannot access attribute "count" for class "Context"
    # pyright error: [reportUnknownMemberType] Type of "count" is unknown
    context.count
    # mypy error: [index] Invalid index type "tuple[str, str]" for "Context"; expected type "str"
    # pyright error: [reportArgumentType] Argument of type "tuple[Literal['count'], Literal['total']]" cannot be assigned to parameter "name" of type "str" in function "__getitem__"
    context["count", "total"]
    # mypy error: [type-var] Value of type variable "P" of "unpack" of "StateHandle" cannot be "int"
    # pyright error: [reportArgumentType] Argument of type "type[int]" cannot be assigned to parameter "into_class" of type "type[P@unpack]" in function "unpack"
    context.state("time").unpack(int)
    # mypy error: [arg-type] Argument 1 to "pack" of "StateHandle" has incompatible type "str"; expected "Message"
    # pyright error: [reportArgumentType] Argument of type "Literal['text']" cannot be assigned to parameter "message" of type "Message" in function "pack"
    context.state("time").pack("text")
    # mypy error: [misc] Property "address" defined in "Context" is read-only
    # pyright error: [reportAttributeAccessIssue] Cannot assign to attribute "address" for class "Context"
    context.address = Named.at("a")
    # mypy error: [call-arg] Missing positional argument "cancellation_token" in call to "cancel" of "Context"
    # pyright error: [reportCallIssue] Argument missing for parameter "cancellation_token"
    context.cancel()


def to(context: Context, address: Address[Timestamp]) -> None:
    # mypy error: [misc] Cannot infer value of type parameter "M" of "send" of "Context"
    # pyright error: [reportArgumentType] Argument of type "None" cannot be assigned to parameter "message" of type "M@send" in function "send"
    context.send(address, None)
    # mypy error: [misc] Cannot infer value of type parameter "M" of "send" of "Context"
    # pyright error: [reportArgumentType] Argument of type "type[Timestamp]" cannot be assigned to parameter "message" of type "M@send" in function "send"
    context.send(address, Timestamp)
    # mypy error: [call-overload] No overload variant of "send" of "Context" matches argument types "str", "Timestamp"
    # pyright error: [reportArgumentType] Argument of type "str" cannot be assigned to parameter "to" of type "Address[M@send]" in function "send"
    context.send(address.id, Timestamp())


# mypy error: [misc] Cannot infer value of type parameter "T" of "ValueType"
# pyright error: [reportArgumentType] Argument of type "type[float]" cannot be assigned to parameter "decode" of type "(bytes) -> T@ValueType" in function "__init__"
ValueType("negative-contexts/text", encode=str.encode, decode=float)
# mypy error: [call-arg] Too many positional arguments for "ValueType"
# pyright error: [reportCallIssue] Expected 1 positional argument
ValueType("negative-contexts/text", str.encode, bytes.decode)
