"""HTTP as an egress: records wait until they are fetched, one by one, at `/<topic>`.

What it promises: a record stays in the store until it is fetched, and until the runtime has noted that it was. It is given again when the
runtime is killed in between: at least once. From the answer on it is the client's: an answer that is lost on its way is not given again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Sequence
from typing import Any, Final, Protocol

from statefun.errors import EgressError
from statefun.model import PlaygroundEgress
from statefun.runtime.egress.sink import Confirmed, OutgoingRecord, Sink
from statefun.runtime.http.access import Gate
from statefun.runtime.http.limits import Limits
from statefun.runtime.http.messages import Answer, Request, problem
from statefun.runtime.http.server import Place, attached
from statefun.wire import TYPE_URL_PREFIX

__all__ = ["HttpSink"]

RECORD_TYPE: Final = "io.statefun.playground/EgressRecord"
"""The type of what functions send: a JSON object of a topic and a payload, both of them texts."""
MOST_WAITING: Final = 10_000
"""Records in memory that nobody has fetched; the store keeps those behind them."""
MOST_BYTES: Final = 64 << 20
"""Their bytes."""


class Bound(Protocol):
    """An egress of this kind, with nothing left to look up."""

    @property
    def egress(self) -> PlaygroundEgress:
        """What the user or a module.yaml said."""
        ...


class HttpSink(Sink):
    """Listens on a port, and gives each record to whoever asks first.

    Args:
        bound: The egress.
        limits: What the server takes.
    """

    def __init__(self, bound: Bound, *, limits: Limits | None = None) -> None:
        egress = bound.egress
        super().__init__(egress.id)
        self._place: Final = Place(egress.host, egress.port, egress.tls_cert, egress.tls_key)
        self._gate: Final = Gate(egress.id, egress.token)
        self._limits: Final = limits
        self._waiting: Final[dict[str, deque[OutgoingRecord]]] = {topic: deque() for topic in egress.topics}
        self._count = 0
        self._bytes = 0
        self._room: Final = asyncio.Event()
        self._taken: Final[dict[str, tuple[int, int]]] = {}
        """The last record of each topic that was fetched: its sequence and place."""
        self._sequence = 0
        """Of the last record that was delivered."""
        self._store = ""
        self._closing: Final = contextlib.AsyncExitStack()
        self.url = ""
        """Where clients connect to, `http://127.0.0.1:8091`; known when it is open."""

    def encode(self, typename: str, value: bytes) -> bytes:
        """Checks a record and keeps its topic, a line feed, and its payload.

        Raises:
            EgressError: it is no record of a topic that there is.
        """
        if typename.removeprefix(TYPE_URL_PREFIX) != RECORD_TYPE:
            raise EgressError(
                f"{self.id}: a value of type {typename!r:.200} is sent", hint=f"send one of {RECORD_TYPE}"
            )
        topic, payload = _read(self.id, value)
        if topic not in self._waiting:
            raise EgressError(
                f"{self.id} has no topic {topic!r:.200}", hint=f"its topics are {', '.join(map(repr, self._waiting))}"
            )
        return json.dumps(topic).encode() + b"\n" + payload.encode()

    async def open(self, store: str, position: str | None) -> None:
        """Listens on the port.

        Raises:
            EgressError: it cannot be listened on.
        """
        self._store = store
        if position:
            known = json.loads(position)
            self._sequence = known["sequence"]
            self._taken.update({topic: (sequence, place) for topic, (sequence, place) in known["taken"].items()})
        server = await self._closing.enter_async_context(
            attached(_Counter(self), self._place, EgressError, limits=self._limits)
        )
        self.url = server.url

    async def deliver(self, records: Sequence[OutgoingRecord]) -> None:
        """Lets records be fetched, and waits until there is room for more of them.

        Raises:
            EgressError: the store holds a record of a topic that there is no more.
        """
        for record in records:
            head, _, payload = record.data.partition(b"\n")
            topic: str = json.loads(head)
            if topic not in self._waiting:
                raise EgressError(
                    f"the store holds a record of the topic {topic!r}, which {self.id} does not have any more",
                    hint="let the egress have the topic until its records are fetched",
                )
            self._sequence = max(self._sequence, record.sequence)
            if (record.sequence, record.place) <= self._taken.get(topic, (-1, -1)):
                continue  # fetched before the last restart, while one of another topic was not
            self._waiting[topic].append(record._replace(data=payload))
            self._count += 1
            self._bytes += len(payload)
        while self._count > MOST_WAITING or self._bytes > MOST_BYTES:
            self._room.clear()
            await self._room.wait()

    async def confirm(self) -> Confirmed:
        """What is fetched, up to the first record that is not; and what is fetched behind it."""
        outstanding = [records[0].sequence for records in self._waiting.values() if records]
        sequence = min(outstanding) - 1 if outstanding else self._sequence
        taken = {topic: last for topic, last in self._taken.items() if last[0] > sequence}
        return Confirmed(sequence, json.dumps({"sequence": sequence, "taken": taken}))

    async def close(self) -> None:
        """Answers what was asked, and closes the port."""
        await self._closing.aclose()

    # --- inside -----------------------------------------------------------------------------------------------------

    def fetch(self, request: Request) -> Answer:
        """The next record of a topic; whoever asks first has it."""
        refused = self._gate.refusal(request)
        if refused is not None:
            return refused
        topic = request.parts[0]
        records = self._waiting.get(topic)
        if records is None:
            # The playground answers this and not 404, which says that there is no record.
            known = ", ".join(self._waiting)
            return problem(405, "unknown-topic", "there is no such topic", f"the topics are {known}", headers=_NONE)
        if request.method != "GET":
            return problem(405, "wrong-method", f"{request.method} fetches nothing", "use GET", headers=_ALLOW)
        if not records:
            return problem(404, "no-record", "the topic has no record now", "ask again later")
        sequence, place, payload = records.popleft()
        self._taken[topic] = (sequence, place)
        self._count -= 1
        self._bytes -= len(payload)
        self._room.set()
        return Answer(
            200,
            (
                ("Content-Type", "application/octet-stream"),
                ("Cache-Control", "no-store"),
                ("Statefun-Record-Id", f"{self._store}-{sequence}-{place}"),
            ),
            payload,
        )


_ALLOW: Final = (("Allow", "GET"),)
_NONE: Final = (("Allow", ""),)


class _Counter:
    """Where records are asked for."""

    def __init__(self, sink: HttpSink) -> None:
        self._sink: Final = sink

    @property
    def id(self) -> str:
        """The id of the egress."""
        return self._sink.id

    @property
    def depth(self) -> int:
        """The topic."""
        return 1

    async def answer(self, request: Request) -> Answer:
        """Gives the next record."""
        return self._sink.fetch(request)


def _read(id: str, value: bytes) -> tuple[str, str]:
    """The topic and the payload of a record."""
    try:
        found: Any = json.loads(value)
        topic, payload = found["topic"], found["payload"]
        if not isinstance(topic, str) or not isinstance(payload, str):
            raise TypeError("topic and payload are no texts")
        payload.encode()
    except (ValueError, TypeError, KeyError, RecursionError) as error:  # half of a surrogate pair is a ValueError
        what = f"no {error}" if isinstance(error, KeyError) else error
        raise EgressError(
            f"{id}: the {len(value)} bytes of a record are none: {what}",
            hint='send a JSON object of two texts: {"topic": "greetings", "payload": "Hello"}',
        ) from error
    return topic, payload
