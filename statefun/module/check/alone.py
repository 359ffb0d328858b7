"""What a module gets wrong by itself: hosts, timeouts, offsets, targets, and where an ingress starts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from attrs import fields

from statefun.model import (
    Delivery,
    HttpEndpoint,
    KafkaEgress,
    KafkaIngress,
    KinesisIngress,
    Module,
    OkHttpTransport,
    Route,
    StartFrom,
    StartFromOffsets,
)
from statefun.module.check.findings import Finding, finding

__all__ = ["alone"]

_HOST: Final = re.compile(r"https?://(?:[^@/?#]*@)?(?P<host>[^:/?#]*)", re.IGNORECASE)

_LONGEST_TRANSACTION: Final = timedelta(minutes=15)
"""`transaction.max.timeout.ms` of a broker whose settings do not say otherwise: https://kafka.apache.org/documentation/#brokerconfigs."""


def alone(module: Module) -> Iterator[Finding]:
    """The findings of a module without its functions."""
    for endpoint in module.endpoints:
        yield from _endpoint(endpoint)
    for ingress in module.ingresses:
        if isinstance(ingress, KafkaIngress | KinesisIngress):
            for route in ingress.routes:
                yield from _route(ingress.id, route)
        if isinstance(ingress, KafkaIngress):
            yield from _kafka(ingress)
    for egress in module.egresses:
        if isinstance(egress, KafkaEgress):
            yield from _transactions(egress)


def _endpoint(endpoint: HttpEndpoint) -> Iterator[Finding]:
    found = _HOST.match(endpoint.url)
    if found is not None and "_" in found["host"]:
        yield finding(
            "host-underscore", f"the host {found['host']!r} of {endpoint.functions} has a `_`", endpoint.source
        )
    transport = endpoint.transport
    for each in fields(type(transport)):
        if each.name not in ("connect", "read", "write"):
            continue
        part: timedelta = getattr(transport, each.name)
        refused = each.name == "connect" and isinstance(transport, OkHttpTransport)
        # What nobody wrote down contradicts nobody, unless the engine ends for it.
        if part > transport.call and (refused or part != each.default):
            yield finding(
                "connect-timeout" if refused else "timeout-order",
                f"{endpoint.functions} has {each.name} {part} and call {transport.call}, which ends first",
                endpoint.source,
            )


def _route(ingress: str, route: Route) -> Iterator[Finding]:
    for index, target in enumerate(route.targets):
        if target in route.targets[:index]:
            where = route.target_sources[index] if index < len(route.target_sources) else route.source
            yield finding("duplicate-target", f"{ingress} sends {route.name!r} to {target} twice", where)


def _kafka(ingress: KafkaIngress) -> Iterator[Finding]:
    topics = {route.name for route in ingress.routes}
    if isinstance(ingress.startup, StartFromOffsets):
        for topic in dict.fromkeys(each.topic for each in ingress.startup.offsets if each.topic not in topics):
            yield finding(
                "offset-undeclared-topic", f"{ingress.id} starts {topic!r} and does not read it", ingress.source
            )
    group = ingress.consumer_group or ingress.properties.get("group.id")
    if ingress.startup is StartFrom.GROUP_OFFSETS and not group:
        yield finding("group-offsets-without-group", f"{ingress.id} has no consumer group", ingress.source)


def _transactions(egress: KafkaEgress) -> Iterator[Finding]:
    timeout = egress.transaction_timeout
    if egress.delivery is Delivery.EXACTLY_ONCE and timeout is not None and timeout > _LONGEST_TRANSACTION:
        yield finding("transaction-timeout", f"{egress.id} has transactions of {timeout}", egress.source)
