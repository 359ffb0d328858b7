"""Messages to whom they are not for."""

from datetime import timedelta

from google.protobuf.wrappers_pb2 import Int64Value, StringValue

from statefun import Context, Egress, FunctionType, KafkaRecord, StatefulFunction, StatefulFunctions, handles

NUMBERS = FunctionType[Int64Value]("example/numbers")
RECORDS = Egress[KafkaRecord]("example/records")


class Named(StatefulFunction[StringValue], typename="example/named"):
    @handles
    def on_name(self, context: Context, name: StringValue) -> None:
        context.send(Named.at("x"), Int64Value())  # E: misc | reportArgumentType
        context.send(NUMBERS.at("x"), name)  # E: misc | reportArgumentType
        context.send_after(timedelta(1), Named.at("x"), 7)  # E: misc | reportArgumentType
        context.send_egress(RECORDS, "text")  # E: misc | reportArgumentType
        context.send("example/named", name)  # E: call-overload | reportArgumentType
        context.caller.identity  # E: union-attr | reportOptionalMemberAccess


class Other(StatefulFunction[StringValue], typename="example/other"):
    def __init__(self, number: int) -> None: ...

    @handles
    def on_name(self, context: Context, name: StringValue) -> None: ...


functions = StatefulFunctions()
functions.register(Other, factory=lambda: 7)  # E: arg-type | reportArgumentType
functions.register(7)  # E: call-overload | reportArgumentType
