"""`bind_egress`: the bound form of an egress, which makes bytes of what functions send to it."""

from __future__ import annotations

from typing import Any

from statefun.binding.messages_to_tables import table_rows
from statefun.binding.messages_to_text import line_encoder
from statefun.binding.own import check_own
from statefun.model import (
    BoundEgress,
    FileEgress,
    KafkaEgress,
    KinesisEgress,
    PlaygroundEgress,
    StdoutEgress,
    TableEgress,
    WebhookEgress,
)

__all__ = ["bind_egress"]


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
        check_own(egress, "deliver", "an egress")
    return BoundEgress(egress)
