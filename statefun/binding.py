"""From what a user wrote of an ingress or an egress to its bound form, in which there are only names, bytes and the functions between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from statefun.batch import ProtocolVersion, TypedBytes
from statefun.encoding import ENCODERS_V2, ENCODERS_V3, Encoders
from statefun.errors import BindingError
from statefun.model import (
    BoundEgress,
    BoundIngress,
    FileEgress,
    RecordIngress,
    RowEncoder,
    ScheduleIngress,
    StdoutEgress,
    TableEgress,
    WebhookEgress,
)
from statefun.rows import line_encoder, row_encoders, row_key
from statefun.tablerows import table_rows

__all__ = ["bind_egress", "bind_ingress"]


def bind_ingress(ingress: RecordIngress | ScheduleIngress, targets: tuple[str, ...]) -> BoundIngress:
    """The bound form of an ingress.

    Args:
        ingress: What the user wrote.
        targets: The function types that its targets name.

    Raises:
        BindingError: a record cannot become its message.
        MessageTypeError: the message has no name on the wire.
        ValueTypeError: the message of a schedule cannot be encoded.
    """
    if isinstance(ingress, ScheduleIngress):
        return BoundIngress(ingress, targets, _constant(ingress.key), _schedule_encoders(ingress))
    return BoundIngress(ingress, targets, row_key(ingress), row_encoders(ingress))


def bind_egress(egress: FileEgress | StdoutEgress | WebhookEgress | TableEgress) -> BoundEgress:
    """The bound form of an egress.

    Raises:
        BindingError: the message of a table has no columns, or lacks one of the key.
        MessageTypeError: it has no name on the wire.
    """
    if isinstance(egress, TableEgress):
        columns, encode = table_rows(egress)
        return BoundEgress(egress, encode, columns)
    if isinstance(egress, FileEgress | StdoutEgress | WebhookEgress):
        return BoundEgress(egress, line_encoder(egress))
    raise BindingError(f"{egress!r:.80} is no egress", hint="give a FileEgress, or another of `statefun.model`")


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
