"""Egresses: Kafka, Kinesis and HTTP, in the spelling of either format."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from statefun.batch import ProtocolVersion
from statefun.model import Delivery, KafkaEgress, KinesisEgress, PlaygroundEgress
from statefun.model.playground import PLAYGROUND_EGRESS
from statefun.module.load.aws import read_credentials, read_region
from statefun.module.load.ingresses import Component, read_address
from statefun.module.load.sections import Reading, Section

__all__ = ["read_kafka_egress", "read_kinesis_egress", "read_playground_egress"]

_DELIVERIES: Final = {each.value: each for each in Delivery}
_LONGEST: Final = int(timedelta.max / timedelta(milliseconds=1))


def read_kafka_egress(reading: Reading, component: Component) -> KafkaEgress | None:
    """Reads a Kafka egress."""
    v3 = reading.protocol is ProtocolVersion.V3
    spec = component.section(
        reading,
        "the Kafka egress",
        () if v3 else ("address",),
        (*(("address",) if v3 else ()), "deliverySemantic", "properties"),
    )
    id = component.name(spec)
    properties = spec.properties("properties")
    address = read_address(spec, properties)
    delivery, timeout = _delivery(spec)
    return reading.make(
        spec,
        lambda: KafkaEgress(
            id=id,
            address=address,
            delivery=delivery,
            transaction_timeout=timeout,
            properties=properties,
            source=component.source,
        ),
    )


def _delivery(spec: Section) -> tuple[Delivery, timedelta | None]:
    v3 = spec.reading.protocol is ProtocolVersion.V3
    section = spec.section(
        "deliverySemantic",
        required=("type",),
        optional=(*(("transactionTimeout",) if v3 else ()), "transactionTimeoutMillis"),
        elsewhere={"transactionTimeout": "write `transactionTimeoutMillis`, a number: 2.x knows no other"},
    )
    if section is None:
        return Delivery.AT_LEAST_ONCE, None
    delivery = section.choice("type", _DELIVERIES, Delivery.AT_LEAST_ONCE, ignore_case=not v3)
    given = [key for key in ("transactionTimeout", "transactionTimeoutMillis") if key in section.fields]
    if delivery is not Delivery.EXACTLY_ONCE:
        for key in given:
            section.unknown(key, "it belongs to the type exactly-once")
        return delivery, None
    if not given:
        section.require("transactionTimeout" if v3 else "transactionTimeoutMillis")
    if v3 and len(given) > 1:
        section.unknown("transactionTimeoutMillis", "the timeout is there twice: keep `transactionTimeout`")
    milliseconds = section.count("transactionTimeoutMillis", 60_000, most=_LONGEST)
    return delivery, section.duration("transactionTimeout", timedelta(milliseconds=milliseconds))


def read_kinesis_egress(reading: Reading, component: Component) -> KinesisEgress | None:
    """Reads a Kinesis egress."""
    spec = component.section(
        reading,
        "the Kinesis egress",
        (),
        ("awsRegion", "awsCredentials", "maxOutstandingRecords", "clientConfigProperties"),
        {"properties": "write `clientConfigProperties`"},
    )
    id = component.name(spec)
    region, credentials = read_region(spec), read_credentials(spec)
    outstanding = spec.count("maxOutstandingRecords", 1000)
    properties = spec.properties("clientConfigProperties")
    return reading.make(
        spec,
        lambda: KinesisEgress(
            id=id,
            region=region,
            credentials=credentials,
            max_outstanding=outstanding,
            properties=properties,
            source=component.source,
        ),
    )


def read_playground_egress(reading: Reading, component: Component) -> PlaygroundEgress | None:
    """Reads an HTTP egress."""
    spec = component.section(reading, "the HTTP egress", ("port", "topics"), has_id=False)
    port = spec.count("port", least=0, most=65535)
    topics = [reading.text(topic, f"a topic of {spec.what}") for topic in spec.items("topics")]
    id = component.id or PLAYGROUND_EGRESS
    return reading.make(spec, lambda: PlaygroundEgress(port=port, topics=topics, id=id, source=component.source))
