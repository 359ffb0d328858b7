"""What an ingress brings to a function, held against what the function takes: both are known before a message is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from attrs import frozen

from statefun.batch import ProtocolVersion
from statefun.errors import BindingError
from statefun.model import BoundIngress, KafkaIngress, KinesisIngress, RecordIngress, Route, ScheduleIngress
from statefun.model.checks import name_of
from statefun.model.routes import MessageRoute
from statefun.registered import RegisteredFunction
from statefun.types import ValueType, protobuf_type, value_type_of

__all__ = ["check_handled"]

_A_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)


@frozen
class _Incoming:
    """A message type on its way.

    Attributes:
        names: Its name in each protocol; empty where only the value tells.
        targets: The function types that get it.
        route: The topic or stream that it comes from; None where an ingress has but one way.
    """

    names: Mapping[ProtocolVersion, str]
    targets: tuple[str, ...]
    route: str | None = None


def check_handled(bound: BoundIngress, find: Callable[[str], RegisteredFunction | None]) -> None:
    """Holds an ingress against those of its targets that are there.

    Which protocol the messages will come in is not known yet: one that takes the type is enough. A target that is not there may be a
    function of another server.

    Args:
        bound: The ingress.
        find: The function that is registered under a typename, or None.

    Raises:
        BindingError: no handler of a target takes what it is brought.
    """
    for each in _incoming(bound):
        for target in each.targets:
            function = find(target)
            if function is not None and not _takes(function, each.names):
                raise BindingError(
                    f"{name_of(bound.ingress)} brings {each.names[ProtocolVersion.V3]}"
                    f"{'' if each.route is None else f' from {each.route!r}'} to {target}, "
                    f"which handles {_list(function.routes.typenames)}",
                    hint="name the message that the target handles, or give the target a handler for this one",
                )


def _takes(function: RegisteredFunction, names: Mapping[ProtocolVersion, str]) -> bool:
    if function.routes.other is not None:
        return True
    return any(not name or function.routes.find(name, protocol) is not None for protocol, name in names.items())


def _incoming(bound: BoundIngress) -> Iterator[_Incoming]:
    """What is known of what an ingress brings: nothing of a user's own, nor of the playground's ports."""
    ingress = bound.ingress
    if isinstance(ingress, KafkaIngress):
        yield from map(_routed, ingress.topics)
    elif isinstance(ingress, KinesisIngress):
        yield from map(_routed, ingress.streams)
    elif isinstance(ingress, RecordIngress):
        yield _Incoming(_names(_record_type(ingress)), bound.targets)
    elif isinstance(ingress, ScheduleIngress):
        names = _scheduled(ingress, bound)
        if names is not None:
            yield _Incoming(names, bound.targets)


def _routed(route: Route | MessageRoute) -> _Incoming:
    # A route of a module.yaml says the name that one protocol gives the type, and not which.
    names = dict.fromkeys(ProtocolVersion, route.value_type) if isinstance(route, Route) else _names(route.message)
    return _Incoming(names, route.targets, route.name)


def _record_type(ingress: RecordIngress) -> ValueType[Any]:
    value_type = value_type_of(ingress.message)
    # Records that are messages already have the name of their class, see `statefun.binding.rows_to_messages`.
    if ingress.format == "protobuf" and value_type.python_type is not None:
        return protobuf_type(value_type.python_type)
    return value_type


def _scheduled(ingress: ScheduleIngress, bound: BoundIngress) -> Mapping[ProtocolVersion, str] | None:
    if not callable(ingress.message):
        # It was encoded when the ingress was bound, and is the same at every time.
        return {protocol: encode(_A_TIME).typename for protocol, encode in bound.encoders.items()}
    return None if ingress.type is None else _names(value_type_of(ingress.type))


def _names(value_type: ValueType[Any]) -> Mapping[ProtocolVersion, str]:
    return {protocol: value_type.encoding(protocol).typename for protocol in ProtocolVersion}


def _list(typenames: Iterable[str]) -> str:
    return ", ".join(sorted(typenames)) or "nothing"
