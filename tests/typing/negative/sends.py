"""Messages to whom they are not for."""

from datetime import timedelta

from google.protobuf.timestamp_pb2 import Timestamp
from google.protobuf.wrappers_pb2 import Int64Value, StringValue

from statefun import Address, Context, Egress, FunctionType, KafkaRecord, StatefulFunction, handles

NUMBERS = FunctionType[Int64Value]("example/numbers")
RECORDS = Egress[KafkaRecord]("example/records")


class Named(StatefulFunction[StringValue], typename="example/named"):
    @handles
    def on_name(self, context: Context, name: StringValue) -> None:
        # mypy error: [misc] Cannot infer value of type parameter "M" of "send" of "Context"
        # pyright error: [reportArgumentType] Argument of type "Int64Value" cannot be assigned to parameter "message" of type "M@send" in function "send"
        context.send(Named.at("x"), Int64Value())
        # mypy error: [misc] Cannot infer value of type parameter "M" of "send" of "Context"
        # pyright error: [reportArgumentType] Argument of type "StringValue" cannot be assigned to parameter "message" of type "M@send" in function "send"
        context.send(NUMBERS.at("x"), name)
        # mypy error: [misc] Cannot infer value of type parameter "M" of "send_after" of "Context"
        # pyright error: [reportArgumentType] Argument of type "Literal[7]" cannot be assigned to parameter "message" of type "M@send_after" in function "send_after"
        context.send_after(timedelta(1), Named.at("x"), 7)
        # mypy error: [misc] Cannot infer value of type parameter "M" of "send_egress" of "Context"
        # pyright error: [reportCallIssue] No overloads for "send_egress" match the provided arguments
        # pyright error: [reportArgumentType] Argument of type "Literal['text']" cannot be assigned to parameter "message" of type "M@send_egress" in function "send_egress"
        context.send_egress(RECORDS, "text")
        # mypy error: [call-overload] No overload variant of "send" of "Context" matches argument types "str", "StringValue"
        # pyright error: [reportArgumentType] Argument of type "Literal['example/named']" cannot be assigned to parameter "to" of type "Address[M@send]" in function "send"
        context.send("example/named", name)
        # mypy error: [union-attr] Item "None" of "Address[Any] | None" has no attribute "identity"
        # pyright error: [reportOptionalMemberAccess] "identity" is not a known attribute of "None"
        context.caller.identity
        # mypy error: [arg-type] Argument 1 to "send" of "Context" has incompatible type "Address[Any] | None"; expected "Address[Any]"
        # pyright error: [reportArgumentType] Argument of type "Address[Any] | None" cannot be assigned to parameter "to" of type "Address[M@send]" in function "send"
        context.send(context.caller, name)
        # mypy error: [assignment] Incompatible types in assignment (expression has type "Address[Any] | None", variable has type "Address[StringValue]")
        # pyright error: [reportAssignmentType] Type "Address[Any] | None" is not assignable to declared type "Address[StringValue]"
        caller: Address[StringValue] = context.caller
        context.send(caller, name)
        # mypy error: [misc] Cannot infer value of type parameter "M" of "send" of "Context"
        # pyright error: [reportArgumentType] Argument of type "Literal['text']" cannot be assigned to parameter "message" of type "M@send" in function "send"
        context.send(Named.at("x"), "text")
        # mypy error: [misc] Cannot infer value of type parameter "M" of "send_after" of "Context"
        # pyright error: [reportArgumentType] Argument of type "Timestamp" cannot be assigned to parameter "message" of type "M@send_after" in function "send_after"
        context.send_after(timedelta(1), Named.at("x"), Timestamp(), cancellation_token="again")
        # mypy error: [misc] Cannot infer value of type parameter "M" of "send_after" of "Context"
        # pyright error: [reportArgumentType] Argument of type "StringValue" cannot be assigned to parameter "message" of type "M@send_after" in function "send_after"
        context.send_after(timedelta(1), NUMBERS.at("x"), name)
        # mypy error: [call-overload] No overload variant of "send_after" of "Context" matches argument types "int", "Address[StringValue]", "StringValue"
        # pyright error: [reportArgumentType] Argument of type "Literal[5]" cannot be assigned to parameter "delay" of type "timedelta" in function "send_after"
        context.send_after(5, Named.at("x"), name)
        # mypy error: [call-overload] No overload variant of "send" of "Context" matches argument types "type[Named]", "StringValue"
        # pyright error: [reportArgumentType] Argument of type "type[Named]" cannot be assigned to parameter "to" of type "Address[M@send]" in function "send"
        context.send(Named, name)
        # mypy error: [misc] Cannot infer value of type parameter "M" of "send_egress" of "Context"
        # pyright error: [reportCallIssue] No overloads for "send_egress" match the provided arguments
        # pyright error: [reportArgumentType] Argument of type "StringValue" cannot be assigned to parameter "message" of type "M@send_egress" in function "send_egress"
        context.send_egress(RECORDS, name)
        # mypy error: [call-arg] Missing named argument "topic" for "KafkaRecord"
        # pyright error: [reportCallIssue] Argument missing for parameter "topic"
        context.send_egress(RECORDS, KafkaRecord(value="no topic"))
        # mypy error: [call-overload] No overload variant of "send_egress" of "Context" matches argument types "FunctionType[Int64Value]", "Int64Value"
        # pyright error: [reportCallIssue] No overloads for "send_egress" match the provided arguments
        # pyright error: [reportArgumentType] Argument of type "FunctionType[Int64Value]" cannot be assigned to parameter "typename" of type "str" in function "send_egress"
        context.send_egress(NUMBERS, Int64Value())


def numbers(context: Context, yes: Address[bool], whole: Address[int], real: Address[float]) -> None:
    """A bool is an int and an int is a float, and not the other way round."""
    # mypy error: [misc] Cannot infer value of type parameter "M" of "send" of "Context"
    # pyright error: [reportArgumentType] Argument of type "Literal[1]" cannot be assigned to parameter "message" of type "M@send" in function "send"
    context.send(yes, 1)
    # mypy error: [misc] Cannot infer value of type parameter "M" of "send" of "Context"
    # pyright error: [reportArgumentType] Argument of type "float" cannot be assigned to parameter "message" of type "M@send" in function "send"
    context.send(whole, 1.5)
    # mypy error: [misc] Cannot infer value of type parameter "M" of "send" of "Context"
    # pyright error: [reportArgumentType] Argument of type "Literal['1']" cannot be assigned to parameter "message" of type "M@send" in function "send"
    context.send(whole, "1")
    # mypy error: [misc] Cannot infer value of type parameter "M" of "send" of "Context"
    # pyright error: [reportArgumentType] Argument of type "Literal['1.5']" cannot be assigned to parameter "message" of type "M@send" in function "send"
    context.send(real, "1.5")
    # mypy error: [misc] Cannot infer value of type parameter "M" of "send_after" of "Context"
    # pyright error: [reportArgumentType] Argument of type "None" cannot be assigned to parameter "message" of type "M@send_after" in function "send_after"
    context.send_after(timedelta(1), whole, None)


# mypy error: [assignment] Incompatible types in assignment (expression has type "Address[Int64Value]", variable has type "Address[StringValue | Int64Value]")
# pyright error: [reportAssignmentType] Type "Address[Int64Value]" is not assignable to declared type "Address[StringValue | Int64Value]"
wider: Address[StringValue | Int64Value] = NUMBERS.at("x")
# mypy error: [assignment] Incompatible types in assignment (expression has type "FunctionType[Int64Value]", variable has type "FunctionType[StringValue]")
# pyright error: [reportAssignmentType] Type "FunctionType[Int64Value]" is not assignable to declared type "FunctionType[StringValue]"
other: FunctionType[StringValue] = NUMBERS
