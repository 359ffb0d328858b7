"""One tree of errors; each has a stable code, an HTTP status and a hint that says how to mend it.

::

    StatefunError
    ├── DefinitionError            a mistake in the code that declares functions, found at registration
    │   ├── TypenameError          a name that is not `<namespace>/<name>`
    │   ├── MissingTypenameError   a class without a name is asked for its address or registered
    │   ├── DuplicateFunctionError two functions under one function type
    │   ├── DuplicateStateError    two states of one function under one name
    │   ├── HandlerSignatureError  a handler that does not take a context and a message
    │   ├── AnnotationError        an annotation of a message that cannot be resolved
    │   ├── MessageTypeError       a Python type that has no name on the wire
    │   ├── RouteError             handlers and declared message types that contradict each other
    │   ├── FrozenRegistryError    a registration after a handler was made
    │   ├── AsyncFunctionError     an `async def` on the synchronous handler
    │   ├── FactoryError           a factory that does not make a new function object
    │   ├── BindingError           an ingress or egress that contradicts itself, its messages or the functions
    │   └── PackageClashError      another distribution owns the import name `statefun` too
    ├── ProtocolError              bytes that can never be served
    │   ├── MalformedRequestError  a body that is not a request of either protocol
    │   ├── EmptyBatchError        a request without an invocation
    │   ├── MessageDecodeError     a message that does not decode as the type it names
    │   ├── MalformedResponseError bytes from a function that are not a response (the engine's role)
    │   └── LimitError             a body or a batch over its limit
    ├── RoutingError               a request for what is not here
    │   ├── UnknownFunctionError   a function type that nobody registered
    │   └── UnhandledMessageError  a message type that the function does not handle
    ├── StateError                 a state that is not what its declaration says
    │   ├── UndeclaredStateError   a state that was never declared
    │   ├── MissingStateError      a declared state that the request does not carry
    │   ├── StateTypeError         a stored or assigned value of another type than declared
    │   ├── StateDecodeError       stored bytes that do not decode as the type they name
    │   └── StateEncodeError       a value that its declared type cannot encode
    ├── ContextError               a use of the context that no engine could carry out
    │   ├── ContextClosedError     a context that is used after its handler returned
    │   ├── NoCallerError          a reply to a message that came from an ingress
    │   ├── AddressError           an address with an empty id, or a text that is not an address
    │   ├── DelayError             a negative delay
    │   ├── CancellationTokenError an empty cancellation token
    │   ├── ValueTypeError         a value that has no name on the wire, or not the one of its type
    │   └── UnsupportedError       something that the protocol of the request does not have
    ├── HandlerError               the user's handler raised
    ├── StoreError                 the embedded runtime's store cannot be used
    │   ├── StoreLockedError       another process has the store open
    │   ├── StoreVersionError      the store was written by a newer version
    │   └── StoreCorruptError      the file is no store, or is damaged
    ├── IngressError               an input that cannot be read
    │   ├── RecordError            a record that does not parse, or not as its message
    │   │   └── RecordKeyError     a record without a key
    │   ├── PositionError          the input is not the one that the stored position belongs to
    │   ├── IngressClosedError     a record that came when the runtime had stopped
    │   └── RepeatedKeyError       a question under a key that was used
    ├── EgressError                an output that cannot be written
    │   ├── UnknownEgressError     a record for an egress that nobody registered
    │   └── EgressUnavailableError an output that cannot be written now
    ├── EndpointError              a function behind HTTP that did not answer a request
    │   ├── EndpointUnavailableError  nobody is there to take it, or nobody who has the time
    │   ├── EndpointTimeoutError   it was taken, and not answered in time
    │   └── EndpointAnswerError    the answer is none: its status, type or size
    │       └── EndpointRejectedError  the request can never be served: the server says so, or it is too large
    ├── ClientError                a message from outside that the runtime has not taken in, or not answered
    │   ├── ClientUnavailableError nobody is there to take it, or it is not known whether it was taken
    │   ├── ClientBusyError        too many messages wait for its address
    │   ├── ClientRefusedError     the runtime says that it is no message, or not by whom it may be sent
    │   ├── AskTimeoutError        no reply within the time
    │   └── ReplyTypeError         a reply of another type than the one that is asked for
    └── ModuleError                a module.yaml that cannot be read, or a module that cannot be written as one
        ├── ModuleSyntaxError      a text that is not YAML, or not the plain YAML that a module is read from
        ├── ModuleKindError        a version of the format, or a kind of component, that is not known
        ├── ModuleUnknownKeyError  a key that its place does not have
        ├── ModuleMissingKeyError  a key that its place needs and that is not there
        ├── ModuleValueError       a value that its key does not take
        └── ModuleFormatError      something that the format to be written cannot express

The HTTP status decides what Flink does: 400 fails the job at once, so only bytes that can never be served
answer it (`ProtocolError`); whatever a retry or a redeploy may mend answers 5xx and is tried again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

__all__ = [
    "AddressError",
    "AnnotationError",
    "AskTimeoutError",
    "AsyncFunctionError",
    "BindingError",
    "CancellationTokenError",
    "ClientBusyError",
    "ClientError",
    "ClientRefusedError",
    "ClientUnavailableError",
    "ContextClosedError",
    "ContextError",
    "DefinitionError",
    "DelayError",
    "DuplicateFunctionError",
    "DuplicateStateError",
    "EgressError",
    "EgressUnavailableError",
    "EmptyBatchError",
    "EndpointAnswerError",
    "EndpointError",
    "EndpointRejectedError",
    "EndpointTimeoutError",
    "EndpointUnavailableError",
    "FactoryError",
    "FrozenRegistryError",
    "HandlerError",
    "HandlerSignatureError",
    "IngressClosedError",
    "IngressError",
    "LimitError",
    "MalformedRequestError",
    "MalformedResponseError",
    "MessageDecodeError",
    "MessageTypeError",
    "MissingStateError",
    "MissingTypenameError",
    "ModuleError",
    "ModuleFormatError",
    "ModuleKindError",
    "ModuleMissingKeyError",
    "ModuleSyntaxError",
    "ModuleUnknownKeyError",
    "ModuleValueError",
    "NoCallerError",
    "PackageClashError",
    "PositionError",
    "ProtocolError",
    "RecordError",
    "RecordKeyError",
    "RepeatedKeyError",
    "ReplyTypeError",
    "RouteError",
    "RoutingError",
    "StateDecodeError",
    "StateEncodeError",
    "StateError",
    "StateTypeError",
    "StatefunError",
    "StoreCorruptError",
    "StoreError",
    "StoreLockedError",
    "StoreVersionError",
    "TypenameError",
    "UndeclaredStateError",
    "UnhandledMessageError",
    "UnknownEgressError",
    "UnknownFunctionError",
    "UnsupportedError",
    "ValueTypeError",
]


class StatefunError(Exception):
    """The root of all errors that this package raises on purpose.

    Args:
        message: What happened, naming the thing: the function type, the state, the message type.
        hint: How to mend it; without one the hint of the class is used.

    >>> error = TypenameError("'greeter' is not a typename")
    >>> error.code, error.status
    ('invalid-typename', 500)
    >>> error.hint
    'write `<namespace>/<name>`, with exactly one slash and neither side empty'
    """

    code: ClassVar[str] = "statefun"
    """A stable, machine-readable name of the kind of error; it never changes between versions."""

    status: ClassVar[int] = 500
    """The HTTP status with which a server answers this error."""

    default_hint: ClassVar[str] = ""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = self.default_hint if hint is None else hint
        self.function = ""
        """The function type that was called, where the error arose while one was."""

    def __str__(self) -> str:
        tail = f" (hint: {self.hint})" if self.hint else ""
        return f"[{self.code}] {self.message}{tail}"


# --- what the declaring code gets wrong -------------------------------------------------------------------------


class DefinitionError(StatefunError):
    """A mistake in the code that declares functions; raised at registration, never while serving."""

    code = "definition"


class TypenameError(DefinitionError):
    """A function type, an egress or a value type whose name is not `<namespace>/<name>`."""

    code = "invalid-typename"
    default_hint = "write `<namespace>/<name>`, with exactly one slash and neither side empty"


class MissingTypenameError(DefinitionError):
    """A function class that was given no typename is registered or addressed without one."""

    code = "missing-typename"
    default_hint = (
        'name the class, `class Greeter(…, typename="ns/name")`, or the registration, `register("ns/name", Greeter)`'
    )


class DuplicateFunctionError(DefinitionError):
    """Two functions are registered under one function type."""

    code = "duplicate-function"
    default_hint = "give one of them another typename"


class DuplicateStateError(DefinitionError):
    """Two states of one function share a name."""

    code = "duplicate-state"
    default_hint = "give one of them another `name=`"


class HandlerSignatureError(DefinitionError):
    """A handler that cannot be called with a context and a message."""

    code = "handler-signature"
    default_hint = (
        "a handler takes a context and a message, `def on_event(self, context: Context, message: Event) -> None`"
    )


class AnnotationError(DefinitionError):
    """An annotation of a message that cannot be resolved to types."""

    code = "unresolved-annotation"
    default_hint = "annotate the message with a type or a union of types that exist at run time"


class MessageTypeError(DefinitionError):
    """A Python type that stands in a hint or a spec but has no name on the wire."""

    code = "unnamed-type"
    default_hint = (
        "use a protobuf class, bool, int, float, str or bytes, or give the type a name: `json_type('ns/name', Type)`"
    )


class RouteError(DefinitionError):
    """Handlers and declared message types of one function contradict each other."""

    code = "route-conflict"
    default_hint = "let each declared message type have one handler"


class FrozenRegistryError(DefinitionError):
    """A registry is changed after a handler was made from it."""

    code = "registry-frozen"
    default_hint = "register every function before the handler is made"


class AsyncFunctionError(DefinitionError):
    """An asynchronous function is served by the synchronous handler."""

    code = "async-function"
    default_hint = "use AsyncRequestReplyHandler, which runs plain functions too"


class FactoryError(DefinitionError):
    """A factory returned something else than a function object made during its call."""

    code = "factory"
    default_hint = "make a new object at each call: `factory=lambda: Cart(prices)`"


class BindingError(DefinitionError):
    """An ingress or egress that contradicts itself, its messages or the functions."""

    code = "binding"
    default_hint = "give each ingress and egress an id of its own, and targets and columns that exist"


class PackageClashError(DefinitionError, ImportError):
    """Another installed distribution owns the import name `statefun` too."""

    code = "package-clash"
    default_hint = "install statefun-typed in an environment without the other distribution"


# --- bytes that can never be served -----------------------------------------------------------------------------


class ProtocolError(StatefunError):
    """Bytes that no retry can turn into a served request."""

    code = "protocol"
    status = 400


class MalformedRequestError(ProtocolError):
    """A body that is not a request of either protocol."""

    code = "malformed-request"
    default_hint = "POST a serialized ToFunction of Flink StateFun 2.x or 3.x"


class EmptyBatchError(ProtocolError):
    """A request that holds no invocation."""

    code = "empty-batch"
    default_hint = "an engine sends at least one invocation in a batch"


class MessageDecodeError(ProtocolError):
    """A message whose bytes do not decode as the type that it names."""

    code = "undecodable-message"
    default_hint = "the type of the sender and the type of the handler differ under one name"


class MalformedResponseError(ProtocolError):
    """Bytes that a function returned and that are not a response of the protocol it was called with."""

    code = "malformed-response"
    status = 502
    default_hint = "answer a serialized FromFunction of the protocol that the function was called with"


class LimitError(ProtocolError):
    """A request over one of the limits that the server was given."""

    code = "limit-exceeded"
    status = 413
    default_hint = "send less at once, or raise the limit of the server"


# --- requests for what is not here ------------------------------------------------------------------------------


class RoutingError(StatefunError):
    """A request for something that this server does not have; a redeploy may mend it."""

    code = "routing"
    status = 501


class UnknownFunctionError(RoutingError):
    """A function type that nobody registered here."""

    code = "unknown-function"
    default_hint = "register the function, or mend the endpoint in module.yaml"


class UnhandledMessageError(RoutingError):
    """A message type that the function has no handler for."""

    code = "unhandled-message"
    default_hint = "add a handler for the type, or one marked with `@handles_other`"


# --- state ------------------------------------------------------------------------------------------------------


class StateError(StatefunError):
    """A state is not what its declaration says."""

    code = "state"


class UndeclaredStateError(StateError):
    """A state that the function never declared."""

    code = "undeclared-state"
    default_hint = 'declare it: `specs=[ValueSpec(LONG, name="count")]`'


class MissingStateError(StateError):
    """A declared state that the request does not carry."""

    code = "missing-state"
    default_hint = "list the state under `states` of the function in module.yaml"


class StateTypeError(StateError):
    """A value of another type than the state declares."""

    code = "state-type"
    default_hint = "store and read one type under one name"


class StateDecodeError(StateError):
    """Stored bytes that do not decode as the type that they name."""

    code = "undecodable-state"
    default_hint = "decode what was stored too, or store the new encoding under another name"


class StateEncodeError(StateError):
    """A value that the declared type of its state cannot encode."""

    code = "unencodable-state"
    default_hint = "assign what the declared type can encode"


# --- what a handler asks of its context -------------------------------------------------------------------------


class ContextError(StatefunError):
    """Something is asked of a context that no engine could carry out."""

    code = "context"


class ContextClosedError(ContextError):
    """A context is used after its handler returned, when its effects can no longer be sent."""

    code = "context-closed"
    default_hint = "record effects before the handler returns; await what runs in the background"


class NoCallerError(ContextError):
    """A reply to a message that has no caller, since it came from an ingress."""

    code = "no-caller"
    default_hint = "check `context.caller is not None`, or send to an address that the message carries"


class AddressError(ContextError):
    """An address with an empty id, or a text that is not an address."""

    code = "invalid-address"
    default_hint = "write `<namespace>/<type>/<id>`, with no part empty"


class DelayError(ContextError):
    """A negative delay: it would restart a Flink job."""

    code = "invalid-delay"
    default_hint = "give a timedelta of zero or more"


class CancellationTokenError(ContextError):
    """An empty cancellation token: it would restart a Flink job."""

    code = "invalid-cancellation-token"
    default_hint = "give a token of at least one character"


class ValueTypeError(ContextError):
    """A value that has no name on the wire, or that its type cannot encode."""

    code = "unencodable-value"
    default_hint = "send a protobuf message, a bool, int, float or str, or name the type: `send(to, value, type=ORDER)`"


class UnsupportedError(ContextError):
    """Something that the protocol of the current request does not have."""

    code = "unsupported"
    default_hint = "run the function on an engine that has it"


# --- the user's code --------------------------------------------------------------------------------------------


class HandlerError(StatefunError):
    """A handler raised; nothing of its batch takes effect. The cause is chained."""

    code = "handler-failed"
    default_hint = "see the exception that the handler raised: it is chained to this one, and in the log of the server"


# --- the embedded runtime ---------------------------------------------------------------------------------------


class StoreError(StatefunError):
    """The store cannot be opened, read or written; nothing that was not committed took effect."""

    code = "store"
    default_hint = "check that the folder of the store exists and can be written"


class StoreLockedError(StoreError):
    """Another process has the store open: a store has one runtime at a time."""

    code = "store-locked"
    default_hint = "stop the other process, or name another folder with --store"


class StoreVersionError(StoreError):
    """The store was written by a newer version of this package."""

    code = "store-version"
    default_hint = "run the version that wrote it, or a newer one"


class StoreCorruptError(StoreError):
    """The file is no store of this package, or is damaged."""

    code = "store-corrupt"
    default_hint = "restore it from a copy, or start again with an empty folder"


class IngressError(StatefunError):
    """An input cannot be read; what was read before it is processed and committed."""

    code = "ingress"
    default_hint = "check that the input is there, can be read, and has the format that its ingress names"


class RecordError(IngressError):
    """A record that does not parse, or not as the message of its ingress; the error names file and line."""

    code = "record"
    default_hint = (
        'mend the record and run again, or set `on_bad_record="skip"`: skipped records are counted and reported'
    )


class RecordKeyError(RecordError):
    """A record without a key, which would go to an empty id."""

    code = "record-key"


class PositionError(IngressError):
    """The input is not the one that the position in the store belongs to."""

    code = "ingress-position"
    default_hint = "put the file back as it was, or start with an empty store"


class IngressClosedError(IngressError):
    """The runtime stops: the record was not taken in, and has no effect."""

    code = "ingress-closed"
    default_hint = "send it again when the runtime runs"


class RepeatedKeyError(IngressError):
    """A question was asked under a key that had been used; the reply went to who used it first, and this one had no effect."""

    code = "repeated-key"
    default_hint = "ask under another key, or without one where asking twice does no harm"


class EgressError(StatefunError):
    """An output cannot be written, or a record cannot be written in its format."""

    code = "egress"
    default_hint = "check that the output can be written, and that its records have the format that its egress names"


class UnknownEgressError(EgressError):
    """A function sent a record to an egress that nobody registered."""

    code = "unknown-egress"
    default_hint = "register it: `functions.egress(FileEgress(id=…, path=…))`"


class EgressUnavailableError(EgressError):
    """An output cannot be written now: its records wait, and are delivered again after a pause."""

    code = "egress-unavailable"
    default_hint = "check that what the egress writes to is running and can be reached; nothing is lost meanwhile"


# --- what goes wrong in a call of a function behind HTTP ---------------------------------------------------------


class EndpointError(StatefunError):
    """A function behind HTTP did not answer a request; nothing of it took effect."""

    code = "endpoint"
    default_hint = "look at the log of the function server"


class EndpointUnavailableError(EndpointError):
    """Nobody took the request: no connection, or an answer that says so. The messages wait, and it counts as no attempt."""

    code = "endpoint-unavailable"
    default_hint = (
        "check that the function server runs and that the URL of the endpoint is right; messages wait meanwhile"
    )


class EndpointTimeoutError(EndpointError):
    """The request was taken and not answered within the time-outs of the endpoint, however often it was repeated."""

    code = "endpoint-timeout"
    default_hint = "make the function faster, or the time-outs of its endpoint longer"


class EndpointAnswerError(EndpointError):
    """The answer to a request is none: another status than 200, another content type, or too many bytes."""

    code = "endpoint-answer"
    default_hint = "check that the URL of the endpoint is that of its functions, and the log of the function server"


class EndpointRejectedError(EndpointAnswerError):
    """A request that no repetition can make good: its server says so with the status 400, or it is larger than its endpoint takes."""

    code = "endpoint-rejected"
    default_hint = (
        "see the log of the function server; the message that it rejects has to be mended where it comes from"
    )


# --- messages from outside --------------------------------------------------------------------------------------


class ClientError(StatefunError):
    """A message from outside was not taken in, or was not answered."""

    code = "client"
    default_hint = "see docs/http.md"


class ClientUnavailableError(ClientError):
    """The runtime does not answer, or cannot say whether it has taken the message in."""

    code = "client-unavailable"
    default_hint = "check that the runtime runs and listens there; with the same `key=` a message may be sent again and counts once"


class ClientBusyError(ClientError):
    """Too many messages wait for the address; this one was not taken in."""

    code = "client-busy"
    default_hint = "send it again later, or slower"


class ClientRefusedError(ClientError):
    """The runtime does not take the message: what it is, how large it is, or who sends it; it was not taken in."""

    code = "client-refused"
    default_hint = "the text says what the runtime has answered"


class AskTimeoutError(ClientError):
    """No reply came within the time. The message may have been taken in, and may still take effect."""

    code = "ask-timeout"
    default_hint = "give it more time, and check that the handler replies to its caller; to ask again must do no harm"


class ReplyTypeError(ClientError):
    """The reply is of another type than the one that is asked for, or does not decode as it."""

    code = "reply-type"
    default_hint = "ask for the type that the handler replies with: `reply=Total`"


# --- what a module.yaml gets wrong ------------------------------------------------------------------------------


class ModuleError(StatefunError):
    """A module.yaml that cannot be read, or a module that cannot be written as one.

    What is wrong in several places is told at once: `problems` has an error for each, in the order of the file.

    Args:
        message: What is wrong.
        hint: How to mend it.
        file: The name of the file; empty where the mistake is in no file.
        line: The line, counted from 1; 0 where the mistake is in the file as a whole.
        column: The column, counted from 1.
        key: The path of the key, such as `spec.topics[0].valueType`.
        problems: The errors that this one stands for.

    >>> error = ModuleValueError("'often' is no count", hint="write a number", file="module.yaml", line=4, column=9)
    >>> print(error)
    module.yaml:4:9: [module-value] 'often' is no count (hint: write a number)
    >>> error.problems == (error,)
    True
    """

    code = "module"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        file: str = "",
        line: int = 0,
        column: int = 0,
        key: str = "",
        problems: Iterable[ModuleError] = (),
    ) -> None:
        super().__init__(message, hint=hint)
        self.file = file
        self.line = line
        self.column = column
        self.key = key
        self._problems = tuple(problems)

    @property
    def problems(self) -> tuple[ModuleError, ...]:
        """Every single mistake: this error itself, unless it stands for several."""
        return self._problems or (self,)

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        lines = [f"{place}: {super().__str__()}" if place else super().__str__()]
        return "\n".join([*lines, *(f"  {problem}" for problem in self._problems)])


class ModuleSyntaxError(ModuleError):
    """A text that is not YAML, or that uses what a module is not read from: tags, aliases, a key twice, deep nesting."""

    code = "module-syntax"
    default_hint = "write plain YAML: mappings, lists and texts"


class ModuleKindError(ModuleError):
    """A version of the format, or a kind of component, that is not known."""

    code = "module-unknown-kind"
    default_hint = "docs/module.md lists the versions and kinds"


class ModuleUnknownKeyError(ModuleError):
    """A key that its place does not have; an engine would overlook it in silence."""

    code = "module-unknown-key"
    default_hint = "remove it, or correct its spelling"


class ModuleMissingKeyError(ModuleError):
    """A key that its place needs and that is not there."""

    code = "module-missing-key"
    default_hint = "add it"


class ModuleValueError(ModuleError):
    """A value that its key does not take."""

    code = "module-value"
    default_hint = "docs/module.md tells what each key takes"


class ModuleFormatError(ModuleError):
    """A module that holds something which the format to be written cannot express."""

    code = "module-inexpressible"
    default_hint = "choose another version of the format, or remove what it cannot express"
