"""The broker of the tests itself: what it has acknowledged is there after a kill."""

from __future__ import annotations

from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition

from tests.services.broker import Broker


def test_a_broker_that_is_killed_comes_back_with_what_it_had(tmp_path: Path) -> None:
    with Broker(tmp_path / "kafka") as broker:
        topic = broker.create_topic("visits", partitions=2)
        producer = Producer({"bootstrap.servers": broker.address, "log_level": 0})
        producer.produce(topic, b"home", key=b"bob", partition=1)
        assert producer.flush(60) == 0
        producer.close()
        before = broker.pid
        broker.kill()
        broker.start()
        assert broker.pid != before
        broker.add_partitions(topic, 3)
        with Consumer({"bootstrap.servers": broker.address, "group.id": "unused", "log_level": 0}) as consumer:
            consumer.assign([TopicPartition(topic, 1, 0)])
            [message] = consumer.consume(1, 60)
            assert (message.key(), message.value(), message.offset()) == (b"bob", b"home", 0)
            assert len(consumer.list_topics(topic, 60).topics[topic].partitions) == 3
