"""A batch that fails takes no effect, whatever its functions raise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import pytest

from statefun import (
    LONG,
    Context,
    HandlerError,
    StatefulFunction,
    ValueSpec,
    ValueType,
    handles,
)
from statefun.batch import TypedBytes
from statefun.errors import (
    ContextClosedError,
    HandlerSignatureError,
    MessageDecodeError,
    StateEncodeError,
    StatefunError,
    StateTypeError,
)
from tests.unit.handler.counter import HERE, Counter
from tests.unit.observing.seen import Seen
from tests.unit.rig import Engine


def test_if_a_handler_raises_nothing_of_its_batch_takes_effect(engine: Engine) -> None:
    engine.register(Counter)
    engine.send(HERE, "a")
    with pytest.raises(HandlerError, match="LookupError: on purpose") as caught:
        engine.send(HERE, "b", "fail", "c")
    assert engine.state(HERE, "count") == 1
    assert isinstance(caught.value.__cause__, LookupError)
    for part in ("test/f", "'1'", "message 2 of 3"):
        assert part in str(caught.value)
    answer = engine.send(HERE, "d")
    assert (answer.states, answer.messages) == ({"count": 2}, [("test/to/2", "d")])


def test_the_states_of_a_function_object_are_closed_when_its_batch_failed(engine: Engine) -> None:
    kept: list[Keeps] = []

    class Keeps(StatefulFunction[str], typename="test/f"):
        count: ValueSpec[int] = ValueSpec(LONG, default=0)

        @handles
        def on_message(self, context: Context, message: str) -> None:
            self.count += 1
            kept.append(self)
            raise LookupError

    engine.register(Keeps)
    with pytest.raises(HandlerError):
        engine.send(HERE, "a")
    for use in (lambda: kept[0].count, lambda: setattr(kept[0], "count", 5), lambda: delattr(kept[0], "count")):
        with pytest.raises(ContextClosedError, match="the state 'count' of test/f, id '1', is used after its batch"):
            use()


def test_an_error_of_ours_leaves_the_handler_as_it_is_with_a_note_of_where(engine: Engine) -> None:
    class Assigns(StatefulFunction[str], typename="test/f"):
        count: ValueSpec[int] = ValueSpec(LONG, default=0)

        @handles
        def on_message(self, context: Context, message: str) -> None:
            self.count = message

    engine.register(Assigns)
    with pytest.raises(StateTypeError) as caught:
        engine.send(HERE, "a")
    assert "message 1 of 1" in "".join(caught.value.__notes__)
    seen = []
    error: BaseException | None = caught.value
    while error is not None:
        assert error not in seen, "an error is its own cause: whoever follows causes never ends"
        seen.append(error)
        error = error.__cause__ or error.__context__


class Panic(BaseException):
    """What an extension module raises when its own code panics."""


WHATEVER = [
    *(StopIteration("x"), StopAsyncIteration("x"), RecursionError(), MemoryError(), SystemExit(3)),
    *(GeneratorExit("x"), Panic("x"), BaseExceptionGroup("x", [Panic("y")])),
]


@pytest.mark.parametrize("raised", WHATEVER, ids=lambda raised: type(raised).__name__)
def test_whatever_a_handler_raises_is_a_handler_error(engine: Engine, raised: BaseException) -> None:
    @engine.functions.bind("test/f")
    def function(context: Context, message: str) -> None:
        raise raised

    with pytest.raises(HandlerError) as caught:
        engine.send(HERE, "a")
    assert caught.value.__cause__ is raised


GROUPS = [
    BaseExceptionGroup("x", [asyncio.CancelledError()]),
    BaseExceptionGroup("x", [ValueError(), BaseExceptionGroup("y", [KeyboardInterrupt()])]),
]


@pytest.mark.parametrize("raised", GROUPS, ids=["cancellation", "interrupt"])
def test_a_group_with_what_is_for_the_caller_is_for_the_caller(engine: Engine, raised: BaseException) -> None:
    @engine.functions.bind("test/f")
    def function(context: Context, message: str) -> None:
        raise raised

    with pytest.raises(BaseExceptionGroup) as caught:
        engine.send(HERE, "a")
    assert caught.value is raised


NO_BYTES: list[Any] = [None, 5, "a text"]


@pytest.mark.parametrize("given", NO_BYTES)
@pytest.mark.parametrize("where", ["message", "record", "state"])
def test_an_encoder_that_gives_no_bytes_fails_its_batch_with_a_typed_error(
    engine: Engine, where: str, given: Any
) -> None:
    broken: ValueType[Any] = ValueType("test/broken", encode=lambda _value: given, decode=bytes)

    @engine.functions.bind("test/f", specs=[ValueSpec(broken, name="held")])
    def function(context: Context, message: str) -> None:
        if where == "message":
            context.send("test/f", "2", b"x", type=broken)
        elif where == "record":
            context.send_egress("test/out", b"x", type=broken)
        else:
            context["held"] = b"x"

    with pytest.raises(StatefunError) as caught:
        engine.send(HERE, "a")
    assert caught.value.function == "test/f"


@pytest.mark.parametrize(
    "raised", WHATEVER[1:], ids=lambda raised: type(raised).__name__
)  # a coroutine raises no StopIteration
@pytest.mark.parametrize("observed", [False, True])
def test_whatever_a_coroutine_function_raises_is_a_handler_error(
    async_engine: Engine, raised: BaseException, observed: bool
) -> None:
    async_engine.observer = Seen() if observed else None

    @async_engine.functions.bind("test/f")
    async def function(context: Context, message: str) -> None:
        await asyncio.sleep(0)
        raise raised

    with pytest.raises(HandlerError) as caught:
        async_engine.send(HERE, "a")
    assert caught.value.__cause__ is raised


@pytest.mark.parametrize("observed", [False, True])
def test_a_batch_whose_coroutine_is_closed_ends_inside_its_handler_and_is_no_failure(
    async_engine: Engine, observed: bool
) -> None:
    """As that of a task is which is thrown away with its event loop: who closes it gets no error."""
    seen: list[BaseException] = []
    kept: list[Context] = []
    async_engine.observer = Seen() if observed else None

    @async_engine.functions.bind("test/f")
    async def function(context: Context, message: str) -> None:
        kept.append(context)
        try:
            await Once()
        except BaseException as error:
            seen.append(error)
            raise

    class Once:
        def __await__(self) -> Iterator[None]:
            yield

    running = async_engine.handler(async_engine.request(HERE, "a"))
    running.send(None)
    running.close()
    assert [type(each) for each in seen] == [GeneratorExit]
    with pytest.raises(ContextClosedError):
        kept[0].send("test/to", "1", "late")


@pytest.mark.parametrize("raised", [SystemExit("enough"), GeneratorExit("enough"), Panic("enough")])
def test_whatever_a_state_raises_when_it_is_encoded_is_a_typed_error(engine: Engine, raised: BaseException) -> None:
    def encode(value: list[int]) -> bytes:
        raise raised

    numbers = ValueType[list[int]]("test/numbers", encode=encode, decode=list, python_type=list)

    @engine.functions.bind("test/f", specs=[ValueSpec(numbers, name="assigned"), ValueSpec(numbers, name="read")])
    def function(context: Context, message: str) -> None:
        if message == "assign":
            context["assigned"] = [1]
        context["read"].append(1)

    engine.store(HERE, "read", TypedBytes("test/numbers", b""))
    for message in ("assign", "change"):
        with pytest.raises(StateEncodeError, match="enough") as caught:
            engine.send(HERE, message)
        assert caught.value.__cause__ is raised


def test_an_exception_that_cannot_be_shown_is_a_handler_error_too(engine: Engine) -> None:
    class UnspeakableError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("cannot be shown")

    @engine.functions.bind("test/f")
    def function(context: Context, message: str) -> None:
        raise UnspeakableError

    with pytest.raises(HandlerError, match="UnspeakableError"):
        engine.send(HERE, "a")


def test_a_generator_that_a_handler_returns_is_refused_since_nobody_would_run_it(engine: Engine) -> None:
    @engine.functions.bind("test/f")
    def function(context: Context, message: str) -> object:
        def sends() -> Iterator[None]:
            context.send("test/to", "1", message)
            yield

        async def sends_later() -> AsyncIterator[None]:
            context.send("test/to", "1", message)
            yield

        return sends() if message == "plain" else sends_later()

    for message in ("plain", "asynchronous"):
        with pytest.raises(HandlerSignatureError, match="test/f returned a generator") as caught:
            engine.send(HERE, message)
        assert "yield" in caught.value.hint


class Overtaken(asyncio.CancelledError):
    """A cancellation that says more."""


OF_TRIO: type[BaseException] = type("Cancelled", (BaseException,), {"__module__": "trio"})


@pytest.mark.parametrize("kind", [KeyboardInterrupt, asyncio.CancelledError, Overtaken, OF_TRIO])
def test_an_interrupt_and_a_cancellation_pass_through_with_a_note_of_the_message(
    engine: Engine, kind: type[BaseException]
) -> None:
    @engine.functions.bind("test/f")
    def function(context: Context, message: str) -> None:
        raise kind

    with pytest.raises(kind) as caught:
        engine.send(HERE, "a")
    (note,) = caught.value.__notes__
    assert note.startswith("while handling ")
    assert note.endswith(": test/f, id '1', message 1 of 1")


@pytest.mark.parametrize("step", ["factory", "init"])
@pytest.mark.parametrize("kind", [LookupError, SystemExit, GeneratorExit, Panic])
def test_an_object_that_cannot_be_made_is_a_handler_error(engine: Engine, step: str, kind: type[BaseException]) -> None:
    class Fails(StatefulFunction[str], typename="test/f"):
        def __init__(self) -> None:
            raise kind("on purpose")

        @handles
        def on_message(self, context: Context, message: str) -> None: ...

    def factory() -> Fails:
        raise kind("on purpose")

    engine.functions.register(Fails, factory=factory if step == "factory" else None)
    with pytest.raises(HandlerError, match=rf"test/f.*{kind.__name__}: on purpose") as caught:
        engine.send(HERE, "a")
    assert isinstance(caught.value.__cause__, kind)


@pytest.mark.parametrize("raised", [MemoryError(), SystemExit("enough"), GeneratorExit("enough"), Panic("enough")])
def test_a_decoder_that_runs_out_of_memory_has_not_seen_malformed_bytes(engine: Engine, raised: BaseException) -> None:
    """400 would end an engine's job: it is for bytes that can never be decoded."""

    def decode(data: bytes) -> str:
        raise raised

    text = ValueType[str]("test/text", encode=str.encode, decode=decode, python_type=str)

    @engine.functions.bind("test/f")
    def function(context: Context, message: Annotated[str, text]) -> None: ...

    expected, status = (HandlerError, 500) if isinstance(raised, MemoryError) else (MessageDecodeError, 400)
    with pytest.raises(expected, match="test/text") as caught:
        engine.send(HERE, TypedBytes("test/text", b"a"))
    assert caught.value.status == status
