"""Whom a message goes to: `Address`, `FunctionType` and `Egress`, each typed by the messages it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, get_args

from attrs import Factory, define, field, frozen, setters
from google.protobuf.message import DecodeError
from typing_extensions import TypeVar

from statefun.errors import AddressError, MalformedRequestError, TypenameError
from statefun.errors.showing import shown
from statefun.memo import MemoBySize
from statefun.wire import LENGTH_DELIMITED, is_text, text, unknown_fields, varint

__all__ = [
    "Address",
    "Egress",
    "FunctionType",
    "check_address",
    "parse_typename",
    "read_address",
    "unchecked_address",
]

M_contra = TypeVar("M_contra", contravariant=True, default=Any)


def parse_typename(typename: str, what: str = "typename") -> tuple[str, str]:
    """Splits `<namespace>/<name>`.

    Args:
        typename: The text to split.
        what: What the name is of, for the error.

    Raises:
        TypenameError: it is no str of valid Unicode, there is not exactly one slash, or one of its sides is empty.

    >>> parse_typename("example/greeter")
    ('example', 'greeter')
    """
    if not is_text(typename):
        raise TypenameError(f"{what} {shown(typename)} is not a str of valid Unicode")
    namespace, slash, name = typename.partition("/")
    if not slash or not namespace or not name or "/" in name:
        raise TypenameError(f"{what} {typename!r} is not of the form <namespace>/<name>")
    return namespace, name


def _namespace(named: FunctionType[Any] | Egress[Any]) -> str:
    return parse_typename(named.typename, f"{type(named).__name__} typename")[0]


def _name(named: FunctionType[Any] | Egress[Any]) -> str:
    return named.typename.partition("/")[2]


def _accepts(named: FunctionType[Any] | Egress[Any]) -> Any:
    if named.hint is not None:
        return named.hint
    arguments = get_args(getattr(named, "__orig_class__", None))
    return arguments[0] if arguments else None


def _wire_head(named: FunctionType[Any] | Egress[Any]) -> bytes:
    return text(b"\x0a", named.namespace) + text(b"\x12", named.name)


def _wire_heads(function: FunctionType[Any]) -> Mapping[int, bytes]:
    def make(size: int) -> bytes:
        if not size:  # an engine could not deliver what goes there
            _check_identity(function, "")
        head = function.wire_head + b"\x1a" + varint(size)
        return b"\x0a" + varint(len(head) + size) + head

    return MemoBySize(make)


def _again(typename: str, hint: Any, orig_class: Any) -> FunctionType[Any]:
    """A function type that was pickled: what it remembers for speed is made anew, and holds a function of this process."""
    made: FunctionType[Any] = FunctionType(typename, hint=hint)
    if orig_class is not None:
        vars(made)["__orig_class__"] = orig_class
    return made


# `setters.frozen` refuses to change a field, and lets typing set `__orig_class__`, the one place that remembers the M of
# `FunctionType[M]("ns/name")`.
@define(slots=False, on_setattr=setters.frozen, unsafe_hash=True)
class FunctionType(Generic[M_contra]):
    """The type of a function, perhaps one in another service or language, and the messages that it takes.

    Args:
        typename: `<namespace>/<name>`.
        hint: The messages that it takes, as an annotation has them, where they are not told by the M of `FunctionType[M](…)`.

    Attributes:
        namespace: What stands before the slash of the typename.
        name: What stands behind it.

    Raises:
        TypenameError: the typename has another form.

    >>> counters = FunctionType[int]("example/counter")
    >>> counters.at("7")
    Address('example/counter/7')
    """

    typename: str
    hint: Any = field(default=None, eq=False, repr=False, kw_only=True)
    namespace: str = field(init=False, eq=False, repr=False, default=Factory(_namespace, takes_self=True))
    name: str = field(init=False, eq=False, repr=False, default=Factory(_name, takes_self=True))
    wire_head: bytes = field(init=False, eq=False, repr=False, default=Factory(_wire_head, takes_self=True))
    """Fields 1 and 2 of an Address, the same in both protocols."""
    wire_heads: Mapping[int, bytes] = field(
        init=False, eq=False, repr=False, default=Factory(_wire_heads, takes_self=True)
    )
    """What stands before the bytes of an id where an Address is field 1 of something else, by how many they are."""

    @property
    def accepts(self) -> Any:
        """The type hint of the messages that the function takes, None where none is declared."""
        return _accepts(self)

    def __reduce__(self) -> tuple[Callable[..., FunctionType[Any]], tuple[Any, ...]]:
        return _again, (self.typename, self.hint, getattr(self, "__orig_class__", None))

    def at(self, identity: str) -> Address[M_contra]:
        """The address of one entity of this type.

        Raises:
            AddressError: the id is empty or no str.
        """
        if not identity or identity.__class__ is not str:
            _check_identity(self, identity)
        made: Address[M_contra] = _new(Address)  # what Address(…) does, at half of its price
        _set_function_type(made, self)
        _set_identity(made, identity)
        return made


@define(slots=False, on_setattr=setters.frozen, unsafe_hash=True)
class Egress(Generic[M_contra]):
    """Where messages leave for another system, and the messages that it takes.

    Args:
        typename: `<namespace>/<name>`.
        hint: The messages that it takes, as an annotation has them, where they are not told by the M of `Egress[M](…)`.

    Attributes:
        namespace: What stands before the slash of the typename.
        name: What stands behind it.

    Raises:
        TypenameError: the typename has another form.

    >>> Egress[str]("example/greetings").name
    'greetings'
    """

    typename: str
    hint: Any = field(default=None, eq=False, repr=False, kw_only=True)
    namespace: str = field(init=False, eq=False, repr=False, default=Factory(_namespace, takes_self=True))
    name: str = field(init=False, eq=False, repr=False, default=Factory(_name, takes_self=True))
    wire_head: bytes = field(init=False, eq=False, repr=False, default=Factory(_wire_head, takes_self=True))
    """Fields 1 and 2 of an EgressMessage, the same in both protocols."""

    @property
    def accepts(self) -> Any:
        """The type hint of the messages that the egress takes, None where none is declared."""
        return _accepts(self)


def _is_function_type(_address: object, _attribute: object, value: object) -> None:
    if not isinstance(value, FunctionType):
        raise AddressError(
            f"an Address is given function_type={shown(value)}",
            hint="give a FunctionType, or write `Address.parse` of a text, or `at` of a function class",
        )


@frozen(weakref_slot=False)
class Address(Generic[M_contra]):
    """One entity: a function type and an id. Its text form is `<namespace>/<type>/<id>`.

    Attributes:
        function_type: Which function it is an entity of.
        identity: Which of its entities, a text of at least one character.

    >>> address = Address.parse("example/greeter/bob")
    >>> address.namespace, address.type, address.identity
    ('example', 'greeter', 'bob')
    >>> address.typename()
    'example/greeter'
    """

    function_type: FunctionType[M_contra] = field(validator=_is_function_type)
    identity: str

    @property
    def namespace(self) -> str:
        """The part of the function type before the slash."""
        return self.function_type.namespace

    @property
    def type(self) -> str:
        """The part of the function type behind the slash."""
        return self.function_type.name

    @property
    def id(self) -> str:
        """The same as `identity`: the name that the engines use."""
        return self.identity

    def typename(self) -> str:
        """The function type as one text; a method, as on the seed's page."""
        return self.function_type.typename

    @classmethod
    def parse(cls, value: str) -> Address[Any]:
        """Reads the canonical text form; an id may hold slashes.

        Raises:
            AddressError: the text has another form.

        >>> Address.parse("example/greeter/a/b").identity
        'a/b'
        """
        parts = value.split("/", 2) if is_text(value) else ()
        if len(parts) != 3 or not all(parts):
            raise AddressError(
                f"{shown(value)} is not an address", hint="write `<namespace>/<type>/<id>`, with no part empty"
            )
        return Address(FunctionType(f"{parts[0]}/{parts[1]}"), parts[2])

    def __str__(self) -> str:
        return f"{self.function_type.typename}/{self.identity}"

    def __repr__(self) -> str:
        return f"Address({str(self)!r})"


_new: Final = object.__new__
_set_function_type: Final[Callable[[Address[Any], object], None]] = vars(Address)["function_type"].__set__
_set_identity: Final[Callable[[Address[Any], str], None]] = vars(Address)["identity"].__set__


def unchecked_address(function: FunctionType[Any], identity: str) -> Address[Any]:
    """An address as an engine sent it, whatever its id; cheaper than `Address(…)`, whose attributes are set by their names."""
    made: Address[Any] = _new(Address)
    _set_function_type(made, function)
    _set_identity(made, identity)
    return made


def read_address(raw: bytes) -> tuple[str, str, str]:
    r"""Namespace, type and id of a serialized Address, the same bytes in both protocols; empty for what is not there.

    Raises:
        MalformedRequestError: the bytes are no Address.

    >>> read_address(b"\x0a\x01a\x12\x01b\x1a\x03bob")
    ('a', 'b', 'bob')
    """
    # 0a <namespace> 12 <type> 1a <id>, each behind its length: so everybody writes one whose parts are shorter than 128 bytes.
    try:
        name = 2 + raw[1]
        identity = name + 2 + raw[name + 1]
        if (
            raw[0] == 0x0A
            and raw[name] == 0x12
            and raw[identity] == 0x1A
            and identity + 2 + raw[identity + 1] == len(raw)
        ):
            if raw.isascii():
                whole = raw.decode()
                return whole[2:name], whole[name + 2 : identity], whole[identity + 2 :]
            if raw[1] | raw[name + 1] | raw[identity + 1] < 0x80:
                return raw[2:name].decode(), raw[name + 2 : identity].decode(), raw[identity + 2 :].decode()
    except (IndexError, UnicodeDecodeError):
        pass  # read below, which tells what is wrong where it is
    try:
        names = {
            number: data.decode()
            for number, wire_type, data in unknown_fields(raw)
            if number <= 3 and wire_type == LENGTH_DELIMITED
        }
    except (DecodeError, UnicodeDecodeError) as error:
        raise MalformedRequestError(f"{len(raw)} bytes of an address are none: {error}") from error
    return names.get(1, ""), names.get(2, ""), names.get(3, "")


def _check_identity(function: FunctionType[Any], identity: object) -> None:
    """Refuses an id that no address can have. One of a subclass of str is right.

    Raises:
        AddressError: it is empty, or no str of valid Unicode.
    """
    if not is_text(identity):
        raise AddressError(
            f"the id of an address of {function.typename} is {shown(identity)}, not a str of valid Unicode",
            hint="pass str(id)",
        )
    if not identity:
        raise AddressError(
            f"the id of an address of {function.typename} is empty", hint="give an id of at least one character"
        )


def check_address(address: Address[Any]) -> None:
    """Tells what is wrong with an address that was made by hand and cannot be written.

    Raises:
        AddressError: its function type is none, or its id is empty or no text.
    """
    function_type: object = address.function_type
    if not isinstance(function_type, FunctionType):
        raise AddressError(
            f"the function type of an address with the id {shown(address.identity)} is {shown(function_type)}",
            hint="write `Greeter.at(id)` or `FunctionType(typename).at(id)`",
        )
    _check_identity(address.function_type, address.identity)
