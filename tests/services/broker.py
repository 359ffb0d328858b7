"""A real Kafka broker for tests: one process, KRaft combined mode, on 127.0.0.1, from Maven artifacts.

    with Broker(tmp_path / "kafka") as broker:
        broker.create_topic("visits", partitions=2)
        use(broker.address)
        broker.kill()  # with -9; what it has acknowledged is in its folder
        broker.start()  # on the same ports, with the same data

The jars come through `make .jars/kafka/.installed`; Java 17 or newer runs them. Its log is `Broker.log`.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

__all__ = ["Broker", "free_ports"]

ROOT: Final = Path(__file__).resolve().parents[2]
JARS: Final = ROOT / ".jars" / "kafka"
START_SECONDS: Final = 120
CLUSTER: Final = "c3RhdGVmdW4tdGVzdHMtMQ"  # any 16 bytes in URL-safe Base64


class BrokerError(Exception):
    """The broker cannot be started, or did not answer."""


class Broker:
    """One broker. As a context manager it is started, and killed at the end.

    Args:
        folder: Where its data and its log are; made when it is not there.
        settings: Settings of the broker, over those that it needs here.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder: Final = folder
        self.port, self._controller_port = free_ports(2)
        self.address: Final = f"127.0.0.1:{self.port}"
        """What clients are given: `host:port`; the same after each restart."""
        self.log: Final = folder / "broker.log"
        self._settings: Final = dict(settings or {})
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self, type: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    # --- its process ----------------------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """Its process."""
        if self._process is None:
            raise BrokerError("the broker does not run")
        return self._process.pid

    def start(self) -> None:
        """Starts it, with the data that it has, and waits until it answers."""
        if self._process is not None:
            raise BrokerError("the broker runs already")
        settings = self.folder / "server.properties"
        if not settings.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            settings.write_text("".join(f"{key}={value}\n" for key, value in self._all_settings()), encoding="utf-8")
            self._format(settings)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*_java(), "kafka.Kafka", str(settings)],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait()

    def stop(self) -> None:
        """Ends it in good order (SIGTERM)."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it at once (SIGKILL), wherever it is; nothing happens when it does not run."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _format(self, settings: Path) -> None:
        command = [*_java(), "kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", str(settings)]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, encoding="utf-8", check=False)
        if done.returncode:
            raise BrokerError(f"the storage cannot be formatted: {done.stdout}{done.stderr}")

    def _wait(self) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self._process is None or self._process.poll() is not None:
                self._process = None
                raise BrokerError(f"the broker ended: {self.log.read_text(encoding='utf-8')[-2000:]}")
            try:
                if self.admin().list_topics(timeout=1).brokers:
                    return
            except KafkaException:
                continue  # the time-out was the pause
        raise BrokerError(f"the broker does not answer: {self.log.read_text(encoding='utf-8')[-2000:]}")

    def _all_settings(self) -> Iterator[tuple[str, str]]:
        yield from {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller_port}",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": str(self.folder / "data"),
            "auto.create.topics.enable": "false",
            # One broker has one replica of everything, and a test waits for no member of a group that may still come.
            "offsets.topic.num.partitions": "1",
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.num.partitions": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            # A broker that was killed comes back when its controller has given up its former life: after 9 s by default.
            "broker.session.timeout.ms": "2000",
            "broker.heartbeat.interval.ms": "250",
            **self._settings,
        }.items()

    # --- its topics -----------------------------------------------------------------------------------------------

    def admin(self) -> AdminClient:
        """A client that administers it."""
        return AdminClient({"bootstrap.servers": self.address, "log_level": 0})

    def create_topic(self, name: str, partitions: int = 1, config: Mapping[str, str] | None = None) -> str:
        """Makes a topic, and gives its name."""
        topic = NewTopic(name, num_partitions=partitions, replication_factor=1, config=dict(config or {}))
        admin = self.admin()  # a client that is let go of answers nothing
        _done(admin.create_topics([topic]))
        return name

    def delete_topic(self, name: str) -> None:
        """Deletes a topic with its records."""
        admin = self.admin()
        _done(admin.delete_topics([name], operation_timeout=60))

    def delete_records(self, name: str, before: int, partition: int = 0) -> None:
        """Deletes the records of a partition before an offset, as retention would."""
        admin = self.admin()
        _done(admin.delete_records([TopicPartition(name, partition, before)]))

    def delete_group(self, name: str) -> None:
        """Deletes a consumer group with its offsets."""
        admin = self.admin()
        _done(admin.delete_consumer_groups([name]))

    def add_partitions(self, name: str, partitions: int) -> None:
        """Gives a topic more partitions, up to that many."""
        admin = self.admin()
        _done(admin.create_partitions([NewPartitions(name, partitions)]))


def _done(futures: Mapping[Any, Any]) -> None:
    for future in futures.values():
        future.result(60)


def _java() -> list[str]:
    """How a class of Kafka's is run: the quick compiler, since a test's broker lives for seconds."""
    java = shutil.which("java")
    if java is None:
        raise BrokerError("there is no java: install one of version 17 or newer (apt-get install default-jre-headless)")
    if not (JARS / ".installed").exists():
        raise BrokerError(f"{JARS} holds no broker: make .jars/kafka/.installed")
    log = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
    return [java, "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", log, "-cp", f"{JARS}{os.sep}*"]


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that are free, and that no client's connection is given: a broker comes back to its own."""
    found: list[int] = []
    for port in random.sample(range(20000, 32000), 2000):
        with socket.socket() as candidate:
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise BrokerError(f"{count} free ports were not found")
