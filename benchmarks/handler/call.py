"""What a contender gives to its worker: one call from request bytes to response bytes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class SyncCall:
    """Called in a loop."""

    handle: Callable[[bytes], bytes]


@dataclass(frozen=True)
class AsyncCall:
    """Awaited in a loop, inside one event loop that runs already, as under an asyncio server."""

    handle: Callable[[bytes], Awaitable[bytes]]


Call = SyncCall | AsyncCall
