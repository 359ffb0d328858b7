"""What a client may not send, and what it does not get back."""

import attrs
from google.protobuf.timestamp_pb2 import Timestamp

from statefun import Context, FunctionType, StatefulFunction, handles, json_type
from statefun.client import Client, HttpClient


@attrs.frozen
class GetTotal:
    currency: str


@attrs.frozen
class Total:
    cents: int


GET_TOTAL = json_type("negative-clients/get-total", GetTotal)
TOTAL = json_type("negative-clients/total", Total)
NUMBERS = FunctionType[int]("negative-clients/numbers")


class Cart(StatefulFunction[GetTotal], typename="negative-clients/cart"):
    @handles
    def on_message(self, context: Context, message: GetTotal) -> None: ...


async def sends(client: Client) -> None:
    # mypy error: [misc] Cannot infer value of type parameter "M" of "send" of "Client"
    # pyright error: [reportArgumentType] Argument of type "Timestamp" cannot be assigned to parameter "message" of type "M@send" in function "send"
    await client.send(Cart.at("7"), Timestamp())
    # mypy error: [misc] Cannot infer value of type parameter "M" of "send" of "Client"
    # pyright error: [reportArgumentType] Argument of type "Literal['text']" cannot be assigned to parameter "message" of type "M@send" in function "send"
    await client.send(NUMBERS.at("7"), "text")
    # mypy error: [arg-type] Argument 1 to "send" of "Client" has incompatible type "str"; expected "Address[GetTotal]"
    # pyright error: [reportArgumentType] Argument of type "Literal['negative-clients/cart/7']" cannot be assigned to parameter "address" of type "Address[M@send]" in function "send"
    await client.send("negative-clients/cart/7", GetTotal("EUR"))
    # mypy error: [arg-type] Argument 1 to "send" of "Client" has incompatible type "type[Cart]"; expected "Address[GetTotal]"
    # pyright error: [reportArgumentType] Argument of type "type[Cart]" cannot be assigned to parameter "address" of type "Address[M@send]" in function "send"
    await client.send(Cart, GetTotal("EUR"))
    # mypy error: [arg-type] Argument "key" to "send" of "Client" has incompatible type "int"; expected "str | None"
    # pyright error: [reportArgumentType] Argument of type "Literal[7]" cannot be assigned to parameter "key" of type "str | None" in function "send"
    await client.send(Cart.at("7"), GetTotal("EUR"), key=7)


async def asks(client: Client) -> None:
    # mypy error: [misc] Cannot infer value of type parameter "M" of "ask" of "Client"
    # pyright error: [reportCallIssue] No overloads for "ask" match the provided arguments
    # pyright error: [reportArgumentType] Argument of type "Timestamp" cannot be assigned to parameter "message" of type "M@ask" in function "ask"
    await client.ask(Cart.at("7"), Timestamp(), reply=Total, timeout=5)
    # mypy error: [call-overload] No overload variant of "ask" of "Client" matches argument types "Address[GetTotal]", "GetTotal", "type[Total]", "str"
    # pyright error: [reportCallIssue] No overloads for "ask" match the provided arguments
    # pyright error: [reportArgumentType] Argument of type "Literal['5s']" cannot be assigned to parameter "timeout" of type "timedelta | float" in function "ask"
    await client.ask(Cart.at("7"), GetTotal("EUR"), reply=Total, timeout="5s")
    # mypy error: [call-overload] No overload variant of "ask" of "Client" matches argument types "Address[GetTotal]", "GetTotal", "type[Total]"
    # pyright error: [reportCallIssue] No overloads for "ask" match the provided arguments
    await client.ask(Cart.at("7"), GetTotal("EUR"), reply=Total)
    # mypy error: [call-overload] No overload variant of "ask" of "Client" matches argument types "Address[GetTotal]", "GetTotal", "int"
    # pyright error: [reportCallIssue] No overloads for "ask" match the provided arguments
    await client.ask(Cart.at("7"), GetTotal("EUR"), timeout=5)
    # mypy error: [arg-type] Argument "reply" to "ask" of "Client" has incompatible type "type[Total]"; expected "type[int]"
    # pyright error: [reportAssignmentType] Type "Total" is not assignable to declared type "int"
    wrong: int = await client.ask(Cart.at("7"), GetTotal("EUR"), reply=Total, timeout=5)
    wrong.bit_length()
    total = await client.ask(Cart.at("7"), GetTotal("EUR"), reply=TOTAL, timeout=5)
    # mypy error: [attr-defined] "Total" has no attribute "euros"
    # pyright error: [reportUnknownMemberType] Type of "euros" is unknown
    # pyright error: [reportAttributeAccessIssue] Cannot access attribute "euros" for class "Total"
    total.euros


async def opens() -> None:
    # mypy error: [abstract] Cannot instantiate abstract class "Client" with abstract attributes "put" and "put_and_wait"
    # pyright error: [reportAbstractUsage] Cannot instantiate abstract class "Client"
    Client()
    # mypy error: [arg-type] Argument "retry_for" to "HttpClient" has incompatible type "int"; expected "timedelta"
    # pyright error: [reportArgumentType] Argument of type "Literal[30]" cannot be assigned to parameter "retry_for" of type "timedelta" in function "__init__"
    HttpClient("http://127.0.0.1:8090", retry_for=30)
