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
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from tests.services.child import Child, ChildError, free_ports

__all__ = ["Broker"]

ROOT: Final = Path(__file__).resolve().parents[2]
JARS: Final = ROOT / ".jars" / "kafka"
CLUSTER: Final = "c3RhdGVmdW4tdGVzdHMtMQ"  # any 16 bytes in URL-safe Base64


class Broker(Child):
    """One broker.

    Args:
        folder: Where its data and its log are; made when it is not there.
        settings: Settings of the broker, over those that it needs here.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        super().__init__("the broker", folder / "broker.log")
        self.folder: Final = folder
        self.port, self._controller_port = free_ports(2)
        self.address: Final = f"127.0.0.1:{self.port}"
        """What clients are given: `host:port`; the same after each restart."""
        self._settings: Final = dict(settings or {})

    def start(self) -> None:
        """Starts it, with the data that it has, and waits until it answers."""
        settings = self.folder / "server.properties"
        if not settings.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            settings.write_text("".join(f"{key}={value}\n" for key, value in self._all_settings()), encoding="utf-8")
            self._format(settings)
        self.launch([*_java(), "kafka.Kafka", str(settings)], self.folder)
        self.wait_for("answer", self._answers)

    def _format(self, settings: Path) -> None:
        command = [*_java(), "kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", str(settings)]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, encoding="utf-8", check=False)
        if done.returncode:
            raise ChildError(f"the storage cannot be formatted: {done.stdout}{done.stderr}")

    def _answers(self) -> bool:
        try:
            return bool(self.admin().list_topics(timeout=1).brokers)
        except KafkaException:
            return False

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
        raise ChildError("there is no java: install one of version 17 or newer (apt-get install default-jre-headless)")
    if not (JARS / ".installed").exists():
        raise ChildError(f"{JARS} holds no broker: make .jars/kafka/.installed")
    log = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
    return [java, "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", log, "-cp", f"{JARS}{os.sep}*"]
