"""Where functions are called: `Local` in this process, `Remote` behind an HTTP endpoint. Each has a lane of its own."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias

from statefun.batch import StateDeclaration
from statefun.errors import BindingError
from statefun.model import BoundIngress, HttpEndpoint
from statefun.runtime.entries import Lane
from statefun.runtime.options import Options

__all__ = ["Client", "Connect", "Function", "Local", "Place", "Places", "Remote", "http_client"]

Function: TypeAlias = Callable[[bytes], bytes] | Callable[[bytes], Awaitable[bytes]]
"""All functions of a program: the bytes of a request to those of its response."""

_NO_BOUND: Final = 1 << 62


class Client(Protocol):
    """What calls the functions of one endpoint."""

    async def call(self, typename: str, request: bytes) -> bytes:
        """Sends a request to a function, and gives the bytes of its answer.

        Raises:
            EndpointError: there is none.
        """
        ...

    async def close(self) -> None:
        """Lets go of its connections."""
        ...


Connect: TypeAlias = Callable[[HttpEndpoint], Client]
"""Makes the client of an endpoint."""


class Local:
    """The functions of this process.

    Args:
        call: The bytes of a request to those of its response.
        options: How the runtime works.
    """

    def __init__(self, call: Function, options: Options) -> None:
        self.run: Final[Callable[[bytes], Any]] = call
        self.asynchronous: Final = inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(
            getattr(call, "__call__", None)  # noqa: B004  which of the two kinds of callable it is
        )
        self.lane: Final = Lane(options.max_batch, options.concurrency if self.asynchronous else _NO_BOUND)

    async def call(self, typename: str, request: bytes) -> bytes:
        """Calls a function that is a coroutine."""
        del typename
        answer: bytes = await self.run(request)
        return answer

    async def close(self) -> None:
        """Nothing is open."""


class Remote:
    """The functions behind one endpoint; the client is made in the event loop that uses it.

    Args:
        endpoint: Where they are.
        options: How the runtime works.
        connect: Makes the client.
    """

    asynchronous: Final = True

    def __init__(self, endpoint: HttpEndpoint, options: Options, connect: Connect) -> None:
        self.endpoint: Final = endpoint
        self.lane: Final = Lane(endpoint.max_batch, options.concurrency)
        self._connect: Final = connect
        self._client: Client | None = None

    async def call(self, typename: str, request: bytes) -> bytes:
        """Calls a function over HTTP."""
        if self._client is None:
            self._client = self._connect(self.endpoint)
        return await self._client.call(typename, request)

    async def close(self) -> None:
        """Lets go of the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()


def http_client(endpoint: HttpEndpoint) -> Client:
    """What calls the functions of an endpoint over HTTP."""
    # Here, so that a runtime without endpoints needs no HTTP client.
    from statefun.runtime.remote.client import EndpointClient

    return EndpointClient(endpoint)


Place: TypeAlias = Local | Remote


class Places:
    """Finds where a function type is called.

    A function that is registered is called in this process, unless an endpoint names it; all others at the endpoint that covers them;
    what nobody has is called in this process, which says that it does not know it.

    Args:
        local: The functions of this process.
        registered: What they are called.
        endpoints: All others.
        options: How the runtime works.
        connect: Makes the client of an endpoint.
        own: Functions of the runtime's own.

    Raises:
        BindingError: a function is registered, and an endpoint names it too.
    """

    def __init__(
        self,
        local: Local,
        registered: Mapping[str, Sequence[StateDeclaration]],
        endpoints: Sequence[HttpEndpoint],
        options: Options,
        connect: Connect,
        own: Mapping[str, Local],
    ) -> None:
        self.local: Final = local
        self._own: Final = own
        self._registered: Final = registered
        self._remotes: Final = {each.functions: Remote(each, options, connect) for each in endpoints}
        for each in endpoints:
            if each.functions in registered:
                where = "" if each.source is None else f" ({each.source})"
                raise BindingError(
                    f"the function {each.functions} is registered here, and is called at {each.url}{where} too",
                    hint="remove the endpoint, or do not register the function",
                )
        # What takes long is asked for first.
        places: list[Place] = [*self._remotes.values(), *own.values(), local]
        self.lanes: Final[tuple[Lane, ...]] = tuple(each.lane for each in places)
        self._by_lane: Final[dict[Lane, Place]] = {each.lane: each for each in places}

    def lane_of(self, typename: str) -> Lane:
        """The lane of a function type."""
        if typename in self._registered:
            return self.local.lane
        if typename in self._own:
            return self._own[typename].lane
        namespace = typename.partition("/")[0]
        found = self._remotes.get(typename) or self._remotes.get(f"{namespace}/*")
        return self.local.lane if found is None else found.lane

    def knows(self, typename: str) -> bool:
        """Whether a function type is registered, or covered by an endpoint."""
        return typename in self._registered or self.lane_of(typename) is not self.local.lane

    @property
    def names(self) -> tuple[str, ...]:
        """All function types that are known, and the patterns of endpoints."""
        return (*self._registered, *self._remotes)

    def place_of(self, lane: Lane) -> Place:
        """Where the functions of a lane are called."""
        return self._by_lane[lane]

    def states(self) -> dict[str, Sequence[StateDeclaration]]:
        """The states of each function type that says them beforehand."""
        listed = {
            each.endpoint.functions: [
                StateDeclaration(state.name, "", state.expiration) for state in each.endpoint.states
            ]
            for each in self._remotes.values()
            if each.endpoint.states
        }
        return {**self._registered, **listed}

    def check_targets(self, ingresses: Iterable[BoundIngress]) -> None:
        """Refuses an ingress that sends to a function which is nowhere.

        Raises:
            BindingError: it names the ingress, the function, and those that are known.
        """
        for bound in ingresses:
            for target in bound.targets:
                if not self.knows(target):
                    raise BindingError(
                        f"the ingress {bound.ingress.id!r} sends to {target!r}, which is not registered",
                        hint=f"known are: {', '.join(self.names) or 'none'}",
                    )

    async def close(self) -> None:
        """Lets go of all connections."""
        for each in self._remotes.values():
            await each.close()
