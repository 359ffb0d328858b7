"""From the model of an egress to the sink that writes it; what a sink needs is imported when it is used."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib import import_module
from typing import Any, Final

from attrs import evolve

from statefun.errors import BindingError
from statefun.extras import extra
from statefun.model import (
    BoundEgress,
    BoundIngress,
    FileEgress,
    FileIngress,
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

__all__ = ["check_outputs", "make_sink"]

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


def check_outputs(ingresses: Iterable[BoundIngress], egresses: Iterable[BoundEgress], store: str) -> None:
    """Refuses files that something else of a run has already: what one wrote the other would cut, or take for its input.

    Tables may share a file.

    Args:
        ingresses: All of them.
        egresses: All of them.
        store: The file of the store.

    Raises:
        BindingError: an egress writes where an ingress reads, another egress writes, or the store is.
    """
    taken = {_which(store): "the store"}
    for each in ingresses:
        if isinstance(each.ingress, FileIngress):
            taken[_which(each.ingress.path)] = f"the ingress {each.ingress.id!r}"
    of_tables: set[object] = set()
    for bound in egresses:
        if not isinstance(bound.egress, FileEgress | SqliteEgress):
            continue
        file = _which(bound.egress.path)
        whose = taken.setdefault(file, name := f"the egress {bound.egress.id!r}")
        if isinstance(bound.egress, SqliteEgress):
            if whose == name:
                of_tables.add(file)
            elif file in of_tables:
                continue
        if whose != name:
            raise BindingError(
                f"{name} writes to {bound.egress.path}, which is the file of {whose}",
                hint="give each a file of its own",
            )


def _which(path: str | os.PathLike[str]) -> object:
    """Which file a path means, whatever links lead to it."""
    try:
        found = os.stat(path)
    except OSError:  # it is not there yet
        return os.path.realpath(path)
    return found.st_dev, found.st_ino


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
        hint="derive it from statefun.runtime.Sink, see docs/own.md",
    )
