"""What may be bound: any callable of a context and a message; a coroutine function where a handler runs it; nothing else."""

# ruff: noqa: UP037  a string in a postponed annotation is what is tested

from __future__ import annotations

import functools
from typing import Any

import pytest

from statefun import AsyncRequestReplyHandler, RequestReplyHandler, StatefulFunctions
from statefun.errors import AsyncFunctionError, HandlerSignatureError
from tests.conformance.messages import User
from tests.conformance.rig import PROTOCOLS, V3, engine, handled, packed

SEEN: list[Any] = []


def with_a_prefix(prefix: str, context: Any, message: User) -> None:
    SEEN.append(message)


def with_options(context: Any, message: User, retries: int = 3, *, loud: bool = False) -> None:
    SEEN.append(message)


def positional_only(context: Any, message: User, /) -> None:
    SEEN.append(message)


def starred(context: Any, *message: User) -> None:
    SEEN.append(message[0])


def all_starred(*arguments: Any) -> None:
    SEEN.append(arguments[1])


def all_starred_and_named(*arguments: Any, **named: Any) -> None:
    SEEN.append(arguments[1])


def quoted(context: Any, message: "User") -> None:
    SEEN.append(message)


@functools.wraps(quoted)
def wrapped(*arguments: Any, **named: Any) -> None:
    quoted(*arguments, **named)


def of_a_database(database: str, context: Any, message: User) -> None:
    SEEN.append(message)


@functools.wraps(of_a_database)
def given_a_database(context: Any, message: Any) -> None:
    of_a_database("a database", context, message)


def with_a_database(context: Any, message: "User", database: str) -> None:
    SEEN.append(message)


@functools.wraps(with_a_database)
def given_a_database_behind(context: Any, message: Any) -> None:
    with_a_database(context, message, "a database")


@functools.wraps(of_a_database)
def given_a_database_under_other_names(where: Any, what: Any) -> None:
    of_a_database("a database", where, what)


class Holder:
    def method(self, context: Any, message: User) -> None:
        SEEN.append(message)

    @classmethod
    def of_the_class(cls, context: Any, message: User) -> None:
        SEEN.append(message)

    @staticmethod
    def static(context: Any, message: User) -> None:
        SEEN.append(message)


class Called:
    def __call__(self, context: Any, message: "User") -> None:
        SEEN.append(message)


CALLABLES: dict[str, tuple[Any, bool]] = {
    "a lambda": (lambda context, message: SEEN.append(message), False),
    "a lambda with other names": (lambda c, m: SEEN.append(m), False),
    "functools.partial": (functools.partial(with_a_prefix, "hello"), True),
    "functools.partial by name": (functools.partial(with_options, loud=True), True),
    "functools.partial of a partial": (functools.partial(functools.partial(with_a_prefix), "hello"), True),
    "functools.partial of a lambda": (functools.partial(lambda a, c, m: SEEN.append(m), 1), False),
    "functools.partial of strings": (functools.partial(quoted), True),
    "options with defaults": (with_options, True),
    "positional only": (positional_only, True),
    "a starred message": (starred, True),
    "*arguments": (all_starred, False),
    "*arguments, **named": (all_starred_and_named, False),
    "a string": (quoted, True),
    "functools.wraps": (wrapped, True),
    "functools.wraps around one that takes more": (given_a_database, True),
    "functools.wraps around one that takes more behind the message": (given_a_database_behind, True),
    "functools.wraps around one that takes more, the message named differently": (
        given_a_database_under_other_names,
        False,
    ),
    "a bound method": (Holder().method, True),
    "a class method": (Holder.of_the_class, True),
    "a static method": (Holder.static, True),
    "an object with __call__": (Called(), True),
}


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.value)
@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("kind", CALLABLES)
def test_any_callable_of_a_context_and_a_message_can_be_bound(kind: str, asynchronous: bool, protocol: Any) -> None:
    handler, is_typed = CALLABLES[kind]
    SEEN.clear()
    engine(protocol, handler, asynchronous=asynchronous).send("example/function/a", User(name="Seth"))
    assert ([User(name="Seth")] if is_typed else [packed(User(name="Seth"))]) == SEEN


def test_bind_leaves_the_function_as_it_was() -> None:
    functions = StatefulFunctions()
    assert functions.bind("example/function")(quoted) is quoted


async def coroutine(context: Any, message: User) -> None:
    SEEN.append(message)


class CalledAsynchronously:
    async def __call__(self, context: Any, message: User) -> None:
        SEEN.append(message)

    async def method(self, context: Any, message: User) -> None:
        SEEN.append(message)


ASYNCHRONOUS = {
    "async def": coroutine,
    "functools.partial": functools.partial(coroutine),
    "an object with an async __call__": CalledAsynchronously(),
    "a bound method": CalledAsynchronously().method,
}


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.value)
@pytest.mark.parametrize("kind", ASYNCHRONOUS)
def test_coroutine_functions_run_on_the_asynchronous_handler(kind: str, protocol: Any) -> None:
    SEEN.clear()
    engine(protocol, ASYNCHRONOUS[kind], asynchronous=True).send("example/function/a", User(name="Seth"))
    assert [User(name="Seth")] == SEEN


@pytest.mark.parametrize("kind", ASYNCHRONOUS)
def test_coroutine_functions_are_refused_by_the_synchronous_handler_when_it_is_made(kind: str) -> None:
    functions = StatefulFunctions()
    functions.register("example/function", ASYNCHRONOUS[kind])
    with pytest.raises(AsyncFunctionError) as caught:
        RequestReplyHandler(functions)
    assert "AsyncRequestReplyHandler" in caught.value.hint
    AsyncRequestReplyHandler(functions)


@pytest.mark.parametrize(
    "handler",
    [lambda context, message: coroutine(context, message), functools.partial(CalledAsynchronously())],
    ids=["a lambda", "a partial of an object with an async __call__"],
)
def test_what_returns_an_awaitable_is_refused_by_the_synchronous_handler_when_it_does(handler: Any) -> None:
    SEEN.clear()
    with pytest.raises(AsyncFunctionError):
        engine(V3, handler).send("example/function/a", User())
    assert SEEN == []
    engine(V3, handler, asynchronous=True).send("example/function/a", User())
    assert len(SEEN) == 1


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "handler",
    [
        lambda: None,
        lambda context: None,
        lambda context, message, third: None,
        lambda *, context, message: None,
        functools.partial(with_a_prefix, prefix="hello"),
        functools.wraps(of_a_database)(lambda *arguments: of_a_database("a database", *arguments)),
        User,
    ],
)
def test_what_cannot_be_called_with_a_context_and_a_message_is_refused(handler: Any) -> None:
    with pytest.raises(HandlerSignatureError):
        handled(handler)


def generator(context: Any, message: User) -> Any:
    yield context.reply(message)


async def asynchronous_generator(context: Any, message: User) -> Any:
    yield context.reply(message)


class CalledAsGenerator:
    def __call__(self, context: Any, message: User) -> Any:
        yield context.reply(message)


class CalledAsAsynchronousGenerator:
    async def __call__(self, context: Any, message: User) -> Any:
        yield context.reply(message)


@pytest.mark.parametrize(
    "handler",
    [
        generator,
        asynchronous_generator,
        functools.partial(generator),
        CalledAsGenerator(),
        CalledAsGenerator().__call__,
        CalledAsAsynchronousGenerator(),
        functools.partial(CalledAsGenerator()),
    ],
)
def test_a_generator_whose_body_would_never_run_is_refused(handler: Any) -> None:
    with pytest.raises(HandlerSignatureError, match="generator"):
        handled(handler)
