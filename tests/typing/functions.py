"""Classes, their handlers, and how they are registered."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar, assert_type

import attrs
from google.protobuf import any_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from statefun import (
    LONG,
    Address,
    AsyncRequestReplyHandler,
    Context,
    FunctionType,
    RequestReplyHandler,
    StatefulFunction,
    StatefulFunctions,
    ValueSpec,
    handles,
    handles_other,
)

M = TypeVar("M", bound=Message)


class Plain(StatefulFunction[Timestamp | int], typename="typing-functions/plain"):
    @handles
    def on_time(self, context: Context, message: Timestamp) -> None: ...

    @handles
    async def on_number(self, context: Context, message: int) -> None: ...

    @handles_other
    def on_other(self, context: Context, message: any_pb2.Any) -> None:
        assert_type(message.type_url, str)


class Awaited(StatefulFunction):
    @handles
    def on_time(self, context: Context, message: Timestamp) -> None: ...

    @handles_other
    async def on_other(self, context: Context, message: any_pb2.Any) -> None: ...


def calls(plain: Plain, context: Context) -> None:
    """A marked method stays the method that it was."""
    method: Callable[[Context, Timestamp], None] = plain.on_time
    method(context, Timestamp())
    plain.on_time(context, Timestamp())
    plain.on_other(context, message=any_pb2.Any())


# --- generic bases ----------------------------------------------------------------------------------------------------


class Latest(StatefulFunction[M]):
    """Takes any one message class."""

    def keep(self, message: M) -> M:
        return message


class LatestTime(Latest[Timestamp], typename="typing-functions/latest-time"):
    @handles
    def on_time(self, context: Context, message: Timestamp) -> None:
        assert_type(self.keep(message), Timestamp)


class LatestOfTwo(Latest[Timestamp | Duration], typename="typing-functions/latest-of-two"):
    @handles
    def on_time(self, context: Context, message: Timestamp) -> None: ...

    @handles
    def on_duration(self, context: Context, message: Duration) -> None: ...


assert_type(LatestTime.at("a"), Address[Timestamp])
assert_type(LatestOfTwo.at("a"), Address[Timestamp | Duration])
assert_type(LatestTime.function_type, FunctionType[Any] | None)

# --- dataclasses ------------------------------------------------------------------------------------------------------


class Totals(StatefulFunction[str]):
    """States that a dataclass inherits: of an annotated one of its own it would make a field."""

    total: ValueSpec[int] = ValueSpec(LONG, default=0)


@dataclasses.dataclass
class Summed(Totals, typename="typing-functions/summed"):
    prices: dict[str, int]

    @handles
    def on_text(self, context: Context, message: str) -> None:
        assert_type(self.total, int)
        self.total += self.prices[message]


@attrs.define
class Counted(Totals, typename="typing-functions/counted"):
    prices: dict[str, int]

    @handles
    def on_text(self, context: Context, message: str) -> None:
        assert_type(self.total, int)
        self.total += self.prices[message]


assert_type(Summed({"a": 1}).total, int)
assert_type(Counted.at("a"), Address[str])

# --- registering ------------------------------------------------------------------------------------------------------


class Priced(StatefulFunction[int], typename="typing-functions/priced"):
    """Takes a collaborator."""

    def __init__(self, prices: dict[str, int]) -> None:
        self.prices = prices

    @handles
    def on_number(self, context: Context, message: int) -> None:
        assert_type(self.prices, dict[str, int])


def priced() -> Priced:
    return Priced({})


def decorated(context: Context, message: str) -> None: ...


functions = StatefulFunctions()
functions.register(Plain)
functions.register(Summed, factory=lambda: Summed({"a": 1}))
functions.register(LatestTime, factory=LatestTime)
functions.register("typing-functions/other", LatestTime)
functions.register(Priced, factory=lambda: Priced({"a": 1}))
functions.register("typing-functions/priced-2", Priced, factory=priced)
functions.register("typing-functions/decorated", decorated)
functions.register("typing-functions/decorated-2", decorated, specs=[ValueSpec(LONG, name="count")])
functions.register(typename="typing-functions/decorated-3", function=decorated, specs=(ValueSpec(LONG, name="n"),))


@functions.bind("typing-functions/bound", specs=[ValueSpec(LONG, default=0, name="count")])
def bound(context: Context, message: str) -> int:
    return len(message)


@functions.bind("typing-functions/coroutine")
async def coroutine(context: Context, message: int | str) -> None: ...


# A decorated function stays the function that it was.
still: Callable[[Context, str], int] = bound

asynchronous = AsyncRequestReplyHandler(functions)
assert_type(functions.typenames, tuple[str, ...])


def serve(handler: RequestReplyHandler) -> None:
    assert_type(handler(b""), bytes)


async def serve_asynchronously() -> None:
    assert_type(await asynchronous(b""), bytes)
