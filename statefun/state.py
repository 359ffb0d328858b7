"""State: `ValueSpec` declares one state of a function, `Cells` holds the states of one batch.

The rules that `Cells` must obey:

1. A state is decoded when it is first read, and encoded once, at the end of the batch; untouched states are neither.
2. `None` is absence: assigning it deletes, like `del`. The last of set and del wins. 0, "" and empty messages are values.
3. Assigning is a write, even of an equal value. A value that was only read is written if it was changed in place.
4. A mutable default is copied for each batch, and is not written until it is assigned or changed in place.
5. After `del`, a state with a default reads its default. A state that the request does not hold is not deleted again.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from copy import deepcopy
from types import MappingProxyType
from typing import Any, Final, Generic, NoReturn, Protocol, Self, SupportsIndex, TypeVar, overload

from statefun.arguments import TEXT, check, instance_of
from statefun.batch import ProtocolVersion, StateDeclaration, TypedBytes
from statefun.errors import (
    ContextClosedError,
    ContextError,
    DefinitionError,
    MalformedRequestError,
    MissingStateError,
    StateDecodeError,
    StateEncodeError,
    StateTypeError,
)
from statefun.errors.passing import is_for_the_caller
from statefun.errors.showing import shown, shown_error
from statefun.expiration import Expiration
from statefun.outgoing import Heads, deletion
from statefun.types import ANY, ValueType, value_type_of

__all__ = ["Cells", "ValueSpec", "detached_cells"]

R = TypeVar("R")
T = TypeVar("T")

_V3: Final = ProtocolVersion.V3
_EXPIRATION: Final = instance_of(Expiration, what="an Expiration: `expire=after_write(timedelta(days=30))`").or_none


class ValueSpec(Generic[R]):
    """Declares one state of a function; R is the type that reads.

    In a class it is an attribute that reads and writes the state; for a decorated function it stands in `specs=[…]`.

    Args:
        type: A value type such as LONG, a protobuf class, or a class that `json_type` named.
        default: What an absent state reads; None without it. A mutable default is copied, never shared.
        expire: When the state expires, `after_write(…)` or `after_call(…)`; never without it.
        name: The name under which the engine stores it; the attribute's own name without it.

    Raises:
        DefinitionError: the name is empty, or the default is not of the type.
        MessageTypeError: the type has no name on the wire.

    >>> from statefun import LONG, ValueSpec
    >>> spec = ValueSpec(LONG, default=0, name="count")
    >>> spec.name, spec.value_type, spec.default
    ('count', ValueType('io.statefun.types/long'), 0)
    """

    __slots__ = ("default", "expire", "name", "named_by", "value_type")

    value_type: ValueType[Any]
    default: R | None
    expire: Expiration | None
    name: str
    named_by: str | None
    """The attribute that gave it its name, where none was given."""

    @overload
    def __init__(
        self: ValueSpec[T | None], type: ValueType[T] | type[T], *, expire: Expiration | None = None, name: str = ...
    ) -> None: ...
    @overload
    def __init__(
        self: ValueSpec[T],
        type: ValueType[T] | type[T],
        *,
        default: T,
        expire: Expiration | None = None,
        name: str = ...,
    ) -> None: ...
    def __init__(
        self,
        type: Any,
        *,
        default: Any = None,
        expire: Expiration | None = None,
        name: str = "",
    ) -> None:
        check("a ValueSpec", "expire", expire, _EXPIRATION)
        check("a ValueSpec", "name", name, TEXT)
        self.value_type = value_type_of(type)
        self.default = None if default is None else _own_default(self.value_type, default)
        self.expire = expire
        self.name = name
        self.named_by = None

    def __set_name__(self, owner: type[Any], attribute: str) -> None:
        if not self.name:
            self.name = self.named_by = attribute

    def declaration(self) -> StateDeclaration:
        """What an engine is told about the state."""
        return StateDeclaration(self.name, self.value_type.typename, self.expire)

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type[Any]) -> R: ...
    def __get__(self, instance: Any, owner: type[Any]) -> Self | R:
        if instance is None:
            return self
        cells: Cells = instance._statefun_cells
        values = cells.values
        name = self.name
        if name in values:
            return values[name]  # type: ignore[no-any-return]  # R is told by the declaration alone
        value = values[name] = cells.initial(self)  # what `cells.read` does
        cells.touched[name] = self
        return value  # type: ignore[no-any-return]  # R is told by the declaration alone

    def __set__(self, instance: Any, value: R) -> None:
        cells: Cells = instance._statefun_cells
        name = self.name
        if value.__class__ is self.value_type.python_type:  # nothing to convert, and no None
            if cells.writes.get(name):  # not the first assignment
                cells.values[name] = value
                return
            if name in cells.touched:  # it was read, so the request carries it
                cells.values[name] = value
                cells.writes[name] = True
                return
        cells.write(self, value)

    def __delete__(self, instance: Any) -> None:
        cells: Cells = instance._statefun_cells
        cells.delete(self)

    def __repr__(self) -> str:
        return f"ValueSpec({self.value_type!r}, name={self.name!r})"


class StoredStates(Protocol):
    """Knows which states a request carries, and reads one from the request's entries."""

    @property
    def function(self) -> str:
        """The typename of the function that they belong to, for errors."""
        ...

    @property
    def protocol(self) -> ProtocolVersion:
        """The protocol of the request."""
        ...

    @property
    def names(self) -> Container[str]:
        """Those that the request carries."""
        ...

    def value(self, entries: Sequence[bytes], name: str) -> tuple[str, bytes] | None:
        """The typename and bytes of a state, or None when it is absent; raises KeyError when the request does not carry it."""
        ...


class _HandlerReturned:
    """What a context has for its activation when its handler has returned: whatever it asks of it raises.

    The states of its batch are it, since they know whose they are, and to make an object for each context or batch would cost more.
    """

    __slots__ = ()

    def _refuse(self) -> NoReturn:
        raise ContextClosedError(f"a context of {self}, is used after its handler returned")

    address = by_class = cells = encoders = function_type = identity = outgoing = specs = property(_refuse)


class Cells(_HandlerReturned):
    """The states of one batch of one address: what was stored, what the handlers made of it. Its str says whose they are.

    Args:
        entity: Which of the function's entities they belong to, for errors.
        entries: The states of the request, serialized.
        stored: Reads them.

    Attributes:
        values: What each state that was touched reads; a deleted one stands here only if it was read since.
        writes: The last word about each state that was assigned (True) or deleted (False).
        touched: The spec of each state that was read, assigned or deleted.
        malformed: What was last found wrong with the request while its handler ran; not there where nothing was, since a batch
            that nothing is wrong with is not to pay for it.
    """

    __slots__ = ("_entity", "_entries", "_stored", "malformed", "touched", "values", "writes")

    malformed: MalformedRequestError

    def __init__(self, entity: str, entries: Sequence[bytes], stored: StoredStates) -> None:
        self._entity = entity
        self._entries = entries
        self._stored = stored
        self.touched: dict[str, ValueSpec[Any]] = {}
        self.values: dict[str, Any] = {}
        self.writes: dict[str, bool] = {}

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        """Refuses copies and pickles of what belongs to a batch: what is done with a copy would be lost silently."""
        if isinstance(self._stored, _NothingStored):
            return super().__reduce_ex__(protocol)
        raise ContextError(
            f"the states of {self}, are copied or pickled, and belong to one batch",
            hint="copy their values, in place of the function object",
        )

    def __str__(self) -> str:
        return f"{self._stored.function}, id {self._entity!r}"

    def read(self, spec: ValueSpec[Any]) -> Any:
        """The state's value: assigned in this batch, stored, or its default."""
        values = self.values
        name = spec.name
        if name in values:
            return values[name]
        value = values[name] = self.initial(spec)
        self.touched[name] = spec
        return value

    def write(self, spec: ValueSpec[Any], value: Any) -> None:
        """Assigns the state; None deletes it."""
        if value is None:
            self.delete(spec)
            return
        name = spec.name
        if value.__class__ is not spec.value_type.python_type:
            value = _typed(spec.value_type, value, f"state {name!r} of {self._stored.function}", StateTypeError)
        if name not in self.touched:
            self._touch(spec)
        self.values[name] = value
        self.writes[name] = True

    def delete(self, spec: ValueSpec[Any]) -> None:
        """Deletes the state."""
        self._touch(spec)
        self.values.pop(spec.name, None)
        self.writes[spec.name] = False

    def mutations(self, heads: Mapping[str, Heads]) -> list[bytes]:
        """What the batch did to its states, as pieces of a response. Closes them: later use raises.

        Args:
            heads: What stands before a value, by the name of its type.
        """
        mutations: list[bytes] = []
        values, writes = self.values, self.writes
        protocol = self._stored.protocol
        for name, spec in self.touched.items():
            value_type = spec.value_type
            write = writes.get(name)
            value = values.get(name)
            if write or (value is not None and not value_type.immutable and self._changed(spec, value)):
                encoding = value_type.v3 if protocol is _V3 else value_type.v2
                typename = encoding.typename
                try:
                    if typename:
                        encoded = encoding.encode(value)
                    else:
                        typename, encoded = value_type.encode(value, protocol)
                    mutations.append(heads[typename].mutations[name][len(encoded)])
                    mutations.append(encoded)
                except BaseException as error:  # a user's encoder may raise anything
                    if is_for_the_caller(error):
                        raise
                    raise self._unencodable(spec, value, error) from error
            elif write is False and self._stored.value(self._entries, name) is not None:
                mutations.append(deletion(name))
        self._entries = ()  # `close`, without its call
        self.values = self.writes = self.touched = _CLOSED
        return mutations

    def close(self) -> None:
        """Makes every later use of these states raise, so that a write after the batch is not lost silently."""
        self._entries = ()
        self.values = self.writes = self.touched = _CLOSED

    def _touch(self, spec: ValueSpec[Any]) -> None:
        if self.touched is _CLOSED or spec.name not in self._stored.names:
            raise self._missing(spec.name)
        self.touched[spec.name] = spec

    def _missing(self, name: str) -> MissingStateError | ContextClosedError:
        if self.touched is _CLOSED:
            return ContextClosedError(f"the state {name!r} of {self}, is used after its batch ended")
        return MissingStateError(
            f"the request carries no state {name!r} of {self._stored.function}",
            hint="list the state under `states` of the function in module.yaml: a 2.2 engine sends no others",
        )

    def initial(self, spec: ValueSpec[Any]) -> Any:
        """What the state reads before anything is assigned: stored or, absent or deleted, a fresh copy of its default."""
        name = spec.name
        value_type = spec.value_type
        try:
            typed = None if name in self.writes else self._stored.value(self._entries, name)
        except LookupError:  # the request does not carry it, or nothing is left of the request
            raise self._missing(name) from None
        except MalformedRequestError as error:
            self.malformed = error
            raise
        if typed is None:
            return spec.default if value_type.immutable else deepcopy(spec.default)
        typename, data = typed
        protocol = self._stored.protocol
        encoding = value_type.v3 if protocol is _V3 else value_type.v2
        try:
            if typename == encoding.typename:
                return encoding.decode(data)
            if value_type.matches(typename, protocol):
                return value_type.decode(TypedBytes(typename, data), protocol)
        except Exception as error:  # a user's decoder may raise anything
            raise StateDecodeError(
                f"the {len(data)} bytes of state {name!r} of {self._stored.function} do not decode as {typename!r}: {shown_error(error)}",
                hint="the type's encoding changed since the value was stored: read the old bytes too, or use another name",
            ) from error
        raise StateTypeError(
            f"state {name!r} of {self._stored.function} holds a value of type {typename!r}, "
            f"and its spec declares {encoding.typename!r}",
            hint="declare the type that is stored, or store the new type under another name",
        )

    def _changed(self, spec: ValueSpec[Any], value: Any) -> bool:
        # Both sides take the same road, decoded and encoded again, so that map order and unknown fields do not matter,
        # and 1 and True, which Python calls equal, do.
        initial = self.initial(spec)
        try:
            return initial is None or spec.value_type.fingerprint(value) != spec.value_type.fingerprint(initial)
        except BaseException as error:
            if is_for_the_caller(error):
                raise
            return True  # it was changed to what cannot be encoded, and encoding it says what

    def _unencodable(self, spec: ValueSpec[Any], value: Any, error: BaseException) -> StateEncodeError:
        return StateEncodeError(
            f"state {spec.name!r} of {self._stored.function} cannot hold {type(value).__name__} {shown(value)}: {shown_error(error)}",
            hint=f"assign what {spec.value_type!r} can encode",
        )


_CLOSED: Final[Any] = MappingProxyType(dict[str, Any]())
"""Stands in for what is known of the states of a batch that has ended: nothing, and nothing is added."""


def _own_default(value_type: ValueType[Any], default: Any) -> Any:
    """The default, shared with nobody: its giver may change what it gave."""
    typed = _typed(value_type, default, "the default of a state", DefinitionError)
    try:
        return typed if value_type.immutable else deepcopy(typed)
    except Exception as error:  # whatever copying a user's object raises
        raise DefinitionError(
            f"the default of a state, {shown(default)}, cannot be copied for each batch: {shown_error(error)}",
            hint="give a value that copy.deepcopy copies, or no default",
        ) from error


def _typed(value_type: ValueType[Any], value: Any, what: str, error: type[StateTypeError | DefinitionError]) -> Any:
    """The value, if its class is the declared one or converts without loss as a type checker allows."""
    expected = value_type.python_type
    if expected is None or isinstance(value, expected):
        return int(value) if value.__class__ is bool and expected is int else value
    if expected is float and isinstance(value, int):
        try:
            return float(value)
        except OverflowError as overflow:
            raise error(
                f"{what} is declared as {value_type!r} and cannot hold {shown(value)}: {overflow}",
                hint="assign a number that a float can hold",
            ) from overflow
    wanted = "the message packed into an Any" if value_type is ANY else f"a {expected.__name__}"
    raise error(
        f"{what} is declared as {value_type!r} and cannot be {type(value).__name__} {shown(value)}",
        hint=f"assign {wanted}, or None to delete the state",
    )


class _Everything:
    def __contains__(self, name: object) -> bool:
        return True


class _NothingStored:
    """The stored states of a function object that no batch made: every state is there, and absent."""

    protocol = _V3
    names = _Everything()

    def __init__(self, function: str) -> None:
        self.function: Final = function

    def value(self, entries: Sequence[bytes], name: str) -> None:
        return None


def detached_cells(function: str) -> Cells:
    """States in memory alone, for a function object that a test makes by hand."""
    return Cells("", (), _NothingStored(function))
