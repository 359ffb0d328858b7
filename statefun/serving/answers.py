"""What every way of serving shares: the answers to good and bad requests, and the log line of a bad one.

An error tells the caller its code, its hint and the function. What a handler's exception, a state or a payload may hold goes to the log alone,
in one line of the logger `statefun.serving`; at DEBUG the traceback follows it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final, NamedTuple

from statefun.errors import (
    EmptyBatchError,
    HandlerError,
    LimitError,
    MalformedRequestError,
    RoutingError,
    StatefunError,
)
from statefun.errors.raised import raised_at
from statefun.errors.showing import shown_exception

__all__ = ["OCTET_STREAM", "Answer", "failure", "health", "refusal", "success"]

OCTET_STREAM: Final = "application/octet-stream"
"""Exactly this, on both sides: an engine rejects a response that adds a charset, and tries again."""

_LOGGER: Final = logging.getLogger("statefun.serving")
_LONGEST: Final = 2000
"""Characters of what a request or a handler said, in the log and in an answer: either may have said megabytes."""
_TITLES: Final = {status.value: status.phrase for status in HTTPStatus}
_SAYS_NOTHING_PRIVATE: Final = (LimitError, MalformedRequestError, EmptyBatchError, RoutingError)
_IN_THE_LOG: Final = "the server's log tells what was raised and where"


class Answer(NamedTuple):
    """A response: its status, headers and body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def reason(self) -> str:
        """The words beside the status; an error of a user's own may have a status that HTTP has no words for."""
        return _TITLES.get(self.status, "Error")


def success(body: bytes) -> Answer:
    """The answer that carries what a function returned."""
    return Answer(200, (("Content-Type", OCTET_STREAM), ("Content-Length", str(len(body)))), body)


def health() -> Answer:
    """The answer of `/health`: the process is alive and reads requests."""
    return Answer(200, (("Content-Type", "text/plain"), ("Content-Length", "3")), b"ok\n")


def failure(error: Exception, request: bytes | None = None) -> Answer:
    """The answer to a request that failed, which is logged.

    Args:
        error: What went wrong; anything but a StatefunError answers 500 with the code `internal`.
        request: The body of the request, whose size is told in the log; None when it was not taken.
    """
    function = error.function if isinstance(error, StatefunError) else ""
    if isinstance(error, StatefunError):
        status, code, message, hint = error.status, error.code, error.message, error.hint
    else:
        status, code, message, hint = 500, "internal", shown_exception(error), _IN_THE_LOG
    _log(error, status, f"{code} ({status}) {function}".rstrip(), message, request)
    if isinstance(error, _SAYS_NOTHING_PRIVATE):
        return _problem(status, code, message, hint, function=function)
    detail = f"{function or 'the function'} failed, and nothing of the batch takes effect"
    return _problem(status, code, detail, _IN_THE_LOG if isinstance(error, HandlerError) else hint, function=function)


def refusal(status: int, code: str, detail: str, hint: str, *, headers: Iterable[tuple[str, str]] = ()) -> Answer:
    """The answer to a request that is not read, which is logged."""
    _LOGGER.warning("%s (%s): %s", code, status, _one_line(detail[:_LONGEST]))
    return _problem(status, code, detail, hint, headers=headers)


def _problem(
    status: int, code: str, detail: str, hint: str, *, headers: Iterable[tuple[str, str]] = (), function: str = ""
) -> Answer:
    """An answer in the form of RFC 9457, with the members `code`, `hint` and, where it is known, `function`."""
    members = {"type": "about:blank", "title": _TITLES.get(status, "Error"), "status": status, "code": code}
    members |= {"detail": detail[:_LONGEST], "hint": hint[:_LONGEST]}
    members |= {"function": function[:_LONGEST]} if function else {}
    body = json.dumps(members).encode() + b"\n"
    described = ("Content-Type", "application/problem+json"), ("Content-Length", str(len(body)))
    return Answer(status, (*described, *headers), body)


def _log(error: Exception, status: int, what: str, message: str, request: bytes | None) -> None:
    size = [] if request is None else [f"a request of {len(request)} bytes"]
    said = "; ".join([f"{what}: {message}", *getattr(error, "__notes__", ())])
    line = "; ".join([said[:_LONGEST], *raised_at(error), *size])
    _LOGGER.log(logging.ERROR if status >= 500 else logging.WARNING, "%s", _one_line(line))
    _LOGGER.debug("the traceback of %s", what, exc_info=error)


def _one_line(text: str) -> str:
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
