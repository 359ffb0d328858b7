"""Bytes to bytes: `RequestReplyHandler` and `AsyncRequestReplyHandler`, over one implementation of the batch."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Generator, Mapping, Sequence
from typing import Any, Final

from google.protobuf import any_pb2

from statefun.batch import Invocation, MissingStates, ProtocolVersion, Target
from statefun.context import Activation, Context
from statefun.encoding import encoders
from statefun.errors import (
    AsyncFunctionError,
    FactoryError,
    HandlerError,
    MalformedRequestError,
    MessageDecodeError,
    StatefunError,
    UnhandledMessageError,
    UnknownFunctionError,
)
from statefun.function import PENDING, StatefulFunction
from statefun.functions import RegisteredFunction, StatefulFunctions
from statefun.protocol.limits import SMALLEST_INVOCATION, check_batch_size
from statefun.protocol.request import decode_request
from statefun.protocol.response import encode_missing_states, encode_response
from statefun.protocol.values import decode_address, unwrap_v2, unwrap_v3
from statefun.state import Cells

__all__ = ["AsyncRequestReplyHandler", "RequestReplyHandler"]

Running = Generator[Awaitable[None], None, bytes]
"""A batch that runs: it yields what must be awaited and returns the response."""

_new: Final = object.__new__
DEFAULT_BATCH_LIMIT: Final = 100_000


class _Handler:
    """What both handlers share."""

    def __init__(self, functions: StatefulFunctions, *, max_batch_size: int = DEFAULT_BATCH_LIMIT) -> None:
        functions.freeze()
        self.functions: Final = functions
        self.max_batch_size: Final = max_batch_size
        self._by_type: Final = functions.by_type
        self._unchecked: Final = max_batch_size * SMALLEST_INVOCATION  # shorter requests cannot hold more

    def _run(self, data: bytes) -> Running:
        """One batch, from its bytes to the bytes of the response.

        All user code of a batch runs here, on either handler; whatever it raises leaves the batch without effect.
        """
        if len(data) > self._unchecked:
            check_batch_size(data, self.max_batch_size)
        protocol, target, states, invocations = decode_request(data)
        namespace, name, identity = target
        function = self._by_type.get((namespace, name))
        if function is None:
            raise _unknown_function(f"{namespace}/{name}", self.functions)
        if protocol is ProtocolVersion.V3:
            table, unwrap = function.routes.v3, unwrap_v3
            if not function.specs.keys() <= states.keys():
                return encode_missing_states(_missing(function, states))
        else:
            table, unwrap = function.routes.v2, unwrap_v2
        function_type = function.function_type
        cells = Cells(function_type.typename, protocol, states, unwrap)
        activation = Activation(function_type, identity, function.specs, cells, encoders(protocol), decode_address)
        plain = function.plain
        if plain is not None:
            instance = _new(plain)
            instance._statefun_cells = cells
        else:
            instance = None if function.factory is None else _make(function, cells)
        for index, invocation in enumerate(invocations):
            typename, value, caller = invocation
            route = table.get(typename)
            if route is None:
                handler, message = _other(function, protocol, invocation)
            else:
                decode, handler = route
                try:
                    message = decode(value)
                except Exception as error:  # a user's decoder may raise anything
                    raise _undecodable(function, invocation, error) from error
            context = Context(activation, caller)
            try:
                result = handler(context, message) if instance is None else handler(instance, context, message)
                if result is not None and inspect.isawaitable(result):
                    yield result
            except Exception as error:
                raise _failed(function, target, invocations, index, error) from error
            finally:
                context.close()
        effects = activation.effects
        effects.mutations.extend(cells.mutations())
        return encode_response(effects, protocol)


class RequestReplyHandler(_Handler):
    """Serves plain functions: a callable from the bytes of a request to the bytes of its response.

    Args:
        functions: The registry; it is frozen from now on.
        max_batch_size: The most invocations in a request; more are refused before they are parsed.

    Raises:
        AsyncFunctionError: a registered function is a coroutine function.

    >>> from statefun import StatefulFunctions
    >>> handler = RequestReplyHandler(StatefulFunctions())
    >>> handler(b"not a request")
    Traceback (most recent call last):
    statefun.errors.MalformedRequestError: [malformed-request] ...
    """

    def __init__(self, functions: StatefulFunctions, *, max_batch_size: int = DEFAULT_BATCH_LIMIT) -> None:
        for function in functions.registered:
            if function.asynchronous:
                raise AsyncFunctionError(f"{function.function_type.typename} is asynchronous")
        super().__init__(functions, max_batch_size=max_batch_size)

    def __call__(self, request: bytes) -> bytes:
        """Runs one batch.

        Args:
            request: A serialized ToFunction of either protocol.

        Returns:
            A serialized FromFunction of the same protocol; no bytes at all where the batch has no effects.

        Raises:
            StatefunError: whatever went wrong; nothing of the batch takes effect. Its `status` is the HTTP status to answer.
        """
        running = self._run(request)
        try:
            awaitable = next(running)
        except StopIteration as finished:
            response: bytes = finished.value
            return response
        raise _refused(running, awaitable)


class AsyncRequestReplyHandler(_Handler):
    """Serves coroutine functions and plain ones: an asynchronous callable from bytes to bytes.

    A plain function runs on the event loop and holds it up while it runs. Requests for different addresses may overlap; each
    has its own function object, contexts and states.

    Args:
        functions: The registry; it is frozen from now on.
        max_batch_size: The most invocations in a request; more are refused before they are parsed.
    """

    async def __call__(self, request: bytes) -> bytes:
        """Runs one batch; arguments, result and errors as in `RequestReplyHandler`."""
        running = self._run(request)
        try:
            awaitable = next(running)
            while True:
                try:
                    await awaitable
                except BaseException as error:  # noqa: BLE001  a cancellation too must end the batch inside its handler
                    awaitable = running.throw(error)
                else:
                    awaitable = next(running)
        except StopIteration as finished:
            response: bytes = finished.value
            return response


def _make(function: RegisteredFunction, cells: Cells) -> StatefulFunction[Any]:
    """A function object for one batch, with the states of the batch in place before its `__init__` runs."""
    factory = function.factory
    PENDING.cells = cells
    try:
        made = factory()  # type: ignore[misc]
    finally:
        PENDING.cells = None
    if not isinstance(made, StatefulFunction) or made._statefun_cells is not cells:
        raise FactoryError(
            f"the factory of {function.function_type.typename} returned {made!r:.80}, not an object that it made just now"
        )
    return made


def _other(function: RegisteredFunction, protocol: ProtocolVersion, invocation: Invocation) -> tuple[Any, Any]:
    """Handler and message for a type that stands in no table as it is spelt."""
    typename, value, _ = invocation
    if not typename:
        raise MalformedRequestError(f"a message to {function.function_type.typename} names no type")
    routes = function.routes
    found = routes.find(typename, protocol)
    if found is not None:
        decode, handler = found
        try:
            return handler, decode(value)
        except Exception as error:  # a user's decoder may raise anything
            raise _undecodable(function, invocation, error) from error
    if routes.other is None:
        raise UnhandledMessageError(
            f"{function.function_type.typename} does not handle {typename!r}; it handles {', '.join(routes.typenames)}"
        )
    return routes.other, any_pb2.Any(type_url=typename, value=value)


def _undecodable(function: RegisteredFunction, invocation: Invocation, error: Exception) -> MessageDecodeError:
    return MessageDecodeError(
        f"a message of {len(invocation.value)} bytes to {function.function_type.typename} does not decode as "
        f"{invocation.typename!r}: {error}",
        hint="the sender's type and the handler's type of that name differ",
    )


def _missing(function: RegisteredFunction, states: Mapping[str, bytes]) -> MissingStates:
    return MissingStates(tuple(spec.declaration() for name, spec in function.specs.items() if name not in states))


def _failed(
    function: RegisteredFunction, target: Target, invocations: Sequence[Invocation], index: int, error: Exception
) -> StatefunError:
    where = f"{function.function_type.typename}, id {target.id!r}, message {index + 1} of {len(invocations)}"
    if isinstance(error, StatefunError):
        error.add_note(f"while handling a message: {where}")
        return error
    return HandlerError(
        f"the handler of {invocations[index].typename!r} raised {type(error).__name__}: {error} ({where})"
    )


def _unknown_function(typename: str, functions: StatefulFunctions) -> UnknownFunctionError:
    known = ", ".join(functions.typenames) or "none"
    return UnknownFunctionError(
        f"no function {typename!r} is registered here",
        hint=f"registered are: {known}; register it, or mend the endpoint in module.yaml",
    )


def _refused(running: Running, awaitable: Awaitable[None]) -> StatefunError:
    """Ends a batch whose plain-looking handler turned out to return an awaitable, and tells of it."""
    if inspect.iscoroutine(awaitable):
        awaitable.close()  # it never ran, and says so no more
    try:
        running.throw(AsyncFunctionError("a handler returned an awaitable to the synchronous handler"))
    except StatefunError as error:
        return error
    raise RuntimeError("a batch went on after its handler was refused")
