"""docs/kafka.md: its program runs as the page shows it, on a real broker."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition

from tests.services.broker import ROOT, Broker


def test_the_program_of_the_page_counts_flights(broker: Broker, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "kafka.md").read_text(encoding="utf-8")
    [program] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert "127.0.0.1:9092" in program
    (tmp_path / "flights.py").write_text(program.replace("127.0.0.1:9092", broker.address), encoding="utf-8")
    for topic in ("departures", "counts"):
        broker.create_topic(topic)
    producer = Producer({"bootstrap.servers": broker.address, "log_level": 0})
    for airport in ("JFK", "LGA"):
        producer.produce("departures", f'{{"airport": "{airport}"}}', key="N14228")
    assert producer.flush(60) == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "statefun", "run", "flights:functions", "--store", "store"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    try:
        settings = {"bootstrap.servers": broker.address, "group.id": "unused", "isolation.level": "read_committed"}
        with Consumer({**settings, "log_level": 0}) as consumer:
            consumer.assign([TopicPartition("counts", 0, 0)])
            counts = []
            while len(counts) < 2:
                message = consumer.poll(60)
                assert message is not None, counts
                counts.append((message.key(), message.value()))
        process.terminate()
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output
    finally:
        process.kill()
        process.wait()
    assert counts == [(b"N14228", b"N14228 JFK 1"), (b"N14228", b"N14228 LGA 2")]
