"""Kinesis as an ingress: the shards of its streams, followed through splits and merges, and read exactly once into state.

The place in each shard is put with its records, so it is committed with all that they cause; what was not committed is read again.
A shard that came of others is read when these are through, so the records of one key keep their order across a resharding.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, Protocol

from statefun.errors import IngressError, PositionError, StatefunError
from statefun.model import KinesisIngress, Route, StartFrom, StartFromDate
from statefun.runtime.aws import AWS_ERRORS, LOGGER, Failure, failure_of, open_kinesis, said
from statefun.runtime.ingress.kinesis_places import END, Places, Shard, since
from statefun.runtime.ingress.kinesis_shard import MADE_ANEW, Pace, Reading, ShardReader, refused
from statefun.runtime.ingress.source import Inlet

if TYPE_CHECKING:
    from types_aiobotocore_kinesis.type_defs import ResponseMetadataTypeDef, ShardTypeDef

__all__ = ["KinesisSource"]

_SLOTS: Final = 8
"""Answers that are held at a time, of up to 10 MiB each."""


class Bound(Protocol):
    """An ingress of this kind, with nothing left to look up."""

    @property
    def ingress(self) -> KinesisIngress:
        """What the user or a module.yaml said."""
        ...


class KinesisSource:
    """Reads the streams of one ingress.

    Args:
        bound: The ingress.
        pace: How often Kinesis is asked.
    """

    def __init__(self, bound: Bound, *, pace: Pace | None = None) -> None:
        self._ingress: Final = bound.ingress
        self._pace: Final = Pace() if pace is None else pace

    @property
    def id(self) -> str:
        """`<namespace>/<name>`; the position is kept under it."""
        return self._ingress.id

    async def run(self, inlet: Inlet) -> None:
        """Puts the records of all streams until it is cancelled.

        Raises:
            IngressError: a stream does not exist, or AWS refuses to show it.
            PositionError: the position in the store is none of these streams.
            BindingError: the client does not have one of the ingress's properties.
        """
        places = Places(self.id, inlet.position)
        async with AsyncExitStack() as stack:
            client = await open_kinesis(self._ingress, stack)
            reading = Reading(self.id, client, inlet, places, self._pace, asyncio.Lock(), asyncio.Semaphore(_SLOTS))
            try:
                async with asyncio.TaskGroup() as tasks:
                    for route in self._ingress.routes:
                        tasks.create_task(_Stream(reading, route, self._ingress, tasks).run())
            except BaseExceptionGroup as group:
                known, other = group.split(StatefunError)
                if known is None or other is not None:
                    raise
                raise _first(known) from group


def _first(group: BaseExceptionGroup[StatefunError]) -> StatefunError:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found


class _Stream:
    """One stream: looks which shards there are, and reads those whose parents are through."""

    def __init__(self, reading: Reading, route: Route, ingress: KinesisIngress, tasks: asyncio.TaskGroup) -> None:
        self._reading: Final = reading
        self._name: Final = route.name
        self._route: Final = route
        self._ingress: Final = ingress
        self._tasks: Final = tasks
        self._ended: Final = asyncio.Event()
        self._open: Final[set[str]] = set()

    async def run(self) -> None:
        from_latest: set[str] = set()
        places = self._reading.places
        while True:
            self._ended.clear()
            shards, moment = await self._shards()
            if not places.has(self._name):
                from_latest = await self._begin(shards, moment)
            names = {shard.id for shard in shards}
            for shard in shards:
                if not shard.closed and places.get(self._name, shard.id) == END:
                    raise PositionError(
                        f"the Kinesis ingress {self._reading.ingress!r} has read the shard {shard.id} of the stream "
                        f"{self._name!r} to its end, and it is open",
                        hint=MADE_ANEW,
                    )
            for gone, place in places.keep(self._name, names | self._open).items():
                LOGGER.warning(
                    "a gap in the stream %r: its shard %s, which the ingress %r read up to %r, is gone with what is behind that",
                    self._name,
                    gone,
                    self._reading.ingress,
                    place,
                )
            for shard in shards:
                through = all(parent not in names or places.get(self._name, parent) == END for parent in shard.parents)
                if through and shard.id not in self._open and places.get(self._name, shard.id) != END:
                    self._open.add(shard.id)
                    self._tasks.create_task(self._read(shard, from_latest=shard.id in from_latest))
            from_latest = set()
            try:
                async with asyncio.timeout(self._reading.pace.listing):
                    await self._ended.wait()
            except TimeoutError:
                continue

    async def _read(self, shard: Shard, *, from_latest: bool) -> None:
        await ShardReader(self._reading, self._route, shard, from_latest=from_latest).run()
        self._open.discard(shard.id)
        self._ended.set()

    async def _begin(self, shards: Sequence[Shard], moment: datetime) -> set[str]:
        """Notes where a stream that was never seen before is read from, and gives the shards that begin with what comes next."""
        startup = self._ingress.startup
        begin: dict[str, str] = {}
        if isinstance(startup, StartFromDate):
            begin = {shard.id: since(startup.date) for shard in shards}
        elif startup is StartFrom.LATEST:
            # Noted as a moment: after a stop before the first record, "latest" would leave out what came meanwhile.
            begin = {shard.id: END if shard.closed else since(moment) for shard in shards}
        async with self._reading.order:
            self._reading.places.add(self._name, begin)
            await self._reading.inlet.put([], position=self._reading.places.text())
        return {shard for shard, place in begin.items() if place != END} if startup is StartFrom.LATEST else set()

    async def _shards(self) -> tuple[list[Shard], datetime]:
        """The shards of the stream, and when that was by Kinesis' clock."""
        client, pace = self._reading.client, self._reading.pace
        failures = 0
        while True:
            try:
                answer = await client.list_shards(StreamName=self._name)
                moment = _moment(answer["ResponseMetadata"])
                found = [*answer["Shards"]]
                while token := answer.get("NextToken"):
                    answer = await client.list_shards(NextToken=token)
                    found += answer["Shards"]
                return [_shard(each) for each in found], moment
            except AWS_ERRORS as error:
                failure = failure_of(error)
                if failure is Failure.MISSING:
                    raise IngressError(
                        f"the Kinesis ingress {self._reading.ingress!r} reads the stream {self._name!r}, "
                        f"which does not exist: {said(error)}",
                        hint="check its name, the region and the account, or make the stream",
                    ) from error
                if failure not in (Failure.BUSY, Failure.UNAVAILABLE):
                    raise refused(self._reading.ingress, f"the stream {self._name!r}", error) from error
                failures += 1
                LOGGER.warning(
                    "the shards of the stream %r are asked for again after a pause (%d): %s",
                    self._name,
                    failures,
                    said(error),
                )
                await pace.after_failure(failures)


def _shard(told: ShardTypeDef) -> Shard:
    parents = (told.get("ParentShardId"), told.get("AdjacentParentShardId"))
    hashes = told["HashKeyRange"]
    return Shard(
        told["ShardId"],
        tuple(parent for parent in parents if parent),
        int(hashes["StartingHashKey"]),
        int(hashes["EndingHashKey"]),
        told["SequenceNumberRange"].get("EndingSequenceNumber") is not None,
    )


def _moment(metadata: ResponseMetadataTypeDef) -> datetime:
    """When an answer was given, in whole seconds; by this machine's clock when it does not tell."""
    told = metadata["HTTPHeaders"].get("date")
    try:
        return parsedate_to_datetime(told) if told else datetime.now(UTC)
    except ValueError:
        return datetime.now(UTC)
