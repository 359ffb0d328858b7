"""The Dockerfile of a function server."""

from __future__ import annotations

import json
from collections.abc import Mapping

from statefun.deploy.deployment import PORT, Deployment, Tls

__all__ = ["docker", "health_check"]

_IGNORED = (".*", "**/__pycache__", "**/*.pyc", "build", "dist", "tls", "compose.yaml", "Dockerfile")


def docker(deployment: Deployment) -> Mapping[str, str]:
    """The files of an image, by name: `Dockerfile` and `.dockerignore`, for the directory in which `statefun serve` finds the functions."""
    ignored = [*_IGNORED]
    # What the functions need comes behind this package, so that they can require it too, wherever it came from; and in a command of
    # its own, since pip takes hashes for all that it installs or for nothing.
    needs: list[str] = []
    project: list[str] = []
    if deployment.requirements is not None:
        ignored.append(f"!{deployment.requirements}")
        needs = [f'COPY [{json.dumps(deployment.requirements)}, "requirements.txt"]', _pip("-r", "requirements.txt")]
    if deployment.project:
        project = [_pip(".")]
    if needs or project:
        project.append('RUN ["pip", "check"]')
    lines = [
        f"FROM python:{deployment.python}-slim",
        "ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1",
        "RUN useradd --system --uid 10001 --no-create-home statefun",
        "WORKDIR /app",
        *_package(deployment),
        *needs,
        "COPY . .",
        *project,
        "USER 10001",
        f"EXPOSE {PORT}",
        f"HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 CMD {json.dumps(health_check(deployment))}",
        "# The server is process 1 and gets the signal itself: it finishes its requests, for up to 60 seconds.",
        "STOPSIGNAL SIGTERM",
        f"CMD {json.dumps(deployment.serve)}",
    ]
    return {"Dockerfile": "\n".join(lines) + "\n", ".dockerignore": "\n".join(ignored) + "\n"}


def _package(deployment: Deployment) -> list[str]:
    extras = "[cli,serve]"
    if deployment.wheel is not None:
        return [f'COPY [{json.dumps(deployment.wheel)}, "./"]', _pip(f"./{deployment.wheel}{extras}")]
    where = f"=={deployment.version}" if deployment.url is None else f" @ {deployment.url}"
    return [_pip(f"statefun-typed{extras}{where}")]


def _pip(*words: str) -> str:
    # Without a shell, which would read what is in a version or a URL.
    return "RUN " + json.dumps(["pip", "install", "--no-cache-dir", *words])


def health_check(deployment: Deployment) -> list[str]:
    """The command that tells whether a function server is well, with what is in its image.

    Behind TLS it only connects: the server's certificate is not made out to its loopback address, and the check has none of its own.
    """
    if deployment.tls is Tls.OFF:
        call = f"import urllib.request; urllib.request.urlopen('http://127.0.0.1:{PORT}/health', timeout=2)"
    else:
        call = f"import socket; socket.create_connection(('127.0.0.1', {PORT}), 2).close()"
    return ["python", "-c", call]
