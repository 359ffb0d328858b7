"""Kinesis as an egress: at least once, and in order for each partition key.

`PutRecords` may take some of a request's records and refuse others, the first of a key and not its second. So a request holds one record of
each key, and the next one of a key waits until that one has arrived.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from statefun.errors import EgressError, EgressUnavailableError
from statefun.model import KinesisEgress
from statefun.protocol.egress import KINESIS
from statefun.records import KinesisRecord
from statefun.runtime.aws import AWS_ERRORS, Failure, failure_of, open_kinesis, said
from statefun.runtime.egress.sink import OutgoingRecord, Sink

if TYPE_CHECKING:
    from types_aiobotocore_kinesis import KinesisClient
    from types_aiobotocore_kinesis.type_defs import PutRecordsRequestEntryTypeDef, PutRecordsResultEntryTypeDef

__all__ = ["KinesisSink"]

_MOST_RECORDS: Final = 500
_MOST_BYTES: Final = 5 << 20
_LARGEST_RECORD: Final = 1 << 20
_LONGEST_KEY: Final = 256
_STREAM: Final = re.compile(r"[a-zA-Z0-9_.-]{1,128}")
_HASH_KEY: Final = re.compile(r"0|[1-9][0-9]{0,38}", re.ASCII)

_PATIENCE: Final = 5
"""Requests in a row of which nothing arrives, before the runtime is told."""


class Bound(Protocol):
    """An egress of this kind, with nothing left to look up."""

    @property
    def egress(self) -> KinesisEgress:
        """What the user or a module.yaml said."""
        ...


class _Outgoing(NamedTuple):
    number: tuple[int, int]
    key: str
    size: int
    entry: PutRecordsRequestEntryTypeDef


class KinesisSink(Sink):
    """Writes records to the streams that they name.

    Args:
        bound: The egress.
        pause: Seconds before a request is repeated that a stream had no capacity for; twice as long after each further one.
    """

    def __init__(self, bound: Bound, *, pause: float = 0.1) -> None:
        super().__init__(bound.egress.id)
        self._egress: Final = bound.egress
        self._pause: Final = pause
        self._stack: Final = AsyncExitStack()
        self._client: KinesisClient | None = None
        self._arrived: Final[set[tuple[int, int]]] = set()
        """What has arrived of a delivery that did not as a whole, and that is asked for again."""

    def encode(self, typename: str, value: bytes) -> bytes:
        """Checks that a value is a record that Kinesis takes.

        Raises:
            EgressError: it is no Kinesis record, or over one of Kinesis' limits.
        """
        record = KINESIS.read(self.id, typename, value)
        self._check(
            _STREAM.fullmatch(record.stream) is not None,
            f"for the stream {record.stream!r:.200}",
            "a stream's name has up to 128 letters, digits and characters of `_.-`",
        )
        self._check(
            len(record.partition_key) <= _LONGEST_KEY,
            f"with a partition key of {len(record.partition_key)} characters",
            f"a partition key has up to {_LONGEST_KEY}",
        )
        size = _size(record)
        self._check(
            size <= _LARGEST_RECORD,
            f"of {size} bytes, its partition key included",
            f"Kinesis takes up to {_LARGEST_RECORD}: keep the value elsewhere and send where it is, or send it in parts",
        )
        key = record.explicit_hash_key
        self._check(
            key is None or (_HASH_KEY.fullmatch(key) is not None and int(key) < 2**128),
            f"with the explicit hash key {key!r:.80}",
            "it is a decimal number below 2**128",
        )
        return value

    async def open(self, store: str, position: str | None) -> None:
        """Makes the client; nothing is sent yet.

        Raises:
            EgressError: its region, profile or endpoint cannot be used.
            BindingError: the client does not have one of the egress's properties.
        """
        del store, position
        self._client = await open_kinesis(self._egress, self._stack)

    async def deliver(self, records: Sequence[OutgoingRecord]) -> None:
        """Writes records, those of different streams at the same time. When it returns, Kinesis has stored them.

        Raises:
            EgressUnavailableError: AWS cannot be reached, or a stream has no capacity left; what arrived is not written again.
            EgressError: a stream does not exist, or AWS refuses to write to it.
        """
        streams: dict[str, dict[str, deque[_Outgoing]]] = {}
        for record in records:
            number = (record.sequence, record.place)
            if number not in self._arrived:
                sent = KINESIS.kept(self.id, record.data)
                keys = streams.setdefault(sent.stream, {})
                keys.setdefault(sent.partition_key, deque()).append(
                    _Outgoing(number, sent.partition_key, _size(sent), _entry(sent))
                )
        answers = await asyncio.gather(
            *(self._write(stream, keys) for stream, keys in streams.items()), return_exceptions=True
        )
        errors = [answer for answer in answers if answer is not None]
        if errors:
            # What can never succeed comes first.
            raise min(errors, key=lambda error: isinstance(error, EgressUnavailableError))
        self._arrived.clear()

    async def close(self) -> None:
        """Closes the client."""
        await self._stack.aclose()

    # --- inside -------------------------------------------------------------------------------------------------------

    def _check(self, holds: bool, what: str, hint: str) -> None:
        if not holds:
            raise EgressError(f"the Kinesis egress {self.id!r} was sent a record {what}", hint=hint)

    async def _write(self, stream: str, keys: dict[str, deque[_Outgoing]]) -> None:
        """Writes the records of one stream; those of a key one after another."""
        failures = 0
        while keys:
            request = _request(keys)
            refused = await self._put(stream, keys, request)
            if refused is None:
                failures = 0
                continue
            failures = failures + 1 if refused.all else 0
            if failures >= _PATIENCE:
                raise EgressUnavailableError(
                    f"the Kinesis egress {self.id!r} cannot write to the stream {stream!r} now: {refused.why}",
                    hint="the records wait; give the stream more shards, or the records more partition keys",
                )
            await asyncio.sleep(self._pause * 2.0 ** max(failures - 1, 0))

    async def _put(self, stream: str, keys: dict[str, deque[_Outgoing]], request: list[_Outgoing]) -> _Refused | None:
        """Writes a request, and takes what arrived out of the queues of its keys; a key whose record did not comes behind the others."""
        if self._client is None:
            raise EgressError(f"the Kinesis egress {self.id!r} is not open", hint="open it before it delivers")
        try:
            answer = await self._client.put_records(StreamName=stream, Records=[each.entry for each in request])
        except AWS_ERRORS as error:
            failure = failure_of(error)
            if failure is Failure.BUSY:
                return _Refused(said(error), all=True)
            raise self._error(stream, failure, error) from error
        refused: list[PutRecordsResultEntryTypeDef] = []
        for each, result in zip(request, answer["Records"], strict=True):
            queue = keys.pop(each.key)
            if result.get("ErrorCode"):
                refused.append(result)
            else:
                self._arrived.add(each.number)
                queue.popleft()
            if queue:
                keys[each.key] = queue
        if not refused:
            return None
        why = f"{refused[0].get('ErrorCode', '')}: {refused[0].get('ErrorMessage', '')}"
        return _Refused(why, all=len(refused) == len(request))

    def _error(self, stream: str, failure: Failure, error: Exception) -> EgressError:
        if failure is Failure.UNAVAILABLE:
            return EgressUnavailableError(f"the Kinesis egress {self.id!r} cannot reach AWS: {said(error)}")
        if failure is Failure.MISSING:
            return EgressError(
                f"the Kinesis egress {self.id!r} writes to the stream {stream!r}, which does not exist: {said(error)}",
                hint="make the stream, or check the region and the account; its records are in the store and go out then",
            )
        return EgressError(
            f"the Kinesis egress {self.id!r} cannot write to the stream {stream!r}: {said(error)}",
            hint="check its region and credentials, and that they may put records to the stream; its records are in the store",
        )


class _Refused(NamedTuple):
    why: str
    all: bool


def _size(record: KinesisRecord) -> int:
    return len(record.value) + len(record.partition_key.encode())


def _entry(record: KinesisRecord) -> PutRecordsRequestEntryTypeDef:
    entry: PutRecordsRequestEntryTypeDef = {"Data": record.value, "PartitionKey": record.partition_key}
    if record.explicit_hash_key is not None:
        entry["ExplicitHashKey"] = record.explicit_hash_key
    return entry


def _request(keys: dict[str, deque[_Outgoing]]) -> list[_Outgoing]:
    """The first record of as many keys as a request may hold."""
    request: list[_Outgoing] = []
    size = 0
    for queue in keys.values():
        size += queue[0].size
        if len(request) == _MOST_RECORDS or size > _MOST_BYTES:
            break
        request.append(queue[0])
    return request
