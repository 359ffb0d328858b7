"""From the model of an egress to the sink that writes it; what a sink needs is imported when it is used."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any, Final

from attrs import evolve

from statefun.errors import BindingError
from statefun.extras import extra
from statefun.model import (
    BoundEgress,
    FileEgress,
    KafkaEgress,
    KinesisEgress,
    PlaygroundEgress,
    PostgresEgress,
    SqliteEgress,
    StdoutEgress,
    WebhookEgress,
)
from statefun.model.references import with_environment
from statefun.runtime.egress.sink import Sink

__all__ = ["make_sink"]

_SINKS: Final[dict[type[Any], str]] = {
    FileEgress: "statefun.runtime.egress.files:FileSink",
    KafkaEgress: "statefun.runtime.egress.kafka:KafkaSink",
    KinesisEgress: "statefun.runtime.egress.kinesis:KinesisSink",
    PlaygroundEgress: "statefun.runtime.egress.http:HttpSink",
    PostgresEgress: "statefun.runtime.egress.postgres:PostgresSink",
    SqliteEgress: "statefun.runtime.egress.sqlite:SqliteSink",
    StdoutEgress: "statefun.runtime.egress.stdout:StdoutSink",
    WebhookEgress: "statefun.runtime.egress.webhook:WebhookSink",
}
"""For each class of the model the sink that writes it, `module:class`; it is made from a BoundEgress."""

_EXTRAS: Final[dict[type[Any], str]] = {
    KafkaEgress: "kafka",
    KinesisEgress: "kinesis",
    PostgresEgress: "postgres",
    WebhookEgress: "webhook",
}
"""For each class what installs it, where `runtime` does not."""


def make_sink(bound: BoundEgress) -> Sink:
    """The sink of an egress: the one that writes its kind, or the egress itself where it is a sink.

    Raises:
        MissingExtraError: what installs its client is missing.
        BindingError: there is none, or an environment variable that the egress names is not set.
    """
    name = _SINKS.get(bound.egress.__class__)
    if name is not None:
        module, _, attribute = name.partition(":")
        here = evolve(bound, egress=with_environment(bound.egress, os.environ))
        with extra(_EXTRAS.get(bound.egress.__class__, "runtime")):
            found = import_module(module)
        sink: Sink = getattr(found, attribute)(here)
        return sink
    if isinstance(bound.egress, Sink):
        return bound.egress
    raise BindingError(
        f"the egress {bound.egress.id!r} is a {type(bound.egress).__name__}, which the embedded runtime cannot write",
        hint="derive it from statefun.runtime.Sink, see docs/runtime.md",
    )
