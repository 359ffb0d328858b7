"""How the engine is set up: its flink-conf.yaml, and where its containers look for files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from statefun.deploy.deployment import Deployment

__all__ = ["ENGINE_GROUP", "FLINK_CONF", "flink_conf", "module_path"]

FLINK_CONF: Final = "/opt/flink/conf/flink-conf.yaml"
"""Where the engine's image has its settings."""

ENGINE_GROUP: Final = 9999
"""The group `flink` of the engine's image, which both of its users, flink (9999) and statefun (9998), are in.

The official image starts the engine as root, by an entry point of its own that changes no user. Flink's own entry point, which an image
of the engine may keep, goes on as flink.
"""


def module_path(deployment: Deployment) -> str:
    """Where the engine's image looks for the module."""
    return f"/opt/statefun/modules/{deployment.name}/module.yaml"


def flink_conf(deployment: Deployment, *, master: str, checkpoints: str, high_availability: bool) -> str:
    """The engine's settings as lines of `key: value`, which is what Flink 1.16 reads: it takes a quotation mark for a part of the value.

    Args:
        deployment: Whose engine it is.
        master: The host of its master.
        checkpoints: The URL of a folder that master and workers share.
        high_availability: Whether Kubernetes keeps what a new master must know, the newest checkpoint above all.
    """
    settings: Mapping[str, str] = {
        "jobmanager.rpc.address": master,
        "jobmanager.memory.process.size": "1g",
        "taskmanager.memory.process.size": "2g",
        "taskmanager.numberOfTaskSlots": "1",
        "parallelism.default": str(deployment.parallelism),
        "classloader.parent-first-patterns.additional": "org.apache.flink.statefun;org.apache.kafka;com.google.protobuf",
        "pipeline.auto-generate-uids": "false",
        "execution.checkpointing.mode": "EXACTLY_ONCE",
        "execution.checkpointing.interval": "10s",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        # A job that fails while a checkpoint goes round the feedback loop hangs until these two have passed, 13 minutes by default,
        # and the transactions of a Kafka egress may run out meanwhile (docs/troubleshooting.md).
        "execution.checkpointing.timeout": "5min",
        "task.cancellation.timeout": "30000",
        "state.backend": "rocksdb",
        "state.backend.incremental": "true",
        "state.checkpoints.dir": checkpoints,
        "state.savepoints.dir": f"{checkpoints}/savepoints",
        "restart-strategy": "exponential-delay",
    }
    if high_availability:
        settings = {
            **settings,
            "blob.server.port": "6124",
            "kubernetes.cluster-id": f"{deployment.name}-engine",
            "high-availability": "org.apache.flink.kubernetes.highavailability.KubernetesHaServicesFactory",
            "high-availability.storageDir": f"{checkpoints}/ha",
            "high-availability.jobmanager.port": "6123",
        }
        if deployment.namespace is not None:
            settings = {**settings, "kubernetes.namespace": deployment.namespace}
    return "".join(f"{key}: {value}\n" for key, value in settings.items())
