"""What the embedded runtime cannot use: its store, an input, an output, a function behind HTTP."""

from __future__ import annotations

from statefun.errors.root import StatefunError

__all__ = [
    "EgressError",
    "EgressUnavailableError",
    "EndpointAnswerError",
    "EndpointError",
    "EndpointRejectedError",
    "EndpointTimeoutError",
    "EndpointUnavailableError",
    "IngressClosedError",
    "IngressError",
    "PositionError",
    "RecordError",
    "RecordKeyError",
    "RepeatedKeyError",
    "StoreCorruptError",
    "StoreError",
    "StoreLockedError",
    "StoreVersionError",
    "UnknownEgressError",
]


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
