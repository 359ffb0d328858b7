"""How much of everything a server takes before it refuses, and how long it waits."""

from __future__ import annotations

from typing import Final

from attrs import frozen

__all__ = ["MAX_BODY", "MAX_ID", "Limits"]

MAX_BODY: Final = 32 << 20
"""Bytes in a body: as much as an engine sends to a function."""
MAX_ID: Final = 1024
"""Bytes of UTF-8 in the id of an address."""


@frozen(kw_only=True)
class Limits:
    """How much a server takes; times in seconds, sizes in bytes.

    Attributes:
        connections: Open connections; further ones are refused with 503.
        head: What comes without being part of a body: the request line, headers, trailers, the frame around chunks.
        body: A body; refused by its `Content-Length`, or in chunks as soon as it is more.
        bodies: All bodies that are in memory; beyond it a request is refused with 503.
        pipelined: Requests of one connection that wait for the answers of those before them; beyond it nothing more is read.
        idle: How long a connection without a request stays open; longer than a client's pool keeps one.
        reading: How long a request may take to arrive, without its body.
        rate: Bytes of a body in a second that are given further time.
        writing: How long a client may take to read an answer.
        linger: How long what a client goes on sending behind a refusal is read, for it to see the refusal.
        drain: How long requests that are being answered have to finish when the server stops.
    """

    connections: int = 10_000
    head: int = 16 << 10
    body: int = MAX_BODY
    bodies: int = 256 << 20
    pipelined: int = 32
    idle: float = 90.0
    reading: float = 20.0
    rate: int = 64 << 10
    writing: float = 30.0
    linger: float = 5.0
    drain: float = 30.0
