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
    │   ├── MissingExtraError      a package that only an extra installs
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
    │   ├── AddressError           an address whose id is empty or no text, or what is not an address
    │   ├── DelayError             a delay that is negative, or no timedelta
    │   ├── CancellationTokenError a cancellation token that is empty, or no text
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

from statefun.errors.client import (
    AskTimeoutError,
    ClientBusyError,
    ClientError,
    ClientRefusedError,
    ClientUnavailableError,
    ReplyTypeError,
)
from statefun.errors.definition import (
    AnnotationError,
    AsyncFunctionError,
    BindingError,
    DefinitionError,
    DuplicateFunctionError,
    DuplicateStateError,
    FactoryError,
    FrozenRegistryError,
    HandlerSignatureError,
    MessageTypeError,
    MissingExtraError,
    MissingTypenameError,
    PackageClashError,
    RouteError,
    TypenameError,
)
from statefun.errors.handling import (
    AddressError,
    CancellationTokenError,
    ContextClosedError,
    ContextError,
    DelayError,
    HandlerError,
    NoCallerError,
    UnsupportedError,
    ValueTypeError,
)
from statefun.errors.module import (
    ModuleError,
    ModuleFormatError,
    ModuleKindError,
    ModuleMissingKeyError,
    ModuleSyntaxError,
    ModuleUnknownKeyError,
    ModuleValueError,
)
from statefun.errors.request import (
    EmptyBatchError,
    LimitError,
    MalformedRequestError,
    MalformedResponseError,
    MessageDecodeError,
    ProtocolError,
    RoutingError,
    UnhandledMessageError,
    UnknownFunctionError,
)
from statefun.errors.root import (
    StatefunError,
)
from statefun.errors.runtime import (
    EgressError,
    EgressUnavailableError,
    EndpointAnswerError,
    EndpointError,
    EndpointRejectedError,
    EndpointTimeoutError,
    EndpointUnavailableError,
    IngressClosedError,
    IngressError,
    PositionError,
    RecordError,
    RecordKeyError,
    RepeatedKeyError,
    StoreCorruptError,
    StoreError,
    StoreLockedError,
    StoreVersionError,
    UnknownEgressError,
)
from statefun.errors.state import (
    MissingStateError,
    StateDecodeError,
    StateEncodeError,
    StateError,
    StateTypeError,
    UndeclaredStateError,
)

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
    "MissingExtraError",
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

for _name in __all__:
    # A traceback names an error by the place that it is imported from.
    globals()[_name].__module__ = __name__
