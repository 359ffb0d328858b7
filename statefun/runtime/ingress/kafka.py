"""A Kafka ingress: topics whose records become messages, exactly once into state.

The position is the next offset of each partition, `{"logins": {"0": 12, "1": 7}}`. It is committed with what the records before it
caused, so a kill at any point makes the next run read what has had no effect. The offsets of a consumer group, where one is named, follow the
store for those who watch its lag; they are read at the first start alone, where `startup` says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar

from confluent_kafka import KafkaError, KafkaException, Message

from statefun.errors import BindingError, IngressError
from statefun.model import BoundIngress, KafkaIngress, Route
from statefun.runtime.ingress.kafka_reader import KafkaReader, UnknownTopicError, consumer_settings
from statefun.runtime.ingress.kafka_records import Positions, record_of
from statefun.runtime.ingress.source import Inlet, Receipt, Record, Rejected
from statefun.runtime.kafka import LOGGER, Outage, error_of, is_passing, said

__all__ = ["KafkaSource"]

P = ParamSpec("P")
T = TypeVar("T")

_PAUSE_SECONDS: Final = 1.0
"""Between two attempts, and between two commits of a group's offsets."""

_UNKNOWN_SECONDS: Final = 5.0
"""How long a topic may be unknown: brokers that have just started do not know all of theirs yet."""

_DISCOVERY_MILLISECONDS: Final = "30000"
_DISCOVERY_PROPERTIES: Final = ("flink.partition-discovery.interval-millis", "metadata.max.age.ms")


class KafkaSource:
    """Reads the topics of one ingress; `run` never ends by itself.

    Args:
        bound: The ingress.

    Raises:
        BindingError: a property contradicts what the ingress says or needs.
    """

    def __init__(self, bound: BoundIngress) -> None:
        ingress: KafkaIngress = bound.ingress
        consumer_settings(ingress)
        self._ingress: Final = ingress
        self._routes: Final[dict[str, Route]] = {each.name: each for each in ingress.routes}
        self._every: Final = _discovery_seconds(ingress)

    @property
    def id(self) -> str:
        """`<namespace>/<name>`; the position is kept under it."""
        return self._ingress.id

    async def run(self, inlet: Inlet) -> None:
        """Reads until it is cancelled.

        Raises:
            IngressError: a topic does not exist, or the client is broken; brokers that cannot be reached are waited for.
        """
        thread = ThreadPoolExecutor(1, thread_name_prefix=f"statefun {self.id}")
        outage = Outage(f"KafkaIngress {self.id!r}", self._ingress.address)
        reader = KafkaReader(self._ingress, outage)
        reading = _Reading(self._ingress, self._routes, self._every, inlet, reader, outage, thread)
        try:
            await reading.run()
        finally:
            # Behind whatever call is under way: its thread makes one after the other.
            closed = thread.submit(reader.close)
            thread.shutdown(wait=False)
            await asyncio.wrap_future(closed)


class _Reading:
    """One run of a source."""

    def __init__(
        self,
        ingress: KafkaIngress,
        routes: dict[str, Route],
        every: float,
        inlet: Inlet,
        reader: KafkaReader,
        outage: Outage,
        thread: ThreadPoolExecutor,
    ) -> None:
        self._ingress: Final = ingress
        self._routes: Final = routes
        self._every: Final = every
        self._inlet: Final = inlet
        self._reader: Final = reader
        self._outage: Final = outage
        self._thread: Final = thread
        self._positions: Final = Positions(ingress.id, inlet.position)
        self._assigned: Final[dict[str, set[int]]] = {name: set() for name in routes}
        self._unknown_since: Final[dict[str, float]] = {}
        self._mirror: Final = _Mirror(ingress.id, reader, self._call)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        mirroring = None if self._ingress.consumer_group is None else loop.create_task(self._mirror.run())
        try:
            await self._look_for_partitions(self._reader.starts)
            look = loop.time() + self._every
            while True:
                if not await self._read():
                    look = loop.time()  # an error that a look at the topics explains
                if loop.time() >= look:
                    # What appears while the ingress reads is read from its beginning, or what came first would be missed.
                    known = await self._look_for_partitions(self._reader.beginnings, once=True)
                    look = loop.time() + (self._every if known else _PAUSE_SECONDS)
                if mirroring is not None and mirroring.done():
                    mirroring.result()
                    mirroring = None
        except KafkaException as error:
            raise IngressError(
                f"KafkaIngress {self._ingress.id!r} at {self._ingress.address}: {said(error_of(error))}",
                hint="what was read before is processed; run again when its cause is gone",
            ) from error
        finally:
            if mirroring is not None:
                mirroring.cancel()
                await asyncio.gather(mirroring, return_exceptions=True)

    async def _call(self, function: Callable[P, T], /, *args: P.args, **named: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(function, *args, **named))

    # --- partitions -------------------------------------------------------------------------------------------------

    async def _look_for_partitions(
        self, where: Callable[[str, Iterable[int]], dict[int, int]], *, once: bool = False
    ) -> bool:
        """Assigns the partitions that are not read yet.

        Args:
            where: Where a topic that has no position begins.
            once: Leave what cannot be found out now to the next time, instead of waiting for it.

        Returns:
            Whether all was found out.
        """
        complete = True
        found: list[tuple[str, int, int]] = []
        for topic in self._routes:
            while True:
                try:
                    found += await self._call(self._unread, topic, where)
                    self._unknown_since.pop(topic, None)
                    break
                except UnknownTopicError:
                    now = asyncio.get_running_loop().time()
                    if now - self._unknown_since.setdefault(topic, now) >= _UNKNOWN_SECONDS:
                        raise
                except KafkaException as error:
                    # A partition that is just made is not known to all brokers.
                    if not (is_passing(error_of(error)) or error_of(error).code() in _ABOUT_TOPICS):
                        raise
                    self._outage.begins(said(error_of(error)))
                if once:
                    complete = False
                    break
                await asyncio.sleep(_PAUSE_SECONDS)
        if complete:
            self._outage.is_over()
        if found:
            for topic, partition, next in found:
                self._positions.move(topic, partition, next)
                self._assigned[topic].add(partition)
            # On disk before the first record: what comes meanwhile is behind it, also when the startup is the latest.
            await self._put([])
            await self._call(self._reader.read_from, found)
        return complete

    def _unread(self, topic: str, where: Callable[[str, Iterable[int]], dict[int, int]]) -> list[tuple[str, int, int]]:
        """The partitions of a topic that are not read yet, each with its next offset; in the reader's thread."""
        there = self._reader.partitions(topic)
        known = self._positions.of(topic)
        gone = sorted(known.keys() - set(there))
        if gone and not self._assigned[topic]:
            LOGGER.warning(
                "%s: %s has no partitions %s any more, which were read before", self._ingress.id, topic, gone
            )
        new = [each for each in there if each not in self._assigned[topic]]
        unseen = [each for each in new if each not in known]
        # A topic that has positions gained these partitions while nobody read.
        begin = (self._reader.beginnings if known else where)(topic, unseen) if unseen else {}
        return [(topic, each, known[each] if each in known else begin[each]) for each in new]

    # --- records ----------------------------------------------------------------------------------------------------

    async def _read(self) -> bool:
        """Hands over the next records; False when an error came that is about the topics."""
        sound = True
        records: list[Record | Rejected] = []
        for message in await self._call(self._reader.read, self._inlet.limit):
            error = message.error()
            if error is None:
                records.append(self._record(message))
            elif error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
                if records:
                    await self._put(records)
                    records = []
                await self._reset(message, error)
            elif error.code() in _ABOUT_TOPICS or is_passing(error):
                self._outage.begins(said(error))
                sound = False
            else:
                raise KafkaException(error)
        if records:
            self._outage.is_over()
            await self._put(records)
        return sound

    def _record(self, message: Message) -> Record | Rejected:
        topic, partition, offset = _place(message)
        self._positions.move(topic, partition, offset + 1)
        return record_of(self._routes[topic], partition, offset, message.key(), message.value())

    async def _reset(self, message: Message, error: KafkaError) -> None:
        topic, partition = message.topic(), message.partition()
        if topic is None or partition is None:
            raise KafkaException(error)
        position = self._positions.of(topic)[partition]
        new: int | None = None
        while new is None:
            try:
                new = await self._call(self._reader.reset, topic, partition, position)
            except KafkaException as failed:
                if not is_passing(error_of(failed)):
                    raise
                self._outage.begins(said(error_of(failed)))
                await asyncio.sleep(_PAUSE_SECONDS)
        self._positions.move(topic, partition, new)
        await self._put([])

    async def _put(self, records: list[Record | Rejected]) -> None:
        self._mirror.follow(await self._inlet.put(records, position=self._positions.text), list(self._positions))


class _Mirror:
    """Makes the offsets of the consumer group follow what is committed in the store."""

    def __init__(self, id: str, reader: KafkaReader, call: Callable[..., Any]) -> None:
        self._id: Final = id
        self._reader: Final = reader
        self._call: Final = call
        self._latest: tuple[Receipt, list[tuple[str, int, int]]] | None = None
        self._moved: Final = asyncio.Event()

    def follow(self, receipt: Receipt, places: list[tuple[str, int, int]]) -> None:
        """Will commit these offsets when the receipt says that the store has them, unless later ones come first."""
        self._latest = receipt, places
        self._moved.set()

    async def run(self) -> None:
        """Commits until it is cancelled, or the run ends."""
        while True:
            await self._moved.wait()
            self._moved.clear()
            if self._latest is None:
                continue
            receipt, places = self._latest
            try:
                await receipt.committed()
            except IngressError:
                return  # the run is over, and these records had no effect
            try:
                await self._call(self._reader.commit, places)
            except KafkaException as error:
                LOGGER.warning("%s: offsets are not committed to its group: %s", self._id, said(error_of(error)))
            await asyncio.sleep(_PAUSE_SECONDS)


_INCONSISTENT_TOPIC_ID: Final = 103
"""Kafka's own number; older clients have no name for it."""

_ABOUT_TOPICS: Final = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
        KafkaError.UNKNOWN_TOPIC_ID,
        _INCONSISTENT_TOPIC_ID,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.FENCED_LEADER_EPOCH,
    }
)


def _place(message: Message) -> tuple[str, int, int]:
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    if topic is None or partition is None or offset is None:
        raise IngressError(f"the Kafka client gave a record without a place: {topic!r}, {partition!r}, {offset!r}")
    return topic, partition, offset


def _discovery_seconds(ingress: KafkaIngress) -> float:
    """How often new partitions are looked for: by the property that the engines have for it, or the client's."""
    name = next((each for each in _DISCOVERY_PROPERTIES if each in ingress.properties), None)
    value = _DISCOVERY_MILLISECONDS if name is None else ingress.properties[name]
    try:
        return max(0.1, int(value) / 1000)
    except ValueError as error:
        raise BindingError(
            f"KafkaIngress {ingress.id!r} has the property {name!r} of a value that is no number"
        ) from error
