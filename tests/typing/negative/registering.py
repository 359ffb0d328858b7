"""Registrations and handlers of them that could not work."""

from datetime import timedelta

from statefun import (
    LONG,
    AsyncRequestReplyHandler,
    Context,
    RequestReplyHandler,
    StatefulFunction,
    StatefulFunctions,
    ValueSpec,
    after_call,
    after_write,
    handles,
)


class Counter(StatefulFunction[int], typename="example/counter"):
    @handles
    def on_number(self, context: Context, number: int) -> None: ...


class Cart(StatefulFunction[str], typename="example/cart"):
    def __init__(self, prices: dict[str, int]) -> None:
        self.prices = prices

    @handles
    def on_text(self, context: Context, text: str) -> None: ...


def plain(context: Context, message: str) -> None: ...


functions = StatefulFunctions()
functions.register("example/nothing")  # E: call-overload | reportArgumentType
functions.register(Counter, specs=[ValueSpec(LONG, name="n")])  # E: call-overload | reportCallIssue
functions.register(Cart, factory=Cart)  # E: arg-type | reportArgumentType
functions.register("example/again", Cart, factory=lambda: "no cart")  # E: arg-type,return-value | reportArgumentType
functions.register("example/plain", plain, factory=lambda: None)  # E: call-overload | reportArgumentType
functions.register("example/plain", plain, specs=["count"])  # E: list-item | reportArgumentType,reportCallIssue
functions.bind(Counter)  # E: arg-type | reportArgumentType
functions.bind("example/bound", specs=LONG)  # E: arg-type | reportArgumentType
after_write(30)  # E: arg-type | reportArgumentType
after_call("1 day")  # E: arg-type | reportArgumentType
RequestReplyHandler(plain)  # E: arg-type | reportArgumentType
RequestReplyHandler(functions)("text")  # E: arg-type | reportArgumentType
ValueSpec(LONG, 7)  # E: call-overload | reportCallIssue
ValueSpec(LONG, expire=timedelta(days=1))  # E: call-overload | reportArgumentType


async def serve() -> str:
    return await AsyncRequestReplyHandler(functions)(b"")  # E: return-value | reportReturnType
