"""A Compose file with everything on one machine: a broker, the engine, and the functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from statefun.deploy.deployment import CERTIFICATES, Deployment, Tls
from statefun.deploy.docker import docker, health_check
from statefun.deploy.engine import FLINK_CONF, flink_conf, module_path
from statefun.errors import BindingError
from statefun.module.dumping import dump
from statefun.module.render import render

__all__ = ["FUNCTIONS", "compose"]

FUNCTIONS: Final = "functions"
"""The host of the functions, which the module's URLs name."""

_MASTER: Final = "statefun-master"


def compose(deployment: Deployment) -> Mapping[str, str]:
    """The files of a Compose project, by name: those of the image, `compose.yaml`, `module.yaml` and `flink-conf.yaml`.

    Raises:
        BindingError: the functions' image has a digest, which what is yet to be built cannot have.
    """
    if "@" in deployment.image:
        raise BindingError(
            f"the image {deployment.image!r} has a digest, and Compose builds it",
            hint=f"name it without: --image {deployment.image.partition('@')[0]}",
        )
    conf = flink_conf(deployment, master=_MASTER, checkpoints="file:///checkpoints", high_availability=False)
    healthy = {"condition": "service_healthy"}
    master = {
        **_engine(deployment, "master"),
        "ports": ["127.0.0.1:8081:8081"],
        "depends_on": {"kafka": healthy, FUNCTIONS: healthy},
        "healthcheck": _check(["CMD-SHELL", "bash -c '</dev/tcp/127.0.0.1/8081'"]),
    }
    worker = {
        **_engine(deployment, "worker"),
        "depends_on": {_MASTER: healthy},
        "deploy": {"replicas": deployment.parallelism},
    }
    project: dict[str, Any] = {
        "name": deployment.name,
        "services": {
            "kafka": _kafka(deployment),
            FUNCTIONS: _functions(deployment),
            _MASTER: master,
            "statefun-worker": worker,
        },
        "volumes": {"checkpoints": {}, "kafka": {}},
    }
    return {
        **docker(deployment),
        "compose.yaml": dump([project], blocks=True),
        "module.yaml": render(deployment.trusting),
        "flink-conf.yaml": conf,
    }


def _check(test: list[str]) -> dict[str, Any]:
    return {"test": test, "interval": "5s", "timeout": "10s", "retries": 12, "start_period": "10s"}


def _kafka(deployment: Deployment) -> dict[str, Any]:
    environment = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": "PLAINTEXT://kafka:9092",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@kafka:9093",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_LOG_DIRS": "/var/lib/kafka/data",
    }
    asked = ["CMD", "/opt/kafka/bin/kafka-broker-api-versions.sh", "--bootstrap-server", "kafka:9092"]
    return {
        "image": deployment.kafka_image,
        "environment": environment,
        "volumes": ["kafka:/var/lib/kafka/data"],
        "healthcheck": _check(asked),
    }


def _functions(deployment: Deployment) -> dict[str, Any]:
    return {
        "build": ".",
        "image": deployment.image,
        "command": deployment.serve,
        "volumes": [] if deployment.tls is Tls.OFF else [f"./tls/functions:{CERTIFICATES}:ro"],
        # A little longer than the server takes to finish its requests.
        "stop_grace_period": "70s",
        "healthcheck": _check(["CMD", *health_check(deployment)]),
    }


def _engine(deployment: Deployment, role: str) -> dict[str, Any]:
    mounted = [
        f"./module.yaml:{module_path(deployment)}:ro",
        f"./flink-conf.yaml:{FLINK_CONF}:ro",
        "checkpoints:/checkpoints",
    ]
    if deployment.tls is not Tls.OFF:
        mounted.append(f"./tls/engine:{CERTIFICATES}:ro")
    return {
        "image": deployment.engine_image,
        "environment": {"ROLE": role, "MASTER_HOST": _MASTER},
        "volumes": mounted,
        "restart": "unless-stopped",
    }
