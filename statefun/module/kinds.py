"""The names of the kinds of components, in each version of the format."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from statefun.model import ModuleVersion

__all__ = ["KINDS", "UNSUPPORTED", "Kind", "Role"]


class Role(Enum):
    """What a component is to its module."""

    ENDPOINT = "endpoint"
    INGRESS = "ingress"
    EGRESS = "egress"


class Kind(Enum):
    """The kinds of components: a role each, and whose."""

    FUNCTION = "a function of 2.x"
    HTTP_V1 = "an endpoint whose transport is okhttp"
    HTTP_V2 = "an endpoint with a transport"
    KAFKA_INGRESS = "a Kafka ingress"
    KAFKA_EGRESS = "a Kafka egress"
    KINESIS_INGRESS = "a Kinesis ingress"
    KINESIS_EGRESS = "a Kinesis egress"
    PLAYGROUND_INGRESS = "an HTTP ingress"
    PLAYGROUND_EGRESS = "an HTTP egress"

    @property
    def role(self) -> Role:
        """Whether this is an endpoint, an ingress or an egress."""
        return Role(self.name.rpartition("_")[2].lower()) if self.name.endswith("GRESS") else Role.ENDPOINT


_V2: Final[Mapping[str, Kind]] = {
    "http": Kind.FUNCTION,
    "statefun.kafka.io/routable-protobuf-ingress": Kind.KAFKA_INGRESS,
    "statefun.kafka.io/generic-egress": Kind.KAFKA_EGRESS,
    "statefun.kinesis.io/routable-protobuf-ingress": Kind.KINESIS_INGRESS,
    "statefun.kinesis.io/generic-egress": Kind.KINESIS_EGRESS,
    "io.statefun.playground/ingress": Kind.PLAYGROUND_INGRESS,
    "io.statefun.playground/egress": Kind.PLAYGROUND_EGRESS,
}
_V3: Final[Mapping[str, Kind]] = {
    "io.statefun.endpoints.v2/http": Kind.HTTP_V2,
    "io.statefun.endpoints.v1/http": Kind.HTTP_V1,
    "io.statefun.kafka.v1/ingress": Kind.KAFKA_INGRESS,
    "io.statefun.kafka.v1/egress": Kind.KAFKA_EGRESS,
    "io.statefun.kinesis.v1/ingress": Kind.KINESIS_INGRESS,
    "io.statefun.kinesis.v1/egress": Kind.KINESIS_EGRESS,
    "io.statefun.playground.v1/ingress": Kind.PLAYGROUND_INGRESS,
    "io.statefun.playground.v1/egress": Kind.PLAYGROUND_EGRESS,
}
# What 3.0 called them; it takes the others too.
_V3_0: Final[Mapping[str, Kind]] = {
    "http": Kind.HTTP_V1,
    "io.statefun.kafka/ingress": Kind.KAFKA_INGRESS,
    "io.statefun.kafka/egress": Kind.KAFKA_EGRESS,
    "io.statefun.kinesis/ingress": Kind.KINESIS_INGRESS,
    "io.statefun.kinesis/egress": Kind.KINESIS_EGRESS,
    **_V3,
}

KINDS: Final[Mapping[ModuleVersion, Mapping[str, Kind]]] = {
    ModuleVersion.V1_0: _V2,
    ModuleVersion.V2_0: _V2,
    ModuleVersion.V3_0: _V3_0,
    ModuleVersion.V3_1: _V3,
}
"""What each version calls a kind; of several names of one kind the first is the one to write."""

UNSUPPORTED: Final[Mapping[str, str]] = {
    "grpc": "serve the function over HTTP, `kind: http`",
    "statefun.kafka.io/protobuf-ingress": (
        "use statefun.kafka.io/routable-protobuf-ingress, whose topics name their targets, and write the id as the key"
    ),
    "org.apache.flink.statefun.sdk/protobuf-router": (
        "use statefun.kafka.io/routable-protobuf-ingress, whose topics name their targets"
    ),
}
"""Kinds that an engine has and this loader does not, with what to use for them."""
