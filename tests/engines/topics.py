"""Records into Kafka and out of it, as a client beside the engine sees them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from attrs import frozen
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

__all__ = ["Reader", "Record", "produce"]

SECONDS: Final = 120


@frozen
class Record:
    """A record that was read: its key, and its value, which is JSON."""

    key: str | None
    value: Any


def produce(address: str, topic: str, records: Iterable[tuple[str, bytes]]) -> None:
    """Sends records, in their order, and waits until the broker has them all."""
    failures: list[Any] = []

    def delivered(error: KafkaError | None, _message: object) -> None:
        if error is not None:
            failures.append(error)

    producer = Producer({"bootstrap.servers": address, "enable.idempotence": True, "linger.ms": 5})
    for key, value in records:
        producer.produce(topic, value, key, on_delivery=delivered)
        producer.poll(0)
    if producer.flush(SECONDS) or failures:
        raise KafkaException(failures[0] if failures else KafkaError(KafkaError._TIMED_OUT))


class Reader:
    """All that is in a topic of one partition, as far as it is committed; read on with each question.

    Args:
        address: The broker.
        topic: The topic.
        look_after: Called while it waits, to raise when what is waited for cannot come any more.
    """

    def __init__(self, address: str, topic: str, look_after: Callable[[], object]) -> None:
        self.records: Final[list[Record]] = []
        self._look_after: Final = look_after
        self._consumer: Final = Consumer(
            {
                "bootstrap.servers": address,
                "group.id": "tests",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
            }
        )
        self._consumer.assign([TopicPartition(topic, 0, 0)])

    def close(self) -> None:
        """Lets go of the broker."""
        self._consumer.close()

    def read(self, seconds: float = 0.2) -> None:
        """Takes what is there now, waiting for a first record at most so long."""
        for message in self._consumer.consume(1000, seconds):
            error = message.error()
            if error is not None:
                raise KafkaException(error)
            key = message.key()
            text = None if key is None else key.decode()
            self.records.append(Record(text, json.loads(message.value() or b"null")))

    def until(self, done: Callable[[list[Record]], object], seconds: float = SECONDS) -> list[Record]:
        """Reads on until the records are what they should be, and gives them all.

        Raises:
            TimeoutError: they do not become it.
        """
        limit = time.monotonic() + seconds
        while not done(self.records):
            self._look_after()
            if time.monotonic() > limit:
                raise TimeoutError(f"after {seconds:.0f} s: {len(self.records)} records, the last {self.records[-3:]}")
            self.read()
        return self.records
