"""Request and response: an address for each client that waits for a reply, and where the reply to it ends.

A client asks with a message whose caller is `statefun.client/ask` and an id of its own, so a function answers it with
`context.reply`. The reply is an ordinary message, durable until it is consumed; consuming it wakes the client once that is committed.
A reply to a client that no longer waits has no effect.
"""

from __future__ import annotations

import asyncio
from typing import Final
from uuid import uuid4

from statefun.batch import Target, TypedBytes
from statefun.errors import IngressError
from statefun.protocol.request import decode_request
from statefun.protocol.values import encode_address
from statefun.wire import delimited

__all__ = ["ASKING", "Replies"]

ASKING: Final = "statefun.client/ask"
"""The function type of those who wait for replies."""


class Replies:
    """The clients that wait, and the function that their replies go to."""

    def __init__(self) -> None:
        self._waiting: Final[dict[str, asyncio.Future[TypedBytes]]] = {}
        self._arrived: list[tuple[asyncio.Future[TypedBytes], TypedBytes]] = []

    def __len__(self) -> int:
        """How many clients wait."""
        return len(self._waiting)

    def expect(self) -> tuple[str, bytes, asyncio.Future[TypedBytes]]:
        """A new client: its id, what stands in the caller's field of its message, and what its reply will be in."""
        id = uuid4().hex
        namespace, _, name = ASKING.partition("/")
        future = asyncio.get_running_loop().create_future()
        self._waiting[id] = future
        return id, delimited(b"\x0a", encode_address(Target(namespace, name, id))), future

    def forget(self, id: str) -> None:
        """The client waits no longer."""
        self._waiting.pop(id, None)

    def end(self) -> None:
        """The run has ended: no reply comes any more."""
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(
                    IngressError("the run has ended before the reply; what was asked may still take effect")
                )
                future.exception()  # it may be that nobody waits for it: then it is no news

    def answer(self, request: bytes) -> bytes:
        """Consumes replies; they are given to their clients when that is committed."""
        batch = decode_request(request)
        future = self._waiting.get(batch.target.id)
        if future is not None:
            first = batch.invocations[0]
            self._arrived.append((future, TypedBytes(first.typename, first.value)))
        return b""

    def committed(self) -> None:
        """What was consumed is on disk."""
        arrived, self._arrived = self._arrived, []
        for future, reply in arrived:
            if not future.done():
                future.set_result(reply)
