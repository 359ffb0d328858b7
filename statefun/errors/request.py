"""Requests that cannot be served: bytes that are none, and what is not here."""

from __future__ import annotations

from statefun.errors.root import StatefunError

__all__ = [
    "EmptyBatchError",
    "LimitError",
    "MalformedRequestError",
    "MalformedResponseError",
    "MessageDecodeError",
    "ProtocolError",
    "RoutingError",
    "UnhandledMessageError",
    "UnknownFunctionError",
]


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
