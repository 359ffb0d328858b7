"""The SDKs that are tested: what each needs on the machine, how it is installed from its registry, how its server is started.

Everything is installed into `.sdks/` by the registry's own client, in the versions that are pinned here and in the SDK's folder, once: a
change of a pinned file, or of a command below, installs it anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from attrs import field, frozen

__all__ = ["KITS", "Kit", "installed", "missing_tools"]

ROOT: Final = Path(__file__).resolve().parents[2]
HERE: Final = ROOT / "tests" / "sdks"
TARGET: Final = ROOT / ".sdks"


@frozen(kw_only=True)
class Kit:
    """An SDK and the server that is written with it.

    Attributes:
        name: The folder in tests/sdks, and in `.sdks`.
        sdk: What a person calls it.
        tools: The commands that it needs, in the order in which they are needed.
        pins: The files in its folder that decide what is installed.
        install: The commands that install it, started in its folder of `.sdks`, into which its pins were copied.
        start: The command that starts the server; where it listens, its namespace and the function that adds up follow it.
        environment: Variables that both get.
        sockets: Whether its server listens on a UNIX socket too.
        protocol: The version of `module.yaml` that its functions are called with.
    """

    name: str
    sdk: str
    tools: tuple[str, ...]
    pins: tuple[str, ...]
    install: tuple[tuple[str, ...], ...]
    start: tuple[str, ...]
    environment: Mapping[str, str] = field(factory=dict, converter=dict)
    sockets: bool = True
    protocol: str = "3.x"

    @property
    def target(self) -> Path:
        """Where it is installed."""
        return TARGET / self.name

    def environ(self) -> dict[str, str]:
        """The environment of its commands."""
        return {**os.environ, **self.environment}

    def digest(self) -> str:
        """Changes with whatever decides what is installed."""
        parts = [json.dumps([self.install, sys.version_info[:2]]).encode()]
        parts += [(HERE / self.name / pin).read_bytes() for pin in self.pins]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _python(name: str, version: str, protocol: str) -> Kit:
    python = str(TARGET / name / "venv" / "bin" / "python")
    return Kit(
        name=name,
        sdk=f"apache-flink-statefun {version} (Python)",
        tools=(),
        pins=("requirements.txt",),
        install=(
            (sys.executable, "-m", "venv", "--clear", "venv"),
            (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt"),
        ),
        start=(python, str(HERE / name / "server.py")),
        environment={"PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"},
        protocol=protocol,
    )


_JAR: Final = "statefun-sdk-java-3.3.0.jar"

KITS: Final[Mapping[str, Kit]] = {
    kit.name: kit
    for kit in (
        _python("python33", "3.3.0", "3.x"),
        _python("python22", "2.2.2", "2.2"),
        Kit(
            name="node",
            sdk="apache-flink-statefun 3.3.0 (JavaScript)",
            tools=("node", "npm"),
            pins=("package.json", "package-lock.json"),
            install=(("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"),),
            start=("node", str(HERE / "node" / "server.js")),
            environment={"NODE_PATH": str(TARGET / "node" / "node_modules")},
        ),
        Kit(
            name="java",
            sdk="org.apache.flink:statefun-sdk-java 3.3.0",
            tools=("mvn", "javac", "java"),
            pins=("Server.java",),
            install=(
                # The jar alone: it holds what it needs, and one artifact that its POM names was never published.
                (
                    *("mvn", "--batch-mode", "--quiet", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"),
                    "-Dartifact=org.apache.flink:statefun-sdk-java:3.3.0",
                    "-DoutputDirectory=.",
                ),
                ("javac", "-d", "classes", "-cp", _JAR, "Server.java"),
            ),
            start=(
                *("java", "-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"),
                *("-cp", f"{TARGET / 'java' / _JAR}{os.pathsep}{TARGET / 'java' / 'classes'}", "Server"),
            ),
            sockets=False,  # the JDK's HTTP server has none
        ),
        Kit(
            name="go",
            sdk="github.com/apache/flink-statefun/statefun-sdk-go/v3 3.3.0",
            tools=("go",),
            pins=("go.mod", "go.sum", "server.go"),
            install=(("go", "build", "-buildvcs=false", "-o", "server", "."),),
            start=(str(TARGET / "go" / "server"),),
            environment={"GOFLAGS": "-mod=readonly", "GOWORK": "off"},
        ),
    )
}


def missing_tools(kit: Kit) -> tuple[str, ...]:
    """The commands that it needs and this machine does not have."""
    return tuple(tool for tool in kit.tools if shutil.which(tool) is None)


def installed(kit: Kit) -> Kit:
    """Installs it when it is not, or not as it is pinned now.

    Raises:
        RuntimeError: a command failed; what it printed is in the message.
    """
    stamp = kit.target / ".installed"
    digest = kit.digest()
    if stamp.exists() and stamp.read_text() == digest:
        return kit
    shutil.rmtree(kit.target, ignore_errors=True)
    kit.target.mkdir(parents=True)
    for pin in kit.pins:
        shutil.copy(HERE / kit.name / pin, kit.target)
    for command in kit.install:
        done = subprocess.run(
            command,
            cwd=kit.target,
            env=kit.environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        if done.returncode:
            raise RuntimeError(f"{kit.sdk}: `{' '.join(command)}` ended with {done.returncode}:\n{done.stdout}")
    stamp.write_text(digest)
    return kit
