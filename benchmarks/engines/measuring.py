"""One contender on a running engine: how many messages a second come through, how long one takes, what it costs."""

import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from google.protobuf.wrappers_pb2 import StringValue

KEYS = 100
TICK = os.sysconf("SC_CLK_TCK")


class LostError(Exception):
    """A message was lost, counted twice, or did not come through in time."""


@dataclass(frozen=True)
class Sample:
    """One round of one contender."""

    per_second: float
    """Messages a second, all of them sent at once."""
    server_cpu: float
    """Microseconds of the function server's CPU for a message of those."""
    engine_cpu: float
    """The same of the engine's."""
    p50: float
    """Milliseconds, at a steady pace."""
    p99: float


def cpu_seconds(pid: int) -> float:
    """Tell the CPU time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Way:
    """The way of one contender's messages: its topic, its results, and what it has counted so far."""

    def __init__(self, address: str, topic: str, results: str) -> None:
        self._topic = topic
        self._producer = Producer({"bootstrap.servers": address, "linger.ms": 1})
        self._consumer = Consumer(
            {"bootstrap.servers": address, "group.id": results, "enable.auto.commit": False, "fetch.wait.max.ms": 5}
        )
        self._consumer.assign([TopicPartition(results, 0, 0)])
        self._sent: defaultdict[str, int] = defaultdict(int)
        self._counted: defaultdict[str, int] = defaultdict(int)

    def close(self) -> None:
        self._consumer.close()

    def burst(self, count: int) -> float:
        """Send so many at once, and give the seconds until the last of them came through."""
        started = time.perf_counter()
        reading = _Reading(self, count)
        for number in range(count):
            self._send(number, 0)
        self._producer.flush(60)
        reading.finish()
        return time.perf_counter() - started

    def steady(self, count: int, per_second: float) -> list[float]:
        """Send them at that pace, and give the milliseconds that each took, from when it was due."""
        reading = _Reading(self, count)
        begun = time.time_ns()
        for number in range(count):
            due = begun + round(number * 1e9 / per_second)
            while (ahead := due - time.time_ns()) > 0:
                self._producer.poll(0)
                time.sleep(ahead / 1e9)
            self._send(number, due)
            self._producer.poll(0)
        self._producer.flush(60)
        return reading.finish()

    def _send(self, number: int, due: int) -> None:
        key = f"key-{number % KEYS}"
        self._sent[key] += 1
        while True:
            try:
                self._producer.produce(self._topic, StringValue(value=str(due)).SerializeToString(), key)
            except BufferError:
                self._producer.poll(0.01)
            else:
                return

    def results(self, count: int, seconds: float = 120) -> Iterator[tuple[int, int]]:
        """Read so many results: when each was due, and when it came, in nanoseconds.

        Raises:
            LostError: a count is not the next one of its key, or nothing comes any more.
        """
        until = time.monotonic() + seconds
        while count:
            messages = self._consumer.consume(min(count, 500), 0.01)
            now = time.time_ns()
            for message in messages:
                if message.error() is not None:
                    raise KafkaException(message.error())
                key = (message.key() or b"").decode()
                number, _, due = StringValue.FromString(message.value() or b"").value.partition(" ")
                self._counted[key] += 1
                if self._counted[key] != int(number):
                    raise LostError(f"{key} came to {number}, and {self._counted[key]} is next")
                count -= 1
                yield int(due), now
            if time.monotonic() > until:
                raise LostError(f"{count} results are missing after {seconds:.0f} s")


class _Reading(threading.Thread):
    """Reads results while they are asked for."""

    def __init__(self, path: Way, count: int) -> None:
        super().__init__(daemon=True)
        self._path, self._count = path, count
        self._taken: list[float] = []
        self._error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self._taken = [(came - due) / 1e6 for due, came in self._path.results(self._count)]
        except Exception as error:  # noqa: BLE001  raised again in the thread that waits
            self._error = error

    def finish(self) -> list[float]:
        self.join()
        if self._error is not None:
            raise self._error
        return self._taken


def sample(path: Way, server: int, engine: int, burst: int, steady: int, per_second: float) -> Sample:
    """Measure one round; `server` and `engine` are processes."""
    before = cpu_seconds(server), cpu_seconds(engine)
    seconds = path.burst(burst)
    after = cpu_seconds(server), cpu_seconds(engine)
    taken = quantiles(path.steady(steady, per_second), n=100, method="inclusive")
    return Sample(
        burst / seconds,
        (after[0] - before[0]) / burst * 1e6,
        (after[1] - before[1]) / burst * 1e6,
        taken[49],
        taken[98],
    )
