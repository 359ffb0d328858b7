"""The neutral model of a module: endpoints, ingresses and egresses as frozen values, which every engine is given or rendered from.

| file | what it holds |
|---|---|
| `files` | the file ingress and egress, and the bound form that the runtime is given |
| `endpoints` | where functions are called, and how |
| `routes` | from topics and streams to functions; where reading starts |
| `kafka`, `kinesis`, `playground` | an ingress and an egress each |
| `module` | all of a module together |
| `sources` | where in a file a value was read |
| `checks` | what the values have in common to be right |
"""

from statefun.model.endpoints import AsyncTransport, EndpointState, HttpEndpoint, OkHttpTransport, Transport
from statefun.model.files import BoundEgress, BoundIngress, FileEgress, FileIngress, RowEncoder
from statefun.model.kafka import Delivery, KafkaEgress, KafkaIngress
from statefun.model.kinesis import AwsCredentials, AwsProfile, AwsRegion, KinesisEgress, KinesisIngress
from statefun.model.module import Module, ModuleEgress, ModuleIngress, ModuleVersion
from statefun.model.playground import PlaygroundEgress, PlaygroundIngress
from statefun.model.routes import PartitionOffset, Route, StartFrom, StartFromDate, StartFromOffsets, Startup
from statefun.model.sources import SourcePosition

__all__ = [
    "AsyncTransport",
    "AwsCredentials",
    "AwsProfile",
    "AwsRegion",
    "BoundEgress",
    "BoundIngress",
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
    "Route",
    "RowEncoder",
    "SourcePosition",
    "StartFrom",
    "StartFromDate",
    "StartFromOffsets",
    "Startup",
    "Transport",
]
