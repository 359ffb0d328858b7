"""A function takes a context and a message, whatever kind of callable it is; one that does not is refused."""

import functools
import typing
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf import any_pb2

from statefun import Context, StatefulFunction, StatefulFunctions, handles, handles_other
from statefun.errors import HandlerSignatureError
from tests.unit.registration.registering import HERE, refuse
from tests.unit.rig import Engine


def _nothing() -> None: ...
def _one(context: Context) -> None: ...
def _three(context: Context, message: str, third: int) -> None: ...
def _keyword(context: Context, *, message: str) -> None: ...
def _generates(context: Context, message: str) -> Iterator[None]:
    yield


async def _generates_asynchronously(context: Context, message: str) -> typing.AsyncIterator[None]:
    yield


@pytest.mark.parametrize("function", [_nothing, _one, _three, _keyword, _generates, _generates_asynchronously])
def test_a_function_that_does_not_take_a_context_and_a_message_is_refused(
    functions: StatefulFunctions, function: Any
) -> None:
    refuse(HandlerSignatureError, lambda: functions.register("test/f", function), function.__qualname__)


def test_a_method_that_does_not_take_a_context_and_a_message_is_refused(functions: StatefulFunctions) -> None:
    class NoMessage(StatefulFunction, typename="test/f"):
        @handles
        def on_message(self, context: Context) -> None: ...

    class Static(StatefulFunction, typename="test/f"):
        @handles
        @staticmethod
        def on_message(context: Context, message: str) -> None: ...

    class OfTheClass(StatefulFunction, typename="test/f"):
        @classmethod
        @handles
        def on_message(cls, context: Context, message: str) -> None: ...

    class Generates(StatefulFunction, typename="test/f"):
        @handles
        def on_message(self, context: Context, message: str) -> Iterator[None]:
            yield

    class GeneratesOther(StatefulFunction, typename="test/f"):
        @handles_other
        def on_message(self, context: Context, message: any_pb2.Any) -> Iterator[None]:
            yield

    for cls in (NoMessage, Static, OfTheClass, Generates, GeneratesOther):
        refuse(HandlerSignatureError, lambda cls=cls: functions.register(cls), "on_message")


def test_more_parameters_with_defaults_are_no_harm(engine: Engine) -> None:
    @engine.functions.bind("test/f")
    def function(context: Context, message: str, to: str = "1", *rest: int, more: int = 2) -> None:
        context.send("test/to", to, f"{message} {more}")

    assert engine.send(HERE, "a").messages == [("test/to/1", "a 2")]


def test_partials_bound_methods_objects_and_wrapped_functions_are_functions(engine: Engine) -> None:
    class Calls:
        def __call__(self, context: Context, message: str) -> None:
            context.send("test/to", "object", message)

        def method(self, context: Context, message: str) -> None:
            context.send("test/to", "method", message)

    def with_prefix(prefix: str, context: Context, message: str) -> None:
        context.send("test/to", prefix, message)

    def wrapped(context: Context, message: str) -> None:
        context.send("test/to", "wrapped", message)

    @functools.wraps(wrapped)
    def wrapper(*arguments: Any) -> None:
        wrapped(*arguments)

    cases = {
        "object": Calls(),
        "method": Calls().method,
        "partial": functools.partial(with_prefix, "partial"),
        "wrapped": wrapper,
        "lambda": lambda context, message: context.send("test/to", "lambda", message.type_url),
    }
    for name, function in cases.items():
        engine.functions.register(f"test/{name}", function)
    for name in cases:
        ((to, value),) = engine.send(f"test/{name}/1", "a").messages
        assert to == f"test/to/{name}"
        assert (value == "a") == (name != "lambda")
