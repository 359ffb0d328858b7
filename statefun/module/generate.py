"""From the registered functions to the module that an engine needs: endpoints, states, ingresses and egresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from attrs import evolve, frozen

from statefun.address import parse_typename
from statefun.arguments import FLAG, TEXT, TEXTS, check, instance_of, mapping_of
from statefun.batch import ProtocolVersion, StateDeclaration
from statefun.errors import BindingError, ModuleFormatError
from statefun.functions import REGISTRY, StatefulFunctions
from statefun.model import (
    EndpointState,
    HttpEndpoint,
    KafkaEgress,
    KafkaIngress,
    KinesisEgress,
    KinesisIngress,
    Module,
    ModuleVersion,
    PlaygroundEgress,
    PlaygroundIngress,
)
from statefun.model.references import with_environment

__all__ = ["Generated", "LeftOut", "generate"]

_OF_ENGINES: Final = (KafkaIngress, KafkaEgress, KinesisIngress, KinesisEgress)
_OF_THE_PLAYGROUND: Final = (PlaygroundIngress, PlaygroundEgress)
_STR: Final = instance_of(str)  # of any characters: a variable may have bytes that are no UTF-8
_ENVIRONMENT: Final = mapping_of(_STR, _STR, "a mapping such as os.environ").unshown
_NOTHING: Final[Mapping[str, str]] = {}


@frozen
class LeftOut:
    """An ingress or egress that is not in a generated module.

    Attributes:
        id: Its id.
        kind: The class of the model that it is of.
        why: Why it is not there.
    """

    id: str
    kind: str
    why: str

    def __str__(self) -> str:
        return f"{self.kind} {self.id!r} is left out: {self.why}"


@frozen
class Generated:
    """A module that was made from functions.

    Attributes:
        module: The module.
        left_out: What an engine has nothing for.
    """

    module: Module
    left_out: tuple[LeftOut, ...] = ()


def generate(
    functions: StatefulFunctions,
    version: ModuleVersion = ModuleVersion.V3_1,
    *,
    url: str | None = None,
    urls: Mapping[str, str] = _NOTHING,
    environment: Mapping[str, str] = _NOTHING,
    playground: bool = False,
) -> Generated:
    """The module with which an engine calls functions and feeds them.

    In 3.x one endpoint stands for all of a namespace, unless `urls` names a function of it; in 2.x each function has its own,
    which lists the function's states.

    Args:
        functions: The registry.
        version: The version of the format.
        url: Where functions are called that `urls` does not name; `{function.name}` in it stands for the function's name.
        urls: Other URLs, by `<namespace>/<name>` or `<namespace>/*`.
        environment: The variables that `env:NAME` in an address refers to.
        playground: Whether the ports of the StateFun playground are written too; Flink itself has none.

    Raises:
        ModuleFormatError: a function has no URL, a URL has no function, or a type has no name in the version's protocol.
        BindingError: a URL is none, an environment variable is not set, or two parts share an id.
        DefinitionError: an argument is of another type.

    >>> from statefun import StatefulFunctions
    >>> functions = StatefulFunctions()
    >>> functions.register("example/hello", lambda context, message: None)
    >>> [endpoint] = generate(functions, url="http://functions:8000/statefun").module.endpoints
    >>> endpoint.functions
    'example/*'
    """
    for name, value, kind in (
        ("functions", functions, REGISTRY),
        ("version", version, instance_of(ModuleVersion)),
        ("url", url, TEXT.or_none),
        ("urls", urls, TEXTS),
        ("environment", environment, _ENVIRONMENT),
        ("playground", playground, FLAG),
    ):
        check("generate", name, value, kind)
    _check_patterns(functions, urls)
    if version.protocol is ProtocolVersion.V3:
        endpoints = _namespaces(functions, url, urls)
    else:
        endpoints = [
            _function(typename, states, _url_of(typename, url, urls)) for typename, states in functions.specs().items()
        ]
    left_out: list[LeftOut] = []
    known = (*_OF_ENGINES, *(_OF_THE_PLAYGROUND if playground else ()))
    ingresses: list[Any] = []
    for bound in functions.ingresses:
        if isinstance(bound.ingress, known):
            try:
                named = bound.for_protocol(version.protocol).ingress
            except BindingError as error:
                raise ModuleFormatError(error.message, hint=error.hint) from error
            ingresses.append(with_environment(named, environment))
        else:
            left_out.append(_left_out(bound.ingress))
    egresses: list[Any] = []
    for each in functions.egresses:
        if isinstance(each.egress, known):
            egresses.append(with_environment(each.egress, environment))
        else:
            left_out.append(_left_out(each.egress))
    module = Module(version=version, endpoints=endpoints, ingresses=ingresses, egresses=egresses)
    return Generated(module, tuple(left_out))


def _namespaces(functions: StatefulFunctions, url: str | None, urls: Mapping[str, str]) -> list[HttpEndpoint]:
    """An endpoint for each function that has a URL of its own, and one for the rest of each namespace."""
    patterns: dict[str, str] = {}
    for typename in functions.typenames:
        pattern = typename if typename in urls else f"{parse_typename(typename)[0]}/*"
        patterns.setdefault(pattern, _url_of(typename, url, urls))
    return [HttpEndpoint(functions=pattern, url=where) for pattern, where in patterns.items()]


def _function(typename: str, states: Iterable[StateDeclaration], url: str) -> HttpEndpoint:
    where = HttpEndpoint(functions=typename, url=url).url_for(typename)
    return HttpEndpoint(
        functions=typename, url=where, protocol=ProtocolVersion.V2, states=tuple(_state(each) for each in states)
    )


def _state(declared: StateDeclaration) -> EndpointState:
    expiration = declared.expiration
    if expiration is not None:
        # As both protocols carry it, so that every engine counts the same time.
        expiration = evolve(expiration, duration=timedelta(milliseconds=expiration.milliseconds))
    return EndpointState(name=declared.name, expiration=expiration)


def _url_of(typename: str, url: str | None, urls: Mapping[str, str]) -> str:
    found = urls.get(typename, urls.get(f"{parse_typename(typename)[0]}/*", url))
    if found is None:
        raise ModuleFormatError(
            f"the function {typename} has no URL", hint="say where it is called: --url URL, or --endpoint PATTERN=URL"
        )
    return found


def _check_patterns(functions: StatefulFunctions, urls: Mapping[str, str]) -> None:
    for pattern in urls:
        namespace, name = parse_typename(pattern, "endpoint")
        if not any(
            each == pattern or (name == "*" and each.startswith(f"{namespace}/")) for each in functions.typenames
        ):
            raise ModuleFormatError(
                f"no function is registered that the endpoint {pattern} is for",
                hint=f"registered are {', '.join(functions.typenames) or 'none'}",
            )


def _left_out(made: Any) -> LeftOut:
    ports = isinstance(made, _OF_THE_PLAYGROUND)
    why = (
        "Flink has no such ports; the StateFun playground has, for which there is --playground"
        if ports
        else "the embedded runtime alone has it"
    )
    return LeftOut(made.id, type(made).__name__, why)
