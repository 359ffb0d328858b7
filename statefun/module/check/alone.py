"""What a module gets wrong by itself: hosts, timeouts, offsets, targets, and where an ingress starts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from statefun.model import HttpEndpoint, KafkaIngress, KinesisIngress, Module, Route, StartFrom, StartFromOffsets
from statefun.module.check.findings import Finding, finding

__all__ = ["alone"]

_HOST: Final = re.compile(r"https?://(?:[^@/?#]*@)?(?P<host>[^:/?#]*)", re.IGNORECASE)


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


def _endpoint(endpoint: HttpEndpoint) -> Iterator[Finding]:
    found = _HOST.match(endpoint.url)
    if found is not None and "_" in found["host"]:
        yield finding(
            "host-underscore", f"the host {found['host']!r} of {endpoint.functions} has a `_`", endpoint.source
        )
    call = endpoint.transport.call
    for name in ("connect", "read", "write"):
        part: timedelta | None = getattr(endpoint.transport, name, None)
        if part is not None and part > call:
            yield finding(
                "timeout-order",
                f"{endpoint.functions} has {name} {part} and call {call}, which ends first",
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
