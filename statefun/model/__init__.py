"""The neutral model of a module: endpoints, ingresses and egresses as frozen values, which every engine is given or rendered from.

| file | what it holds |
|---|---|
| `files` | the file ingress and egress |
| `bound` | the form in which ingresses and egresses of every kind are given to the runtime |
| `stdin`, `schedule` | the ingresses of standard input, and of messages at set times |
| `tables`, `webhook`, `stdout` | the egresses to tables of SQLite and PostgreSQL, to an HTTP endpoint, to standard output |
| `feeds` | what ingresses of records have in common |
| `endpoints` | where functions are called, and how |
| `routes` | from topics and streams to functions; where reading starts |
| `kafka`, `kinesis`, `playground` | an ingress and an egress each |
| `module` | all of a module together |
| `references` | what the environment holds |
| `sources` | where in a file a value was read |
| `checks` | what the values have in common to be right |
"""

from statefun.model.bound import BoundEgress, BoundIngress, RowEncoder
from statefun.model.endpoints import AsyncTransport, EndpointState, HttpEndpoint, OkHttpTransport, Transport
from statefun.model.feeds import RecordIngress
from statefun.model.files import FileEgress, FileIngress
from statefun.model.kafka import Delivery, KafkaEgress, KafkaIngress, Topic
from statefun.model.kinesis import AwsCredentials, AwsProfile, AwsRegion, KinesisEgress, KinesisIngress, Stream
from statefun.model.module import Module, ModuleEgress, ModuleIngress, ModuleVersion
from statefun.model.playground import PlaygroundEgress, PlaygroundIngress
from statefun.model.routes import PartitionOffset, Route, StartFrom, StartFromDate, StartFromOffsets, Startup
from statefun.model.schedule import ScheduleIngress
from statefun.model.sources import SourcePosition
from statefun.model.stdin import StdinIngress
from statefun.model.stdout import StdoutEgress
from statefun.model.tables import Column, ColumnKind, PostgresEgress, SqliteEgress, TableEgress
from statefun.model.webhook import WebhookEgress

__all__ = [
    "AsyncTransport",
    "AwsCredentials",
    "AwsProfile",
    "AwsRegion",
    "BoundEgress",
    "BoundIngress",
    "Column",
    "ColumnKind",
    "Delivery",
    "EndpointState",
    "FileEgress",
    "FileIngress",
    "HttpEndpoint",
    "KafkaEgress",
    "KafkaIngress",
    "KinesisEgress",
    "KinesisIngress",
    "Module",
    "ModuleEgress",
    "ModuleIngress",
    "ModuleVersion",
    "OkHttpTransport",
    "PartitionOffset",
    "PlaygroundEgress",
    "PlaygroundIngress",
    "PostgresEgress",
    "RecordIngress",
    "Route",
    "RowEncoder",
    "ScheduleIngress",
    "SourcePosition",
    "SqliteEgress",
    "StartFrom",
    "StartFromDate",
    "StartFromOffsets",
    "Startup",
    "StdinIngress",
    "StdoutEgress",
    "Stream",
    "TableEgress",
    "Topic",
    "Transport",
    "WebhookEgress",
]
