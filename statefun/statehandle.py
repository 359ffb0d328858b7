"""`StateHandle`: one state by name, as in the released 2.2 SDK."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from google.protobuf import any_pb2
from google.protobuf.message import Message

from statefun.errors import StateTypeError
from statefun.errors.showing import shown

__all__ = ["StateHandle"]

P = TypeVar("P", bound=Message)


class HasStates(Protocol):
    """States by name, as a context has them."""

    def __getitem__(self, name: str) -> Any: ...
    def __setitem__(self, name: str, value: Any) -> None: ...
    def __delitem__(self, name: str) -> None: ...


class StateHandle:
    """One state by name, as in the released 2.2 SDK: `context.state("count").unpack(Count)`."""

    __slots__ = ("_context", "_name")

    def __init__(self, context: HasStates, name: str) -> None:
        self._context = context
        self._name = name

    @property
    def value(self) -> Any:
        """The state's value: decoded when a spec declares it, else an `Any`; None when absent."""
        return self._context[self._name]

    @value.setter
    def value(self, value: Any) -> None:
        self._context[self._name] = value

    @value.deleter
    def value(self) -> None:
        del self._context[self._name]

    def unpack(self, into_class: type[P]) -> P | None:
        """The state as a message of that class; None when absent.

        Raises:
            StateTypeError: the state holds another type.
        """
        value = self.value
        if value is None or isinstance(value, into_class):
            return value
        unpacked = into_class()
        if not isinstance(value, any_pb2.Any) or not value.Unpack(unpacked):
            held = value.type_url if isinstance(value, any_pb2.Any) else type(value).__qualname__
            raise StateTypeError(
                f"state {self._name!r} holds {held!r} and does not unpack to {into_class.DESCRIPTOR.full_name!r}"
            )
        return unpacked

    def pack(self, message: Message) -> None:
        """Stores a message.

        Raises:
            StateTypeError: it is no protobuf message.
        """
        if not isinstance(message, Message):
            raise StateTypeError(
                f"state {self._name!r} is packed from {type(message).__name__} {shown(message)}, which is no message",
                hint=f"assign it: `context[{self._name!r}] = …`",
            )
        packed = any_pb2.Any()
        packed.Pack(message)
        self.value = packed
