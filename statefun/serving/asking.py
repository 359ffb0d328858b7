"""How a body is given to the functions and becomes an answer, whichever kind of handler serves them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from statefun.arguments import Kind, check
from statefun.errors import AsyncFunctionError, DefinitionError, HandlerError
from statefun.errors.showing import shown_exception
from statefun.functions import REGISTRY, StatefulFunctions
from statefun.handler import DEFAULT_BATCH_LIMIT, AsyncRequestReplyHandler, RequestReplyHandler
from statefun.serving.answers import Answer, failure, success

__all__ = ["AnyHandler", "Handler", "async_handler", "reply", "reply_async", "sync_handler"]

Handler = Callable[[bytes], bytes]
AnyHandler = Callable[[bytes], bytes | Awaitable[bytes]]
_H = TypeVar("_H", bound=AnyHandler)


_FUNCTIONS: Final = Kind(
    lambda value: isinstance(value, StatefulFunctions) or (callable(value) and not isinstance(value, type)),
    f"{REGISTRY.what}, or a handler that was made from them",
)


def sync_handler(functions: StatefulFunctions | Handler, max_batch_size: int | None) -> Handler:
    """A handler of plain functions: one that is made here, or the one that was passed."""
    check("an application", "functions", functions, _FUNCTIONS)
    if isinstance(functions, StatefulFunctions):
        return RequestReplyHandler(functions, max_batch_size=_limit(max_batch_size))
    if _is_asynchronous(functions):
        raise AsyncFunctionError(
            "an AsyncRequestReplyHandler is given to a WSGI application", hint="serve it with asgi_app"
        )
    return _made(functions, max_batch_size)


def async_handler(functions: StatefulFunctions | AnyHandler, max_batch_size: int | None) -> AnyHandler:
    """A handler of coroutine functions and plain ones: one that is made here, or the one that was passed."""
    check("an application", "functions", functions, _FUNCTIONS)
    if isinstance(functions, StatefulFunctions):
        return AsyncRequestReplyHandler(functions, max_batch_size=_limit(max_batch_size))
    return _made(functions, max_batch_size)


def _limit(max_batch_size: int | None) -> int:
    return DEFAULT_BATCH_LIMIT if max_batch_size is None else max_batch_size


def _is_asynchronous(handler: AnyHandler) -> bool:
    return isinstance(handler, AsyncRequestReplyHandler)


def _made(handler: _H, max_batch_size: int | None) -> _H:
    if max_batch_size is not None:
        raise DefinitionError(
            "max_batch_size is given beside a handler", hint="give it to the handler, or pass the functions"
        )
    return handler


def reply(handler: Handler, body: bytes) -> Answer:
    """The answer to a body: what the handler returned, or what it raised."""
    try:
        return success(handler(body))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  everything is logged, and answered with a code
        return failure(_named(error), body)


async def reply_async(handler: AnyHandler, body: bytes) -> Answer:
    """The answer to a body, from a handler of either kind."""
    try:
        response = handler(body)
        return success(response if isinstance(response, bytes) else await response)
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise  # the server ends this request
        return failure(_named(error), body)
    except BaseException as error:  # noqa: BLE001  everything is logged, and answered with a code
        return failure(_named(error), body)


def _named(error: BaseException) -> Exception:
    """What is no Exception comes from a function: handlers pass it on, since it may also be a cancellation of theirs."""
    if isinstance(error, Exception):
        return error
    failed = HandlerError(f"the function raised {shown_exception(error)}")
    for note in getattr(error, "__notes__", ()):
        failed.add_note(note)
    failed.__cause__ = error
    return failed
