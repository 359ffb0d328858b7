"""The one scenario that every SDK runs: what is said to its counters, and what must come of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from google.protobuf.wrappers_pb2 import StringValue

from statefun import KafkaRecord
from tests.sdks.servers import Server

__all__ = ["FIRST", "ODD", "SECOND", "Line", "counts", "kafka", "module", "outcome"]

ODD: Final = "žluťoučký kůň/1"
"""An id that is neither ASCII nor a file name."""


class Line(NamedTuple):
    """What is said to a counter: a number, or one of `remind`, `forget` and `reset`."""

    id: str
    say: str


# A counter that is reminded gets no number after it: what it tells of its states then does not depend on how long anything takes.
FIRST: Final = (
    Line("a", "5"),
    Line("a", "3"),
    Line("a", "remind"),
    Line("b", "7"),
    Line("b", "reset"),
    Line("b", "2"),
    Line("c", "9"),
    Line("c", "reset"),
    Line("d", "0"),  # no bytes at all on the 3.x wire, and yet a value
    Line(ODD, str(-(2**53 - 1))),  # as far as the numbers of JavaScript go
)
SECOND: Final = (Line("a", "forget"), Line("b", "1"), Line("c", "6"))
"""After a stop: the states and the delayed messages come from the store."""


def counts(lines: Iterable[Line]) -> Iterator[tuple[str, int, int]]:
    """For each number that is said: the id, the number, and the count that it leads to."""
    by_id: dict[str, int] = {}
    for id, say in lines:
        if say == "reset":
            del by_id[id]
        elif not say.isalpha():
            by_id[id] = by_id.get(id, 0) + int(say)
            yield id, int(say), by_id[id]


def outcome(namespace: str, lines: Sequence[Line]) -> list[str]:
    """What a counter of that namespace and the driver tell, all of it, sorted."""
    told = [f"{namespace} {id} {verb} {count}" for id, _, count in counts(lines) for verb in ("counts", "replies")]
    # The state that expires 50 ms after it was written is gone 200 ms after it, the other is not.
    last = {id: number for id, number, _ in counts(lines)}
    told += [f"{namespace} {id} due: recent=gone lately={last[id]}" for id, say in lines if say == "remind"]
    return sorted(told)


def kafka(namespace: str, lines: Sequence[Line], *, wrapped: bool) -> list[str]:
    """The records that a counter of that namespace sends to Kafka, as a file egress tells them, sorted.

    Args:
        namespace: The counter's.
        lines: What is said to it.
        wrapped: Whether the value is a protobuf message, as in the 2.2 SDK; else it is the text alone.
    """
    records = []
    for id, number, _ in counts(lines):
        text = f"{namespace} {number}"
        value = StringValue(value=text).SerializeToString() if wrapped else text.encode()
        records.append(str(KafkaRecord(topic="counts", key=id, value=value)))
    return sorted(records)


_V3: Final = """\
kind: io.statefun.endpoints.v2/http
spec:
  functions: {namespace}/*
  urlPathTemplate: {url}
"""

# The other transport of 3.x has no UNIX sockets.
_OKHTTP: Final = """\
  transport:
    type: io.statefun.transports.v1/okhttp
"""

_V2: Final = """\
version: "2.0"
module:
  meta:
    type: remote
  spec:
    functions:
      - function:
          meta:
            kind: http
            type: {namespace}/counter
          spec:
            endpoint: {url}
            states:
              - name: count
              - name: confirmed
              - name: recent
                expireAfter: 50 ms
                expireMode: after-write
              - name: lately
                expireAfter: 1 h
                expireMode: after-invoke
      - function:
          meta:
            kind: http
            type: {namespace}/total
          spec:
            endpoint: {url}
            states:
              - name: sum
"""


def module(servers: Sequence[Server]) -> str:
    """The module.yaml that names where functions are; more than one server only in 3.x."""
    if servers[0].kit.protocol == "2.2":
        [server] = servers
        return _V2.format(namespace=server.namespace, url=server.url)
    return "---\n".join(
        (_V3 + _OKHTTP if "unix" in server.url else _V3).format(namespace=server.namespace, url=server.url)
        for server in servers
    )
