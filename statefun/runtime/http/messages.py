"""A request, its answer, and the one form of everything that goes wrong: RFC 9457's problem, with a stable `code` and a `hint`."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Final, NamedTuple

__all__ = ["LOGGER", "OK", "Answer", "Request", "problem", "unavailable"]

LOGGER: Final = logging.getLogger("statefun.runtime.http")

_TITLES: Final = {status.value: status.phrase for status in HTTPStatus}


class Request:
    """A request that was read whole.

    Attributes:
        method: Such as `POST`.
        parts: What stands between the slashes of its path, percent-decoded.
        headers: Its headers, by their names in small letters; one that came twice has both values with a comma between.
        body: Its body.
        abandonable: Whether its answer is of no use without the client; whoever answers sets it. Answering is cancelled when the client
            goes away meanwhile.
    """

    __slots__ = ("abandonable", "body", "headers", "method", "parts")

    def __init__(self, method: str, parts: tuple[str, ...], headers: Mapping[bytes, bytes], body: bytes) -> None:
        self.method: Final = method
        self.parts: Final = parts
        self.headers: Final = headers
        self.body: Final = body
        self.abandonable = False


class Answer(NamedTuple):
    """What a request is answered with.

    Attributes:
        status: The HTTP status.
        headers: Headers besides `Content-Length`, `Date` and `Connection`.
        body: The body.
        closes: Whether the connection is closed behind it.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    closes: bool = False

    @property
    def reason(self) -> str:
        """The words beside the status."""
        return _TITLES.get(self.status, "Error")


OK: Final = Answer(200)
"""Done, and there is nothing to say."""


def problem(
    status: int,
    code: str,
    detail: str,
    hint: str,
    *,
    headers: Iterable[tuple[str, str]] = (),
    closes: bool = False,
) -> Answer:
    """The answer to a request that is refused or has failed.

    Args:
        status: The HTTP status.
        code: What programs know the problem by; it never changes.
        detail: What is wrong, for a person.
        hint: The way out.
        headers: Headers besides those that every problem has.
        closes: Whether the connection is closed behind it.

    >>> answer = problem(404, "no-such-path", "there is no '/x'", "look up the paths in docs/http.md")
    >>> answer.status, json.loads(answer.body)["code"]
    (404, 'no-such-path')
    """
    members = {"type": "about:blank", "title": _TITLES.get(status, "Error"), "status": status, "code": code}
    body = json.dumps(members | {"detail": detail, "hint": hint}).encode() + b"\n"
    return Answer(status, (("Content-Type", "application/problem+json"), *headers), body, closes)


def unavailable(code: str, detail: str, hint: str) -> Answer:
    """The answer to a request that may be repeated in a second, on another connection."""
    return problem(503, code, detail, hint, headers=(("Retry-After", "1"),), closes=True)
