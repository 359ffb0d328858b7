"""From the model of an ingress to the source that reads it; what a source needs is imported when it is used."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any, Final

from attrs import evolve

from statefun.batch import ProtocolVersion
from statefun.errors import BindingError
from statefun.extras import extra
from statefun.model import (
    BoundIngress,
    FileIngress,
    KafkaIngress,
    KinesisIngress,
    PlaygroundIngress,
    ScheduleIngress,
    StdinIngress,
)
from statefun.model.references import with_environment
from statefun.runtime.ingress.source import Source

__all__ = ["open_source"]

_SOURCES: Final[dict[type[Any], str]] = {
    FileIngress: "statefun.runtime.ingress.files:FileSource",
    KafkaIngress: "statefun.runtime.ingress.kafka:KafkaSource",
    KinesisIngress: "statefun.runtime.ingress.kinesis:KinesisSource",
    PlaygroundIngress: "statefun.runtime.ingress.http:HttpSource",
    ScheduleIngress: "statefun.runtime.ingress.schedule:ScheduleSource",
    StdinIngress: "statefun.runtime.ingress.stdin:StdinSource",
}
"""For each class of the model the source that reads it, `module:class`; it is made from a BoundIngress."""

_EXTRAS: Final[dict[type[Any], str]] = {KafkaIngress: "kafka", KinesisIngress: "kinesis", ScheduleIngress: "schedule"}
"""For each class what installs it, where `runtime` does not."""


def open_source(bound: BoundIngress, protocol: ProtocolVersion = ProtocolVersion.V3) -> Source:
    """The source of an ingress: the one that reads its kind, or the ingress itself where it is a source.

    Args:
        bound: The ingress.
        protocol: The protocol whose names its types have.

    Raises:
        MissingExtraError: what installs its client is missing.
        BindingError: there is none, or an environment variable that the ingress names is not set.
    """
    name = _SOURCES.get(bound.ingress.__class__)
    if name is not None:
        module, _, attribute = name.partition(":")
        named = bound.for_protocol(protocol)
        here = evolve(named, ingress=with_environment(named.ingress, os.environ))
        with extra(_EXTRAS.get(bound.ingress.__class__, "runtime")):
            found = import_module(module)
        source: Source = getattr(found, attribute)(here)
        return source
    if isinstance(bound.ingress, Source):
        return bound.ingress
    raise BindingError(
        f"the ingress {bound.ingress.id!r} is a {type(bound.ingress).__name__}, which the embedded runtime cannot read",
        hint="give it `async def run(self, inlet)`, see docs/own.md",
    )
