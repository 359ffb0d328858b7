"""`Embedded`: the embedded runtime inside an asyncio program, with a client to send to its functions and to ask them.

    async with Embedded(functions, store="store") as client:
        await client.send(Cart.at("7"), AddItem(name="pen"))
        total = await client.ask(Cart.at("7"), GetTotal(), reply=Total, timeout=5)

Everything is kept in the store: what was sent takes effect exactly once, though the process may be killed at any point.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from os import PathLike
from typing import Any, Final

from statefun.address import Address
from statefun.arguments import PATH, check
from statefun.batch import TypedBytes
from statefun.client import Client
from statefun.errors import (
    ClientBusyError,
    ClientRefusedError,
    ClientUnavailableError,
    IngressError,
    RepeatedKeyError,
    UnknownFunctionError,
)
from statefun.functions import REGISTRY, StatefulFunctions
from statefun.handler import AsyncRequestReplyHandler, RequestReplyHandler
from statefun.model import BoundIngress, HttpEndpoint
from statefun.observing import Observer
from statefun.observing.observer import OBSERVER
from statefun.runtime import Inlet, Options, Record, Runtime, Store
from statefun.runtime.given import ENDPOINTS, OPTIONS

__all__ = ["Embedded", "EmbeddedClient"]

_ID: Final = "statefun.client/embedded"


class EmbeddedClient(Client):
    """A client in the process of the runtime, and in the same event loop.

    Args:
        inlet: Where its messages go.
    """

    def __init__(self, inlet: Inlet) -> None:
        super().__init__(inlet.protocol)
        self._inlet: Final = inlet

    async def put(self, address: Address[Any], value: TypedBytes, key: str | None) -> None:
        """Puts a message, and returns when it is on disk."""
        record = self._record(address, value)
        try:
            receipt = await self._inlet.put([record], key=_named(address, key))
            await receipt.committed()
        except IngressError as error:
            raise _unavailable(error) from error

    async def put_and_wait(
        self, address: Address[Any], value: TypedBytes, seconds: float, key: str | None
    ) -> TypedBytes | None:
        """Puts a message, and waits for its reply; None when there is none in time."""
        record = self._record(address, value)
        try:
            return await self._inlet.ask(record, seconds, _named(address, key))
        except RepeatedKeyError as error:
            raise ClientRefusedError(error.message, hint=error.hint) from error
        except IngressError as error:
            raise _unavailable(error) from error

    def _record(self, address: Address[Any], value: TypedBytes) -> Record:
        target = address.function_type.typename
        if self._inlet.closed:
            raise ClientUnavailableError("the runtime has stopped")
        if not self._inlet.known(target):
            raise UnknownFunctionError(f"there is no function {target} in this runtime")
        if not self._inlet.room(target, address.id):
            raise ClientBusyError(f"too many messages wait for {address}")
        return Record((target,), address.id, value.typename, value.value)


class Embedded:
    """Runs functions on a store as long as its block lasts; at its end everything that runs is finished and committed.

    The runtime works in the event loop of the block: a function that blocks holds up the program as well.

    Args:
        functions: The functions, with their ingresses and egresses.
        store: The folder that keeps everything; no other process may have it open.
        endpoints: Where other functions are called over HTTP.
        options: How the runtime works.
        observer: Who is told of each batch of the functions of this process, as in `RequestReplyHandler`.

    Raises:
        StoreError: the store cannot be opened.
        BindingError: an ingress or egress contradicts the functions.
        DefinitionError: an argument is of another type.
        StatefunError: whatever ended the runtime before its block was over; it is raised at the end of the block.

    >>> from tempfile import TemporaryDirectory
    >>> from statefun import Context, FunctionType, StatefulFunctions
    >>> functions = StatefulFunctions()
    >>> @functions.bind("example/greeter")
    ... def greet(context: Context, name: str) -> None:
    ...     context.reply(f"Hello {name}")
    >>> async def main(folder: str) -> str:
    ...     async with Embedded(functions, store=folder) as client:
    ...         return await client.ask(FunctionType[str]("example/greeter").at("1"), "Bob", reply=str, timeout=5)
    >>> with TemporaryDirectory() as folder:
    ...     asyncio.run(main(folder))
    'Hello Bob'
    """

    def __init__(
        self,
        functions: StatefulFunctions,
        *,
        store: str | PathLike[str],
        endpoints: Sequence[HttpEndpoint] = (),
        options: Options | None = None,
        observer: Observer | None = None,
    ) -> None:
        for name, value, kind in (
            ("functions", functions, REGISTRY),
            ("store", store, PATH),
            ("endpoints", endpoints, ENDPOINTS),
            ("options", options, OPTIONS),
            ("observer", observer, OBSERVER.or_none),
        ):
            check("Embedded", name, value, kind)
        self._functions: Final = functions
        self._folder: Final = store
        self._endpoints: Final = endpoints
        self._options: Final = options
        self._observer: Final = observer
        self._store: Store | None = None
        self._runtime: Runtime | None = None
        self._running: asyncio.Task[Any] | None = None

    async def __aenter__(self) -> EmbeddedClient:
        functions = self._functions
        handler = AsyncRequestReplyHandler if functions.asynchronous else RequestReplyHandler
        call: Any = handler(functions, observer=self._observer)
        door = _Door()
        self._store = Store(self._folder)
        async with contextlib.AsyncExitStack() as unless_begun:
            unless_begun.push_async_callback(self._end)  # a store that nobody runs on is let go of
            self._runtime = Runtime(
                call,
                self._store,
                states=functions.specs(),
                ingresses=[*functions.ingresses, BoundIngress(door)],
                egresses=functions.egresses,
                endpoints=self._endpoints,
                options=self._options,
            )
            self._running = asyncio.ensure_future(self._runtime.run())
            opened = asyncio.ensure_future(door.opened.wait())
            await asyncio.wait([self._running, opened], return_when=asyncio.FIRST_COMPLETED)
            if door.inlet is None:
                opened.cancel()
                await self._running  # it has failed to start
            unless_begun.pop_all()
        if door.inlet is None:
            raise ClientUnavailableError("the runtime ended before it began", hint="see its log")
        return EmbeddedClient(door.inlet)

    async def __aexit__(self, *_raised: object) -> None:
        await self._end(told=True)

    async def _end(self, *, told: bool = False) -> None:
        runtime, running, store = self._runtime, self._running, self._store
        self._runtime = self._running = self._store = None
        try:
            if runtime is not None and running is not None:
                runtime.stop()
                if told:
                    await running
                else:
                    running.cancel()
                    with contextlib.suppress(asyncio.CancelledError, Exception):
                        await running
        finally:
            if runtime is not None:
                runtime.close()
            if store is not None:
                store.close()


class _Door:
    """The source that the client's messages come in by."""

    id: Final = _ID

    def __init__(self) -> None:
        self.inlet: Inlet | None = None
        self.opened: Final = asyncio.Event()

    async def run(self, inlet: Inlet) -> None:
        """Stays open until the runtime stops."""
        self.inlet = inlet
        self.opened.set()
        await asyncio.get_running_loop().create_future()


def _named(address: Address[Any], key: str | None) -> str | None:
    """A key belongs to an address: the same one at another address names another message."""
    # As over HTTP; a key has no line feed, so no id can pretend to have it.
    return None if key is None else f"{address}\n{key}"


def _unavailable(error: IngressError) -> ClientUnavailableError:
    return ClientUnavailableError(f"the runtime stopped: {error.message}", hint=error.hint)
