"""Stateful functions in Python: typed function classes, for an embedded durable runtime and for Flink StateFun 2.2 and 3.x."""

# Imported for what importing them does, before all others: the one raises where another distribution's files may be among
# ours, the other warns of a slow protobuf. No name of theirs is used.
import statefun._clash  # pyright: ignore[reportUnusedImport]  for what importing it does
import statefun._slow  # noqa: F401  # pyright: ignore[reportUnusedImport]  for what importing it does
from statefun.address import Address, Egress, FunctionType
from statefun.context import Context
from statefun.egress import kafka_egress_record, kinesis_egress_record
from statefun.errors import (
    ContextError,
    DefinitionError,
    HandlerError,
    ProtocolError,
    RoutingError,
    StateError,
    StatefunError,
)
from statefun.expiration import Expiration, after_call, after_write
from statefun.function import StatefulFunction, handles, handles_other
from statefun.functions import StatefulFunctions
from statefun.handler import AsyncRequestReplyHandler, RequestReplyHandler
from statefun.jsontypes import json_type
from statefun.model import FileEgress, FileIngress
from statefun.primitives import BOOL, BYTES, DOUBLE, FLOAT, INT, LONG, STRING
from statefun.records import KafkaRecord, KinesisRecord
from statefun.state import ValueSpec
from statefun.types import ValueType

__all__ = [
    "BOOL",
    "BYTES",
    "DOUBLE",
    "FLOAT",
    "INT",
    "LONG",
    "STRING",
    "Address",
    "AsyncRequestReplyHandler",
    "Context",
    "ContextError",
    "DefinitionError",
    "Egress",
    "Expiration",
    "FileEgress",
    "FileIngress",
    "FunctionType",
    "HandlerError",
    "KafkaRecord",
    "KinesisRecord",
    "ProtocolError",
    "RequestReplyHandler",
    "RoutingError",
    "StateError",
    "StatefulFunction",
    "StatefulFunctions",
    "StatefunError",
    "ValueSpec",
    "ValueType",
    "after_call",
    "after_write",
    "handles",
    "handles_other",
    "json_type",
    "kafka_egress_record",
    "kinesis_egress_record",
]
