"""What goes wrong for who sends and asks from outside."""

from __future__ import annotations

from statefun.errors.root import StatefunError

__all__ = [
    "AskTimeoutError",
    "ClientBusyError",
    "ClientError",
    "ClientRefusedError",
    "ClientUnavailableError",
    "ReplyTypeError",
]


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
