"""What the files of a deployment have in common: names, images, ports, and how engine and functions trust each other."""

from __future__ import annotations

import re
from enum import Enum
from typing import Any, Final

from attrs import Attribute, evolve, field, frozen
from attrs.validators import optional

from statefun.deploy.names import check_name, is_label, is_reference
from statefun.errors import BindingError
from statefun.model import AsyncTransport, Module

__all__ = ["CERTIFICATES", "PORT", "Deployment", "Tls"]

PORT: Final = 8000
"""Where the functions listen."""

CERTIFICATES: Final = "/etc/statefun/tls"
"""Where a container finds tls.crt, tls.key and ca.crt, the names that Kubernetes gives to the parts of a certificate's secret."""


class Tls(Enum):
    """How engine and functions talk."""

    OFF = "off"
    SERVER = "server"
    """Over TLS: the engine checks the certificate of the functions."""
    MUTUAL = "mutual"
    """Over TLS, and the functions refuse whoever has no certificate of their authority."""


def _is_label(_made: object, attribute: Attribute[str], value: Any) -> None:
    if not isinstance(value, str) or not is_label(value):
        raise BindingError(
            f"the {attribute.name} {value!r} is no label of DNS-1123",
            hint="write lower case letters, digits and hyphens, 63 at most, with a letter or digit at both ends",
        )


def _is_name(_made: object, _attribute: Attribute[str], value: str) -> None:
    check_name(value)


def _is_image(_made: object, _attribute: Attribute[str], value: Any) -> None:
    if not isinstance(value, str) or not is_reference(value):
        raise BindingError(
            f"the image {value!r} is no reference of an image",
            hint="write HOST:PORT/PATH:TAG, the path in lower case, host and tag where they are needed, "
            "such as --image registry.example.org/shop-functions:1",
        )


def _is_python(_made: object, _attribute: Attribute[str], value: Any) -> None:
    if not isinstance(value, str) or re.fullmatch(r"3\.(1[1-9]|[2-9]\d)(\.\d+)?", value) is None:
        raise BindingError(f"{value!r} is no version of Python from 3.11 on", hint="write one such as 3.12")


def _is_inside(_made: object, attribute: Attribute[str], value: Any) -> None:
    if not isinstance(value, str) or not value or value.startswith("/") or ".." in value.split("/"):
        raise BindingError(
            f"the {attribute.name} {value!r} are outside the directory that the image is built from",
            hint="name a file in it, as seen from there",
        )


def _is_beside(_made: object, attribute: Attribute[str], value: Any) -> None:
    if not isinstance(value, str) or not value or "/" in value:
        raise BindingError(f"the {attribute.name} {value!r} is not beside the Dockerfile", hint="write its name alone")


def _is_bucket(_made: object, _attribute: Attribute[str], value: Any) -> None:
    if not isinstance(value, str) or re.fullmatch(r"s3://[^\s/#]+(/[^\s#]*)?", value) is None:
        raise BindingError(f"the checkpoints {value!r} are not on object storage", hint="write s3://BUCKET/FOLDER")


def _is_replicas(made: Deployment, _attribute: Attribute[int], value: int) -> None:
    if not 1 <= made.min_replicas <= value:
        raise BindingError(
            f"{made.min_replicas} to {value} replicas are no range", hint="write 1 <= --min-replicas <= --max-replicas"
        )


@frozen(kw_only=True)
class Deployment:
    """Functions and the engine that calls them.

    Attributes:
        target: `package.module:functions`, as `statefun serve` takes it.
        module: What the engine is told; its endpoints' transports get their certificates here.
        name: What everything is named after, a label of DNS-1123 of 40 characters at most, a letter first.
        version: The version of this package that the image installs.
        python: The version of Python in the image.
        wheel: The name of a wheel of this package beside the Dockerfile that the image installs instead, or None.
        url: What the image installs it from otherwise, or None for the index.
        requirements: A file of requirements in the directory that the image is built from, or None.
        project: Whether that directory is a project, which the image installs with all that it needs.
        engine_image: The engine.
        kafka_image: The broker of a Compose file.
        image: What the image of the functions is called: `HOST:PORT/PATH:TAG@DIGEST`, all but the path as needed.
        namespace: Where it runs in Kubernetes, or None for the one that is applied to.
        checkpoints: Where the engine keeps its checkpoints in Kubernetes, `s3://…`.
        parallelism: How many workers the engine has.
        min_replicas: How many function servers there are at least.
        max_replicas: How many there are at most.
        tls: How engine and functions talk.
    """

    target: str
    module: Module
    name: str = field(validator=_is_name)
    version: str
    python: str = field(default="3.12", validator=_is_python)
    wheel: str | None = field(default=None, validator=optional(_is_beside))
    url: str | None = None
    requirements: str | None = field(default=None, validator=optional(_is_inside))
    project: bool = False
    engine_image: str = "apache/flink-statefun:3.3.0"
    kafka_image: str = "apache/kafka:3.9.1"
    image: str = field(validator=_is_image)
    namespace: str | None = field(default=None, validator=optional(_is_label))
    checkpoints: str = field(default="s3://statefun/checkpoints", validator=_is_bucket)
    parallelism: int = 1
    min_replicas: int = 2
    max_replicas: int = field(default=10, validator=_is_replicas)
    tls: Tls = Tls.OFF

    @property
    def serve(self) -> list[str]:
        """The command of a function server."""
        command = ["statefun", "serve", self.target, "--host", "0.0.0.0", "--port", str(PORT)]  # noqa: S104 - in a container
        if self.tls is not Tls.OFF:
            command += ["--tls-cert", f"{CERTIFICATES}/tls.crt", "--tls-key", f"{CERTIFICATES}/tls.key"]
        if self.tls is Tls.MUTUAL:
            command += ["--client-ca", f"{CERTIFICATES}/ca.crt"]
        return command

    @property
    def trusting(self) -> Module:
        """The module, with the certificates that the engine trusts and shows."""
        if self.tls is Tls.OFF:
            return self.module
        mutual = self.tls is Tls.MUTUAL
        transport = AsyncTransport(
            trust_cacerts=f"{CERTIFICATES}/ca.crt",
            client_cert=f"{CERTIFICATES}/tls.crt" if mutual else None,
            client_key=f"{CERTIFICATES}/tls.key" if mutual else None,
        )
        return evolve(self.module, endpoints=[evolve(each, transport=transport) for each in self.module.endpoints])
