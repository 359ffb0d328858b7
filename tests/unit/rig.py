"""An engine of either protocol in memory: it sends batches of Python values as bytes and tells in Python values what came back.

What it knows of a function is bytes → bytes. Values that come back are decoded by protobuf's own classes, not by our encoders, so that the
two do not vouch for each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from attrs import Factory, define, frozen
from google.protobuf import any_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message as ProtobufMessage

from statefun import StatefulFunctions, ValueType
from statefun.batch import (
    Cancellation,
    Effects,
    MissingStates,
    ProtocolVersion,
    StateDeclaration,
    TypedBytes,
)
from statefun.protocol._generated import egress_v2, egress_v3, types_v3
from statefun.protocol.engine import decode_response
from statefun.types import value_type_of
from tests.exchange import States, answered, handler_of, keep, request, text_of

V2 = ProtocolVersion.V2
V3 = ProtocolVersion.V3
PREFIX = "type.googleapis.com/"

WRAPPERS = {
    "io.statefun.types/bool": types_v3.BooleanWrapper,
    "io.statefun.types/int": types_v3.IntWrapper,
    "io.statefun.types/long": types_v3.LongWrapper,
    "io.statefun.types/float": types_v3.FloatWrapper,
    "io.statefun.types/double": types_v3.DoubleWrapper,
    "io.statefun.types/string": types_v3.StringWrapper,
}
RECORDS = {
    PREFIX + record.DESCRIPTOR.full_name: record
    for module in (egress_v2, egress_v3)
    for record in (module.KafkaProducerRecord, module.KinesisEgressRecord)
}


def typed(value: Any, protocol: ProtocolVersion, type: ValueType[Any] | None = None) -> TypedBytes:
    """A message or a state as it travels. A TypedBytes or an Any says itself what it is."""
    if isinstance(value, TypedBytes):
        return value
    if isinstance(value, any_pb2.Any) and type is None:
        return TypedBytes(value.type_url, value.value)
    return value_type_of(value.__class__ if type is None else type).encode(value, protocol)


def plain(value: TypedBytes) -> Any:
    """What travels as a Python value: a wrapper's content, a protobuf message, else the TypedBytes itself."""
    message_class = WRAPPERS.get(value.typename) or RECORDS.get(value.typename)
    if message_class is None and value.typename.startswith(PREFIX):
        try:
            descriptor = descriptor_pool.Default().FindMessageTypeByName(value.typename.removeprefix(PREFIX))
        except KeyError:
            return value
        message_class = message_factory.GetMessageClass(descriptor)
    if message_class is None:
        return value
    message: ProtobufMessage = message_class.FromString(value.value)
    wrapper = message.DESCRIPTOR.name.endswith(("Wrapper", "Value")) and list(message.DESCRIPTOR.fields_by_name) == [
        "value"
    ]
    return message.value if wrapper else message


@frozen
class Later:
    """A delayed message that came back."""

    delay: int
    to: str
    value: Any
    token: str = ""


@frozen
class Answer:
    """What a batch asked for, in Python values.

    Attributes:
        effects: The same as it travelled.
        states: The states that were written, with their values; None for one that was deleted.
        messages: The address and the value of each message.
        later: Delayed messages, and the token of each cancellation.
        egresses: The egress and the value of each record.
    """

    effects: Effects

    @property
    def states(self) -> dict[str, Any]:
        names = [name for name, _ in self.effects.mutations]
        assert len(names) == len(set(names)), "one mutation for each state"
        return {name: None if value is None else plain(value) for name, value in self.effects.mutations}

    @property
    def messages(self) -> list[tuple[str, Any]]:
        return [(text_of(target), plain(TypedBytes(*value))) for target, *value in self.effects.messages]

    @property
    def later(self) -> list[Later | str]:
        return [
            each.token
            if isinstance(each, Cancellation)
            else Later(each.delay, text_of(each.target), plain(TypedBytes(each.typename, each.value)), each.token)
            for each in self.effects.delayed
        ]

    @property
    def egresses(self) -> list[tuple[str, Any]]:
        return [(egress, plain(TypedBytes(*value))) for egress, *value in self.effects.egresses]

    @property
    def nothing(self) -> bool:
        return not any(self.effects)


@define
class Engine:
    """An engine around a registry: it keeps the states of every address from one batch to the next.

    Attributes:
        functions: The registry; more may be registered until the first call.
        protocol: The protocol that the engine speaks.
        asynchronous: Whether the asynchronous handler serves.
        extra: The states that a 2.2 engine's module lists beside those that the functions declare.
        stored: What is stored: for each address text, its states; None for one that is known and absent.
        learnt: What the functions declared in answer to a request that lacked their states.
        observer: Who is told of the batches.
    """

    protocol: ProtocolVersion
    asynchronous: bool = False
    functions: StatefulFunctions = Factory(StatefulFunctions)
    extra: Iterable[str] = ()
    stored: dict[str, States] = Factory(dict)
    learnt: list[tuple[StateDeclaration, ...]] = Factory(list)
    observer: Any = None
    _handler: Any = None

    @property
    def handler(self) -> Any:
        if self._handler is None:
            self._handler = handler_of(self.functions, asynchronous=self.asynchronous, observer=self.observer)
        return self._handler

    def register(self, *arguments: Any, **named: Any) -> Engine:
        self.functions.register(*arguments, **named)
        return self

    def bytes(self, request: bytes) -> bytes:
        """The handler's answer to the bytes of a request."""
        return answered(self.handler, request)

    def request(self, target: str, *messages: Any, caller: str | None = None) -> bytes:
        """The bytes of a batch for an address."""
        values = [typed(message, self.protocol) for message in messages]
        return request(self.protocol, target, values, self._known(target), caller)

    def ask(self, target: str, *messages: Any, caller: str | None = None) -> Effects | MissingStates:
        """What one request answers; nothing is stored or learnt."""
        return decode_response(self.bytes(self.request(target, *messages, caller=caller)), self.protocol)

    def send(self, target: str, *messages: Any, caller: str | None = None) -> Answer:
        """Sends a batch to an address, and stores what it did to its states."""
        answer = self.ask(target, *messages, caller=caller)
        if isinstance(answer, MissingStates):
            self.learnt.append(answer.states)
            for state in answer.states:
                self.stored.setdefault(target, {}).setdefault(state.name, None)
            answer = self.ask(target, *messages, caller=caller)
            assert isinstance(answer, Effects), "asked for the same states twice"
        keep(self.stored[target], answer)
        return Answer(answer)

    def store(self, target: str, name: str, value: Any, type: ValueType[Any] | None = None) -> None:
        """Puts a state there, as an earlier batch would have; None for an absent one."""
        states = self.stored.setdefault(target, {})
        states[name] = None if value is None else typed(value, self.protocol, type)

    def state(self, target: str, name: str) -> Any:
        """What is stored, as a Python value; None when absent."""
        value = self.stored[target][name]
        return None if value is None else plain(value)

    def _known(self, target: str) -> States:
        states = self.stored.setdefault(target, {})
        if self.protocol is V2:
            typename = "/".join(target.split("/", 2)[:2])
            declared = [state.name for state in self.functions.specs().get(typename, ())]
            for name in (*declared, *self.extra):
                states.setdefault(name, None)
        return states


PROTOCOLS = pytest.mark.parametrize("protocol", [V2, V3], ids=["2.2", "3.x"])
