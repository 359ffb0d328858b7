"""Delivery to Kafka exactly once.

Kafka cannot join the commit of the store, so a process may die when Kafka has a transaction and the store does not know. For that the
transaction itself says what it holds: for each of its topics the sequence number of the last record, as the offset that a consumer group
of the egress's own has committed of the topic's partition 0. It needs no topic of its own, and offsets are what a transaction can hold
beside records. The next process takes the transactions over, under the same name, which ends what its predecessor had open and refuses whatever
that one still sends; then it reads those offsets, and drops the records up to them.

A topic that a record goes to tells whether the record was delivered: the transaction that held it has left its number there.

Beside the number is a digest of its records. A store that was put back from a copy counts again from where it was: its new records have the numbers
of delivered ones, and dropping them would lose them. So nothing is confirmed before the number that Kafka has was met with the same records.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from threading import Thread
from typing import Final, NamedTuple

from confluent_kafka import Consumer, KafkaException, TopicPartition

from statefun.errors import EgressError, EgressUnavailableError
from statefun.model import KafkaEgress
from statefun.protocol.egress import KAFKA
from statefun.records import KafkaRecord
from statefun.runtime.egress.kafka_producing import Producing, producer_settings
from statefun.runtime.egress.sink import Confirmed, OutgoingRecord
from statefun.runtime.kafka import LOGGER, Outage

__all__ = ["TransactionalDelivery"]

_REQUEST_SECONDS: Final = 5.0
_COMMIT_SECONDS: Final = 20.0
_ABORT_SECONDS: Final = 5.0


class _Delivered(NamedTuple):
    """What Kafka has of a topic: the last sequence number, and a digest of its records; -1 for nothing."""

    sequence: int
    digest: str


class TransactionalDelivery:
    """Exactly once: each call of `deliver` is a transaction.

    Args:
        egress: The egress.
        store: The name of the store.
        position: The last sequence number that was confirmed; None, or nothing, before there is one.

    Raises:
        EgressError: the client does not take a property.
    """

    def __init__(self, egress: KafkaEgress, store: str, position: str | None) -> None:
        self._egress: Final = egress
        self._settings: Final = producer_settings(egress, store)
        self._outage: Final = Outage(f"KafkaEgress {egress.id!r}", egress.address)
        self._group: Final = self._settings["transactional.id"]
        self._producing: Producing | None = Producing(egress, self._settings, self._outage)
        self._initialized = False
        self._in_transaction = False
        # Reads the group's offsets, those of transactions that have ended. What is a producer's alone it does not look at.
        reading = {"group.id": self._group, "enable.auto.commit": "false", "isolation.level": "read_committed"}
        self._consumer: Final = Consumer({**self._settings, **reading})
        self._confirmed: int = int(position or 0)  # numbers begin with 1
        self._last: int = self._confirmed
        self._moved = False
        self._topics: Final[dict[str, _Delivered]] = {}
        self._doubted: Final[dict[str, _Delivered]] = {}
        """Of which topics Kafka has more than this process knows, until it is met."""

    def deliver(self, records: Sequence[OutgoingRecord]) -> None:
        """Delivers what Kafka does not have.

        Raises:
            EgressUnavailableError: the brokers do not answer, or have aborted the transaction.
            EgressError: a record was refused, another process delivers, or the store is older than what was delivered.
        """
        if self._producing is not None and self._initialized and self._producing.lost_touch:
            self._abandon()  # a new one knows nothing of coordinators that are gone
        producing = self._producing
        if producing is None:
            producing = self._producing = Producing(self._egress, self._settings, self._outage)
        try:
            with producing.telling():
                self._deliver(producing, [(each, KAFKA.kept(self._egress.id, each.data)) for each in records])
        except EgressError as error:
            if not self._initialized and isinstance(error, EgressUnavailableError):
                raise  # the same producer goes on where it was
            # Whether Kafka has the transaction may not be known: a new producer finds out as a new process would.
            self._abandon()
            raise
        self._last = max(self._last, records[-1].sequence)
        self._moved = True

    def confirm(self) -> Confirmed:
        """What has arrived: all that was delivered, unless it is in doubt.

        Raises:
            EgressError: Kafka has records of this store that the store does not have.
        """
        if self._doubted:
            if not self._moved:
                topic, delivered = next(iter(self._doubted.items()))
                raise self._older(topic, delivered)
        else:
            self._confirmed = self._last
        self._moved = False
        return Confirmed(self._confirmed, str(self._confirmed))

    def close(self) -> None:
        """Lets go of the producer; a transaction that is open is ended by the next process, or by its time-out."""
        self._abandon()
        self._consumer.close()

    def _deliver(self, producing: Producing, read: list[tuple[OutgoingRecord, KafkaRecord]]) -> None:
        if not self._initialized:
            producing.producer.init_transactions(_REQUEST_SECONDS)
            self._initialized = True
        self._meet(read)
        new = [(each, record) for each, record in read if each.sequence > self._delivered(record.topic).sequence]
        if new:
            self._transact(producing, new)

    # --- one transaction --------------------------------------------------------------------------------------------

    def _transact(self, producing: Producing, new: list[tuple[OutgoingRecord, KafkaRecord]]) -> None:
        producer = producing.producer
        last: dict[str, int] = {record.topic: each.sequence for each, record in new}
        delivered = {topic: _Delivered(sequence, _digest(new, topic, sequence)) for topic, sequence in last.items()}
        producer.begin_transaction()
        self._in_transaction = True
        for _ in producing.hand_over((record for _, record in new), _COMMIT_SECONDS):
            pass
        # First the records, so that it is a record that is refused: a group's offsets of an unknown topic are tried for long.
        producing.flush(_COMMIT_SECONDS)
        offsets = [TopicPartition(topic, 0, each.sequence, metadata=each.digest) for topic, each in delivered.items()]
        group = self._consumer.consumer_group_metadata()
        tell = partial(producer.send_offsets_to_transaction, offsets, group, _REQUEST_SECONDS)
        if not _within(_COMMIT_SECONDS, tell):
            self._in_transaction = False  # the call still has the producer: nothing else can be asked of it
            raise producing.unavailable("it does not take the number of what was delivered")
        producer.commit_transaction(_COMMIT_SECONDS)
        self._in_transaction = False
        self._topics.update(delivered)
        self._outage.is_over()

    def _abandon(self) -> None:
        producing, self._producing, self._initialized = self._producing, None, False
        self._topics.clear()
        if producing is None:
            return
        if self._in_transaction:
            self._in_transaction = False
            try:
                producing.producer.abort_transaction(_ABORT_SECONDS)
            except (KafkaException, SystemError) as error:
                # The next producer ends it, or its time-out: until then those who read what is committed wait.
                LOGGER.debug("KafkaEgress %r: a transaction is left open: %s", self._egress.id, error)
        producing.producer.purge()

    # --- what Kafka has ---------------------------------------------------------------------------------------------

    def _delivered(self, topic: str) -> _Delivered:
        found = self._topics.get(topic)
        if found is None:
            [committed] = self._consumer.committed([TopicPartition(topic, 0)], _REQUEST_SECONDS)
            if committed.error is not None:
                raise KafkaException(committed.error)
            found = (
                _Delivered(-1, "") if committed.offset < 0 else _Delivered(committed.offset, committed.metadata or "")
            )
            self._topics[topic] = found
            if found.sequence > self._last:
                self._doubted[topic] = found
        return found

    def _meet(self, read: list[tuple[OutgoingRecord, KafkaRecord]]) -> None:
        """Compares the records of the last number that Kafka has of each topic."""
        for topic in dict.fromkeys(record.topic for _, record in read):
            self._delivered(topic)
            doubted = self._doubted.get(topic)
            if doubted is None:
                continue
            sequences = [each.sequence for each, record in read if record.topic == topic]
            if doubted.sequence in sequences:
                if _digest(read, topic, doubted.sequence) != doubted.digest:
                    raise self._older(topic, doubted)
                del self._doubted[topic]
            elif sequences[-1] > doubted.sequence:
                raise self._older(topic, doubted)

    def _older(self, topic: str, delivered: _Delivered) -> EgressError:
        return EgressError(
            f"KafkaEgress {self._egress.id!r}: the topic {topic!r} has the records of number {delivered.sequence} of this store, and the "
            "store has not: it is older than what was delivered",
            hint=f"if it was put back from a copy, delete the consumer group {self._group!r}: what the copy had not delivered is delivered then, "
            "whether Kafka has it or not",
        )


def _within(seconds: float, call: Callable[[], None]) -> bool:
    """Makes a call that may never return, in a thread of its own; False when it has not returned in time, and is left to itself.

    librdkafka waits without end for a group's coordinator that went away (its issues 5456 and 5511), whatever time-out it is given.
    """
    done = Future[None]()

    def run() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001  it is raised where the result is asked for
            done.set_exception(error)
        else:
            done.set_result(None)

    Thread(target=run, name="statefun Kafka offsets", daemon=True).start()
    try:
        done.result(seconds)
    except TimeoutError:
        return False
    return True


def _digest(read: list[tuple[OutgoingRecord, KafkaRecord]], topic: str, sequence: int) -> str:
    digest = hashlib.sha256()
    for each, record in read:
        if each.sequence == sequence and record.topic == topic:
            digest.update(len(each.data).to_bytes(8, "big"))
            digest.update(each.data)
    return digest.hexdigest()[:32]
