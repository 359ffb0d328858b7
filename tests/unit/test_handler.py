"""Bytes to bytes: what becomes of a batch, whatever its functions do, and that batches share nothing."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import threading
import warnings
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from google.protobuf import any_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from statefun import (
    LONG,
    STRING,
    Address,
    AsyncRequestReplyHandler,
    Context,
    HandlerError,
    RequestReplyHandler,
    StatefulFunction,
    StatefulFunctions,
    StatefunError,
    ValueSpec,
    ValueType,
    handles,
    handles_other,
    json_type,
)
from statefun.batch import ProtocolVersion, TypedBytes
from statefun.errors import (
    AsyncFunctionError,
    EmptyBatchError,
    FactoryError,
    LimitError,
    MalformedRequestError,
    MessageDecodeError,
    MissingStateError,
    RoutingError,
    StateTypeError,
    UnhandledMessageError,
    UnknownFunctionError,
)
from statefun.protocol.values import encode_address, wrap
from statefun.wire import delimited, text
from tests.unit.rig import PROTOCOLS, V2, V3, Engine, address, typed

HERE = "test/f/1"
TO: Address[Any] = Address.parse("test/to/2")


class Counter(StatefulFunction[str], typename="test/f"):
    """Counts, tells, and fails where it is told to."""

    count: ValueSpec[int] = ValueSpec(LONG, default=0)

    @handles
    def on_message(self, context: Context, message: str) -> None:
        self.count += 1
        context.send(TO, message)
        context.send_egress("test/out", message)
        if message == "fail":
            raise LookupError("on purpose")


# --- failing ------------------------------------------------------------------------------------------------------------


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


def test_an_error_of_ours_leaves_the_handler_as_it_is_with_a_note_of_where(engine: Engine) -> None:
    class Assigns(StatefulFunction[str], typename="test/f"):
        count: ValueSpec[int] = ValueSpec(LONG, default=0)

        @handles
        def on_message(self, context: Context, message: str) -> None:
            self.count = message  # type: ignore[assignment]

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


@pytest.mark.parametrize("raised", [StopIteration("x"), StopAsyncIteration("x"), RecursionError(), MemoryError()])
def test_whatever_a_handler_raises_is_a_handler_error(engine: Engine, raised: Exception) -> None:
    @engine.functions.bind("test/f")
    def function(context: Context, message: str) -> None:
        raise raised

    with pytest.raises(HandlerError) as caught:
        engine.send(HERE, "a")
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


def test_what_is_no_exception_of_the_handler_passes_through(engine: Engine) -> None:
    @engine.functions.bind("test/f")
    def function(context: Context, message: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.send(HERE, "a")


@pytest.mark.parametrize("step", ["factory", "init"])
def test_an_object_that_cannot_be_made_is_a_handler_error(engine: Engine, step: str) -> None:
    class Fails(StatefulFunction[str], typename="test/f"):
        def __init__(self) -> None:
            raise LookupError("on purpose")

        @handles
        def on_message(self, context: Context, message: str) -> None: ...

    def factory() -> Fails:
        raise LookupError("on purpose")

    engine.functions.register(Fails, factory=factory if step == "factory" else None)
    with pytest.raises(HandlerError, match=r"test/f.*LookupError: on purpose") as caught:
        engine.send(HERE, "a")
    assert isinstance(caught.value.__cause__, LookupError)


# --- function objects ---------------------------------------------------------------------------------------------------


def test_a_function_object_lives_for_one_batch_of_one_address(engine: Engine) -> None:
    made: list[Any] = []

    class Remembers(StatefulFunction[str], typename="test/f"):
        def __init__(self) -> None:
            self.invocations = 0
            made.append(self)

        @handles
        def on_message(self, context: Context, message: str) -> None:
            self.invocations += 1

    engine.register(Remembers)
    engine.send(HERE, "a", "b")
    engine.send(HERE, "c")
    assert [each.invocations for each in made] == [2, 1]
    assert made[0] is not made[1]


def test_attributes_of_a_class_without_init_do_not_outlive_a_batch_either(engine: Engine) -> None:
    class Remembers(StatefulFunction[str], typename="test/f"):
        seen = 0

        @handles
        def on_message(self, context: Context, message: str) -> None:
            self.seen += 1
            context.send(TO, self.seen)

    engine.register(Remembers)
    assert [value for _, value in engine.send(HERE, "a", "b").messages] == [1, 2]
    assert [value for _, value in engine.send(HERE, "c").messages] == [1]


def test_a_factory_injects_collaborators(engine: Engine) -> None:
    class Cart(StatefulFunction[str], typename="test/f"):
        def __init__(self, prices: dict[str, int]) -> None:
            self.prices = prices

        @handles
        def on_message(self, context: Context, message: str) -> None:
            context.send(TO, self.prices[message])

    prices = {"a": 5}
    engine.functions.register(Cart, factory=lambda: Cart(prices))
    assert [value for _, value in engine.send(HERE, "a").messages] == [5]


def test_a_factory_that_returns_an_object_of_before_is_refused(engine: Engine) -> None:
    kept = Counter()
    engine.functions.register(Counter, factory=lambda: kept)
    with pytest.raises(FactoryError, match="test/f") as caught:
        engine.send(HERE, "a")
    assert "lambda" in caught.value.hint


@pytest.mark.parametrize("made", [None, object(), Counter])
def test_a_factory_that_makes_something_else_is_refused(engine: Engine, made: Any) -> None:
    engine.functions.register(Counter, factory=lambda: made)
    with pytest.raises(FactoryError):
        engine.send(HERE, "a")


def test_a_factory_that_makes_an_object_of_another_class_is_refused(engine: Engine) -> None:
    class Other(StatefulFunction[str], typename="test/other"):
        @handles
        def on_message(self, context: Context, message: str) -> None: ...

    engine.functions.register(Counter, factory=lambda: Other())  # type: ignore[arg-type, return-value]
    with pytest.raises(FactoryError):
        engine.send(HERE, "a")


def test_a_class_registered_under_two_names_is_two_functions(engine: Engine) -> None:
    engine.register(Counter)
    engine.functions.register("test/g", Counter)
    assert engine.send("test/f/1", "a").states == {"count": 1}
    assert engine.send("test/g/1", "a").states == {"count": 1}


def test_a_function_of_a_class_calls_another_and_itself(engine: Engine) -> None:
    """Objects of function classes that a handler makes by hand are no part of the batch."""

    class Helper(StatefulFunction[str], typename="test/f"):
        count: ValueSpec[int] = ValueSpec(LONG, default=0)

        def __init__(self, depth: int = 0) -> None:
            self.depth = depth

        @handles
        def on_message(self, context: Context, message: str) -> None:
            self.count += 1
            if self.depth == 0:
                Helper(1).on_message(context, message)

    engine.register(Helper)
    assert engine.send(HERE, "a").states == {"count": 1}


# --- routing ------------------------------------------------------------------------------------------------------------


def test_an_unhandled_type_names_the_function_the_type_and_the_types_it_handles(engine: Engine) -> None:
    engine.register(Counter)
    with pytest.raises(UnhandledMessageError) as caught:
        engine.send(HERE, Timestamp())
    assert isinstance(caught.value, RoutingError)
    for part in ("test/f", "google.protobuf.Timestamp", STRING.typename, "@handles_other"):
        assert part in str(caught.value)


def test_an_unhandled_type_goes_to_handles_other(engine: Engine) -> None:
    seen = []

    class Both(StatefulFunction[str], typename="test/f"):
        @handles
        def on_text(self, context: Context, message: str) -> None:
            seen.append(message)

        @handles_other
        def on_other(self, context: Context, message: any_pb2.Any) -> None:
            moment = Timestamp()
            assert message.Unpack(moment)
            seen.append(moment)

    engine.register(Both)
    engine.send(HERE, "a", Timestamp(seconds=1))
    assert seen == ["a", Timestamp(seconds=1)]


def test_a_batch_with_an_unhandled_message_takes_no_effect(engine: Engine) -> None:
    engine.register(Counter)
    with pytest.raises(UnhandledMessageError):
        engine.send(HERE, "a", 5)
    assert engine.stored[HERE]["count"] is None


def test_a_message_that_does_not_decode_is_a_protocol_error(engine: Engine) -> None:
    @engine.functions.bind("test/f")
    def function(context: Context, message: Timestamp | Any) -> None: ...

    class Takes(StatefulFunction, typename="test/g"):
        @handles
        def on_moment(self, context: Context, message: Timestamp) -> None: ...

    engine.register(Takes)
    for target in (HERE, "test/g/1"):
        with pytest.raises(MessageDecodeError, match=r"3 bytes to test/[fg].*Timestamp"):
            engine.send(target, TypedBytes("type.googleapis.com/google.protobuf.Timestamp", b"\xff\xff\xff"))
    assert MessageDecodeError.status == 400


def test_a_custom_decoder_that_raises_is_a_protocol_error_too(engine: Engine) -> None:
    def decode(data: bytes) -> Any:
        raise LookupError("no such value")

    class Odd:
        pass

    odd: ValueType[Odd] = ValueType("test/odd", encode=lambda _: b"", decode=decode)

    class Takes(StatefulFunction[Any], typename="test/f"):
        on_odd: Any

    def on_odd(self: Any, context: Context, message: Any) -> None: ...

    on_odd.__annotations__["message"] = odd
    Takes.on_odd = handles(on_odd)
    engine.register(Takes)
    with pytest.raises(MessageDecodeError, match="no such value"):
        engine.send(HERE, TypedBytes("test/odd", b""))


def test_2_2_routes_whatever_host_a_type_url_has() -> None:
    engine = Engine(V2).register(Counter)
    for host in ("com.googleapis/", "type.googleapis.com/", "a.b/c/", ""):
        engine.send(HERE, TypedBytes(host + "google.protobuf.StringValue", b"\x0a\x01x"))
    assert engine.state(HERE, "count") == 4


def test_3_x_compares_whole_names() -> None:
    engine = Engine(V3).register(Counter)
    for name in ("other.host/string", "string", "io.statefun.types/String"):
        with pytest.raises(UnhandledMessageError):
            engine.send(HERE, TypedBytes(name, b"\x0a\x01x"))


def test_a_message_that_names_no_type_is_malformed(engine: Engine) -> None:
    engine.register(Counter)
    with pytest.raises(MalformedRequestError, match="no type"):
        engine.send(HERE, TypedBytes("", b"x"))


def test_an_unknown_function_is_a_routing_error_that_names_it_and_what_is_there(engine: Engine) -> None:
    engine.register(Counter)
    with pytest.raises(UnknownFunctionError, match="'test/nowhere'") as caught:
        engine.send("test/nowhere/1", "a")
    assert "test/f" in caught.value.hint
    assert caught.value.status == 501


# --- bad input ----------------------------------------------------------------------------------------------------------

OVERLONG = b"\xa2\x06" + b"\xff" * 9 + b"\x01"
BAD = {
    "empty": (b"", MalformedRequestError),
    "no invocation": (b"\xa2\x06\x00", EmptyBatchError),
    "another message": (b"\x0a\x03abc", EmptyBatchError),
    "truncated": (b"\xa2\x06\x05\x0a", MalformedRequestError),
    "a field without an end": (b"\xff" * 11, MalformedRequestError),
    "a length beyond the end": (OVERLONG, MalformedRequestError),
    "text": (b"POST / HTTP/1.1", MalformedRequestError),
    "an id that is no UTF-8": (b"\xa2\x06\x07\x0a\x03\x1a\x01\xff\x1a\x00", MalformedRequestError),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("asynchronous", [False, True])
def test_bad_input_is_a_typed_error_and_the_handler_goes_on(case: str, asynchronous: bool) -> None:
    engine = Engine(V3, asynchronous).register(Counter)
    body, error = BAD[case]
    with pytest.raises(error) as caught:
        engine.bytes(body)
    assert caught.value.status == 400
    assert engine.send(HERE, "a").states == {"count": 1}


def with_raw_parts(protocol: ProtocolVersion, *, caller: bytes | None = None, states: Sequence[bytes] = ()) -> bytes:
    """A request of one text for test/f/1, with a caller and states that no encoder of ours would write."""
    argument = delimited(b"\x12", wrap(typed("a", protocol), protocol))
    invocation = argument if caller is None else delimited(b"\x0a", caller) + argument
    parts = [delimited(b"\x0a", encode_address(address(HERE))), *(delimited(b"\x12", state) for state in states)]
    return delimited(b"\xa2\x06", b"".join((*parts, delimited(b"\x1a", invocation))))


@PROTOCOLS
@pytest.mark.parametrize(
    "caller",
    [
        *(b"\x0a\x01\xff", b"\xff", b"\x0b\x0c\x1a\x01\xff", b"\x0a\x05a"),
        text(b"\x0a", "namespace alone"),
        text(b"\x0a", "a/b") + text(b"\x12", "c") + text(b"\x1a", "1"),
    ],
)
def test_a_caller_that_is_no_address_is_malformed(protocol: ProtocolVersion, caller: bytes) -> None:
    engine = Engine(protocol)

    @engine.functions.bind("test/f")
    def function(context: Context, message: str) -> None:
        context.caller  # noqa: B018

    with pytest.raises(MalformedRequestError):
        engine.bytes(with_raw_parts(protocol, caller=caller))


@PROTOCOLS
def test_a_malformed_state_is_a_protocol_error_when_it_is_read(protocol: ProtocolVersion) -> None:
    engine = Engine(protocol).register(Counter)
    engine.send(HERE, "a")
    name = text(b"\x0a", "count")
    for value in (b"\x12\x02\x0a\x05", b"\x12\x03\x0a\x01\xff", b"\x12\x7f", b"\xff"):
        with pytest.raises(MalformedRequestError):
            engine.bytes(with_raw_parts(protocol, states=[name + value]))
    assert engine.send(HERE, "b").states == {"count": 2}


@PROTOCOLS
@pytest.mark.parametrize("caller", [None, b"", b"\x0a\x00", b"\x12\x00\x1a\x00", b"\x7a\x01x", b"\x08\x01"])
def test_an_empty_address_is_no_caller(protocol: ProtocolVersion, caller: bytes | None) -> None:
    """2.2 sends one."""
    engine = Engine(protocol)
    seen = []

    @engine.functions.bind("test/f")
    def function(context: Context, message: str) -> None:
        seen.append(context.caller)

    engine.bytes(with_raw_parts(protocol, caller=caller))
    assert seen == [None]


def empties(count: int, *, state: bool = False) -> bytes:
    return delimited(b"\xa2\x06", b"\x0a\x00" + (b"\x12\x00" if state else b"\x1a\x00") * count)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_million_empty_invocations_are_refused_before_they_are_parsed(asynchronous: bool) -> None:
    engine = Engine(V3, asynchronous).register(Counter)
    with pytest.raises(LimitError, match="100000") as caught:
        engine.bytes(empties(1_000_000))
    assert caught.value.status == 413
    assert "maxNumBatchRequests" in caught.value.hint


def test_the_batch_limit_is_a_parameter() -> None:
    functions = StatefulFunctions()
    functions.register(Counter)
    handler = RequestReplyHandler(functions, max_batch_size=3)
    with pytest.raises(LimitError):
        handler(empties(4))
    with pytest.raises(StatefunError) as caught:
        handler(empties(3))
    assert not isinstance(caught.value, LimitError)


def test_a_huge_body_is_refused_or_served_but_kills_nothing() -> None:
    engine = Engine(V3).register(Counter)
    assert engine.send(HERE, "x" * 20_000_000).states == {"count": 1}
    for body in (b"\x00" * 5_000_000, b"\xff" * 5_000_000, b"\x0a" * 5_000_000):
        with pytest.raises((MalformedRequestError, LimitError)):
            engine.bytes(body)


@PROTOCOLS
def test_one_odd_request_does_not_change_how_the_next_is_read(protocol: ProtocolVersion) -> None:
    """What is remembered of a function's states from one request to the next never mistakes one name for another."""
    engine = Engine(protocol).register(Counter)
    engine.send(HERE, "a")
    entry = text(b"\x0a", "count")
    for number, odd in enumerate(
        [
            [b""],  # a state without a name
            [text(b"\x0a", "c")],
            [text(b"\x0a", "other")],
            [text(b"\x0a", "other") + entry],  # the last one counts
            [entry + text(b"\x0a", "other")],
            [b"\x12\x00" + entry],
            [entry, entry],
            [b"", entry],
            [],
        ]
    ):
        with contextlib.suppress(MissingStateError):
            engine.bytes(with_raw_parts(protocol, states=odd))
        assert engine.send(HERE, "b").states == {"count": number + 2}, odd


# --- asynchronous functions ---------------------------------------------------------------------------------------------


def test_coroutine_functions_run_on_the_async_handler(async_engine: Engine) -> None:
    class Awaits(StatefulFunction[str], typename="test/f"):
        count: ValueSpec[int] = ValueSpec(LONG, default=0)

        @handles
        async def on_message(self, context: Context, message: str) -> None:
            before = self.count
            await asyncio.sleep(0)
            self.count = before + 1
            context.send(TO, message)

    async_engine.register(Awaits)
    answer = async_engine.send(HERE, "a", "b")
    assert answer.states == {"count": 2}
    assert [value for _, value in answer.messages] == ["a", "b"]


def test_messages_of_a_batch_are_handled_one_after_the_other(async_engine: Engine) -> None:
    seen = []

    @async_engine.functions.bind("test/f")
    async def function(context: Context, message: str) -> None:
        seen.append("start " + message)
        await asyncio.sleep(0)
        seen.append("end " + message)

    async_engine.send(HERE, "a", "b")
    assert seen == ["start a", "end a", "start b", "end b"]


def test_a_coroutine_function_that_raises_is_a_handler_error(async_engine: Engine) -> None:
    @async_engine.functions.bind("test/f")
    async def function(context: Context, message: str) -> None:
        context.send(TO, "lost")
        await asyncio.sleep(0)
        raise LookupError("on purpose")

    with pytest.raises(HandlerError, match="on purpose") as caught:
        async_engine.send(HERE, "a")
    assert isinstance(caught.value.__cause__, LookupError)


def test_a_plain_function_may_return_an_awaitable_to_the_async_handler(async_engine: Engine) -> None:
    async def work(context: Context) -> None:
        await asyncio.sleep(0)
        context.send(TO, "done")

    @async_engine.functions.bind("test/f")
    def function(context: Context, message: str) -> Awaitable[None]:
        return work(context)

    assert async_engine.send(HERE, "a").messages == [("test/to/2", "done")]


def async_definitions() -> dict[str, Callable[[StatefulFunctions], Any]]:
    async def function(context: Context, message: str) -> None: ...

    class Method(StatefulFunction[str], typename="test/f"):
        @handles
        async def on_message(self, context: Context, message: str) -> None: ...

    class Other(StatefulFunction[Any], typename="test/f"):
        @handles_other
        async def on_other(self, context: Context, message: any_pb2.Any) -> None: ...

    class Calls:
        async def __call__(self, context: Context, message: str) -> None: ...

    return {
        "function": lambda functions: functions.register("test/f", function),
        "partial": lambda functions: functions.register("test/f", functools.partial(function)),
        "method": lambda functions: functions.register(Method),
        "other": lambda functions: functions.register(Other),
        "object": lambda functions: functions.register("test/f", Calls()),
    }


@pytest.mark.parametrize("kind", async_definitions())
def test_an_async_function_on_the_sync_handler_is_refused_at_construction(kind: str) -> None:
    functions = StatefulFunctions()
    async_definitions()[kind](functions)
    with pytest.raises(AsyncFunctionError, match="test/f") as caught:
        RequestReplyHandler(functions)
    assert "AsyncRequestReplyHandler" in caught.value.hint
    AsyncRequestReplyHandler(functions)


@PROTOCOLS
def test_an_awaitable_that_a_plain_function_returns_to_the_sync_handler_is_refused(protocol: ProtocolVersion) -> None:
    engine = Engine(protocol)

    async def work() -> None: ...

    @engine.functions.bind("test/f")
    def function(context: Context, message: str) -> Awaitable[None]:
        return work()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(AsyncFunctionError):
            engine.send(HERE, "a")
        gc.collect()


def test_a_cancelled_batch_ends_inside_its_handler(async_engine: Engine) -> None:
    ended: list[Any] = []
    kept: list[Context] = []

    @async_engine.functions.bind("test/f")
    async def function(context: Context, message: str) -> None:
        kept.append(context)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(message)

    async def cancelled() -> None:
        task = asyncio.ensure_future(async_engine.handler(async_engine.request(HERE, "a")))
        while not kept:  # noqa: ASYNC110  the handler is what is tested; it has no event to set
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert ended == ["a"]
    with pytest.raises(StatefunError):
        kept[0].send(TO, "late")


# --- batches share nothing ----------------------------------------------------------------------------------------------


class Shares(StatefulFunction[int], typename="test/f"):
    """Notes the objects that it is given, waits until others are in the middle of theirs, and goes on."""

    total: ValueSpec[int] = ValueSpec(LONG, default=0)
    tags: ValueSpec[list[Any]] = ValueSpec(json_type("test/shared-tags", list), default=[])
    given: list[tuple[Any, ...]] = []
    wait: Any

    def note(self, context: Context, number: int) -> None:
        assert context.address.identity == str(number)
        self.total += number
        self.tags.append(number)
        Shares.given.append((self, context, self._statefun_cells, self.tags))

    def finish(self, context: Context, number: int) -> None:
        assert self.total == number
        assert self.tags == [number]
        context.send(TO, number)


class SharesThreads(Shares, typename="test/f"):
    @handles
    def on_number(self, context: Context, number: int) -> None:
        self.note(context, number)
        self.wait.wait(timeout=30)
        self.finish(context, number)


class SharesTasks(Shares, typename="test/f"):
    @handles
    async def on_number(self, context: Context, number: int) -> None:
        self.note(context, number)
        await self.wait.wait()
        self.finish(context, number)


def assert_nothing_shared(count: int) -> None:
    assert len(Shares.given) == count
    for objects in zip(*Shares.given, strict=True):
        assert len({id(each) for each in objects}) == count


@PROTOCOLS
@pytest.mark.parametrize("factory", [False, True])
def test_threads_on_the_sync_handler_never_share_an_object_a_context_or_a_cell(
    protocol: ProtocolVersion, factory: bool
) -> None:
    count = 16
    Shares.given = []
    SharesThreads.wait = threading.Barrier(count)
    engine = Engine(protocol)
    engine.functions.register(SharesThreads, factory=(lambda: SharesThreads()) if factory else None)
    answers: dict[int, Any] = {}
    handler = engine.handler
    engines = [Engine(protocol, functions=engine.functions, handler=handler) for _ in range(count)]
    for number, each in enumerate(engines):
        each.store(f"test/f/{number}", "total", None)
        each.store(f"test/f/{number}", "tags", None)

    def serve(number: int) -> None:
        answers[number] = engines[number].send(f"test/f/{number}", number)

    threads = [threading.Thread(target=serve, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_nothing_shared(count)
    for number in range(count):
        assert answers[number].states["total"] == number
        assert answers[number].messages == [("test/to/2", number)]


@PROTOCOLS
@pytest.mark.parametrize("factory", [False, True])
def test_tasks_on_the_async_handler_never_share_an_object_a_context_or_a_cell(
    protocol: ProtocolVersion, factory: bool
) -> None:
    count = 16
    Shares.given = []
    engine = Engine(protocol, asynchronous=True)
    engine.functions.register(SharesTasks, factory=(lambda: SharesTasks()) if factory else None)

    async def serve() -> list[bytes]:
        SharesTasks.wait = asyncio.Event()
        requests = []
        for number in range(count):
            engine.store(f"test/f/{number}", "total", None)
            engine.store(f"test/f/{number}", "tags", None)
            requests.append(engine.request(f"test/f/{number}", number))
        tasks = [asyncio.ensure_future(engine.handler(each)) for each in requests]
        while len(Shares.given) < count:  # noqa: ASYNC110  all are in the middle of theirs
            await asyncio.sleep(0)
        SharesTasks.wait.set()
        return await asyncio.gather(*tasks)

    answers = asyncio.run(serve())
    assert_nothing_shared(count)
    assert len(set(answers)) == count
