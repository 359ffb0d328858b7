"""Kubernetes manifests: function servers that scale by themselves, and an engine whose checkpoints are on object storage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from statefun.deploy.deployment import CERTIFICATES, PORT, Deployment, Tls
from statefun.deploy.docker import docker
from statefun.deploy.engine import ENGINE_GROUP, FLINK_CONF, flink_conf, module_path
from statefun.module.dumping import dump
from statefun.module.render import render

__all__ = ["functions_host", "kubernetes"]

Plain = dict[str, Any]


def functions_host(name: str) -> str:
    """The host of the functions, which the module's URLs name: their Service, in the engine's own namespace."""
    return f"{name}-functions"


def kubernetes(deployment: Deployment) -> Mapping[str, str]:
    """The files of a deployment, by name: those of the image, `functions.yaml` and `engine.yaml`."""
    return {
        **docker(deployment),
        "functions.yaml": dump(_functions(deployment), blocks=True),
        "engine.yaml": dump(_engine(deployment), blocks=True),
    }


def _functions(deployment: Deployment) -> list[Plain]:
    labels = _labels(deployment, "functions")
    name = labels["app.kubernetes.io/component"]
    port = {"name": "http", "containerPort": PORT}
    probe = _probe(deployment)
    container: Plain = {
        "name": name,
        "image": deployment.image,
        "args": deployment.serve,
        "ports": [port],
        "readinessProbe": {**probe, "periodSeconds": 5},
        "livenessProbe": {**probe, "periodSeconds": 10, "initialDelaySeconds": 10, "failureThreshold": 6},
        "resources": _resources("250m", "256Mi", memory_limit="512Mi"),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    # Longer than the server takes to finish its requests. The group may read the mounted key.
    pod: Plain = {
        "terminationGracePeriodSeconds": 70,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "fsGroup": 10001},
        "containers": [container],
    }
    if deployment.tls is not Tls.OFF:
        container["volumeMounts"] = [_certificates()]
        pod["volumes"] = [_secret(f"{deployment.name}-functions-tls")]
    scaled = {"apiVersion": "apps/v1", "kind": "Deployment", "name": functions_host(deployment.name)}
    cpu = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    service = {"selector": labels, "ports": [{"name": "http", "port": PORT, "targetPort": "http"}]}
    scaling = {
        "scaleTargetRef": scaled,
        "minReplicas": deployment.min_replicas,
        "maxReplicas": deployment.max_replicas,
        "metrics": [cpu],
    }
    budget = {"maxUnavailable": 1, "selector": {"matchLabels": labels}}
    return [
        _part(deployment, "apps/v1", "Deployment", "functions", {"spec": spec}),
        _part(deployment, "v1", "Service", "functions", {"spec": service}),
        _part(deployment, "autoscaling/v2", "HorizontalPodAutoscaler", "functions", {"spec": scaling}),
        _part(deployment, "policy/v1", "PodDisruptionBudget", "functions", {"spec": budget}),
    ]


def _engine(deployment: Deployment) -> list[Plain]:
    master = f"{deployment.name}-master"
    conf = flink_conf(deployment, master=master, checkpoints=deployment.checkpoints, high_availability=True)
    data = {"module.yaml": render(deployment.trusting), "flink-conf.yaml": conf}
    rule = {
        "apiGroups": [""],
        "resources": ["configmaps"],
        "verbs": ["create", "get", "list", "watch", "update", "patch", "delete"],
    }
    subject: Plain = {"kind": "ServiceAccount", "name": f"{deployment.name}-engine"}
    if deployment.namespace is not None:
        subject["namespace"] = deployment.namespace
    bound = {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": f"{deployment.name}-engine"},
        "subjects": [subject],
    }
    ports = [("rpc", 6123), ("blob", 6124), ("rest", 8081)]
    service = {
        "selector": _labels(deployment, "master"),
        "ports": [{"name": name, "port": port} for name, port in ports],
    }
    return [
        _part(deployment, "v1", "ConfigMap", "engine", {"data": data}),
        _part(deployment, "v1", "ServiceAccount", "engine", {}),
        _part(deployment, "rbac.authorization.k8s.io/v1", "Role", "engine", {"rules": [rule]}),
        _part(deployment, "rbac.authorization.k8s.io/v1", "RoleBinding", "engine", bound),
        _part(deployment, "v1", "Service", "master", {"spec": service}),
        _engine_pods(deployment, "master", 1, [*ports], _resources("500m", "1Gi", memory_limit="1Gi")),
        _engine_pods(deployment, "worker", deployment.parallelism, [], _resources("1", "2Gi", memory_limit="2Gi")),
    ]


def _engine_pods(
    deployment: Deployment, role: str, replicas: int, ports: list[tuple[str, int]], resources: Plain
) -> Plain:
    labels = _labels(deployment, role)
    # With high availability the master tells the workers by its own address, not by a name that may lead to its forerunner.
    address = {"valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    host: Plain = address if role == "master" else {"value": f"{deployment.name}-master"}
    container: Plain = {
        "name": role,
        "image": deployment.engine_image,
        "env": [{"name": "ROLE", "value": role}, {"name": "MASTER_HOST", **host}],
        # Keys of the object storage, for clusters whose pods have no role of their own there.
        "envFrom": [{"secretRef": {"name": f"{deployment.name}-s3", "optional": True}}],
        "resources": resources,
        "volumeMounts": [
            {"name": "settings", "mountPath": module_path(deployment), "subPath": "module.yaml"},
            {"name": "settings", "mountPath": FLINK_CONF, "subPath": "flink-conf.yaml"},
        ],
    }
    if ports:
        container["ports"] = [{"name": name, "containerPort": port} for name, port in ports]
        container["readinessProbe"] = {"httpGet": {"path": "/overview", "port": "rest"}, "periodSeconds": 10}
        container["livenessProbe"] = {"tcpSocket": {"port": "rpc"}, "initialDelaySeconds": 30, "periodSeconds": 30}
    volumes: list[Plain] = [{"name": "settings", "configMap": {"name": f"{deployment.name}-engine"}}]
    pod: Plain = {"serviceAccountName": f"{deployment.name}-engine", "containers": [container], "volumes": volumes}
    if deployment.tls is not Tls.OFF:
        container["volumeMounts"].append(_certificates())
        volumes.append(_secret(f"{deployment.name}-engine-tls"))
        # The mounted key is root's, and its group may read it: the one that the engine is in, too, when it does not run as root.
        # Another number would not do: an entry point that goes on as flink leaves behind the groups that it was started with.
        pod["securityContext"] = {"fsGroup": ENGINE_GROUP}
    spec: Plain = {
        "replicas": replicas,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    if role == "master":
        spec["strategy"] = {"type": "Recreate"}  # never two of them
    return _part(deployment, "apps/v1", "Deployment", role, {"spec": spec})


def _labels(deployment: Deployment, component: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": deployment.name, "app.kubernetes.io/component": component}


def _part(deployment: Deployment, version: str, kind: str, component: str, rest: Plain) -> Plain:
    metadata: Plain = {"name": f"{deployment.name}-{component}"}
    if deployment.namespace is not None:
        metadata["namespace"] = deployment.namespace
    metadata["labels"] = _labels(deployment, component)
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}


def _probe(deployment: Deployment) -> Plain:
    """Whether a function server is well. A kubelet has no certificate to show, and can then only connect."""
    if deployment.tls is Tls.MUTUAL:
        return {"tcpSocket": {"port": "http"}}
    secure = {} if deployment.tls is Tls.OFF else {"scheme": "HTTPS"}
    return {"httpGet": {"path": "/health", "port": "http", **secure}}


def _resources(cpu: str, memory: str, *, memory_limit: str) -> Plain:
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory_limit}}


def _certificates() -> Plain:
    return {"name": "tls", "mountPath": CERTIFICATES, "readOnly": True}


def _secret(name: str) -> Plain:
    return {"name": "tls", "secret": {"secretName": name, "defaultMode": 0o440}}
