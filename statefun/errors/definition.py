"""What the code that declares functions gets wrong; found at registration."""

from __future__ import annotations

from statefun.errors.root import StatefunError

__all__ = [
    "AnnotationError",
    "AsyncFunctionError",
    "BindingError",
    "DefinitionError",
    "DuplicateFunctionError",
    "DuplicateStateError",
    "FactoryError",
    "FrozenRegistryError",
    "HandlerSignatureError",
    "MessageTypeError",
    "MissingExtraError",
    "MissingTypenameError",
    "PackageClashError",
    "RouteError",
    "TypenameError",
]


class DefinitionError(StatefunError):
    """A mistake in the code that declares functions, or an argument of a wrong type; raised at registration, never while serving."""

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


class MissingExtraError(DefinitionError, ModuleNotFoundError):
    """Something needs a package that only an extra installs."""

    code = "missing-extra"
    default_hint = "install statefun-typed with the extra"


class PackageClashError(DefinitionError, ImportError):
    """Another installed distribution owns the import name `statefun` too."""

    code = "package-clash"
    default_hint = "install statefun-typed in an environment without the other distribution"
