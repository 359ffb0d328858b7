"""What stands between a source and the groups of a runtime: `RuntimeInlet`, a bounded queue of records that were put."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Final

from statefun.address import parse_typename
from statefun.batch import ProtocolVersion, TypedBytes
from statefun.errors import (
    AddressError,
    IngressClosedError,
    IngressError,
    RepeatedKeyError,
    StatefunError,
    TypenameError,
)
from statefun.outgoing import VALUE_TAGS, value_head
from statefun.runtime.ingress.source import Record, Rejected
from statefun.runtime.replies import Replies
from statefun.wire import delimited, text

__all__ = ["Put", "RuntimeInlet"]

_IDS: Final = 65_536
_CROWD: Final = 10
"""How many times its limit may wait at an inlet before a source that may not wait is told that there is no room."""


class PutReceipt:
    """Tells when a put is on disk."""

    __slots__ = ("_outcome", "_waiter")

    def __init__(self) -> None:
        self._outcome: bool | StatefunError | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def committed(self) -> bool:
        """Waits until the records are on disk; False when an earlier put had the same key."""
        while self._outcome is None:
            if self._waiter is None:
                self._waiter = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._waiter)
        if isinstance(self._outcome, StatefunError):
            raise self._outcome
        return self._outcome

    def settle(self, outcome: bool | StatefunError) -> None:
        """Says what became of the put, the first time for good."""
        if self._outcome is None:
            self._outcome = outcome
            if self._waiter is not None:
                self._waiter.set_result(None)


class Put:
    """One put: what came together and takes effect together.

    Attributes:
        records: The records.
        position: Where the source goes on behind them; None where it says nothing of that.
        key: The name under which it takes effect once; None for none.
        sender: Who is the caller of its messages, as the caller's field of an invocation; empty for nobody.
        receipt: Who put it waits for this.
    """

    __slots__ = ("key", "position", "receipt", "records", "sender")

    def __init__(
        self, records: Sequence[Record | Rejected], position: str | None, key: str | None, sender: bytes = b""
    ) -> None:
        self.records: Final = records
        self.position: Final = position
        self.key: Final = key
        self.sender: Final = sender
        self.receipt: Final = PutReceipt()


class RuntimeInlet:
    """The inlet of one source.

    Args:
        id: The source's.
        protocol: The protocol that functions are called with.
        position: Where the source goes on.
        limit: About how many records wait in the queue.
        room: Whether an inbox has room, by serialized address.
        known: Whether there is a function of that type.
        replies: Who waits for replies.
        wake: Is called when there is something to take.
    """

    def __init__(
        self,
        id: str,
        protocol: ProtocolVersion,
        position: str | None,
        limit: int,
        room: Callable[[bytes], bool],
        known: Callable[[str], bool],
        replies: Replies,
        wake: Callable[[], None],
    ) -> None:
        self.id: Final = id
        self.protocol: Final = protocol
        self.position: Final = position
        self.limit: Final = limit
        self._room: Final = room
        self._known: Final = known
        self._replies: Final = replies
        self._wake: Final = wake
        self._queue: deque[Put] = deque()
        self._queued = 0
        self._waiting: Final[OrderedDict[asyncio.Future[None], Put]] = OrderedDict()
        self._heads: dict[str, bytes] = {}
        self._ids: dict[str, bytes] = {}
        self.closed = False
        self.records = 0
        """Records that were taken in, in this run."""
        self.left_out = 0
        """Records that the source left out, in this run."""
        self.first_left_out: StatefunError | None = None

    # --- the source's side --------------------------------------------------------------------------------------------

    async def put(
        self, records: Sequence[Record | Rejected], position: str | None = None, *, key: str | None = None
    ) -> PutReceipt:
        """Hands over records, and waits as long as there is no room for them."""
        return await self._put(b"", records, position, key)

    async def ask(self, record: Record, within: float, key: str | None = None) -> TypedBytes | None:
        """Hands over a record, and waits for the reply to it."""
        id, sender, reply = self._replies.expect()
        try:
            async with asyncio.timeout(within):
                receipt = await self._put(sender, [record], None, key)
                if not await receipt.committed():
                    raise RepeatedKeyError(f"the key {key!r} of {self.id} was used before")
                return await reply
        except TimeoutError:
            return None
        finally:
            self._replies.forget(id)

    async def _put(
        self, sender: bytes, records: Sequence[Record | Rejected], position: str | None, key: str | None
    ) -> PutReceipt:
        self._check(records)
        if position is not None:
            self._text("position", position)
        if key is not None:
            self._text("key", key)
        put = Put(records, position, key, sender)
        if self.closed:
            put.receipt.settle(IngressClosedError(f"the runtime stops, and takes no more from {self.id!r}"))
        elif self._queued >= self.limit or self._waiting:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting[waiter] = put
            try:
                await waiter
            finally:
                self._waiting.pop(waiter, None)
        else:
            self._enqueue(put)
        return put.receipt

    def room(self, target: str, id: str) -> bool:
        """Whether a message to that address would be taken in without waiting."""
        crowd = self._queued + len(self._waiting)
        return crowd < _CROWD * self.limit and not self.closed and self._room(self.key(target, id))

    def known(self, target: str) -> bool:
        """Whether there is a function of that type."""
        return self._known(target)

    def skipped(self, error: StatefunError) -> None:
        """Notes that a record was left out, as the source was told to do with such."""
        self.left_out += 1
        self.first_left_out = self.first_left_out or error

    # --- the runtime's side -------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> bool:
        """Whether there is something to take."""
        return bool(self._queue)

    def take(self, room: int) -> list[Put]:
        """The next puts, with about so many records; a single put may hold more."""
        taken: list[Put] = []
        queue = self._queue
        while queue and room > 0:
            put = queue.popleft()
            size = len(put.records)
            if taken and size > room:
                queue.appendleft(put)
                break
            room -= size
            self._queued -= size
            taken.append(put)
        while self._waiting and self._queued < self.limit:
            waiter, put = self._waiting.popitem(last=False)
            if not waiter.done():
                # Here, not when it wakes up: nobody overtakes it, and nobody waits for one that is cancelled meanwhile.
                self._enqueue(put)
                waiter.set_result(None)
        return taken

    def messages(self, put: Put) -> list[tuple[bytes, bytes]]:
        """The messages of a put: the serialized address and the value, as the protocol carries it."""
        found: list[tuple[bytes, bytes]] = []
        append, heads, ids = found.append, self._heads, self._ids
        tag = VALUE_TAGS[self.protocol]
        named, head = "", b""
        for record in put.records:
            if not isinstance(record, Record):
                continue
            targets, id, typename, value = record
            if typename != named:
                named, head = typename, value_head(typename, self.protocol)
            argument = head + delimited(tag, value) if value else head
            field = ids.get(id) or self._id(id)
            for target in targets:
                append(((heads.get(target) or self.head(target)) + field, argument))
            self.records += 1
        return found

    def key(self, target: str, id: str) -> bytes:
        """The serialized address of an id of a function type."""
        return self.head(target) + self._id(id)

    def head(self, target: str) -> bytes:
        """What stands before the id in the serialized addresses of a function type."""
        head = self._heads.get(target)
        if head is None:
            if len(self._heads) > _IDS:
                self._heads.clear()
            namespace, name = parse_typename(target, f"target of {self.id}")
            head = self._heads[target] = text(b"\x0a", namespace) + text(b"\x12", name)
        return head

    def close(self, error: StatefunError) -> None:
        """Takes no more; what was put and not taken has no effect."""
        self.closed = True
        for put in self._queue:
            put.receipt.settle(error)
        self._queue.clear()
        self._queued = 0
        for waiter, put in self._waiting.items():
            put.receipt.settle(error)
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()

    # --- inside -------------------------------------------------------------------------------------------------------

    def _enqueue(self, put: Put) -> None:
        if not self._queue:
            self._wake()
        self._queue.append(put)
        self._queued += len(put.records)

    def _check(self, records: Sequence[Record | Rejected]) -> None:
        known: tuple[str, ...] = ()
        for record in records:
            if record.__class__ is Record:
                id = record[1]
                if not id:
                    raise AddressError(f"{self.id} puts a record without an id for {', '.join(record.targets)}")
                if not id.isascii():
                    self._id(id)
                if not isinstance(record[3], bytes):
                    raise IngressError(
                        f"{self.id} puts a record for {id!r} whose value is of the type {type(record[3]).__name__}, not bytes",
                        hint="encode it first, as `STRING.encode(value, inlet.protocol)` does",
                    )
            if record[0] is known:
                continue
            known = record.targets
            if not known:
                raise TypenameError(f"{self.id} puts a record that goes nowhere", hint="name a function type")
            for target in known:
                self.head(target)

    def _text(self, what: str, value: object) -> None:
        """Refuses what no store can keep as a text."""
        try:
            if isinstance(value, str):
                value.encode()
                return
        except UnicodeEncodeError:
            pass
        raise IngressError(
            f"{self.id} puts records with the {what} {value!r:.80}, which is no text",
            hint=f"a {what} is a `str` that can be written as UTF-8",
        )

    def _id(self, id: str) -> bytes:
        field = self._ids.get(id)
        if field is None:
            if len(self._ids) > _IDS:
                self._ids.clear()
            try:
                field = self._ids[id] = text(b"\x1a", id)
            except UnicodeEncodeError:
                raise AddressError(
                    f"{self.id} puts a record whose id {id!r} is no text: half of a surrogate pair"
                ) from None
        return field
