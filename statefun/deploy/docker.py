"""The Dockerfile of a function server."""

from __future__ import annotations

import json
from collections.abc import Mapping

from statefun.deploy.deployment import PORT, Deployment, Tls

__all__ = ["docker", "health_check"]

_IGNORED = (".*", "**/__pycache__", "**/*.pyc", "build", "dist", "tls", "compose.yaml", "Dockerfile")


def docker(deployment: Deployment) -> Mapping[str, str]:
    """The files of an image, by name: `Dockerfile` and `.dockerignore`, for the directory in which `statefun serve` finds the functions."""
    requirement = f"statefun-typed[cli,serve]=={deployment.version}"
    install = ["RUN pip install --no-cache-dir " + json.dumps(requirement)]
    if deployment.requirements is not None:
        name = json.dumps(deployment.requirements)
        install = [f'COPY [{name}, "requirements.txt"]', f"{install[0]} -r requirements.txt"]
    lines = [
        f"FROM python:{deployment.python}-slim",
        "ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1",
        "RUN useradd --system --uid 10001 --no-create-home statefun",
        "WORKDIR /app",
        *install,
        "COPY . .",
        "USER 10001",
        f"EXPOSE {PORT}",
        f"HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 CMD {json.dumps(health_check(deployment))}",
        "# The server is process 1 and gets the signal itself: it finishes its requests, for up to 60 seconds.",
        "STOPSIGNAL SIGTERM",
        f"CMD {json.dumps(deployment.serve)}",
    ]
    return {"Dockerfile": "\n".join(lines) + "\n", ".dockerignore": "\n".join(_IGNORED) + "\n"}


def health_check(deployment: Deployment) -> list[str]:
    """The command that tells whether a function server is well, with what is in its image.

    Behind TLS it only connects: the server's certificate is not made out to its loopback address, and the check has none of its own.
    """
    if deployment.tls is Tls.OFF:
        call = f"import urllib.request; urllib.request.urlopen('http://127.0.0.1:{PORT}/health', timeout=2)"
    else:
        call = f"import socket; socket.create_connection(('127.0.0.1', {PORT}), 2).close()"
    return ["python", "-c", call]
