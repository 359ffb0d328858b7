"""`bind_ingress`: the bound form of an ingress, which makes typed messages of what it reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from attrs import evolve

from statefun.batch import ProtocolVersion, TypedBytes
from statefun.binding.own import check_own
from statefun.binding.rows_to_messages import row_encoders, row_key
from statefun.encoding import ENCODERS_V2, ENCODERS_V3, Encoders
from statefun.errors import BindingError
from statefun.model import (
    BoundIngress,
    KafkaIngress,
    KinesisIngress,
    PlaygroundIngress,
    RecordIngress,
    Route,
    RowEncoder,
    ScheduleIngress,
)
from statefun.model.routes import MessageRoute
from statefun.types import value_type_of

__all__ = ["bind_ingress"]


def bind_ingress(ingress: Any, typename_of: Callable[[Any], str]) -> BoundIngress:
    """The bound form of an ingress.

    Args:
        ingress: What the user wrote.
        typename_of: Gives the function type that a target names.

    Raises:
        BindingError: a record cannot become its message.
        MessageTypeError: the message has no name on the wire.
        ValueTypeError: the message of a schedule cannot be encoded.
    """
    if isinstance(ingress, KafkaIngress):
        return _routed(ingress, "topic", "topics", _with_names(ingress.topics, typename_of))
    if isinstance(ingress, KinesisIngress):
        return _routed(ingress, "stream", "streams", _with_names(ingress.streams, typename_of))
    if isinstance(ingress, PlaygroundIngress):
        return BoundIngress(ingress)
    if not isinstance(ingress, RecordIngress | ScheduleIngress):
        check_own(ingress, "run", "an ingress")
        return BoundIngress(ingress)
    targets = tuple(typename_of(each) for each in ingress.targets)
    if isinstance(ingress, ScheduleIngress):
        return BoundIngress(ingress, targets, _constant(ingress.key), _schedule_encoders(ingress))
    return BoundIngress(ingress, targets, row_key(ingress), row_encoders(ingress))


def _routed(
    ingress: KafkaIngress | KinesisIngress, short: str, attribute: str, routes: tuple[Route | MessageRoute, ...]
) -> BoundIngress:
    """An ingress of routes, in its long form."""
    changes: dict[str, Any] = {short: None, "message": None, "targets": (), attribute: routes}
    plain: Any = evolve(ingress, **changes)
    return BoundIngress(plain, _targets_of(routes), named=_named(plain, attribute, routes))


def _with_names(
    routes: tuple[Route | MessageRoute, ...], typename_of: Callable[[Any], str]
) -> tuple[Route | MessageRoute, ...]:
    """The routes with the names of their functions, and a value type for the message of each."""
    return tuple(
        each
        if isinstance(each, Route)
        else evolve(
            each, message=value_type_of(each.message), targets=tuple(typename_of(target) for target in each.targets)
        )
        for each in routes
    )


def _named(
    ingress: Any, attribute: str, routes: tuple[Route | MessageRoute, ...]
) -> Callable[[ProtocolVersion], Any] | None:
    """Gives the ingress for a protocol; None where it is the same for both."""
    if all(isinstance(each, Route) for each in routes):
        return None

    def named(protocol: ProtocolVersion) -> Any:
        return evolve(ingress, **{attribute: tuple(_route(ingress, each, protocol) for each in routes)})

    return named


def _route(ingress: Any, route: Route | MessageRoute, protocol: ProtocolVersion) -> Route:
    if isinstance(route, Route):
        return route
    name = route.message.encoding(protocol).typename
    if not name:
        raise BindingError(
            f"{type(ingress).__name__} {ingress.id!r} takes a packed Any from {route.name!r}, which has no name of its "
            f"own in {protocol.value}",
            hint="name the type of the records, since the value of a record is the bytes of one type",
        )
    return Route(name=route.name, value_type=name, targets=route.targets)


def _targets_of(routes: tuple[Route | MessageRoute, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(target for route in routes for target in route.targets))


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
