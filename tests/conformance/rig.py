"""A small engine around a handler, in memory: it supplies states, sends batches and keeps what comes back.

It knows functions as bytes → bytes, through the engine's role of `statefun.protocol`. On 2.2 it supplies the states that module.yaml lists, and
no others; on 3.x it learns them from the function, as that engine does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from heapq import heappop, heappush
from typing import Any, TypeVar

from attrs import Factory, define
from google.protobuf import any_pb2
from google.protobuf.message import Message as ProtobufMessage

from statefun import StatefulFunctions
from statefun.batch import (
    Delayed,
    Effects,
    Message,
    MissingStates,
    ProtocolVersion,
    StateDeclaration,
    TypedBytes,
)
from statefun.protocol.engine import decode_response
from tests.exchange import States, answered, handler_of, keep, request, text_of

V2 = ProtocolVersion.V2
V3 = ProtocolVersion.V3
PROTOCOLS = (V2, V3)
TYPE_URL = "type.googleapis.com/"

P = TypeVar("P", bound=ProtobufMessage)


def packed(message: ProtobufMessage) -> any_pb2.Any:
    """A message in an Any, as protobuf itself packs it."""
    made = any_pb2.Any()
    made.Pack(message)
    return made


def typed(message: Any) -> TypedBytes:
    """A message as it travels: an Any as it is, a protobuf message packed, bytes that are typed already unchanged."""
    if isinstance(message, TypedBytes):
        return message
    if not isinstance(message, any_pb2.Any):
        message = packed(message)
    return TypedBytes(message.type_url, message.value)


def unpacked(sent: Any, message_class: type[P]) -> P:
    """What was sent or stored, as a message of that class; its name must be the one of the class."""
    assert sent.typename == TYPE_URL + message_class.DESCRIPTOR.full_name
    return message_class.FromString(sent.value)


def to(sent: Message | Delayed) -> str:
    """Whom a message goes to, as `<namespace>/<type>/<id>`."""
    return text_of(sent.target)


@define
class Rig:
    """An engine of one protocol around a registry.

    Attributes:
        functions: The registry, served through `handler`.
        protocol: The protocol that the engine speaks.
        module: For each function type the states that a 2.2 engine's module.yaml lists.
        asynchronous: Whether the asynchronous handler serves.
        states: What is stored: for each address text, its states; None for one that is known and absent.
        declared: What the functions declared of their states on 3.x.
        resent: How many requests were answered with missing states and sent again.
    """

    functions: StatefulFunctions
    protocol: ProtocolVersion
    module: Mapping[str, Iterable[str]] = Factory(dict)
    asynchronous: bool = False
    handler: Any = None
    states: dict[str, States] = Factory(dict)
    declared: dict[str, tuple[StateDeclaration, ...]] = Factory(dict)
    resent: int = 0

    def __attrs_post_init__(self) -> None:
        if self.handler is None:
            self.handler = handler_of(self.functions, asynchronous=self.asynchronous)

    def call(self, request: bytes) -> bytes:
        """The handler's answer to the bytes of a request."""
        return answered(self.handler, request)

    def request(self, target: str, *messages: Any, caller: str | None = None) -> bytes:
        """The bytes of a batch for an address."""
        return request(self.protocol, target, map(typed, messages), self._stored(target), caller)

    def send(self, target: str, *messages: Any, caller: str | None = None) -> Effects:
        """Sends a batch to an address and stores what it did to its states."""
        answer = decode_response(self.call(self.request(target, *messages, caller=caller)), self.protocol)
        if isinstance(answer, MissingStates):
            self.resent += 1
            self.declared[target.rpartition("/")[0]] = answer.states
            for state in answer.states:
                self.states[target].setdefault(state.name, None)
            answer = decode_response(self.call(self.request(target, *messages, caller=caller)), self.protocol)
            assert isinstance(answer, Effects)
        keep(self.states[target], answer)
        return answer

    def state(self, target: str, name: str) -> TypedBytes | None:
        """What is stored for an address under a name."""
        return self.states[target][name]

    def run(self, *inputs: tuple[str, Any]) -> list[tuple[str, Any]]:
        """Delivers messages, and what they cause, until nothing is under way; delayed ones when all else is quiet.

        Returns:
            Everything that happened, in order: who did it, and the effect.
        """
        happened: list[tuple[str, Any]] = []
        now: deque[tuple[str, TypedBytes, str | None]] = deque((target, typed(value), None) for target, value in inputs)
        later: list[tuple[int, int, str, TypedBytes, str]] = []
        clock = 0
        while now or later:
            if not now:
                clock, _, target, value, sender = heappop(later)
                now.append((target, value, sender))
            target, value, caller = now.popleft()
            effects = self.send(target, value, caller=caller)
            happened += [(target, each) for group in effects for each in group]
            for message in effects.messages:
                now.append((to(message), TypedBytes(message.typename, message.value), target))
            for number, each in enumerate(effects.delayed, start=len(happened)):
                assert isinstance(each, Delayed)
                content = TypedBytes(each.typename, each.value)
                heappush(later, (clock + each.delay, number, to(each), content, target))
        return happened

    def _stored(self, target: str) -> States:
        function = target.rpartition("/")[0]
        if self.protocol is V2:
            known = tuple(self.module.get(function, ()))
        else:
            known = tuple(state.name for state in self.declared.get(function, ()))
        return self.states.setdefault(target, dict.fromkeys(known))


def engine(protocol: ProtocolVersion, handler: Any, *, asynchronous: bool = False) -> Rig:
    """An engine around one function, `example/function`."""
    functions = StatefulFunctions()
    functions.register("example/function", handler)
    return Rig(functions, protocol, asynchronous=asynchronous)


def handled(handler: Any) -> list[str]:
    """The names of the messages that a function takes, as its registration found them."""
    functions = StatefulFunctions()
    functions.register("example/function", handler)
    return list(functions.registered[0].routes.typenames)


def names(classes: Iterable[type[ProtobufMessage]]) -> list[str]:
    """The names of messages of these classes."""
    return [TYPE_URL + each.DESCRIPTOR.full_name for each in classes]
