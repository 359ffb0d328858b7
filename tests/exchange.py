"""What the engines in memory of the tests have in common: a handler, the bytes of a batch for it, and what it did to the states."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from statefun import AsyncRequestReplyHandler, RequestReplyHandler, StatefulFunctions
from statefun.batch import Batch, Effects, Invocation, ProtocolVersion, Target, TypedBytes
from statefun.protocol.engine import encode_request
from statefun.protocol.values import decode_address, encode_address, wrap

__all__ = ["States", "address", "answered", "handler_of", "keep", "request", "text_of"]

States = dict[str, TypedBytes | None]
"""What is stored for an address: None for a state that is known and absent."""


def address(text: str) -> Target:
    """An address from its text form."""
    return Target(*text.split("/", 2))


def text_of(target: bytes) -> str:
    """A serialized address, as `<namespace>/<type>/<id>`."""
    found = decode_address(target)
    assert found is not None
    return "/".join(found)


def handler_of(functions: StatefulFunctions, *, asynchronous: bool, observer: Any = None) -> Any:
    """The handler of either kind."""
    return (AsyncRequestReplyHandler if asynchronous else RequestReplyHandler)(functions, observer=observer)


def answered(handler: Any, request: bytes) -> bytes:
    """A handler's answer to the bytes of a request, whichever kind it is of."""
    answer = handler(request)
    return asyncio.run(answer) if asyncio.iscoroutine(answer) else answer


def request(
    protocol: ProtocolVersion,
    target: str,
    messages: Iterable[TypedBytes],
    states: Mapping[str, TypedBytes | None],
    caller: str | None = None,
) -> bytes:
    """The bytes of a batch for an address."""
    sender = b"" if caller is None else encode_address(address(caller))
    return encode_request(
        Batch(
            protocol,
            address(target),
            {name: b"" if value is None else wrap(value, protocol) for name, value in states.items()},
            [Invocation(*message, sender) for message in messages],
        )
    )


def keep(states: States, effects: Effects) -> None:
    """Stores what a batch did to the states of its address."""
    for name, value in effects.mutations:
        assert name in states, f"a mutation of {name!r}, which the engine does not know"
        states[name] = value
