"""Ingresses: Kafka, Kinesis and HTTP, in the spelling of either format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from attrs import frozen

from statefun.batch import ProtocolVersion
from statefun.model import (
    KafkaIngress,
    KinesisIngress,
    PartitionOffset,
    PlaygroundIngress,
    Route,
    SourcePosition,
    StartFrom,
    StartFromDate,
    StartFromOffsets,
    Startup,
)
from statefun.model.playground import PLAYGROUND_INGRESS
from statefun.module.load.aws import read_credentials, read_region
from statefun.module.load.document import Node
from statefun.module.load.sections import Reading, Section
from statefun.module.scalars import is_whole_number

__all__ = ["Component", "read_address", "read_kafka_ingress", "read_kinesis_ingress", "read_playground_ingress"]

_KAFKA_STARTS: Final[Mapping[str, StartFrom | str]] = {
    "group-offsets": StartFrom.GROUP_OFFSETS,
    "earliest": StartFrom.EARLIEST,
    "latest": StartFrom.LATEST,
    "specific-offsets": "offsets",
    "date": "date",
}
_KINESIS_STARTS: Final[Mapping[str, StartFrom | str]] = {
    "earliest": StartFrom.EARLIEST,
    "latest": StartFrom.LATEST,
    "date": "date",
}
_RESETS: Final = {"earliest": StartFrom.EARLIEST, "latest": StartFrom.LATEST}


@frozen
class Component:
    """A component whose kind is known, before its spec is read.

    Attributes:
        spec: The spec.
        source: Where the component begins.
        id: Its id, where that stands outside of the spec; None where it is in it.
        mark: How many mistakes there were before the component.
    """

    spec: Node
    source: SourcePosition
    id: str | None
    mark: int

    def section(
        self,
        reading: Reading,
        what: str,
        required: tuple[str, ...],
        optional: tuple[str, ...] = (),
        elsewhere: Mapping[str, str] | None = None,
        *,
        has_id: bool = True,
    ) -> Section:
        """The spec by its keys, the id among them where it belongs there."""
        if has_id and self.id is None:
            required = ("id", *required)
        return Section.of(
            reading, self.spec, what, required=required, optional=optional, elsewhere=elsewhere, mark=self.mark
        )

    def name(self, section: Section) -> str:
        """The id, from where it is."""
        return section.typename("id") if self.id is None else self.id


def read_kafka_ingress(reading: Reading, component: Component) -> KafkaIngress | None:
    """Reads a Kafka ingress whose records go to targets by key."""
    spec = component.section(
        reading,
        "the Kafka ingress",
        ("topics",) if reading.protocol is ProtocolVersion.V3 else ("address", "topics"),
        (
            *(("address",) if reading.protocol is ProtocolVersion.V3 else ()),
            "consumerGroupId",
            "startupPosition",
            "autoOffsetResetPosition",
            "properties",
        ),
    )
    id = component.name(spec)
    topics = _routes(reading, spec, "topics", "topic")
    properties = spec.properties("properties")
    address = read_address(spec, properties)
    group = spec.text("consumerGroupId")
    startup = _startup(reading, spec, _KAFKA_STARTS)
    reset = spec.choice("autoOffsetResetPosition", _RESETS, StartFrom.LATEST, ignore_case=True)
    return reading.make(
        spec,
        lambda: KafkaIngress(
            id=id,
            address=address,
            topics=topics,
            consumer_group=group,
            startup=startup,
            auto_reset=reset,
            properties=properties,
            source=component.source,
        ),
    )


def read_address(spec: Section, properties: Mapping[str, str]) -> str:
    """The brokers: the address, or in 3.x what the client's own setting says."""
    address = spec.text("address")
    if address is not None:
        return address
    servers = properties.get("bootstrap.servers", "")
    if not servers and spec.reading.protocol is ProtocolVersion.V3:
        spec.require("address")
    return servers


def read_kinesis_ingress(reading: Reading, component: Component) -> KinesisIngress | None:
    """Reads a Kinesis ingress whose records go to targets by partition key."""
    spec = component.section(
        reading,
        "the Kinesis ingress",
        ("streams",),
        ("awsRegion", "awsCredentials", "startupPosition", "clientConfigProperties"),
        {"properties": "write `clientConfigProperties`"},
    )
    id = component.name(spec)
    streams = _routes(reading, spec, "streams", "stream")
    region, credentials = read_region(spec), read_credentials(spec)
    startup = _startup(reading, spec, _KINESIS_STARTS)
    properties = spec.properties("clientConfigProperties")
    return reading.make(
        spec,
        lambda: KinesisIngress(
            id=id,
            streams=streams,
            region=region,
            credentials=credentials,
            startup=startup,
            properties=properties,
            source=component.source,
        ),
    )


def read_playground_ingress(reading: Reading, component: Component) -> PlaygroundIngress | None:
    """Reads an HTTP ingress."""
    spec = component.section(reading, "the HTTP ingress", ("port",), has_id=False)
    port = spec.count("port", least=0, most=65535)
    id = component.id or PLAYGROUND_INGRESS
    return reading.make(spec, lambda: PlaygroundIngress(port=port, id=id, source=component.source))


def _routes(reading: Reading, spec: Section, key: str, name_key: str) -> tuple[Route, ...]:
    found = [_route(reading, node, spec, name_key) for node in spec.items(key)]
    return tuple(route for route in found if route is not None)


def _route(reading: Reading, node: Node, spec: Section, name_key: str) -> Route | None:
    here, there = ("valueType", "typeUrl") if reading.protocol is ProtocolVersion.V3 else ("typeUrl", "valueType")
    route = Section.of(
        reading,
        node,
        f"a {name_key} of {spec.what}",
        required=(name_key, here, "targets"),
        elsewhere={there: f"write `{here}`, as this version of the format calls it"},
    )
    name, value_type = route.text(name_key) or "", route.typename(here)
    targets = route.items("targets")
    texts = [reading.typename(target, f"a target of {route.what}") for target in targets]
    return reading.make(
        route,
        lambda: Route(
            name=name,
            value_type=value_type,
            targets=texts,
            source=route.place,
            target_sources=tuple(target.place for target in targets),
        ),
    )


def _startup(reading: Reading, spec: Section, starts: Mapping[str, StartFrom | str]) -> Startup:
    position = spec.section("startupPosition", required=("type",), optional=("offsets", "date"))
    if position is None:
        return StartFrom.LATEST
    start = position.choice("type", starts, StartFrom.LATEST, ignore_case=reading.protocol is ProtocolVersion.V2)
    for key in ("offsets", "date"):
        if start == key:
            position.require(key)
        elif key in position.fields:
            position.unknown(key, f"it belongs to the type {'specific-offsets' if key == 'offsets' else 'date'}")
    if start == "offsets":
        offsets = tuple(_offsets(reading, position))
        return reading.make(position, lambda: StartFromOffsets(offsets)) or StartFrom.LATEST
    date = position.date("date") if start == "date" else None
    if date is not None:
        moment = date
        return reading.make(position, lambda: StartFromDate(moment)) or StartFrom.LATEST
    return start if isinstance(start, StartFrom) else StartFrom.LATEST


def _offsets(reading: Reading, position: Section) -> Iterator[PartitionOffset]:
    node = position.fields.get("offsets")
    if node is None:
        return
    for key, value in reading.pairs(node, f"`offsets` of {position.what}"):
        topic, _, partition = key.rpartition("/")
        offset = reading.number(value, f"the offset of {key!r:.60}", 0, 2**63 - 1)
        if topic and is_whole_number(partition) and 0 <= int(partition) < 2**31:
            yield PartitionOffset(topic=topic, partition=int(partition), offset=offset)
        else:
            reading.bad_value(
                value, f"{key!r:.60} is no partition", "write `- topic/partition: offset`: `- logins/0: 42`"
            )
