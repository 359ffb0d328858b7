"""One shard of a Kinesis stream, read from its place to its end.

Kinesis does not say when a place is older than what it still keeps: it goes on with the oldest record that it has. So reading begins *at* the
record that was taken in last, not behind it: when another record comes first, that one was dropped, and maybe others behind it, which a warning tells.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from statefun.errors import IngressError, PositionError, RecordError, RecordKeyError
from statefun.model import Route
from statefun.protocol.kinesis import is_bundle, read_bundle
from statefun.runtime.aws import AWS_ERRORS, LOGGER, Failure, failure_of, said
from statefun.runtime.ingress.kinesis_places import END, Places, Shard, date_of
from statefun.runtime.ingress.source import Inlet, Record, Rejected

if TYPE_CHECKING:
    from types_aiobotocore_kinesis import KinesisClient
    from types_aiobotocore_kinesis.type_defs import RecordTypeDef

__all__ = ["MADE_ANEW", "Pace", "Reading", "ShardReader", "refused"]

_MOST: Final = 10_000
"""Records in one answer, and the most that Kinesis gives."""

_FAR_BEHIND_MS: Final = 20 * 3_600_000
"""So far behind the newest record that Kinesis may drop, within a run, what comes next: it keeps a record for 24 hours or more."""


MADE_ANEW: Final = "was the stream deleted and made anew? Give the ingress another id, or start with an empty store"


@frozen(kw_only=True)
class Pace:
    """How often an ingress asks. Kinesis allows five reads a second and shard, to all consumers of a stream together.

    Attributes:
        behind: Seconds between two reads of a shard that has more records.
        waiting: Seconds before it is asked again when it had none.
        retry: Seconds before a call that failed is repeated; twice as long after each further failure.
        longest: The longest of these pauses.
        listing: Seconds between two looks at what shards there are; at the end of a shard there is one more.
        jitter: Gives numbers in [0, 1), which spread the pauses of retries.
    """

    behind: float = 0.25
    waiting: float = 1.0
    retry: float = 0.5
    longest: float = 30.0
    listing: float = 30.0
    jitter: Callable[[], float] = random.random

    async def after_failure(self, failures: int) -> None:
        """Waits after so many failures in a row."""
        pause = min(self.longest, self.retry * 2.0 ** min(failures - 1, 16))
        await asyncio.sleep(pause * (1 + self.jitter()) / 2)


@frozen
class Reading:
    """What all shards of an ingress share.

    Attributes:
        ingress: The id of the ingress.
        client: Asks Kinesis.
        inlet: Takes the records.
        places: Where each shard is.
        pace: How often it is asked.
        order: Held while a place is moved and its records are put, so that positions are put in the order in which they came about.
        slots: Held while records are fetched and put: an answer may be 10 MiB, and there may be many shards.
    """

    ingress: str
    client: KinesisClient
    inlet: Inlet
    places: Places
    pace: Pace
    order: asyncio.Lock
    slots: asyncio.Semaphore

    async def put(self, stream: str, shard: str, place: str, records: Sequence[Record | Rejected]) -> None:
        """Puts records, and with them the place behind them."""
        async with self.order:
            self.places.move(stream, shard, place)
            await self.inlet.put(records, position=self.places.text())


def refused(ingress: str, what: str, error: Exception) -> IngressError:
    """The error of a call that will never succeed."""
    return IngressError(
        f"the Kinesis ingress {ingress!r} cannot read {what}: {said(error)}",
        hint="check its region and credentials, and that they may list the shards of its streams and read their records",
    )


class ShardReader:
    """Reads one shard.

    Args:
        reading: What all shards share.
        route: The stream, and what becomes of its records.
        shard: The shard.
        from_latest: Whether what is in the shard already is left out; until a record is taken in, its place says when that was.
    """

    def __init__(self, reading: Reading, route: Route, shard: Shard, *, from_latest: bool = False) -> None:
        self._reading: Final = reading
        self._route: Final = route
        self._shard: Final = shard
        self._what: Final = f"the shard {shard.id} of the stream {route.name!r}"
        self._from_latest = from_latest
        self._expected: str | None = None
        """The sequence number of the record that has to come first: the last one that was taken in."""

    async def run(self) -> None:
        """Puts the records of the shard, in order, and returns at its end.

        Raises:
            IngressError: it cannot be read.
            PositionError: its place is none of this shard.
        """
        client, pace = self._reading.client, self._reading.pace
        iterator: str | None = None
        failures = 0
        while True:
            try:
                if iterator is None:
                    iterator = await self._iterator()
                async with self._reading.slots:
                    answer = await client.get_records(ShardIterator=iterator, Limit=_MOST)
                    taken = await self._take(answer["Records"])
            except AWS_ERRORS as error:
                failure = failure_of(error)
                if failure is Failure.EXPIRED:
                    iterator = None
                elif failure is Failure.MISSING:
                    # The next look at what shards there are tells what it means: a shard that is too old, or no stream any more.
                    await pace.after_failure(1)
                    return
                elif failure in (Failure.BUSY, Failure.UNAVAILABLE):
                    failures += 1
                    self._tell(failure, failures, error)
                    await pace.after_failure(failures)
                else:
                    raise self._error(failure, error) from error
                continue
            failures = 0
            behind = answer.get("MillisBehindLatest", 0)
            # A closed shard ends without a next iterator; the stubs say that there always is one.
            iterator = answer.get("NextShardIterator") or None
            if iterator is None:
                break
            if behind >= _FAR_BEHIND_MS and taken:
                iterator = None  # begins at the last record again, which tells of a gap
            await asyncio.sleep(pace.behind if answer["Records"] or behind else pace.waiting)
        if self._expected is not None:
            self._warn_of_gap(None)
        await self._reading.put(self._route.name, self._shard.id, END, [])

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _iterator(self) -> str:
        place = self._reading.places.get(self._route.name, self._shard.id)
        where: dict[str, Any]
        if place is None:
            where = {"ShardIteratorType": "TRIM_HORIZON"}
        elif (date := date_of(place)) is None:
            where = {"ShardIteratorType": "AT_SEQUENCE_NUMBER", "StartingSequenceNumber": place}
            self._expected = place
        elif self._from_latest:
            where = {"ShardIteratorType": "LATEST"}
        else:
            where = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": date}
        answer = await self._reading.client.get_shard_iterator(
            StreamName=self._route.name, ShardId=self._shard.id, **where
        )
        # Should it expire before a record comes, the place says what has been left out.
        self._from_latest = False
        return answer["ShardIterator"]

    async def _take(self, records: Sequence[RecordTypeDef]) -> int:
        """Puts records, and gives how many were new."""
        if not records:
            return 0
        if self._expected is not None:
            if records[0]["SequenceNumber"] == self._expected:
                records = records[1:]
            else:
                self._warn_of_gap(records[0])
            self._expected = None
        messages: list[Record | Rejected] = []
        for number, record in enumerate(records, 1):
            messages += self._messages(record)
            if len(messages) >= self._reading.inlet.limit or number == len(records):
                await self._reading.put(self._route.name, self._shard.id, record["SequenceNumber"], messages)
                messages = []
        return len(records)

    def _messages(self, record: RecordTypeDef) -> list[Record | Rejected]:
        """What becomes of a record: one message, or those of a bundle. All of them are put together, so a place needs no number within it."""
        data, sequence = record["Data"], record["SequenceNumber"]
        if not is_bundle(data):
            return [self._message(record.get("PartitionKey", ""), data, sequence)]
        try:
            bundled = read_bundle(data)
        except ValueError as error:
            return [
                self._rejected(
                    data,
                    RecordError(
                        f"{self._place(sequence)}: a bundle of records that cannot be taken apart: {error}",
                        hint="find out what writes it: it begins and ends as the Kinesis Producer Library's, and is none",
                    ),
                )
            ]
        # What belongs to another shard was in flight while this one came to be, and is written to the other one again.
        first, last = self._shard.first_hash, self._shard.last_hash
        return [self._message(each.key, each.data, sequence) for each in bundled if first <= each.hash <= last]

    def _message(self, key: str, data: bytes, sequence: str) -> Record | Rejected:
        if not key:
            return self._rejected(
                data,
                RecordKeyError(f"{self._place(sequence)}: the record has no partition key", hint="write it with a key"),
            )
        return Record(self._route.targets, key, self._route.value_type, data)

    def _rejected(self, data: bytes, error: RecordError) -> Rejected:
        return Rejected(self._route.targets, self._route.value_type, data, error)

    def _place(self, sequence: str) -> str:
        return f"record {sequence} of {self._what}"

    def _error(self, failure: Failure, error: Exception) -> IngressError:
        place = self._reading.places.get(self._route.name, self._shard.id)
        if failure is Failure.INVALID and place is not None and date_of(place) is None:
            return PositionError(
                f"the Kinesis ingress {self._reading.ingress!r} cannot go on in {self._what} at {place!r}: {said(error)}",
                hint=MADE_ANEW,
            )
        return refused(self._reading.ingress, self._what, error)

    def _tell(self, failure: Failure, failures: int, error: Exception) -> None:
        # To meet a quota is part of the trade, unless it goes on; to meet nobody is not.
        often = failures >= 5
        level = "warning" if often or failure is Failure.UNAVAILABLE else "info"
        getattr(LOGGER, level)("%s is read again after a pause (%d): %s", self._what, failures, said(error))

    def _warn_of_gap(self, record: RecordTypeDef | None) -> None:
        """Tells that the record at the place is gone, and what may be gone with it."""
        arrived = None if record is None else record.get("ApproximateArrivalTimestamp")
        until = (
            "its end, where nothing is left"
            if record is None
            else f"{record['SequenceNumber']}{_when(arrived)}, the oldest that is left"
        )
        LOGGER.warning(
            "a gap in %s: the ingress %r stopped at the record %s, which Kinesis keeps no more, and goes on at %s; "
            "what came between the two, if anything, is lost",
            self._what,
            self._reading.ingress,
            self._expected,
            until,
        )


def _when(arrived: datetime | None) -> str:
    return "" if arrived is None else f" of {arrived.isoformat(timespec='seconds')}"
