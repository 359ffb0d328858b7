"""What an answer must look like to be one, and what is told of one that is none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, cast

from statefun.runtime.remote.outcomes import ANSWERED, REJECTED, WRONG, Fault, outcome_of
from statefun.runtime.remote.quoting import LONGEST, quoted

__all__ = ["OCTET_STREAM", "complaint", "described", "too_large"]

OCTET_STREAM: Final = "application/octet-stream"
"""The content type of a request and of its answer: exactly this, without a charset; an engine takes nothing else."""

_PROBLEM: Final = "application/problem+json"
"""The content type of a refusal by a server that says what is wrong (RFC 9457), as `statefun serve` does."""


def complaint(status: int, headers: Mapping[str, str], most: int) -> Fault | None:
    """What is wrong with an answer as far as its head tells; None when its body may be read.

    Args:
        status: Its status.
        headers: Its headers, found in whatever case.
        most: The most bytes of a body.
    """
    if outcome_of(status) is not ANSWERED:
        return Fault(outcome_of(status), f"it answered with status {status}")
    kind = headers.get("Content-Type", "")
    if kind != OCTET_STREAM:
        return Fault(
            WRONG,
            f"the content type of its answer is {quoted(kind) or 'missing'}",
            f"answer with `Content-Type: {OCTET_STREAM}`, without a charset",
        )
    coding = headers.get("Content-Encoding", "identity")
    if coding.lower() != "identity":
        return Fault(
            WRONG, f"its answer is encoded as {quoted(coding)}", "answer without compression: nobody asked for it"
        )
    length = headers.get("Content-Length")
    if length is not None:
        return too_large(int(length), most) if int(length) > most else None
    if headers.get("Transfer-Encoding", "").lower() != "chunked":
        # Its end would be that of the connection, and so would be the end of a server that was killed in the middle.
        return Fault(
            WRONG,
            "its answer does not tell where it ends",
            "answer with a Content-Length, or in chunks: without either a part of an answer cannot be told from the whole",
        )
    return None


def too_large(size: int, most: int, *, request: bool = False) -> Fault:
    """What is said of a body over the limit."""
    if request:
        return Fault(
            REJECTED,
            f"the request has {size:,} bytes, and the endpoint takes {most:,}",
            "send less in one message, or raise payload_max_bytes",
        )
    return Fault(
        WRONG,
        f"its answer has {size:,} bytes or more, and the endpoint takes {most:,}",
        "answer less: fewer messages in a batch (max_batch), smaller states; or raise payload_max_bytes",
    )


def described(fault: Fault, headers: Mapping[str, str], body: bytes) -> Fault:
    """A fault with what the server says of it: the code, the detail and the hint of a problem, or where it redirects to.

    Any other body is left out, since it may hold what a message held.
    """
    location = headers.get("Location", "")
    if location:
        return fault._replace(
            text=f"{fault.text}, which leads to {quoted(location)}",
            hint="a redirection is not followed: let the URL of the endpoint be that of its functions",
        )
    problem = _problem(headers.get("Content-Type", ""), body)
    code, detail, hint = (problem.get(name, "") for name in ("code", "detail", "hint"))
    said = ": ".join(quoted(each) for each in (code, detail) if each)
    return fault._replace(
        text=f"{fault.text}: {said[:LONGEST]}" if said else fault.text, hint=quoted(hint) if hint else fault.hint
    )


def _problem(kind: str, body: bytes) -> dict[str, str]:
    """The texts of a problem, by name; none where the body is something else."""
    if kind.partition(";")[0].strip().lower() != _PROBLEM:
        return {}
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: value for name, value in cast("dict[str, Any]", found).items() if isinstance(value, str)}
