"""Bytes to bytes: `RequestReplyHandler` and `AsyncRequestReplyHandler`, over one implementation of the batch."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, ClassVar, Final

from google.protobuf import any_pb2

# Imported for what importing it does: KafkaRecord and KinesisRecord get their names on the wire.
import statefun.protocol.records  # noqa: F401  # pyright: ignore[reportUnusedImport]  for what importing it does
from statefun.activation import Activation
from statefun.arguments import check, whole
from statefun.batch import MissingStates, ProtocolVersion
from statefun.context import Context
from statefun.errors import (
    AsyncFunctionError,
    EndpointError,
    FactoryError,
    HandlerError,
    HandlerSignatureError,
    MalformedRequestError,
    MessageDecodeError,
    ProtocolError,
    RoutingError,
    StatefunError,
    UnhandledMessageError,
    UnknownFunctionError,
)
from statefun.errors.passing import is_for_the_caller
from statefun.errors.showing import shown, shown_exception
from statefun.function import PENDING, StatefulFunction
from statefun.functions import REGISTRY, StatefulFunctions
from statefun.observing.observer import OBSERVER, Observer
from statefun.observing.watching import Running, Watched
from statefun.protocol.expected import argument_heads, behind_caller
from statefun.protocol.limits import SMALLEST_INVOCATION, check_batch_size
from statefun.protocol.request import Request, protocol_of, read_invocation, read_request
from statefun.protocol.response import encode_missing_states, encode_response
from statefun.protocol.states import StateLayout
from statefun.registered import RegisteredFunction
from statefun.routing import Decode, Handler
from statefun.state import Cells

__all__ = ["DEFAULT_BATCH_LIMIT", "AsyncRequestReplyHandler", "RequestReplyHandler"]

_V3: Final = ProtocolVersion.V3

_new: Final = object.__new__
DEFAULT_BATCH_LIMIT: Final = 100_000
"""Invocations in one request, unless a handler or a server is told otherwise."""

_OF_REQUESTS: Final = (ProtocolError, RoutingError, EndpointError)
"""What tells an engine, or the embedded runtime, of a request whether it is any use to make it again."""


class _Handler:
    """What both handlers share."""

    _awaits: ClassVar[bool]
    """Whether coroutine functions can be served."""

    def __init__(
        self,
        functions: StatefulFunctions,
        *,
        max_batch_size: int = DEFAULT_BATCH_LIMIT,
        observer: Observer | None = None,
    ) -> None:
        owner = type(self).__name__
        check(owner, "functions", functions, REGISTRY)
        check(owner, "max_batch_size", max_batch_size, whole(1))
        check(owner, "observer", observer, OBSERVER.or_none)
        for function in functions.registered:
            if function.asynchronous and not self._awaits:
                raise AsyncFunctionError(f"{function.function_type.typename} is asynchronous")
        functions.freeze()
        self.functions: Final = functions
        self.max_batch_size: Final = max_batch_size
        self._by_type: Final = functions.by_type
        self._unchecked: Final = max_batch_size * SMALLEST_INVOCATION  # shorter requests cannot hold more
        self._start: Final[Callable[[bytes], Running]] = self._run if observer is None else Watched(self._run, observer)

    def _run(
        self,
        data: bytes,
        # What an observed batch does otherwise. As defaults they cost a batch that nobody observes nothing.
        read: Callable[[bytes], Request] = read_request,
        activate: Callable[..., Activation] = Activation,
        walk: Callable[[Sequence[bytes]], Iterable[bytes]] = iter,
    ) -> Running:
        """One batch, from its bytes to the bytes of the response.

        All user code of a batch runs here, on either handler; whatever it raises leaves the batch without effect.
        """
        if len(data) > self._unchecked:
            check_batch_size(data, self.max_batch_size)
        namespace, name, identity, entries, invocations = read(data)
        cells: Cells | None = None
        try:
            function = self._by_type.get((namespace, name))
            if function is None:
                raise _unknown_function(f"{namespace}/{name}", self.functions)
            side = function.last
            heads, typename, decode, handler = side.last
            raw = invocations[0]
            head, before, rest = heads[len(raw)]
            if raw[before] != head and behind_caller(raw, heads) is None:
                side = function.last = function.v3 if protocol_of(invocations) is _V3 else function.v2
                heads, typename, decode, handler = side.last
            protocol = side.protocol
            layout: StateLayout | None = side.layout
            if layout is None or not layout.fits(entries):
                layout = side.layout = StateLayout(function.function_type.typename, entries, protocol, side.state_types)
            if layout.missing and protocol is _V3:
                yield encode_missing_states(_missing(function, layout.missing))
                return
            cells = Cells(identity, entries, layout)
            closed: Any = cells  # no attribute that a context asks its activation for is one of theirs
            activation = activate(function.function_type, identity, function.specs, cells, side.encoders)
            plain = function.plain
            instance = None
            if plain is not None:
                instance = _new(plain)
                instance._statefun_cells = cells
            elif function.factory is not None:
                instance = _make(function, cells)
            index = 0
            for raw in walk(invocations):
                index += 1  # noqa: SIM113  to make an enumerate costs more than to count a few
                head, before, rest = heads[len(raw)]
                if raw[before] == head:
                    value, caller = raw[rest], b""
                elif (found := behind_caller(raw, heads)) is not None:
                    value, caller = found
                else:
                    typename, value, caller = read_invocation(raw, protocol)
                    decode, handler = side.routes.get(typename) or _other_route(function, protocol, typename)
                    heads = argument_heads(typename, protocol)
                    side.last = heads, typename, decode, handler
                try:
                    message = decode(value)
                except BaseException as error:  # a user's decoder may raise anything
                    if is_for_the_caller(error):
                        raise
                    raise _undecodable(function, typename, value, error) from error
                context = _new(Context)  # what Context(…) does, without the call of its `__init__`
                context._activation = activation
                context._caller = caller
                try:
                    result = handler(context, message) if instance is None else handler(instance, context, message)
                    if result is not None:
                        if inspect.isawaitable(result):
                            yield result
                        elif inspect.isgenerator(result) or inspect.isasyncgen(result):
                            raise _never_run(function, typename)
                except BaseException as error:
                    where = _where(activation, index, invocations)
                    if _passes_on(error, cells):
                        error.add_note(f"while handling {typename!r}: {where}")
                        raise
                    raise HandlerError(
                        f"the handler of {typename!r} raised {shown_exception(error)} ({where})"
                    ) from error
                finally:
                    context._activation = closed
            yield encode_response(cells.mutations(side.encoders.heads), activation.outgoing)
        except BaseException as error:
            if cells is not None:
                cells.close()  # what outlives its batch does not write where nobody reads
            if isinstance(error, StatefunError):
                error.function = f"{namespace}/{name}"
            raise


class RequestReplyHandler(_Handler):
    """Serves plain functions: a callable from the bytes of a request to the bytes of its response.

    Args:
        functions: The registry; it is frozen from now on.
        max_batch_size: The most invocations in a request; more are refused before they are parsed.
        observer: Who is told of each batch; nobody without it, which costs nothing.

    Raises:
        AsyncFunctionError: a registered function is a coroutine function.
        DefinitionError: `functions` is no registry, `max_batch_size` no number from 1 on, or `observer` no observer.

    >>> from statefun import StatefulFunctions
    >>> handler = RequestReplyHandler(StatefulFunctions())
    >>> handler(b"not a request")
    Traceback (most recent call last):
    statefun.errors.MalformedRequestError: [malformed-request] ...
    """

    _awaits = False

    def __call__(self, request: bytes) -> bytes:
        """Runs one batch.

        Args:
            request: A serialized ToFunction of either protocol.

        Returns:
            A serialized FromFunction of the same protocol; no bytes at all where the batch has no effects.

        Raises:
            StatefunError: whatever went wrong; nothing of the batch takes effect. Its `status` is the HTTP status to answer.
        """
        response = b""
        running = self._start(request)
        for step in running:
            if isinstance(step, bytes):
                response = step
            else:
                running.throw(_refused(step))  # it ends the batch inside its handler, and comes out here
        return response


class AsyncRequestReplyHandler(_Handler):
    """Serves coroutine functions and plain ones: an asynchronous callable from bytes to bytes.

    A plain function runs on the event loop and holds it up while it runs. Requests for different addresses may overlap; each
    has its own function object, contexts and states.

    Args:
        functions: The registry; it is frozen from now on.
        max_batch_size: The most invocations in a request; more are refused before they are parsed.
        observer: Who is told of each batch; nobody without it, which costs nothing.

    Raises:
        DefinitionError: `functions` is no registry, `max_batch_size` no number from 1 on, or `observer` no observer.

    >>> import asyncio
    >>> from statefun import StatefulFunctions
    >>> handler = AsyncRequestReplyHandler(StatefulFunctions())
    >>> asyncio.run(handler(b"not a request"))
    Traceback (most recent call last):
    statefun.errors.MalformedRequestError: [malformed-request] ...
    """

    _awaits = True

    async def __call__(self, request: bytes) -> bytes:
        """Runs one batch; arguments, result and errors as in `RequestReplyHandler`."""
        running = self._start(request)
        step = next(running)
        while not isinstance(step, bytes):
            try:
                await step
            except BaseException as error:  # noqa: BLE001  a cancellation too must end the batch inside its handler
                step = running.throw(error)
            else:
                step = next(running)
        return step


def _make(function: RegisteredFunction, cells: Cells) -> StatefulFunction[Any]:
    """A function object for one batch, with the states of the batch in place before its `__init__` runs."""
    factory: Any = function.factory
    kind: type[StatefulFunction[Any]] = function.function_class or StatefulFunction
    before = PENDING.batch  # a factory may serve another request
    PENDING.batch = kind, cells
    try:
        made: StatefulFunction[Any] = factory()
    except BaseException as error:
        if _passes_on(error, cells):
            raise
        raise HandlerError(
            f"no object of {function.function_type.typename} could be made: {shown_exception(error)}",
            hint="the exception that `__init__` or the factory raised is chained to this one",
        ) from error
    finally:
        PENDING.batch = before
    if isinstance(made, kind) and made.__class__ is not kind:
        raise FactoryError(
            f"the factory of {function.function_type.typename} returned an object of {made.__class__.__qualname__}, whose "
            f"handlers and states are not those of {kind.__qualname__}",
            hint=f"register the class itself: `register({function.function_type.typename!r}, {made.__class__.__name__}, …)`",
        )
    if not isinstance(made, kind) or getattr(made, "_statefun_cells", None) is not cells:
        raise FactoryError(
            f"the factory of {function.function_type.typename} returned {shown(made)}, not an object of its class that it "
            "made just now"
        )
    return made


def _passes_on(error: BaseException, cells: Cells) -> bool:
    """Whether what a function raised leaves the handler as it is, and is not the function's failure."""
    if isinstance(error, _OF_REQUESTS):  # of what a function decodes or asks by itself it says nothing of this request
        return error is getattr(cells, "malformed", None)
    return isinstance(error, StatefunError) or is_for_the_caller(error)


def _missing(function: RegisteredFunction, names: Iterable[str]) -> MissingStates:
    return MissingStates(tuple(function.specs[each].declaration() for each in names))


def _never_run(function: RegisteredFunction, typename: str) -> HandlerSignatureError:
    return HandlerSignatureError(
        f"the handler of {typename!r} of {function.function_type.typename} returned a generator, whose body nobody would run",
        hint="take the `yield` out of what it calls, or run through it",
    )


def _other_route(function: RegisteredFunction, protocol: ProtocolVersion, typename: str) -> tuple[Decode, Handler]:
    """Decoder and handler for a type that stands in no table as it is spelt."""
    if not typename:
        raise MalformedRequestError(f"a message to {function.function_type.typename} names no type")
    routes = function.routes
    found = routes.find(typename, protocol)
    if found is not None:
        return found
    if routes.other is None:
        raise UnhandledMessageError(
            f"{function.function_type.typename} does not handle {typename!r}; it handles {', '.join(routes.typenames)}"
        )
    return lambda value: any_pb2.Any(type_url=typename, value=value), routes.other


def _undecodable(
    function: RegisteredFunction, typename: str, value: bytes, error: BaseException
) -> MessageDecodeError | HandlerError:
    what = f"a message of {len(value)} bytes to {function.function_type.typename}"
    if isinstance(error, MemoryError):  # it may decode another time, and a 400 would end the engine's job
        return HandlerError(
            f"there is no memory to decode {what} as {typename!r}", hint="give the process more, or send less at once"
        )
    return MessageDecodeError(
        f"{what} does not decode as {typename!r}: {shown_exception(error)}",
        hint="the sender's type and the handler's type of that name differ",
    )


def _where(activation: Activation, index: int, invocations: Sequence[object]) -> str:
    place = f"message {index} of {len(invocations)}"
    return f"{activation.function_type.typename}, id {activation.identity!r}, {place}"


def _unknown_function(typename: str, functions: StatefulFunctions) -> UnknownFunctionError:
    known = ", ".join(functions.typenames) or "none"
    return UnknownFunctionError(
        f"no function {typename!r} is registered here",
        hint=f"registered are: {known}; register it, or mend the endpoint in module.yaml",
    )


def _refused(awaitable: Awaitable[None]) -> AsyncFunctionError:
    """A plain-looking handler turned out to return an awaitable."""
    if inspect.iscoroutine(awaitable):
        awaitable.close()  # it never ran, and is not to warn of it
    return AsyncFunctionError("a handler returned an awaitable to the synchronous handler")
