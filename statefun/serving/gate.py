"""Which requests are read at all: method, path and headers decide before a byte of the body is read.

The type of the body must be `application/octet-stream`: every engine sends it, and a web page cannot send it to another site, such as a
function server on the developer's own machine, unasked.
"""

from __future__ import annotations

from typing import Final

from attrs import frozen

from statefun.arguments import TEXT, Kind, check, whole
from statefun.errors import DefinitionError, LimitError
from statefun.serving.answers import OCTET_STREAM, Answer, failure, health, refusal

__all__ = ["MAX_BODY", "Gate"]

MAX_BODY: Final = 32 * 1024 * 1024
"""Bytes: the largest payload that an engine takes by default."""


_PATH: Final = Kind(TEXT.takes, "a text that begins with a slash: `/statefun`").or_none
_BYTES: Final = Kind(whole(1).takes, "a number of bytes, of at least 1")


@frozen
class Gate:
    """What a server lets in.

    Attributes:
        path: The path of the functions; None takes every path but `/health`.
        max_body: The most bytes of a body.
    """

    path: str | None
    max_body: int

    def __attrs_post_init__(self) -> None:
        check("an application", "path", self.path, _PATH)
        if self.path is not None and not self.path.startswith("/"):
            raise DefinitionError(f"the path {self.path!r} does not begin with a slash", hint="write `/statefun`")
        check("an application", "max_body", self.max_body, _BYTES)

    def before_body(self, method: str, path: str, content_type: str, content_length: str) -> Answer | None:
        """The answer to a request whose body need not be read, None for one that may be read."""
        if path != self.path:
            if path == "/health":
                return health() if method in ("GET", "HEAD") else _not_allowed(method, "GET, HEAD")
            if self.path is not None:
                return refusal(404, "not-found", f"there are no functions at {path!r}", f"POST to {self.path}")
        if method != "POST":
            return _not_allowed(method, "POST")
        if content_type.partition(";")[0].strip().lower() != OCTET_STREAM:
            declared = (
                f"the body is declared as {content_type!r}" if content_type else "the body is not declared as bytes"
            )
            return refusal(415, "unsupported-media-type", declared, f"send Content-Type: {OCTET_STREAM}")
        # 18 digits are beyond every limit, and int() of very many digits is an error of its own.
        if content_length.isdecimal() and (len(content_length) > 18 or int(content_length) > self.max_body):
            return failure(self.too_large())
        return None

    def too_large(self) -> LimitError:
        """The error of a body that is longer than the limit."""
        return LimitError(
            f"the body is larger than {self.max_body} bytes",
            hint="lower the engine's maxNumBatchRequests, keep less in one state, or raise the server's body limit",
        )


def _not_allowed(method: str, allowed: str) -> Answer:
    headers = [("Allow", allowed)]
    return refusal(405, "method-not-allowed", f"{method[:20]} is not served here", f"use {allowed}", headers=headers)
