"""How a Python value is named and encoded: `ValueType`, and the look-up from a Python type to its value type.

A value type holds both encodings, since one class runs on both protocols:

================  =======================================  =============================================
value             3.x: typename, bytes                      2.2: type URL, bytes
================  =======================================  =============================================
protobuf message  `type.googleapis.com/<full name>`         the same
BOOL … STRING     `io.statefun.types/…`, its wrapper        the matching `google.protobuf.*Value`
BYTES             `google.protobuf.BytesValue`              the same
any other         its typename, its bytes                   the same
================  =======================================  =============================================
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Generic, Self, SupportsIndex, TypeVar, cast

from attrs import frozen
from google.protobuf import any_pb2
from google.protobuf.message import Message

from statefun.address import parse_typename
from statefun.arguments import FLAG, FUNCTION, check, instance_of
from statefun.batch import ProtocolVersion, TypedBytes
from statefun.errors import DefinitionError, MessageTypeError
from statefun.errors.showing import shown
from statefun.wire import TYPE_URL_PREFIX

__all__ = ["ANY", "Encoding", "ValueType", "message_name", "name_type", "named_types", "protobuf_type", "value_type_of"]

_CLASS: Final = instance_of(type, what="a class").or_none

T = TypeVar("T")
P = TypeVar("P", bound=Message)


@frozen
class Encoding(Generic[T]):
    """One protocol's name and bytes for a type.

    Attributes:
        typename: The name on the wire.
        encode: From a value to its bytes; raises TypeError or ValueError for a value that is not of the type.
        decode: Back again; raises for bytes that are not.
    """

    typename: str
    encode: Callable[[T], bytes]
    decode: Callable[[bytes], T]


class ValueType(Generic[T]):
    """How values of one Python type are named on the wire, encoded and decoded.

    Args:
        typename: The name on the wire, `<namespace>/<name>`.
        encode: From a value to its bytes.
        decode: From bytes to a value.
        python_type: The class of the values, where there is one; checked when a state is assigned.
        immutable: Whether a value can never change in place; such states need no comparison at the end of a batch.

    Raises:
        TypenameError: the typename has another form.
        DefinitionError: another argument is of another type.

    >>> from decimal import Decimal
    >>> MONEY = ValueType("shop/money", encode=lambda d: str(d).encode(), decode=lambda b: Decimal(b.decode()),
    ...                   python_type=Decimal, immutable=True)
    >>> MONEY.v3.encode(Decimal("1.50")), MONEY.typename
    (b'1.50', 'shop/money')
    """

    __slots__ = ("fingerprint", "immutable", "made_by", "python_type", "v2", "v3")

    v2: Encoding[T]
    v3: Encoding[T]
    python_type: type[Any] | None
    immutable: bool
    fingerprint: Callable[[T], bytes]
    """Bytes that are equal for equal values within one process, whatever order a map has."""
    made_by: tuple[Callable[..., ValueType[Any]], tuple[Any, ...]] | None
    """What makes it in another process, called with what, where its functions cannot be pickled."""

    def __init__(
        self,
        typename: str,
        *,
        encode: Callable[[T], bytes],
        decode: Callable[[bytes], T],
        python_type: type[Any] | None = None,
        immutable: bool = False,
    ) -> None:
        parse_typename(typename, "value typename")
        owner = f"the ValueType {typename!r}"
        check(owner, "encode", encode, FUNCTION)
        check(owner, "decode", decode, FUNCTION)
        check(owner, "python_type", python_type, _CLASS)
        check(owner, "immutable", immutable, FLAG)
        encoding = Encoding(typename, encode, decode)
        self._set(encoding, encoding, python_type, immutable, encode)

    @classmethod
    def of(
        cls,
        v2: Encoding[T],
        v3: Encoding[T],
        *,
        python_type: type[Any] | None = None,
        immutable: bool = False,
        fingerprint: Callable[[T], bytes] | None = None,
    ) -> ValueType[T]:
        """A type whose name or bytes differ between the protocols."""
        made = cls.__new__(cls)
        made._set(v2, v3, python_type, immutable, v3.encode if fingerprint is None else fingerprint)
        return made

    def _set(
        self,
        v2: Encoding[T],
        v3: Encoding[T],
        python_type: type[Any] | None,
        immutable: bool,
        fingerprint: Callable[[T], bytes],
    ) -> None:
        self.v2 = v2
        self.v3 = v3
        self.python_type = python_type
        self.immutable = immutable
        self.fingerprint = fingerprint
        self.made_by = None

    def __copy__(self) -> Self:
        return self  # it does not change

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        """Pickles what a Python type stands for by that Python type, so that it is the one of the process that reads it."""
        python_type = self.python_type
        made_by = self.made_by
        if python_type is not None and _by_python_type.get(python_type) is self:
            return (value_type_of, (python_type,)) if made_by is None else (_known_or_made, (python_type, *made_by))
        return super().__reduce_ex__(protocol) if made_by is None else made_by

    @property
    def typename(self) -> str:
        """The name in the 3.x protocol, the one that is stored and declared."""
        return self.v3.typename

    def encoding(self, protocol: ProtocolVersion) -> Encoding[T]:
        """The encoding of one protocol."""
        return self.v3 if protocol is ProtocolVersion.V3 else self.v2

    def encode(self, value: T, protocol: ProtocolVersion) -> TypedBytes:
        """A value with its name, as it travels in the protocol."""
        encoding = self.encoding(protocol)
        return TypedBytes(encoding.typename, encoding.encode(value))

    def decode(self, value: TypedBytes, protocol: ProtocolVersion) -> T:
        """The value that the bytes hold; the caller has checked its name with `matches`."""
        return self.encoding(protocol).decode(value.value)

    def matches(self, typename: str, protocol: ProtocolVersion) -> bool:
        """Whether a name on the wire means this type.

        3.x compares whole names. 2.2 compares protobuf names behind the last slash, since hosts differ between
        configurations (`com.googleapis/…`); the name of a custom type holds its own slash and is compared whole.
        """
        if protocol is ProtocolVersion.V3:
            return typename == self.v3.typename
        own = self.v2.typename
        return typename == own or (own.startswith(TYPE_URL_PREFIX) and message_name(typename) == message_name(own))

    def __repr__(self) -> str:
        return f"ValueType({self.typename!r})"


def message_name(type_url: str) -> str:
    """The full name of a protobuf message in its type URL.

    >>> message_name("com.googleapis/google.protobuf.StringValue")
    'google.protobuf.StringValue'
    """
    return type_url.rpartition("/")[2]


class _AnyType(ValueType[any_pb2.Any]):
    """An Any as it is: on 2.2 it *is* the value, on 3.x a state of this type holds it as a protobuf message."""

    __slots__ = ()

    def encode(self, value: any_pb2.Any, protocol: ProtocolVersion) -> TypedBytes:
        if protocol is ProtocolVersion.V3:
            return super().encode(value, protocol)
        if not value.type_url:
            raise ValueError("an Any without a type URL is no value on the 2.2 protocol")
        return TypedBytes(value.type_url, value.value)

    def decode(self, value: TypedBytes, protocol: ProtocolVersion) -> any_pb2.Any:
        if protocol is ProtocolVersion.V3:
            return super().decode(value, protocol)
        return any_pb2.Any(type_url=value.typename, value=value.value)

    def matches(self, typename: str, protocol: ProtocolVersion) -> bool:
        return protocol is ProtocolVersion.V2 or super().matches(typename, protocol)


def _deterministic(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)


_by_python_type: Final[dict[type[Any], ValueType[Any]]] = {}


def protobuf_type(message_class: type[P]) -> ValueType[P]:
    """The value type of a protobuf message class, the same object at every call.

    >>> from google.protobuf.wrappers_pb2 import StringValue
    >>> protobuf_type(StringValue).typename
    'type.googleapis.com/google.protobuf.StringValue'
    """
    known: ValueType[P] | None = _by_python_type.get(message_class)
    if known is None:
        encoding = Encoding[P](
            TYPE_URL_PREFIX + message_class.DESCRIPTOR.full_name,
            message_class.SerializeToString,
            message_class.FromString,
        )
        known = ValueType[P].of(encoding, encoding, python_type=message_class, fingerprint=_deterministic)
        _by_python_type[message_class] = known
    return known


def name_type(python_type: type[Any], value_type: ValueType[Any]) -> None:
    """Lets a Python type stand for its value type in hints, specs and sends.

    Raises:
        DefinitionError: the Python type has another name already.
    """
    known = _by_python_type.setdefault(python_type, value_type)
    if known.typename != value_type.typename:
        raise DefinitionError(
            f"{python_type.__qualname__} is named {known.typename!r} already and cannot be named {value_type.typename!r} too",
            hint="give a Python type one name, or pass the other ValueType beside the value: `send(to, value, type=OTHER)`",
        )
    _by_python_type[python_type] = value_type


def named_types() -> dict[type[Any], ValueType[Any]]:
    """The Python types that have a name so far, with their value types."""
    return dict(_by_python_type)


def _known_or_made(
    python_type: type[Any], make: Callable[..., ValueType[Any]], arguments: tuple[Any, ...]
) -> ValueType[Any]:
    """A value type that was pickled: what its Python type stands for here, or the same made anew."""
    known = _by_python_type.get(python_type)
    return make(*arguments) if known is None else known


def value_type_of(declared: object) -> ValueType[Any]:
    """The value type that a hint, a spec or a value's class names.

    Args:
        declared: A ValueType, a protobuf message class, a class that `json_type` named, or bool, int, float, str, bytes.

    Raises:
        MessageTypeError: it has no name on the wire.
    """
    if isinstance(declared, ValueType):
        return declared  # pyright: ignore[reportUnknownVariableType]  of any type
    if isinstance(declared, type):
        known = _by_python_type.get(declared)
        if known is not None:
            return known
        if issubclass(declared, Message) and declared is not Message:
            return protobuf_type(declared)
    if declared is Any:
        raise MessageTypeError(
            "typing.Any has no name on the wire",
            hint="for a packed message of any type use `google.protobuf.any_pb2.Any`",
        )
    which = cast("type[Any]", declared).__qualname__ if isinstance(declared, type) else shown(declared)
    raise MessageTypeError(f"the type {which} has no name on the wire")


ANY: Final[ValueType[any_pb2.Any]] = _AnyType.of(
    Encoding("", any_pb2.Any.SerializeToString, any_pb2.Any.FromString),  # 2.2: the name is each value's own
    Encoding(TYPE_URL_PREFIX + "google.protobuf.Any", any_pb2.Any.SerializeToString, any_pb2.Any.FromString),
    python_type=any_pb2.Any,
    fingerprint=_deterministic,
)
name_type(any_pb2.Any, ANY)
