"""From what a user wrote of an ingress or an egress to its bound form, in which there are only names, bytes and the functions between."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from statefun.address import parse_typename
from statefun.batch import ProtocolVersion, TypedBytes
from statefun.encoding import ENCODERS_V2, ENCODERS_V3, Encoders
from statefun.errors import BindingError
from statefun.lines import line_encoder
from statefun.model import (
    BoundEgress,
    BoundIngress,
    FileEgress,
    KafkaEgress,
    KafkaIngress,
    KinesisEgress,
    KinesisIngress,
    PlaygroundEgress,
    PlaygroundIngress,
    RecordIngress,
    Route,
    RowEncoder,
    ScheduleIngress,
    StdoutEgress,
    TableEgress,
    WebhookEgress,
)
from statefun.rows import row_encoders, row_key
from statefun.tablerows import table_rows

__all__ = ["bind_egress", "bind_ingress"]


def bind_ingress(ingress: Any, typename_of: Callable[[Any], str]) -> BoundIngress:
    """The bound form of an ingress.

    Args:
        ingress: What the user wrote.
        typename_of: Gives the function type that a target names.

    Raises:
        BindingError: a record cannot become its message.
        MessageTypeError: the message has no name on the wire.
        ValueTypeError: the message of a schedule cannot be encoded.
    """
    if isinstance(ingress, KafkaIngress):
        return BoundIngress(ingress, _targets_of(ingress.topics))
    if isinstance(ingress, KinesisIngress):
        return BoundIngress(ingress, _targets_of(ingress.streams))
    if isinstance(ingress, PlaygroundIngress):
        return BoundIngress(ingress)
    if not isinstance(ingress, RecordIngress | ScheduleIngress):
        _is_own(ingress, "run", "an ingress")
        return BoundIngress(ingress)
    targets = tuple(typename_of(each) for each in ingress.targets)
    if isinstance(ingress, ScheduleIngress):
        return BoundIngress(ingress, targets, _constant(ingress.key), _schedule_encoders(ingress))
    return BoundIngress(ingress, targets, row_key(ingress), row_encoders(ingress))


def bind_egress(egress: Any) -> BoundEgress:
    """The bound form of an egress.

    Raises:
        BindingError: it is none, or the message of a table has no columns, or lacks one of the key.
        MessageTypeError: it has no name on the wire.
    """
    if isinstance(egress, TableEgress):
        columns, encode = table_rows(egress)
        return BoundEgress(egress, encode, columns)
    if isinstance(egress, FileEgress | StdoutEgress | WebhookEgress):
        return BoundEgress(egress, line_encoder(egress))
    if not isinstance(egress, KafkaEgress | KinesisEgress | PlaygroundEgress):
        _is_own(egress, "deliver", "an egress")
    return BoundEgress(egress)


def _targets_of(routes: tuple[Route, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(target for route in routes for target in route.targets))


def _is_own(made: Any, method: str, what: str) -> None:
    """What a user wrote for the embedded runtime alone: an object with an id and the one method that makes it what it is."""
    if not inspect.iscoroutinefunction(getattr(made, method, None)):
        raise BindingError(
            f"{made!r:.80} is not {what}",
            hint=f"give one of `statefun.model`, or an object with an `id` and an `async def {method}`: see docs/runtime.md",
        )
    parse_typename(str(getattr(made, "id", "")), f"id of {type(made).__name__}")


def _constant(value: str) -> Callable[[Any], str]:
    def key(_record: Any) -> str:
        return value

    return key


def _schedule_encoders(ingress: ScheduleIngress) -> Mapping[ProtocolVersion, RowEncoder]:
    return {
        ProtocolVersion.V2: _schedule_encoder(ingress, ENCODERS_V2),
        ProtocolVersion.V3: _schedule_encoder(ingress, ENCODERS_V3),
    }


def _schedule_encoder(ingress: ScheduleIngress, encoders: Encoders) -> RowEncoder:
    """From the time that a message was due to the message; one that is always the same is encoded here, once."""
    message: Any = ingress.message

    def encoded(value: Any) -> TypedBytes:
        return encoders.typed(value, ingress.type)

    if callable(message):
        make: Callable[[datetime], Any] = message
        return lambda due: encoded(make(due))
    once = encoded(message)
    return lambda _due: once
