"""What goes wrong inside of a handler: uses of its context, and the user's own exceptions."""

from __future__ import annotations

from statefun.errors.root import StatefunError

__all__ = [
    "AddressError",
    "CancellationTokenError",
    "ContextClosedError",
    "ContextError",
    "DelayError",
    "HandlerError",
    "NoCallerError",
    "UnsupportedError",
    "ValueTypeError",
]


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
    """An address whose id is empty or no text, or what is not an address."""

    code = "invalid-address"
    default_hint = "write `<namespace>/<type>/<id>`, with no part empty"


class DelayError(ContextError):
    """A delay that is negative, which would restart a Flink job, or no timedelta."""

    code = "invalid-delay"
    default_hint = "give a timedelta of zero or more"


class CancellationTokenError(ContextError):
    """A cancellation token that is empty, which would restart a Flink job, or no text."""

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


class HandlerError(StatefunError):
    """A handler raised; nothing of its batch takes effect. The cause is chained."""

    code = "handler-failed"
    default_hint = (
        "see the exception that the handler raised: it is chained to this one, and the log of a server tells the line"
    )
