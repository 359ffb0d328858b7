"""From a value that is sent, and what its receiver declares, to a typename and bytes.

A protobuf message and an instance of a named class say themselves what they are. A plain bool, int, float or str is what the
receiver declares, where it declares one that the value converts to as a type checker allows (True to an `Address[int]` is a
LONG, 1 to an `Address[float]` a DOUBLE), and else BOOL, LONG, DOUBLE or STRING.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from google.protobuf import any_pb2

from statefun.batch import ProtocolVersion, TypedBytes
from statefun.errors import AnnotationError, MessageTypeError, StatefunError, ValueTypeError
from statefun.errors.showing import shown, shown_error
from statefun.hints import flatten
from statefun.memo import Memo
from statefun.outgoing import Heads
from statefun.primitives import BOOL, DOUBLE, LONG, STRING
from statefun.types import ValueType, value_type_of

__all__ = ["ENCODERS_V2", "ENCODERS_V3", "Encoders"]

_NATURAL: Final[dict[type[Any], ValueType[Any]]] = {bool: BOOL, int: LONG, float: DOUBLE, str: STRING}
_CONVERTS_TO: Final[dict[type[Any], tuple[type[Any], ...]]] = {
    bool: (bool, int, float),
    int: (int, float),
    float: (float,),
    str: (str,),
    bytes: (bytes,),
}


class Encoders:
    """How the values of one protocol are encoded.

    Attributes:
        by_class: Heads and encoder of the classes that say themselves what they are; filled as they are met. The hot
            path looks a class up here and asks `encode` only when it is not there.
        heads: What stands before values, by the name of their type.
    """

    __slots__ = ("by_class", "heads", "protocol")

    def __init__(self, protocol: ProtocolVersion) -> None:
        self.protocol: Final = protocol
        self.by_class: Final[dict[type[Any], tuple[Heads, Callable[[Any], bytes]]]] = {}
        self.heads: Final[Mapping[str, Heads]] = Memo(lambda typename: Heads(typename, protocol))

    def encode(self, value: Any, value_type: Any = None, accepts: Any = None) -> tuple[Heads, bytes]:
        """The heads of a value's type and its bytes.

        Args:
            value: What is sent.
            value_type: Its type, where the sender names it.
            accepts: The hint of what the receiver takes, or None.

        Raises:
            ValueTypeError: the value has no name on the wire, or its type cannot encode it.
        """
        known = self.by_class.get(value.__class__) if value_type is None else None
        if known is not None:
            heads, encode = known
            try:
                return heads, encode(value)
            except StatefunError:
                raise
            except Exception as error:  # a user's encoder may raise anything
                raise _unencodable(value, value.__class__.__qualname__, error) from error
        typename, encoded = self.typed(value, value_type, accepts)
        return self.heads[typename], encoded

    def typed(self, value: Any, value_type: Any = None, accepts: Any = None) -> TypedBytes:
        """A value with its name, as `encode` chooses it.

        Raises:
            ValueTypeError: as in `encode`.
        """
        if isinstance(value, any_pb2.Any) and value_type is None:
            if not value.type_url:
                raise ValueTypeError("an Any without a type URL is sent", hint="pack a message into it first")
            return TypedBytes(value.type_url, value.value)
        chosen: object = value.__class__.__qualname__
        try:
            chosen = named = self._choose(value, value_type, accepts)
            return named.encode(value, self.protocol)
        except StatefunError:
            raise
        except Exception as error:  # a user's encoder may raise anything
            raise _unencodable(value, chosen, error) from error

    def _choose(self, value: Any, value_type: Any, accepts: Any) -> ValueType[Any]:
        cls = value.__class__
        if value_type is not None:
            try:
                return value_type_of(value_type)
            except MessageTypeError as error:
                raise ValueTypeError(
                    f"type={shown(value_type)} is no value type",
                    hint="pass one of LONG, STRING, … or what json_type made",
                ) from error
        for plain, targets in _CONVERTS_TO.items():
            if isinstance(value, plain):
                return _plain(value, plain, targets, accepts)
        try:
            chosen = value_type_of(cls)
        except MessageTypeError as error:
            raise ValueTypeError(
                f"a value of type {cls.__qualname__} has no name on the wire: {shown(value)}"
            ) from error
        encoding = chosen.encoding(self.protocol)
        self.by_class[cls] = (self.heads[encoding.typename], encoding.encode)
        return chosen


def _unencodable(value: object, chosen: object, error: Exception) -> ValueTypeError:
    return ValueTypeError(f"{shown(value)} cannot be encoded as {chosen}: {shown_error(error)}")


def _plain(value: object, plain: type[Any], targets: tuple[type[Any], ...], accepts: Any) -> ValueType[Any]:
    declared = _declared(accepts)
    for target in targets:
        if target in declared:
            return declared[target]
    natural = _NATURAL.get(plain)
    if natural is None:
        raise ValueTypeError(f"{shown(value)} says nothing of its type", hint="name it: `send(to, value, type=BYTES)`")
    return natural


def _declared(accepts: Any) -> dict[type[Any], ValueType[Any]]:
    """The value types that a hint declares for plain Python types."""
    try:
        return {} if accepts is None else _declared_by(accepts)
    except (TypeError, AnnotationError):  # an unhashable hint, or a forward reference: nothing is declared
        return {}


@lru_cache(maxsize=1024)
def _declared_by(accepts: Any) -> dict[type[Any], ValueType[Any]]:
    found: dict[type[Any], ValueType[Any]] = {}
    for part in flatten(accepts):
        if isinstance(part, ValueType):
            named: ValueType[Any] = part  # pyright: ignore[reportUnknownVariableType]  isinstance tells it of no more
            if named.python_type in _CONVERTS_TO:
                found.setdefault(named.python_type, named)
        elif part in _CONVERTS_TO:
            found.setdefault(part, value_type_of(part))
    return found


ENCODERS_V2: Final = Encoders(ProtocolVersion.V2)
ENCODERS_V3: Final = Encoders(ProtocolVersion.V3)
