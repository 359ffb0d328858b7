"""What a handler may do: `Context` records the effects of one invocation and does no I/O.

The rules that it must obey:

1. A value is encoded when it is sent: changing it afterwards does not change what was sent.
2. What an engine cannot carry out is refused here, since it would restart a whole Flink job: a negative delay, an empty
   cancellation token, an empty id, an egress or target that is not `<namespace>/<name>`.
3. A context belongs to one invocation. Using it after its handler returned raises: its effects could not be sent any more.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import Any, Final, NoReturn, TypeVar, overload

from google.protobuf import any_pb2

from statefun.activation import Activation
from statefun.address import Address, Egress, FunctionType, read_address, unchecked_address
from statefun.batch import ProtocolVersion
from statefun.errors import (
    AddressError,
    CancellationTokenError,
    ContextError,
    DelayError,
    MalformedRequestError,
    NoCallerError,
    TypenameError,
    UnsupportedError,
)
from statefun.errors.showing import shown
from statefun.expiration import milliseconds
from statefun.memo import LONGEST_NAME
from statefun.model.kafka import KafkaEgress
from statefun.model.kinesis import KinesisEgress
from statefun.records import KafkaRecord, KinesisRecord
from statefun.statehandle import StateHandle
from statefun.statesbyname import spec_by_name, unpacked
from statefun.types import ANY, ValueType
from statefun.wire import is_text

__all__ = ["Context"]

M = TypeVar("M")

_ABSENT: Final[Any] = object()


@lru_cache(maxsize=4096)
def _function_type(typename: str) -> FunctionType[Any]:
    return FunctionType(typename)


@lru_cache(maxsize=4096)
def _egress(typename: str) -> Egress[Any]:
    return Egress(typename)


class Context:
    """What a handler knows about the current invocation, and what it may do.

    A context does nothing itself: it records messages, egress records and state, which the engine carries out together when
    the whole batch has succeeded, or not at all.

    Raises:
        ContextClosedError: by each of its methods, when its handler has returned.

    >>> from datetime import timedelta
    >>> from statefun import Context, FunctionType, StatefulFunctions
    >>> counters = FunctionType[int]("example/counter")
    >>> functions = StatefulFunctions()
    >>> @functions.bind("example/visit")
    ... def visit(context: Context, name: str) -> None:
    ...     context.send(counters.at(name), 1)
    ...     context.send_after(timedelta(hours=1), counters.at(name), -1)
    ...     if context.caller is not None:
    ...         context.reply(f"Hello {name}")
    """

    __slots__ = ("_activation", "_caller")

    # States are asked for by name; without this, Python would take `name in context` for a question about state 0.
    __iter__: None = None
    __contains__: None = None

    def __init__(self, activation: Activation, caller: bytes) -> None:
        self._activation = activation
        self._caller = caller

    def __reduce__(self) -> NoReturn:
        """Refuses copies and pickles: a copy would outlive the handler, and what is done with it be lost silently."""
        raise ContextError(
            "a context is copied or pickled, and belongs to one invocation",
            hint="copy what it tells, such as context.address, in place of the context",
        )

    # --- whom is this about -----------------------------------------------------------------------------------------

    @property
    def address(self) -> Address[Any]:
        """The address of the function that runs."""
        activation = self._activation
        address = activation.address
        if address is None:
            address = activation.address = unchecked_address(activation.function_type, activation.identity)
        return address

    @property
    def caller(self) -> Address[Any] | None:
        """The address of the sender; None when the message came from an ingress.

        Raises:
            MalformedRequestError: what the engine sent is no address.
        """
        self._activation.identity  # noqa: B018  a closed context raises
        caller = self._caller
        if not caller:
            return None
        try:
            namespace, name, identity = read_address(caller)
        except MalformedRequestError as error:
            self._activation.cells.malformed = error
            raise
        if not (namespace or name or identity):  # a 2.2 engine may send an empty address for no caller
            return None
        typename = f"{namespace}/{name}"
        try:
            # A long one is no program's name, and is not to be kept.
            function_type = _function_type(typename) if len(typename) <= LONGEST_NAME else FunctionType[Any](typename)
        except TypenameError as error:
            malformed = MalformedRequestError(f"the caller has no function type: {error.message}")
            self._activation.cells.malformed = malformed
            raise malformed from error
        return unchecked_address(function_type, identity)

    # --- messages ---------------------------------------------------------------------------------------------------

    @overload
    def send(self, to: Address[M], message: M, /, *, type: ValueType[Any] | None = None) -> None: ...
    @overload
    def send(self, typename: str, id: str, message: Any, /, *, type: ValueType[Any] | None = None) -> None: ...
    @overload
    def send(self, typename: str, id: str, message: Any, *, type: ValueType[Any] | None = None) -> None: ...
    def send(self, typename: Any, id: Any, message: Any = _ABSENT, *, type: ValueType[Any] | None = None) -> None:
        """Sends a message to a function: `send(address, message)` or `send(typename, id, message)`.

        Args:
            typename: The receiver's Address, or its function type `<namespace>/<name>`.
            id: The message, or the receiver's id.
            message: The message, behind a typename and an id.
            type: The value type of a message whose class does not tell.

        Raises:
            AddressError: it is no address, or its id is empty or no str of valid Unicode.
            TypenameError: the function type is not `<namespace>/<name>`.
            ValueTypeError: the message has no name on the wire.
        """
        if message is _ABSENT:
            if typename.__class__ is not Address:
                raise _no_address(typename)
            to, message = typename, id
        else:
            to = _function_type(typename).at(id)
        activation = self._activation
        known = activation.by_class.get(message.__class__)
        if known is None or type is not None:
            heads, value = activation.encoders.encode(message, type, to.function_type.accepts)
        else:
            heads, encode = known
            try:
                value = encode(message)
            except Exception:  # noqa: BLE001  a user's encoder may raise anything: asked again in the slow way, it is a ValueTypeError
                heads, value = activation.encoders.encode(message)
        activation.outgoing.message(to, heads, value)

    @overload
    def send_after(
        self,
        delay: timedelta,
        to: Address[M],
        message: M,
        /,
        *,
        cancellation_token: str | None = None,
        type: ValueType[Any] | None = None,
    ) -> None: ...
    @overload
    def send_after(
        self,
        delay: timedelta,
        typename: str,
        id: str,
        message: Any,
        *,
        cancellation_token: str | None = None,
        type: ValueType[Any] | None = None,
    ) -> None: ...
    def send_after(
        self,
        delay: timedelta,
        typename: Any,
        id: Any,
        message: Any = _ABSENT,
        *,
        cancellation_token: str | None = None,
        type: ValueType[Any] | None = None,
    ) -> None:
        """Sends a message that arrives after a delay, never earlier: `send_after(delay, address, message)`.

        Args:
            delay: Processing time, zero or more; milliseconds on the wire, rounded up.
            typename: The receiver's Address, or its function type.
            id: The message, or the receiver's id.
            message: The message, behind a typename and an id.
            cancellation_token: With it, `cancel(token)` takes the message back until it is due. Tokens belong to the
                function that sends; a token that is armed again replaces the message that it armed before.
            type: The value type of a message whose class does not tell.

        Raises:
            DelayError: the delay is negative, or no timedelta.
            CancellationTokenError: the token is empty.
            UnsupportedError: a token is given on the 2.2 protocol.
        """
        activation = self._activation
        if not isinstance(delay, timedelta):
            raise DelayError(f"the delay {shown(delay)} is no timedelta")
        if message is _ABSENT:
            to, message = typename, id
            if to.__class__ is not Address:
                raise _no_address(to)
        else:
            to = _function_type(typename).at(id)
        if delay < timedelta(0):
            raise DelayError(f"the delay {delay!r} is negative")
        token = "" if cancellation_token is None else self._wire_token(cancellation_token)
        heads, value = activation.encoders.encode(message, type, to.function_type.accepts)
        if token:
            # Arming a token that is still live restarts a Flink job; cancelling one that is not live does nothing.
            activation.outgoing.cancel(token)
        activation.outgoing.delay(milliseconds(delay), to, heads, value, token)

    def cancel(self, cancellation_token: str) -> None:
        """Takes back the delayed message that this function sent with the token, if it is not due yet.

        Raises:
            CancellationTokenError: the token is empty.
            UnsupportedError: on the 2.2 protocol, which has no cancellation.
        """
        self._activation.outgoing.cancel(self._wire_token(cancellation_token))

    def reply(self, message: Any, *, type: ValueType[Any] | None = None) -> None:
        """Sends a message to the caller.

        Raises:
            NoCallerError: the current message came from an ingress.
        """
        self.send(self._require_caller(), message, type=type)

    def reply_after(
        self,
        delay: timedelta,
        message: Any,
        *,
        cancellation_token: str | None = None,
        type: ValueType[Any] | None = None,
    ) -> None:
        """Sends a message to the caller that arrives after a delay; arguments and errors as in `send_after`.

        Raises:
            NoCallerError: the current message came from an ingress.
        """
        self.send_after(delay, self._require_caller(), message, cancellation_token=cancellation_token, type=type)

    # --- egress -----------------------------------------------------------------------------------------------------

    @overload
    def send_egress(self, to: Egress[M], message: M, /, *, type: ValueType[Any] | None = None) -> None: ...
    @overload
    def send_egress(self, to: KafkaEgress, message: KafkaRecord, /) -> None: ...
    @overload
    def send_egress(self, to: KinesisEgress, message: KinesisRecord, /) -> None: ...
    @overload
    def send_egress(self, typename: str, message: Any, *, type: ValueType[Any] | None = None) -> None: ...
    def send_egress(self, typename: Any, message: Any, *, type: ValueType[Any] | None = None) -> None:
        """Sends a message to an egress: `send_egress(egress, message)` or `send_egress(typename, message)`.

        A `KafkaEgress` takes a `KafkaRecord`, a `KinesisEgress` a `KinesisRecord`.

        Raises:
            TypenameError: the typename is not `<namespace>/<name>`.
            ValueTypeError: the message has no name on the wire.
        """
        activation = self._activation
        egress = typename if typename.__class__ is Egress else _egress_of(typename)
        known = activation.by_class.get(message.__class__)
        if known is None or type is not None:
            heads, value = activation.encoders.encode(message, type, egress.accepts)
        else:
            heads, encode = known
            try:
                value = encode(message)
            except Exception:  # noqa: BLE001  a user's encoder may raise anything: asked again in the slow way, it is a ValueTypeError
                heads, value = activation.encoders.encode(message)
        activation.outgoing.record(egress, heads, value)

    # --- state by name ----------------------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> Any:
        """The state of that name: decoded when a spec declares it, else an `Any` or None.

        Raises:
            UndeclaredStateError: no spec declares it, on the 3.x protocol.
            MissingStateError: the request does not carry it, on the 2.2 protocol.
        """
        activation = self._activation
        return activation.cells.read(spec_by_name(activation, name))

    def __setitem__(self, name: str, value: Any) -> None:
        """Stores the state of that name; None deletes it. An `Any` is unpacked to the declared type.

        Raises:
            StateTypeError: the value is not of the declared type.
            UndeclaredStateError, MissingStateError: as when it is read.
        """
        activation = self._activation
        spec = spec_by_name(activation, name)
        if isinstance(value, any_pb2.Any) and spec.value_type is not ANY:
            value = unpacked(activation, spec, value)
        activation.cells.write(spec, value)

    def __delitem__(self, name: str) -> None:
        """Deletes the state of that name.

        Raises:
            UndeclaredStateError, MissingStateError: as when it is read.
        """
        activation = self._activation
        activation.cells.delete(spec_by_name(activation, name))

    def state(self, name: str) -> StateHandle:
        """The state of that name with `pack` and `unpack`, as in the released 2.2 SDK."""
        return StateHandle(self, name)

    # --- the names of the 2.2 SDK -----------------------------------------------------------------------------------

    def pack_and_send(self, typename: str, id: str, message: Any) -> None:
        """The same as `send(typename, id, message)`."""
        self.send(typename, id, message)

    def pack_and_reply(self, message: Any) -> None:
        """The same as `reply(message)`."""
        self.reply(message)

    @overload
    def pack_and_send_after(self, delay: timedelta, typename: str, id: str, message: Any) -> None: ...
    @overload
    def pack_and_send_after(self, delay: str, typename: str, id: timedelta, message: Any, /) -> None: ...
    def pack_and_send_after(self, delay: Any, typename: Any, id: Any, message: Any) -> None:
        """The same as `send_after(delay, typename, id, message)`; the delay may stand third, as in the 2.2 SDK's example."""
        if isinstance(id, timedelta):
            delay, typename, id = id, delay, typename
        self.send_after(delay, typename, id, message)

    def pack_and_send_egress(self, typename: str, message: Any) -> None:
        """The same as `send_egress(typename, message)`."""
        self.send_egress(typename, message)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _require_caller(self) -> Address[Any]:
        caller = self.caller
        if caller is None:
            raise NoCallerError(f"{self.address} has no caller to reply to")
        return caller

    def _wire_token(self, token: object) -> str:
        activation = self._activation
        if activation.encoders.protocol is ProtocolVersion.V2:
            raise UnsupportedError(
                "the 2.2 protocol has no cancellation of delayed messages",
                hint="run the function on a 3.x engine or the embedded runtime, or ignore the message when it arrives",
            )
        if not token or not is_text(token):
            raise CancellationTokenError(f"the cancellation token {shown(token)} is empty, or no str of valid Unicode")
        # The engine keys tokens by the address id alone, so two function types with one id would collide.
        return f"{activation.function_type.typename}/{token}"


def _egress_of(to: Any) -> Egress[Any]:
    """The egress that is meant; what names none is refused with a TypenameError."""
    if isinstance(to, Egress):
        return to  # pyright: ignore[reportUnknownVariableType]  isinstance tells it of no more than an Egress[Unknown]
    id = to.id if isinstance(to, KafkaEgress | KinesisEgress) else to
    return _egress(id) if isinstance(id, str) else Egress(id)


def _no_address(to: object) -> ContextError:
    if isinstance(to, str):
        return AddressError(f"a message to {to!r} lacks an id", hint="send(typename, id, message)")
    return AddressError(
        f"{shown(to)} is no address", hint="send(Greeter.at(id), message), or send(typename, id, message)"
    )
