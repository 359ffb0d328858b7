"""Registrations and handlers of them that could not work."""

from datetime import timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from statefun import (
    LONG,
    AsyncRequestReplyHandler,
    Context,
    FileEgress,
    FileIngress,
    RequestReplyHandler,
    StatefulFunction,
    StatefulFunctions,
    ValueSpec,
    after_call,
    after_write,
    handles,
)
from statefun.model import KafkaIngress, KinesisIngress, Topic


class Counter(StatefulFunction[int], typename="example/counter"):
    @handles
    def on_number(self, context: Context, number: int) -> None: ...


class Cart(StatefulFunction[str], typename="example/cart"):
    def __init__(self, prices: dict[str, int]) -> None:
        self.prices = prices

    @handles
    def on_text(self, context: Context, text: str) -> None: ...


def plain(context: Context, message: str) -> None: ...


def counter() -> Counter:
    return Counter()


functions = StatefulFunctions()
# mypy error: [call-overload] No overload variant of "register" of "StatefulFunctions" matches argument type "str"
# pyright error: [reportArgumentType] Argument of type "Literal['example/nothing']" cannot be assigned to parameter "function" of type "type[S@register]" in function "register"
functions.register("example/nothing")
# mypy error: [call-overload] No overload variant of "register" of "StatefulFunctions" matches argument types "type[Counter]", "list[ValueSpec[int | None]]"
# pyright error: [reportCallIssue] No overloads for "register" match the provided arguments Argument types: (type[Counter], list[ValueSpec[int | None]])
functions.register(Counter, specs=[ValueSpec(LONG, name="n")])
# mypy error: [arg-type] Argument "factory" to "register" of "StatefulFunctions" has incompatible type "type[Cart]"; expected "Callable[[], Cart] | None"
# pyright error: [reportArgumentType] Argument of type "type[Cart]" cannot be assigned to parameter "factory" of type "(() -> S@register) | None" in function "register"
functions.register(Cart, factory=Cart)
# mypy error: [arg-type] Argument "factory" to "register" of "StatefulFunctions" has incompatible type "Callable[[], str]"; expected "Callable[[], Cart] | None"
# mypy error: [return-value] Incompatible return value type (got "str", expected "Cart")
# pyright error: [reportArgumentType] Argument of type "() -> Literal['no cart']" cannot be assigned to parameter "factory" of type "(() -> S@register) | None" in function "register"
functions.register("example/again", Cart, factory=lambda: "no cart")
# mypy error: [call-overload] No overload variant of "register" of "StatefulFunctions" matches argument types "str", "Callable[[Context, str], None]", "Callable[[], None]"
# pyright error: [reportArgumentType] Argument of type "(context: Context, message: str) -> None" cannot be assigned to parameter "function" of type "type[S@register]" in function "register"
# pyright error: [reportArgumentType] Argument of type "() -> None" cannot be assigned to parameter "factory" of type "(() -> S@register) | None" in function "register"
functions.register("example/plain", plain, factory=lambda: None)
# mypy error: [list-item] List item 0 has incompatible type "str"; expected "ValueSpec[Any]"
# pyright error: [reportCallIssue] No overloads for "register" match the provided arguments
# pyright error: [reportArgumentType] Argument of type "list[str]" cannot be assigned to parameter "specs" of type "Iterable[ValueSpec[Any]]" in function "register"
functions.register("example/plain", plain, specs=["count"])
# mypy error: [call-overload] No overload variant of "register" of "StatefulFunctions" matches argument types "str", "Callable[[Context, str], None]", "ValueSpec[int | None]"
# pyright error: [reportCallIssue] No overloads for "register" match the provided arguments
# pyright error: [reportArgumentType] Argument of type "ValueSpec[int | None]" cannot be assigned to parameter "specs" of type "Iterable[ValueSpec[Any]]" in function "register"
functions.register("example/plain", plain, specs=ValueSpec(LONG, name="count"))
# mypy error: [arg-type] Argument "factory" to "register" of "StatefulFunctions" has incompatible type "type[Counter]"; expected "Callable[[], Cart] | None"
# pyright reports nothing: it takes the union of both classes for the class that is meant
functions.register(Cart, factory=Counter)
# mypy error: [arg-type] Argument "factory" to "register" of "StatefulFunctions" has incompatible type "Callable[[], Counter]"; expected "Callable[[], Cart] | None"
# pyright reports nothing: it takes the union of both classes for the class that is meant
functions.register(Cart, factory=counter)
# mypy error: [arg-type] Argument "factory" to "register" of "StatefulFunctions" has incompatible type "Callable[[], Counter]"; expected "Callable[[], Cart] | None"
# mypy error: [return-value] Incompatible return value type (got "Counter", expected "Cart")
# pyright reports nothing: it takes the union of both classes for the class that is meant
functions.register(Cart, factory=lambda: Counter())
# mypy error: [arg-type] Argument "factory" to "register" of "StatefulFunctions" has incompatible type "Callable[[], Counter]"; expected "Callable[[], Cart] | None"
# pyright reports nothing: it takes the union of both classes for the class that is meant
functions.register("example/again", Cart, factory=counter)
# mypy error: [call-overload] No overload variant of "register" of "StatefulFunctions" matches argument types "type[Cart]", "Cart"
# pyright error: [reportArgumentType] Argument of type "Cart" cannot be assigned to parameter "factory" of type "(() -> S@register) | None" in function "register"
functions.register(Cart, factory=Cart({}))
# mypy error: [call-overload] No overload variant of "register" of "StatefulFunctions" matches argument type "Callable[[Context, str], None]"
# pyright error: [reportArgumentType] Argument of type "(context: Context, message: str) -> None" cannot be assigned to parameter "function" of type "type[S@register]" in function "register"
functions.register(plain)
# mypy error: [type-var] Value of type variable "S" of "register" of "StatefulFunctions" cannot be "int"
# pyright error: [reportArgumentType] Argument of type "type[int]" cannot be assigned to parameter "function" of type "type[S@register]" in function "register"
functions.register(int)
# mypy error: [call-overload] No overload variant of "register" of "StatefulFunctions" matches argument type "int"
# pyright error: [reportArgumentType] Argument of type "Literal[7]" cannot be assigned to parameter "function" of type "type[S@register]" in function "register"
functions.register(7)
# mypy error: [arg-type] Argument 1 to "bind" of "StatefulFunctions" has incompatible type "type[Counter]"; expected "str"
# pyright error: [reportArgumentType] Argument of type "type[Counter]" cannot be assigned to parameter "typename" of type "str" in function "bind"
functions.bind(Counter)
# mypy error: [arg-type] Argument "specs" to "bind" of "StatefulFunctions" has incompatible type "ValueType[int]"; expected "Iterable[ValueSpec[Any]]"
# pyright error: [reportArgumentType] Argument of type "ValueType[int]" cannot be assigned to parameter "specs" of type "Iterable[ValueSpec[Any]]" in function "bind"
functions.bind("example/bound", specs=LONG)
# mypy error: [arg-type] Argument 1 to "after_write" has incompatible type "int"; expected "timedelta"
# pyright error: [reportArgumentType] Argument of type "Literal[30]" cannot be assigned to parameter "duration" of type "timedelta" in function "after_write"
after_write(30)
# mypy error: [arg-type] Argument 1 to "after_call" has incompatible type "str"; expected "timedelta"
# pyright error: [reportArgumentType] Argument of type "Literal['1 day']" cannot be assigned to parameter "duration" of type "timedelta" in function "after_call"
after_call("1 day")
# mypy error: [arg-type] Argument 1 to "RequestReplyHandler" has incompatible type "Callable[[Context, str], None]"; expected "StatefulFunctions"
# pyright error: [reportArgumentType] Argument of type "(context: Context, message: str) -> None" cannot be assigned to parameter "functions" of type "StatefulFunctions" in function "__init__"
RequestReplyHandler(plain)
# mypy error: [arg-type] Argument 1 to "__call__" of "RequestReplyHandler" has incompatible type "str"; expected "bytes"
# pyright error: [reportArgumentType] Argument of type "Literal['text']" cannot be assigned to parameter "request" of type "bytes" in function "__call__"
RequestReplyHandler(functions)("text")
# mypy error: [call-overload] No overload variant of "ValueSpec" matches argument types "ValueType[int]", "int"
# pyright error: [reportCallIssue] No overloads for "__init__" match the provided arguments Argument types: (ValueType[int], Literal[7])
ValueSpec(LONG, 7)
# mypy error: [call-overload] No overload variant of "ValueSpec" matches argument types "ValueType[int]", "timedelta"
# pyright error: [reportArgumentType] Argument of type "timedelta" cannot be assigned to parameter "expire" of type "Expiration | None" in function "__init__"
ValueSpec(LONG, expire=timedelta(days=1))


async def serve() -> str:
    # mypy error: [return-value] Incompatible return value type (got "bytes", expected "str")
    # pyright error: [reportReturnType] Type "bytes" is not assignable to return type "str" "bytes" is not assignable to "str"
    return await AsyncRequestReplyHandler(functions)(b"")


# mypy error: [arg-type] Argument 1 to "bind" of "StatefulFunctions" has incompatible type "Callable[[Context, str], None]"; expected "str"
# pyright error: [reportArgumentType] Argument of type "(context: Context, message: str) -> None" cannot be assigned to parameter "typename" of type "str" in function "bind"
@functions.bind
def unnamed(context: Context, message: str) -> None: ...


@functions.bind("example/bound")
def bound(context: Context, message: str) -> None: ...


# mypy error: [arg-type] Argument 1 to "bound" has incompatible type "str"; expected "Context"
# pyright error: [reportArgumentType] Argument of type "Literal['no context']" cannot be assigned to parameter "context" of type "Context" in function "bound"
bound("no context", "text")
# mypy error: [type-var] Value of type variable "F" of function cannot be "int"
# pyright error: [reportArgumentType] Argument of type "Literal[7]" cannot be assigned to parameter of type "F@bind"
functions.bind("example/seven")(7)
# mypy error: [arg-type] Argument "targets" to "FileIngress" has incompatible type "int"; expected "Iterable[Any]"
# pyright error: [reportArgumentType] Argument of type "Literal[7]" cannot be assigned to parameter "targets" of type "Iterable[Any]" in function "__init__"
FileIngress(id="a/rows", path="rows.csv", message=Timestamp, key="id", targets=7)
# mypy error: [arg-type] Argument "targets" to "FileIngress" has incompatible type "type[Counter]"; expected "Iterable[Any]"
# pyright error: [reportArgumentType] Argument of type "type[Counter]" cannot be assigned to parameter "targets" of type "Iterable[Any]" in function "__init__"
FileIngress(id="a/rows", path="rows.csv", message=Timestamp, key="id", targets=Counter)
# mypy error: [call-arg] Missing named argument "targets" for "FileIngress"
# pyright error: [reportCallIssue] Argument missing for parameter "targets"
FileIngress(id="a/rows", path="rows.csv", message=Timestamp, key="id")
# mypy error: [arg-type] Argument "key" to "FileIngress" has incompatible type "int"; expected "str | Callable[[Any], Any]"
# pyright error: [reportArgumentType] Argument of type "Literal[7]" cannot be assigned to parameter "key" of type "str | ((Any) -> Any)" in function "__init__"
FileIngress(id="a/rows", path="rows.csv", message=Timestamp, key=7, targets=[Counter])
# mypy error: [arg-type] Argument "id" to "FileEgress" has incompatible type "int"; expected "str | Egress[Any]"
# pyright error: [reportArgumentType] Argument of type "Literal[7]" cannot be assigned to parameter "id" of type "str | Egress[Any]" in function "__init__"
FileEgress(id=7, path="rows.jsonl")
# mypy error: [arg-type] Argument 1 to "ingress" of "StatefulFunctions" has incompatible type "FileEgress"; expected "RecordIngress | ScheduleIngress | KafkaIngress | KinesisIngress | PlaygroundIngress | OwnIngress"
# pyright error: [reportArgumentType] Argument of type "FileEgress" cannot be assigned to parameter "ingress" of type "ModuleIngress | RecordIngress | ScheduleIngress | OwnIngress" in function "ingress"
functions.ingress(FileEgress(id="a/rows", path="rows.jsonl"))
# mypy error: [list-item] List item 0 has incompatible type "str"; expected "Route | Topic"
# pyright error: [reportArgumentType] Argument of type "list[str]" cannot be assigned to parameter "topics" of type "Iterable[Route | Topic]" in function "__init__"
KafkaIngress(id="a/in", address="kafka:9092", topics=["times"])
# mypy error: [list-item] List item 0 has incompatible type "Topic"; expected "Route | Stream"
# pyright error: [reportArgumentType] Argument of type "list[Topic]" cannot be assigned to parameter "streams" of type "Iterable[Route | Stream]" in function "__init__"
KinesisIngress(id="a/in", streams=[Topic("times", message=Timestamp, targets=[Counter])])
