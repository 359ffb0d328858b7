"""kill -9 of a process that reads from Kafka and delivers to it: every record counts once, and is told of once."""

from __future__ import annotations

import random
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from google.protobuf.wrappers_pb2 import StringValue

from tests.services.broker import ROOT, Broker

RECORDS = 3000
IDS = 7
KILLS = 6


def produced(broker: Broker) -> str:
    topic = broker.create_topic(f"from-{uuid.uuid4().hex}", 3)
    producer = Producer({"bootstrap.servers": broker.address, "log_level": 0})
    for number in range(RECORDS):
        value = StringValue(value=str(number)).SerializeToString()  # as the type io.statefun.types/string is encoded
        producer.produce(topic, value, key=f"id{number % IDS}", partition=number % IDS % 3)
    assert producer.flush(60) == 0
    return topic


def start(broker: Broker, origin: str, to: str, folder: Path, *more: str) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "tests.services.pipeline",
        broker.address,
        origin,
        to,
        str(folder / "store"),
        *more,
    ]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=None, encoding="utf-8")


def run_with_kills(broker: Broker, origin: str, to: str, folder: Path, seed: int) -> list[str]:
    """Kills the process again and again, each time after a few deliveries, then lets it finish; what a committed reader sees."""
    chance = random.Random(seed)
    for _ in range(KILLS):
        process = start(broker, origin, to, folder)
        try:
            assert process.stdout is not None
            for _ in range(chance.randint(1, 5)):
                assert process.stdout.readline(), "the process ended by itself"
        finally:
            process.kill()
            process.communicate()
    process = start(broker, origin, to, folder)
    try:
        return read(broker, to)
    finally:
        process.kill()
        process.communicate()


def read(broker: Broker, topic: str) -> list[str]:
    """All records: as many as were put in, and whatever comes too much until each id has its last."""
    values: list[str] = []
    missing = {f"id{each} {(RECORDS - each + IDS - 1) // IDS}" for each in range(IDS)}
    settings = {"bootstrap.servers": broker.address, "group.id": "unused", "isolation.level": "read_committed"}
    with Consumer({**settings, "log_level": 0}) as consumer:
        consumer.assign([TopicPartition(topic, 0, 0)])
        while missing:
            message = consumer.poll(90)
            assert message is not None, f"{len(values)} records, without {missing}"
            values.append((message.value() or b"").decode())
            missing.discard(values[-1])
    return values


EXPECTED = sorted(f"id{number % IDS} {number // IDS + 1}" for number in range(RECORDS))


def assert_once(values: list[str]) -> None:
    assert sorted(values) == EXPECTED
    for each in range(IDS):  # and in order
        counts = [int(value.split()[1]) for value in values if value.startswith(f"id{each} ")]
        assert counts == sorted(counts)


@pytest.mark.parametrize("seed", range(2))
def test_each_record_counts_once_and_is_told_of_once_whenever_the_process_is_killed(
    broker: Broker, tmp_path: Path, seed: int
) -> None:
    to = broker.create_topic(f"to-{uuid.uuid4().hex}")
    assert_once(run_with_kills(broker, produced(broker), to, tmp_path, seed))


@pytest.mark.parametrize("point", ["before egress write", "after egress write", "after egress fsync", "after commit"])
def test_a_crash_between_the_commit_of_kafka_and_that_of_the_store_doubles_nothing(
    broker: Broker, tmp_path: Path, point: str
) -> None:
    origin, to = produced(broker), broker.create_topic(f"to-{uuid.uuid4().hex}")
    for _ in range(2):
        process = start(broker, origin, to, tmp_path, point, "1")
        try:
            process.communicate(timeout=120)
            assert process.returncode == 9
        finally:
            process.kill()
            process.wait()
    process = start(broker, origin, to, tmp_path)
    try:
        assert_once(read(broker, to))
    finally:
        process.kill()
        process.communicate()


def test_a_sink_that_does_not_read_back_what_it_delivered_is_noticed(broker: Broker, tmp_path: Path) -> None:
    to = broker.create_topic(f"to-{uuid.uuid4().hex}")
    origin = produced(broker)
    process = start(broker, origin, to, tmp_path, "after egress write", "2")
    process.communicate(timeout=120)
    assert process.returncode == 9
    process = start(broker, origin, to, tmp_path, "forget")
    try:
        values = read(broker, to)
    finally:
        process.kill()
        process.communicate()
    assert len(values) > RECORDS
    assert set(values) == set(EXPECTED)
