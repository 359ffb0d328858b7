"""Bytes to bytes: `RequestReplyHandler` and `AsyncRequestReplyHandler`, over one implementation of the batch."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Generator
from typing import Any, Final

from google.protobuf import any_pb2

from statefun.batch import Batch, Invocation, MissingStates, ProtocolVersion
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
from statefun.protocol.limits import check_batch_size
from statefun.protocol.request import decode_request
from statefun.protocol.response import encode_missing_states, encode_response
from statefun.protocol.values import decode_address, unwrap_v2, unwrap_v3
from statefun.state import Cells

__all__ = ["AsyncRequestReplyHandler", "RequestReplyHandler"]

Running = Generator[Awaitable[None], None, bytes]
"""A batch that runs: it yields what must be awaited and returns the response."""

_UNWRAP: Final = {ProtocolVersion.V2: unwrap_v2, ProtocolVersion.V3: unwrap_v3}
DEFAULT_BATCH_LIMIT: Final = 100_000


class _Handler:
    """What both handlers share."""

    def __init__(self, functions: StatefulFunctions, *, max_batch_size: int = DEFAULT_BATCH_LIMIT) -> None:
        functions.freeze()
        self.functions: Final = functions
        self.max_batch_size: Final = max_batch_size

    def _run(self, data: bytes) -> Running:
        """One batch, from its bytes to the bytes of the response.

        All user code of a batch runs here, on either handler; whatever it raises leaves the batch without effect.
        """
        check_batch_size(data, self.max_batch_size)
        batch = decode_request(data)
        namespace, name, identity = batch.target
        function = self.functions.find(namespace, name)
        if function is None:
            raise _unknown_function(f"{namespace}/{name}", self.functions)
        protocol = batch.protocol
        states = batch.states
        if protocol is ProtocolVersion.V3:
            missing = [spec for key, spec in function.specs.items() if key not in states]
            if missing:
                return encode_missing_states(MissingStates(tuple(spec.declaration() for spec in missing)))
        cells = Cells(function.function_type.typename, protocol, states, _UNWRAP[protocol])
        activation = Activation(
            function.function_type, identity, function.specs, cells, encoders(protocol), decode_address
        )
        instance = None if function.factory is None else _make(function, cells)
        table = function.routes.v3 if protocol is ProtocolVersion.V3 else function.routes.v2
        for index, invocation in enumerate(batch.invocations):
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
                raise _failed(function, batch, index, error) from error
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


def _failed(function: RegisteredFunction, batch: Batch, index: int, error: Exception) -> StatefunError:
    where = (
        f"{function.function_type.typename}, id {batch.target.id!r}, message {index + 1} of {len(batch.invocations)}"
    )
    if isinstance(error, StatefunError):
        error.add_note(f"while handling a message: {where}")
        return error
    return HandlerError(
        f"the handler of {batch.invocations[index].typename!r} raised {type(error).__name__}: {error} ({where})"
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
