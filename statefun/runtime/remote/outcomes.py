"""What becomes of a request: one table of statuses, one of what goes wrong on the way, and what each of them leads to.

A status that is in no row is `WRONG`. An answer with status 200 is held to `statefun.runtime.remote.answers` before it is one.

| outcome | is repeated until the call's time is over | error in the end |
|---|---|---|
| `ANSWERED` | | none |
| `BUSY` | yes | `EndpointUnavailableError` |
| `LOST` | yes | `EndpointTimeoutError` |
| `UNREACHABLE` | no | `EndpointUnavailableError` |
| `WRONG` | no | `EndpointAnswerError` |
| `REJECTED` | no | `EndpointRejectedError` |

A call that met both `BUSY` and `LOST` ends with `EndpointTimeoutError`: a message that ends the function server whenever it comes must count
its attempts, though most of the repetitions find nobody there.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Final, NamedTuple

import aiohttp
from attrs import frozen

from statefun.errors import (
    EndpointAnswerError,
    EndpointError,
    EndpointRejectedError,
    EndpointTimeoutError,
    EndpointUnavailableError,
)
from statefun.runtime.remote.quoting import quoted

__all__ = [
    "ANSWERED",
    "BUSY",
    "FAULTS",
    "LOST",
    "REJECTED",
    "STATUSES",
    "UNREACHABLE",
    "WRONG",
    "Fault",
    "Outcome",
    "fault_of",
    "outcome_of",
]


@frozen(eq=False)
class Outcome:
    """What one attempt comes to.

    Attributes:
        repeated: Whether the same request is sent again, while there is time.
        error: What a call raises that ends with this; None for an answer.
    """

    repeated: bool
    error: type[EndpointError] | None


ANSWERED: Final = Outcome(repeated=False, error=None)
BUSY: Final = Outcome(repeated=True, error=EndpointUnavailableError)
LOST: Final = Outcome(repeated=True, error=EndpointTimeoutError)
UNREACHABLE: Final = Outcome(repeated=False, error=EndpointUnavailableError)
WRONG: Final = Outcome(repeated=False, error=EndpointAnswerError)
REJECTED: Final = Outcome(repeated=False, error=EndpointRejectedError)

STATUSES: Final[Mapping[int, Outcome]] = {
    200: ANSWERED,
    400: REJECTED,  # a whole body that can never be served; an engine restarts its job
    408: BUSY,  # the server waited for the request and let it go
    409: BUSY,
    420: BUSY,
    429: BUSY,
    499: BUSY,
    502: BUSY,  # a proxy found no server
    503: BUSY,
    504: LOST,  # a proxy found a server that did not answer
}
"""What a status says; one that is not here is `WRONG`: 500 is a handler that failed, 501 a function that is not there."""

_NO_CONNECTION: Final = "no connection in time"
FAULTS: Final[tuple[tuple[type[Exception], Outcome, str], ...]] = (
    (aiohttp.ClientConnectorCertificateError, UNREACHABLE, "the server's certificate is not trusted"),
    (aiohttp.ClientConnectorError, BUSY, "no connection"),
    (aiohttp.ConnectionTimeoutError, BUSY, _NO_CONNECTION),
    (UnicodeError, UNREACHABLE, "no host can have this name"),
    (ssl.SSLError, BUSY, "TLS failed"),  # an alert instead of an answer: this side's certificate is missing or refused
    (TimeoutError, LOST, "no answer in time"),
    (aiohttp.ServerDisconnectedError, LOST, "the connection was closed before an answer"),
    (aiohttp.ClientPayloadError, LOST, "the answer broke off"),
    (aiohttp.ClientResponseError, WRONG, "the answer is not HTTP"),
    (aiohttp.ClientError, LOST, "the connection broke"),
    (OSError, LOST, "the connection broke"),
)
"""What an attempt that raised comes to, by the first row that its error is of."""


class Fault(NamedTuple):
    """An attempt without an answer.

    Attributes:
        outcome: What it comes to.
        text: What happened, in words.
        hint: How to mend it, where that is known; None for the hint of the error's class.
        wait: For how many seconds the server asked to be left alone.
    """

    outcome: Outcome
    text: str
    hint: str | None = None
    wait: float = 0.0


def outcome_of(status: int) -> Outcome:
    """What a status comes to.

    >>> outcome_of(503) is BUSY, outcome_of(404) is WRONG
    (True, True)
    """
    return STATUSES.get(status, WRONG)


def fault_of(error: Exception, *, begun: bool) -> Fault:
    """What an error of an attempt comes to.

    Args:
        error: What was raised.
        begun: Whether anything of the request was sent. If not, it cannot be lost.

    >>> fault_of(TimeoutError(), begun=True).outcome is LOST, fault_of(TimeoutError(), begun=False).outcome is BUSY
    (True, True)
    """
    cause: BaseException | None = error
    if isinstance(error, aiohttp.ClientOSError) and not isinstance(error, aiohttp.ClientConnectorError):
        cause = error.__cause__ if isinstance(error.__cause__, ssl.SSLError) else error
    for kind, outcome, text in FAULTS:
        if isinstance(cause, kind):
            if outcome is LOST and not begun:
                outcome, text = BUSY, _NO_CONNECTION
            detail = quoted(_detail(error))
            return Fault(outcome, f"{text} ({detail})" if detail else text)
    raise error  # a mistake of this program, not of the network


def _detail(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return ""  # the words of the table say it all
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return str(error.certificate_error)
    if isinstance(error, aiohttp.ClientConnectorError):
        return str(error.os_error)
    if isinstance(error, aiohttp.ClientResponseError):
        return error.message
    return str(error)
