"""What a Kafka ingress asks of its brokers, one blocking call after the other: all of them are made in one thread.

Partitions are assigned, not subscribed to: where reading goes on is in the store, and no group decides who reads what.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from confluent_kafka import OFFSET_INVALID, Consumer, KafkaError, KafkaException, Message, TopicPartition

from statefun.errors import BindingError, IngressError
from statefun.model import KafkaIngress, StartFrom, StartFromDate, StartFromOffsets
from statefun.runtime.kafka import LOGGER, Outage, client_settings, error_of, is_passing, said

__all__ = ["KafkaReader", "UnknownTopicError", "consumer_settings"]

_REQUEST_SECONDS: Final = 5.0
"""How long one request waits; the thread that makes it can be told nothing meanwhile."""

_POLL_SECONDS: Final = 0.2


class UnknownTopicError(IngressError):
    """The brokers know no such topic, which may be since they have just started."""

    code = "unknown-topic"
    default_hint = "make the topic, or correct its name"


def consumer_settings(ingress: KafkaIngress) -> dict[str, Any]:
    """The settings of the consumer of an ingress.

    Raises:
        BindingError: a property contradicts what the ingress says or needs.
    """
    if ingress.startup is StartFrom.GROUP_OFFSETS and ingress.consumer_group is None:
        raise BindingError(
            f"KafkaIngress {ingress.id!r} starts from the offsets of a group and names none",
            hint="give `consumer_group=`, or another startup",
        )
    return client_settings(
        f"KafkaIngress {ingress.id!r}",
        ingress.properties,
        defaults={
            "isolation.level": "read_committed",
            # What is fetched ahead while the runtime is busy: the client's own default is 64 MiB.
            "queued.max.messages.kbytes": "16384",
            "max.poll.interval.ms": "86400000",  # a member of a group has to come back in time, and this is none
            "log_level": "0",  # errors are told by callbacks
        },
        fixed={
            "bootstrap.servers": ingress.address,
            # The client wants one, and without offsets that are committed or fetched it is told to nobody.
            "group.id": ingress.consumer_group or f"statefun-{ingress.id}",
            "enable.auto.commit": "false",
            "enable.auto.offset.store": "false",
            "auto.offset.reset": "error",
        },
        hints={
            "bootstrap.servers": "leave it out: `address=` names the brokers",
            "group.id": "leave it out: `consumer_group=` names the group",
            "auto.offset.reset": "leave it out: `auto_reset=` says it",
        },
    )


class KafkaReader:
    """The consumer of one ingress.

    Args:
        ingress: The ingress.
        outage: Is told of brokers that cannot be reached.

    Raises:
        BindingError: a property contradicts what the ingress says or needs.
        IngressError: the client does not take a property.
    """

    def __init__(self, ingress: KafkaIngress, outage: Outage) -> None:
        self._ingress: Final = ingress
        self._outage: Final = outage
        self._fatal: KafkaError | None = None
        self._commit_failed = False
        settings = consumer_settings(ingress)
        try:
            self._consumer: Final = Consumer({**settings, "error_cb": self._on_error, "on_commit": self._on_commit})
        except KafkaException as error:
            raise IngressError(
                f"KafkaIngress {ingress.id!r}: {said(error_of(error))}", hint="check its properties"
            ) from error

    # --- where the records are ------------------------------------------------------------------------------------

    def partitions(self, topic: str) -> list[int]:
        """The partitions that a topic has.

        Raises:
            UnknownTopicError: there is no such topic.
            IngressError: it may not be read.
            KafkaException: the brokers do not answer.
        """
        found = self._consumer.list_topics(topic, _REQUEST_SECONDS).topics[topic]
        error = cast("KafkaError | None", found.error)
        if error is not None:
            if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise UnknownTopicError(
                    f"KafkaIngress {self._ingress.id!r}: there is no topic {topic!r} at {self._ingress.address}"
                )
            if not is_passing(error):
                raise IngressError(
                    f"KafkaIngress {self._ingress.id!r}: the topic {topic!r} at {self._ingress.address} cannot be read: {said(error)}"
                )
            raise KafkaException(error)
        return sorted(cast("Iterable[int]", found.partitions))

    def edges(self, topic: str, partition: int) -> tuple[int, int]:
        """The first offset that a partition has, and the one that the next record will get (or, with open transactions, may be read)."""
        return self._consumer.get_watermark_offsets(TopicPartition(topic, partition), _REQUEST_SECONDS)

    def beginnings(self, topic: str, partitions: Iterable[int]) -> dict[int, int]:
        """The first offset of each of the partitions."""
        return {each: self.edges(topic, each)[0] for each in partitions}

    def starts(self, topic: str, partitions: Iterable[int]) -> dict[int, int]:
        """Where an ingress that was never there begins, by its `startup`."""
        wanted = list(partitions)
        startup = self._ingress.startup
        if isinstance(startup, StartFromDate):
            moment = round(startup.date.timestamp() * 1000)
            asked = [TopicPartition(topic, each, moment) for each in wanted]
            found = self._offsets(self._consumer.offsets_for_times(asked, _REQUEST_SECONDS))
            return self._filled(topic, wanted, found, StartFrom.LATEST)  # no record is younger: what comes next
        if isinstance(startup, StartFromOffsets):
            found = {each.partition: each.offset for each in startup.offsets if each.topic == topic}
            found |= self._of_group(topic, [each for each in wanted if each not in found])
            return self._filled(topic, wanted, found, self._ingress.auto_reset)
        if startup is StartFrom.GROUP_OFFSETS:
            return self._filled(topic, wanted, self._of_group(topic, wanted), self._ingress.auto_reset)
        return self._filled(topic, wanted, {}, startup)

    def _of_group(self, topic: str, partitions: list[int]) -> dict[int, int]:
        if self._ingress.consumer_group is None or not partitions:
            return {}
        asked = [TopicPartition(topic, each) for each in partitions]
        return self._offsets(self._consumer.committed(asked, _REQUEST_SECONDS))

    def _offsets(self, found: Iterable[TopicPartition]) -> dict[int, int]:
        offsets: dict[int, int] = {}
        for each in found:
            if each.error is not None:
                raise KafkaException(each.error)
            if each.offset >= 0 and each.offset != OFFSET_INVALID:
                offsets[each.partition] = each.offset
        return offsets

    def _filled(self, topic: str, wanted: list[int], found: Mapping[int, int], edge: StartFrom) -> dict[int, int]:
        side = 0 if edge is StartFrom.EARLIEST else 1
        return {each: found[each] if each in found else self.edges(topic, each)[side] for each in wanted}

    # --- reading ---------------------------------------------------------------------------------------------------

    def read_from(self, places: Iterable[tuple[str, int, int]]) -> None:
        """Reads these partitions too, each from an offset."""
        self._consumer.incremental_assign([TopicPartition(*place) for place in places])

    def read(self, limit: int) -> list[Message]:
        """The next records, and errors between them; none when none comes within a moment.

        Raises:
            KafkaException: the client is broken for good.
        """
        first = self._consumer.poll(_POLL_SECONDS)
        if self._fatal is not None:
            raise KafkaException(self._fatal)
        if first is None:
            return []
        return [first, *self._consumer.consume(limit - 1, 0)] if limit > 1 else [first]

    def reset(self, topic: str, partition: int, position: int) -> int:
        """Goes on where a partition is, as its position is not in it; says what that means, and gives the new position."""
        low, high = self.edges(topic, partition)
        place = f"{self._ingress.id}: {topic}[{partition}]"
        if low <= position <= high:
            new = position
            LOGGER.info("%s: offset %d was refused and is there, reading on", place, position)
        else:
            earliest = self._ingress.auto_reset is StartFrom.EARLIEST
            new = low if earliest else high
            if position < low:
                gone = f"offset {position} is gone, the topic begins at {low}"
                count = new - position
            else:
                gone = f"offset {position} is not there yet, the topic ends at {high}: it is another one than before"
                count = 0 if earliest else high - low
            LOGGER.warning(
                "%s: %s; going on at %d, the %s: up to %d records are not read",
                *(place, gone, new, "earliest" if earliest else "latest", count),
            )
        self._consumer.incremental_unassign([TopicPartition(topic, partition)])
        self.read_from([(topic, partition, new)])
        return new

    def commit(self, places: Iterable[tuple[str, int, int]]) -> None:
        """Tells the consumer group where reading is; nothing depends on it."""
        offsets = [TopicPartition(*place) for place in places]
        if offsets:
            self._consumer.commit(offsets=offsets, asynchronous=True)

    def close(self) -> None:
        """Lets go of the consumer."""
        self._consumer.close()

    # --- what the client tells -------------------------------------------------------------------------------------

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            self._fatal = error
        elif is_passing(error):
            self._outage.begins(said(error))
        else:
            LOGGER.warning("KafkaIngress %r: %s", self._ingress.id, said(error))

    def _on_commit(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        failed = error or next((each.error for each in partitions if each.error is not None), None)
        if failed is None:
            self._commit_failed = False
        elif not self._commit_failed:
            self._commit_failed = True
            LOGGER.warning(
                "KafkaIngress %r: the offsets of the group %r are not kept up to date, which only those who watch it notice: %s",
                *(self._ingress.id, self._ingress.consumer_group, said(failed)),
            )
