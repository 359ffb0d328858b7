"""What every Kafka producer of an egress does: its settings, handing it records, what its errors mean; and delivery at least once.

All calls are blocking and made in one thread.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from statefun.errors import EgressError, EgressUnavailableError
from statefun.model import Delivery, KafkaEgress
from statefun.protocol.egress import KAFKA
from statefun.records import KafkaRecord
from statefun.runtime.egress.sink import Confirmed, OutgoingRecord
from statefun.runtime.kafka import Outage, client_settings, error_of, is_passing, said

__all__ = ["PlainDelivery", "Producing", "producer_settings"]

_WAIT_SECONDS: Final = 5.0
"""How long one call waits for the brokers before it says that they are not available."""

_FENCED: Final = frozenset({KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH})

# What no other transaction would mend, though each of them may be aborted.
_FOR_GOOD: Final = frozenset(
    {
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    }
)

# Errors of a single record that pass with its producer or with time; all others are about the record or its topic.
_NOT_THE_RECORD: Final = frozenset(
    {
        KafkaError._DESTROY,
        KafkaError._MSG_TIMED_OUT,
        KafkaError._PURGE_INFLIGHT,
        KafkaError._PURGE_QUEUE,
        KafkaError._STATE,
    }
)


def producer_settings(egress: KafkaEgress, store: str = "") -> dict[str, Any]:
    """The settings of the producer of an egress.

    Args:
        egress: The egress.
        store: The name of the store, which transactions are named after.

    Raises:
        BindingError: a property contradicts what the egress says or needs.
    """
    fixed = {"bootstrap.servers": egress.address, "enable.idempotence": "true"}
    if egress.delivery is Delivery.EXACTLY_ONCE:
        timeout = egress.transaction_timeout or timedelta(0)  # the model has seen to it that there is one
        fixed["transactional.id"] = f"statefun-{store}-{egress.id}"
        fixed["transaction.timeout.ms"] = str(timeout // timedelta(milliseconds=1))
    else:
        # However long the brokers are gone: a record that the client gives up is one that is delivered out of order.
        fixed["message.timeout.ms"] = "0"
    properties = dict(egress.properties)
    for name in ("delivery.timeout.ms", "message.timeout.ms", "transactional.id"):
        # The engines set or override them too; none of them can be kept here.
        properties.pop(name, None)
    return client_settings(
        f"KafkaEgress {egress.id!r}",
        properties,
        defaults={
            # The partition that the Java client, and so the engines, would choose for a key.
            "partitioner": "murmur2_random",
            "message.max.bytes": "1000000",
            # What waits for the brokers in memory; the client's own default is 1 GiB. All of it is in the store too.
            "queue.buffering.max.kbytes": "65536",
            # How long a topic may be unknown: one that is made by being written to is, for a moment.
            "topic.metadata.propagation.max.ms": "10000",
            "log_level": "0",  # errors are told by callbacks
        },
        fixed=fixed,
        hints={
            "bootstrap.servers": "leave it out: `address=` names the brokers",
            "enable.idempotence": "leave it out: without it records are doubled and change their order",
            "transaction.timeout.ms": "leave it out: `transaction_timeout=` says it",
        },
    )


class _Told:
    """What the client tells in callbacks. It knows nothing of its producer, which so is let go of when its last user lets go."""

    def __init__(self, outage: Outage) -> None:
        self.outage: Final = outage
        self.refused: tuple[str, KafkaError] | None = None
        self.lost_touch = False

    def on_delivery(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.outage.is_over()
        else:
            self.refuse(message.topic() or "", error)

    def refuse(self, topic: str, error: KafkaError) -> None:
        if error.code() not in _NOT_THE_RECORD and not is_passing(error) and self.refused is None:
            self.refused = topic, error

    def on_error(self, error: KafkaError) -> None:
        self.lost_touch = True
        if not error.fatal():  # a fatal one comes again with the next call
            self.outage.begins(said(error))


class Producing:
    """A producer, and what it says of its records.

    Args:
        egress: The egress.
        settings: The settings of the producer.
        outage: Is told of brokers that cannot be reached.

    Raises:
        EgressError: the client does not take a setting.
    """

    def __init__(self, egress: KafkaEgress, settings: dict[str, Any], outage: Outage) -> None:
        self._egress: Final = egress
        self._told: Final = _Told(outage)
        try:
            self.producer: Final = Producer({**settings, "error_cb": self._told.on_error})
        except KafkaException as error:
            raise EgressError(
                f"KafkaEgress {egress.id!r}: {said(error_of(error))}", hint="check its properties"
            ) from error

    @property
    def lost_touch(self) -> bool:
        """Whether a broker was gone in the meantime."""
        with self.telling():
            self.producer.poll(0)
        return self._told.lost_touch

    @contextmanager
    def telling(self) -> Generator[None]:
        """Within it the errors of the client become those of an egress.

        Raises:
            EgressUnavailableError: the brokers do not answer, or have aborted the transaction.
            EgressError: a record was refused, or the producer is of no use any more.
        """
        try:
            yield
        except KafkaException as error:
            raise self._error(error) from error
        except SystemError as error:
            # What its binding makes of a fatal error when a record's callback comes after it.
            if isinstance(error.__cause__, KafkaException):
                raise self._error(error.__cause__) from error
            raise

    def hand_over(self, records: Iterable[KafkaRecord], seconds: float = _WAIT_SECONDS) -> Iterator[KafkaRecord]:
        """Hands records to the producer, and gives each as it is taken.

        Raises:
            EgressUnavailableError: its queue is full, and stays so.
            KafkaException: the producer takes none.
        """
        until = time.monotonic() + seconds
        for record in records:
            while True:
                try:
                    self.producer.produce(
                        record.topic, record.value, key=record.key, on_delivery=self._told.on_delivery
                    )
                    break
                except KafkaException as error:
                    if not error_of(error).fatal():
                        self._told.refuse(record.topic, error_of(error))
                    raise
                except BufferError as error:
                    if time.monotonic() > until:
                        raise self.unavailable("it takes no more records for now") from error
                    self.producer.poll(0.1)
            yield record

    def flush(self, seconds: float = _WAIT_SECONDS) -> None:
        """Waits until the brokers have what was handed over.

        Raises:
            EgressUnavailableError: they do not have everything yet.
            EgressError: a record was refused.
        """
        waiting = self.producer.flush(seconds)
        self.check()
        if waiting:
            raise self.unavailable(f"{waiting} records wait")

    def check(self) -> None:
        """Says what was refused.

        Raises:
            EgressError: a record was.
        """
        if self._told.refused is not None:
            topic, error = self._told.refused
            hint = "the run ends with it, and its records stay in the store"
            if error.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC):
                hint = f"make the topic: its brokers do not by themselves; {hint}"
            raise EgressError(
                f"KafkaEgress {self._egress.id!r}: a record for the topic {topic!r} was refused: {said(error)}",
                hint=hint,
            )

    def unavailable(self, why: str) -> EgressUnavailableError:
        """The error that makes the runtime try again."""
        self._told.outage.begins(why)
        return EgressUnavailableError(f"KafkaEgress {self._egress.id!r} at {self._egress.address}: {why}")

    def _error(self, exception: KafkaException) -> EgressError:
        error = error_of(exception)
        try:
            self.check()
        except EgressError as refused:
            return refused
        if error.code() in _FENCED:
            timeout = self._egress.transaction_timeout
            return EgressError(
                f"KafkaEgress {self._egress.id!r}: another process has taken over its transactions, or one of them was open longer than "
                f"{timeout}: {said(error)}",
                hint="let one process alone deliver for a store and its copies, or give a longer transaction_timeout; then run again",
            )
        if error.fatal() or error.code() in _FOR_GOOD or not (is_passing(error) or error.txn_requires_abort()):
            return EgressError(
                f"KafkaEgress {self._egress.id!r} at {self._egress.address}: {said(error)}",
                hint="the records stay in the store: run again when its cause is gone",
            )
        return self.unavailable(said(error))


class PlainDelivery:
    """At least once: an idempotent producer, which keeps trying, and keeps the order.

    Args:
        egress: The egress.

    Raises:
        EgressError: the client does not take a property.
    """

    def __init__(self, egress: KafkaEgress) -> None:
        outage = Outage(f"KafkaEgress {egress.id!r}", egress.address)
        self._id: Final = egress.id
        self._producing: Final = Producing(egress, producer_settings(egress), outage)
        self._handed_over = (-1, -1)

    def deliver(self, records: Sequence[OutgoingRecord]) -> None:
        """Hands over what was not handed over by an earlier call that failed.

        Raises:
            EgressUnavailableError: the queue is full.
            EgressError: Kafka has refused a record.
        """
        self._producing.check()
        with self._producing.telling():
            self._hand_over(records)

    def _hand_over(self, records: Sequence[OutgoingRecord]) -> None:
        new = [each for each in records if (each.sequence, each.place) > self._handed_over]
        taken = self._producing.hand_over(KAFKA.kept(self._id, each.data) for each in new)
        for each, _ in zip(new, taken, strict=True):
            self._handed_over = each.sequence, each.place

    def confirm(self) -> Confirmed | None:
        """Waits until the brokers have everything.

        Raises:
            EgressUnavailableError: they do not have everything yet.
            EgressError: Kafka has refused a record.
        """
        with self._producing.telling():
            self._producing.flush()
        return None

    def close(self) -> None:
        """Forgets what has not arrived: it is in the store."""
        self._producing.producer.purge()
