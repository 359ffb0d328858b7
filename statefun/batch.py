"""The frozen values in the middle: what a request says and what a response asks for, whichever protocol carried them.

The function's role reads a `Batch` and writes `Effects` or `MissingStates`; the engine's role writes a `Batch` and reads the
other two. Values travel as a typename and bytes, addresses as a serialized Address (the same bytes in both protocols), and
are opaque here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from attrs import frozen

from statefun.expiration import Expiration

__all__ = [
    "Batch",
    "Cancellation",
    "Delayed",
    "Effects",
    "EgressRecord",
    "Invocation",
    "Message",
    "MissingStates",
    "Mutation",
    "ProtocolVersion",
    "StateDeclaration",
    "Target",
    "TypedBytes",
]


class ProtocolVersion(Enum):
    """Which wire protocol a request speaks: values are its `Any` or its `TypedValue`."""

    V2 = "2.2"
    V3 = "3.x"


class Target(NamedTuple):
    """An address, taken apart."""

    namespace: str
    type: str
    id: str


class TypedBytes(NamedTuple):
    """A value as it travels: the name of its type (2.2: a type URL) and its serialized bytes."""

    typename: str
    value: bytes


class Invocation(NamedTuple):
    """One message of a batch.

    Attributes:
        typename: The name of the message's type (2.2: a type URL).
        value: Its serialized bytes.
        caller: The sender's serialized Address, since few handlers ask for it; empty when there is none.
    """

    typename: str
    value: bytes
    caller: bytes = b""


class Batch(NamedTuple):
    """What one request asks of one address.

    Attributes:
        protocol: The protocol that the request speaks and the response must speak.
        target: The address that is invoked.
        states: The states that the request carries, each value still serialized (an Any or a TypedValue), since a
            state that nobody touches is never decoded; empty bytes when absent.
        invocations: The messages, in order; at least one.
    """

    protocol: ProtocolVersion
    target: Target
    states: Mapping[str, bytes]
    invocations: Sequence[Invocation]


@frozen
class StateDeclaration:
    """A state as an engine learns it: its name, the typename of its values in the 3.x protocol, and its expiration."""

    name: str
    typename: str
    expiration: Expiration | None = None


class Mutation(NamedTuple):
    """The last word of a batch about one state: a new value, or None to delete it."""

    name: str
    value: TypedBytes | None


class Message(NamedTuple):
    """A message to a function: the serialized Address it goes to, its type's name and its bytes."""

    target: bytes
    typename: str
    value: bytes


class Delayed(NamedTuple):
    """A message that is due `delay` milliseconds from now; with a token it can be cancelled until then."""

    delay: int
    target: bytes
    typename: str
    value: bytes
    token: str = ""


class Cancellation(NamedTuple):
    """Takes back the delayed message that its sender armed with the token."""

    token: str


class EgressRecord(NamedTuple):
    """A record for the egress named `<namespace>/<name>`."""

    egress: str
    typename: str
    value: bytes


class Effects(NamedTuple):
    """All that a batch asks for; nothing of it happens unless all of it does.

    Order is kept inside each list, not between lists.
    """

    mutations: list[Mutation]
    messages: list[Message]
    delayed: list[Delayed | Cancellation]
    egresses: list[EgressRecord]


@frozen
class MissingStates:
    """The answer to a request that lacks declared states: nothing was run, the engine is to register them and ask again."""

    states: tuple[StateDeclaration, ...]
