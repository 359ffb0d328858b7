"""A module as a whole: what a module.yaml of either format says, and what is said in code."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Any, Final, TypeAlias

from attrs import Attribute, evolve, field, frozen

from statefun.arguments import TEXT, check, instance_of, list_of
from statefun.batch import ProtocolVersion
from statefun.errors import BindingError
from statefun.model.checks import as_tuple, is_a
from statefun.model.endpoints import HttpEndpoint
from statefun.model.kafka import KafkaEgress, KafkaIngress
from statefun.model.kinesis import KinesisEgress, KinesisIngress
from statefun.model.playground import PlaygroundEgress, PlaygroundIngress

__all__ = ["Module", "ModuleEgress", "ModuleIngress", "ModuleVersion"]

ModuleIngress: TypeAlias = KafkaIngress | KinesisIngress | PlaygroundIngress
"""What a module.yaml can have for an ingress."""
ModuleEgress: TypeAlias = KafkaEgress | KinesisEgress | PlaygroundEgress
"""What a module.yaml can have for an egress."""


class ModuleVersion(Enum):
    """The versions of the format: 1.0 and 2.0 are of StateFun 2.x, the others of 3.x."""

    V1_0 = "1.0"
    V2_0 = "2.0"
    V3_0 = "3.0"
    """The shape of 2.0 with the kinds of 3.x."""
    V3_1 = "3.1"
    """A stream of documents, each a component with its kind; it names no version."""

    @property
    def protocol(self) -> ProtocolVersion:
        """The protocol that the engines of this version call functions with."""
        return ProtocolVersion.V2 if self in (ModuleVersion.V1_0, ModuleVersion.V2_0) else ProtocolVersion.V3


def _endpoints(value: Iterable[HttpEndpoint]) -> tuple[HttpEndpoint, ...]:
    return as_tuple(value)


def _ingresses(value: Iterable[ModuleIngress]) -> tuple[ModuleIngress, ...]:
    return as_tuple(value)


def _egresses(value: Iterable[ModuleEgress]) -> tuple[ModuleEgress, ...]:
    return as_tuple(value)


_are_a_list: Final = is_a(list_of(instance_of(HttpEndpoint, what="an HttpEndpoint"), "a list of HttpEndpoint"))
_INGRESSES: Final = instance_of(KafkaIngress, KinesisIngress, PlaygroundIngress)
_EGRESSES: Final = instance_of(KafkaEgress, KinesisEgress, PlaygroundEgress)


def _are_endpoints(made: Module, attribute: Attribute[Any], value: tuple[HttpEndpoint, ...]) -> None:
    _are_a_list(made, attribute, value)
    for each in value:
        if each.protocol is not made.version.protocol:
            raise BindingError(
                f"the functions {each.functions} are called with {each.protocol.value}, and a module of version "
                f"{made.version.value} calls them with {made.version.protocol.value}",
                hint="give all endpoints the module's protocol, or use `with_version`",
            )
    _are_unique("endpoint of", [each.functions for each in value])


def _have_ids(_made: Module, attribute: Attribute[Any], value: tuple[ModuleIngress | ModuleEgress, ...]) -> None:
    _are_unique(attribute.name.removesuffix("es"), [each.id for each in value])


def _are_unique(what: str, names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise BindingError(f"there are two of {what} {name}", hint="remove one of them, or give it another id")
        seen.add(name)


_is_version: Final = is_a(instance_of(ModuleVersion))


@frozen(kw_only=True)
class Module:
    """The endpoints, ingresses and egresses of a module, whichever way they were written down.

    Attributes:
        version: The version of the format that it was read from, and is written in.
        endpoints: Where functions are called.
        ingresses: Where messages come from.
        egresses: Where records go.
        file: The name of the file that it was read from.

    Raises:
        BindingError: two parts share an id, or an endpoint is of another protocol than the version.

    >>> module = Module(endpoints=[HttpEndpoint(functions="example/*", url="http://functions:8000/statefun")])
    >>> module.endpoint("example/greeter").url
    'http://functions:8000/statefun'
    """

    version: ModuleVersion = field(default=ModuleVersion.V3_1, validator=_is_version)
    endpoints: tuple[HttpEndpoint, ...] = field(default=(), converter=_endpoints, validator=_are_endpoints)
    ingresses: tuple[ModuleIngress, ...] = field(
        default=(), converter=_ingresses, validator=[is_a(list_of(_INGRESSES, "a list of ingresses")), _have_ids]
    )
    egresses: tuple[ModuleEgress, ...] = field(
        default=(), converter=_egresses, validator=[is_a(list_of(_EGRESSES, "a list of egresses")), _have_ids]
    )
    file: str = field(default="", eq=False, repr=False, validator=is_a(TEXT))

    @property
    def protocol(self) -> ProtocolVersion:
        """The protocol that the module's functions are called with."""
        return self.version.protocol

    def endpoint(self, typename: str) -> HttpEndpoint | None:
        """Where a function type is called: at the endpoint of its own, else at that of its namespace."""
        check("Module.endpoint", "typename", typename, TEXT)
        namespace = typename.partition("/")[0]
        found = {each.functions: each for each in self.endpoints if each.covers(typename)}
        return found.get(typename) or found.get(f"{namespace}/*")

    def with_version(self, version: ModuleVersion) -> Module:
        """The same module for engines of another version.

        From 2.x to 3.x the lists of states are left out, since there the engine learns them from the functions.

        Raises:
            BindingError: a part has no meaning there, such as all of a namespace in 2.x.

        >>> module = Module(endpoints=[HttpEndpoint(functions="example/*", url="http+unix:///run/functions.sock/statefun")])
        >>> module.with_version(ModuleVersion.V3_0).version.value
        '3.0'
        >>> module.with_version(ModuleVersion.V2_0)
        Traceback (most recent call last):
        statefun.errors.BindingError: [binding] the functions example/* are all of a namespace, which 2.x does not know ...
        """
        check("Module.with_version", "version", version, instance_of(ModuleVersion))
        listed = version.protocol is ProtocolVersion.V2
        endpoints = [
            evolve(each, protocol=version.protocol, states=each.states if listed else ()) for each in self.endpoints
        ]
        return evolve(self, version=version, endpoints=endpoints)
