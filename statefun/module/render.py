"""The neutral model to a module.yaml, in the version of the format that the module has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from statefun.arguments import check, instance_of
from statefun.batch import ProtocolVersion
from statefun.errors import ModuleFormatError
from statefun.expiration import ExpirationMode
from statefun.model import (
    AsyncTransport,
    AwsCredentials,
    AwsProfile,
    AwsRegion,
    Delivery,
    EndpointState,
    HttpEndpoint,
    KafkaEgress,
    KafkaIngress,
    KinesisEgress,
    KinesisIngress,
    Module,
    ModuleEgress,
    ModuleIngress,
    ModuleVersion,
    OkHttpTransport,
    PlaygroundEgress,
    PlaygroundIngress,
    Route,
    StartFrom,
    StartFromDate,
    StartFromOffsets,
    Startup,
    Transport,
)
from statefun.model.playground import LOOPBACK, PLAYGROUND_EGRESS, PLAYGROUND_INGRESS
from statefun.module.dumping import dump
from statefun.module.durations import render_duration
from statefun.module.kinds import KINDS, Kind

__all__ = ["render"]

Plain: TypeAlias = dict[str, Any]
"""A mapping of what YAML has: texts, numbers, lists and mappings."""

_OKHTTP: Final = OkHttpTransport()
_ASYNC: Final = AsyncTransport()
_BATCH: Final = 1000
_OUTSTANDING: Final = 1000
_FIXED_IDS: Final[Mapping[type, str]] = {PlaygroundIngress: PLAYGROUND_INGRESS, PlaygroundEgress: PLAYGROUND_EGRESS}
_TRANSPORT: Final = "io.statefun.transports.v1/"


def render(module: Module) -> str:
    """Writes a module as a module.yaml; what has its default value is left out.

    `load` reads the same module from the text. `Module.with_version` gives the module for another version.

    Raises:
        ModuleFormatError: the version cannot express a part of the module.
        DefinitionError: it is no Module.

    >>> endpoint = HttpEndpoint(functions="example/*", url="http://functions:8000/statefun")
    >>> print(render(Module(endpoints=[endpoint], ingresses=[PlaygroundIngress(port=8090)])), end="")
    kind: io.statefun.endpoints.v2/http
    spec:
      functions: example/*
      urlPathTemplate: http://functions:8000/statefun
    ---
    kind: io.statefun.playground.v1/ingress
    spec:
      port: 8090
    """
    check("render", "module", module, instance_of(Module))
    parts = (*module.endpoints, *module.ingresses, *module.egresses)
    if module.version is ModuleVersion.V3_1:
        if not parts:
            raise ModuleFormatError("a module without a component cannot be written", hint="add an endpoint")
        return dump(_document(part, module.version) for part in parts)
    endpoints = "endpoints" if module.version is ModuleVersion.V3_0 else "functions"
    groups = {endpoints: module.endpoints, "ingresses": module.ingresses, "egresses": module.egresses}
    spec = {
        name: [{_SINGULAR[name]: _entry(part, module.version)} for part in group]
        for name, group in groups.items()
        if group
    }
    return dump([{"version": module.version.value, "module": {"meta": {"type": "remote"}, "spec": spec}}])


_SINGULAR: Final = {"endpoints": "endpoint", "functions": "function", "ingresses": "ingress", "egresses": "egress"}


def _document(part: HttpEndpoint | ModuleIngress | ModuleEgress, version: ModuleVersion) -> Plain:
    """A component as a document of 3.1: its id, where it has one, leads its spec."""
    kind, spec = _kind_and_spec(part, version)
    id = _id(part, version)
    lead = {} if id is None or isinstance(part, PlaygroundIngress | PlaygroundEgress) else {"id": id}
    return {"kind": kind, "spec": {**lead, **spec}}


def _entry(part: HttpEndpoint | ModuleIngress | ModuleEgress, version: ModuleVersion) -> Plain:
    """A component as an item of a document with a version: its id is in its meta."""
    kind, spec = _kind_and_spec(part, version)
    if not isinstance(part, HttpEndpoint):
        return {"meta": {"type": kind, "id": _id(part, version)}, "spec": spec}
    if version is ModuleVersion.V3_0:
        return {"meta": {"kind": kind}, "spec": spec}
    return {"meta": {"kind": kind, "type": part.functions}, "spec": spec}


def _id(part: HttpEndpoint | ModuleIngress | ModuleEgress, version: ModuleVersion) -> str | None:
    if isinstance(part, HttpEndpoint):
        return None
    fixed = _FIXED_IDS.get(type(part))
    if fixed is not None and part.id != fixed and version.protocol is ProtocolVersion.V3:
        raise ModuleFormatError(
            f"{type(part).__name__} has the id {part.id!r}, and in 3.x there is no choice of it",
            hint=f"give it {fixed!r}",
        )
    return part.id


def _kind_and_spec(part: HttpEndpoint | ModuleIngress | ModuleEgress, version: ModuleVersion) -> tuple[str, Plain]:
    if isinstance(part, HttpEndpoint):
        kind, spec = _endpoint(part, version)
    else:
        kind, write = _WRITERS[type(part)]
        spec = write(part, version.protocol)
    return next(name for name, each in KINDS[version].items() if each is kind), spec


# --- endpoints --------------------------------------------------------------------------------------------------


def _endpoint(endpoint: HttpEndpoint, version: ModuleVersion) -> tuple[Kind, Plain]:
    batch = _unless(_BATCH, {"maxNumBatchRequests": endpoint.max_batch})
    if version.protocol is ProtocolVersion.V2:
        return Kind.FUNCTION, _function(endpoint, version, batch)
    spec = {"functions": endpoint.functions, "urlPathTemplate": endpoint.url, **batch}
    if version is ModuleVersion.V3_0 and isinstance(endpoint.transport, OkHttpTransport):
        return Kind.HTTP_V1, {**spec, **_timeouts(endpoint.transport)}
    transport = _transport(endpoint.transport)
    return Kind.HTTP_V2, {**spec, **({"transport": transport} if transport else {})}


def _function(endpoint: HttpEndpoint, version: ModuleVersion, batch: Plain) -> Plain:
    states = [_state(state, endpoint, version) for state in endpoint.states]
    names = {"call": "timeout", "connect": "connectTimeout", "read": "readTimeout", "write": "writeTimeout"}
    return {
        "endpoint": endpoint.url,
        **({"states": states} if states else {}),
        **batch,
        **{names[key]: text for key, text in _durations(endpoint.transport, _OKHTTP, tuple(names)).items()},
    }


def _state(state: EndpointState, endpoint: HttpEndpoint, version: ModuleVersion) -> str | Plain:
    if version is ModuleVersion.V1_0:
        if state.expiration is not None:
            raise ModuleFormatError(
                f"the state {state.name!r} of {endpoint.functions} expires, which version 1.0 cannot say",
                hint="write version 2.0",
            )
        return state.name
    if state.expiration is None:
        return {"name": state.name}
    after_write = state.expiration.mode is ExpirationMode.AFTER_WRITE
    return {
        "name": state.name,
        "expireAfter": render_duration(state.expiration.duration),
        "expireMode": "after-write" if after_write else "after-invoke",
    }


def _transport(transport: Transport) -> Plain:
    """The transport of 3.x; nothing when it is what an engine takes anyway."""
    if isinstance(transport, OkHttpTransport):
        return {"type": f"{_TRANSPORT}okhttp", **_timeouts(transport)}
    settings = {
        **_durations(transport, _ASYNC, ("call", "connect", "pool_ttl")),
        **_unless(_ASYNC.pool_size, {"pool_size": transport.pool_size}),
        **_unless(_ASYNC.payload_max_bytes, {"payload_max_bytes": transport.payload_max_bytes}),
        **_unless(
            None,
            {
                "trust_cacerts": transport.trust_cacerts,
                "client_cert": transport.client_cert,
                "client_key": transport.client_key,
                "client_key_password": transport.client_key_password,
            },
        ),
    }
    return {"type": f"{_TRANSPORT}async", **settings} if settings else {}


def _timeouts(transport: OkHttpTransport) -> Plain:
    timeouts = _durations(transport, _OKHTTP, ("call", "connect", "read", "write"))
    return {"timeouts": timeouts} if timeouts else {}


def _durations(transport: Transport, default: Transport, keys: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, timedelta] = {key: getattr(transport, key) for key in keys}
    return {key: render_duration(value) for key, value in found.items() if value != getattr(default, key)}


# --- ingresses --------------------------------------------------------------------------------------------------


def _kafka_ingress(ingress: KafkaIngress, protocol: ProtocolVersion) -> Plain:
    return {
        "address": ingress.address,
        **_unless(None, {"consumerGroupId": ingress.consumer_group}),
        **_startup(ingress.startup),
        **_unless("latest", {"autoOffsetResetPosition": ingress.auto_reset.value}),
        "topics": [_route(route, "topic", protocol) for route in ingress.routes],
        **_properties("properties", ingress.properties),
    }


def _kinesis_ingress(ingress: KinesisIngress, protocol: ProtocolVersion) -> Plain:
    return {
        **_aws(ingress.region, ingress.credentials),
        **_startup(ingress.startup),
        "streams": [_route(route, "stream", protocol) for route in ingress.routes],
        **_properties("clientConfigProperties", ingress.properties),
    }


def _playground_ingress(ingress: PlaygroundIngress, _protocol: ProtocolVersion) -> Plain:
    return {"port": _port(ingress)}


def _port(made: PlaygroundIngress | PlaygroundEgress) -> int:
    if made.host != LOOPBACK or made.token is not None or made.tls_cert is not None:
        raise ModuleFormatError(
            f"{type(made).__name__} {made.id!r} has a host, a token or a certificate, which a module.yaml cannot say",
            hint="leave it in code, or give the port alone",
        )
    return made.port


def _route(route: Route, name_key: str, protocol: ProtocolVersion) -> Plain:
    type_key = "valueType" if protocol is ProtocolVersion.V3 else "typeUrl"
    return {name_key: route.name, type_key: route.value_type, "targets": list(route.targets)}


def _startup(startup: Startup) -> Plain:
    if startup is StartFrom.LATEST:
        return {}
    if isinstance(startup, StartFromOffsets):
        offsets = [{f"{each.topic}/{each.partition}": each.offset} for each in startup.offsets]
        return {"startupPosition": {"type": "specific-offsets", "offsets": offsets}}
    if isinstance(startup, StartFromDate):
        return {"startupPosition": {"type": "date", "date": _date(startup.date)}}
    return {"startupPosition": {"type": startup.value}}


def _date(date: datetime) -> str:
    offset = date.utcoffset() or timedelta(0)
    sign, offset = ("-", -offset) if offset < timedelta(0) else ("+", offset)
    hours, minutes = divmod(offset // timedelta(minutes=1), 60)
    day = f"{date.year:04}-{date.month:02}-{date.day:02}"
    time = f"{date.hour:02}:{date.minute:02}:{date.second:02}.{date.microsecond // 1000:03}"
    return f"{day} {time} {sign}{hours:02}{minutes:02}"


# --- egresses ---------------------------------------------------------------------------------------------------


def _kafka_egress(egress: KafkaEgress, protocol: ProtocolVersion) -> Plain:
    semantic: Plain = {"type": egress.delivery.value}
    if egress.transaction_timeout is not None:
        if protocol is ProtocolVersion.V3:
            semantic["transactionTimeout"] = render_duration(egress.transaction_timeout)
        else:
            semantic["transactionTimeoutMillis"] = egress.transaction_timeout // timedelta(milliseconds=1)
    return {
        "address": egress.address,
        **({} if egress.delivery is Delivery.AT_LEAST_ONCE else {"deliverySemantic": semantic}),
        **_properties("properties", egress.properties),
    }


def _kinesis_egress(egress: KinesisEgress, _protocol: ProtocolVersion) -> Plain:
    return {
        **_aws(egress.region, egress.credentials),
        **_unless(_OUTSTANDING, {"maxOutstandingRecords": egress.max_outstanding}),
        **_properties("clientConfigProperties", egress.properties),
    }


def _playground_egress(egress: PlaygroundEgress, _protocol: ProtocolVersion) -> Plain:
    return {"port": _port(egress), "topics": list(egress.topics)}


_WRITERS: Final[Mapping[type, tuple[Kind, Callable[[Any, ProtocolVersion], Plain]]]] = {
    KafkaIngress: (Kind.KAFKA_INGRESS, _kafka_ingress),
    KafkaEgress: (Kind.KAFKA_EGRESS, _kafka_egress),
    KinesisIngress: (Kind.KINESIS_INGRESS, _kinesis_ingress),
    KinesisEgress: (Kind.KINESIS_EGRESS, _kinesis_egress),
    PlaygroundIngress: (Kind.PLAYGROUND_INGRESS, _playground_ingress),
    PlaygroundEgress: (Kind.PLAYGROUND_EGRESS, _playground_egress),
}


def _aws(region: AwsRegion | None, credentials: AwsCredentials | AwsProfile | None) -> Plain:
    found: Plain = {}
    if region is not None:
        custom = {"type": "custom-endpoint", "endpoint": region.endpoint, "id": region.id}
        found["awsRegion"] = {"type": "specific", "id": region.id} if region.endpoint is None else custom
    if isinstance(credentials, AwsCredentials):
        found["awsCredentials"] = {
            "type": "basic",
            "accessKeyId": credentials.access_key_id,
            "secretAccessKey": credentials.secret_access_key,
        }
    if isinstance(credentials, AwsProfile):
        path = _unless(None, {"profilePath": credentials.path})
        found["awsCredentials"] = {"type": "profile", "profileName": credentials.name, **path}
    return found


def _properties(key: str, properties: Mapping[str, str]) -> Plain:
    # The engines read a list of single pairs.
    return {key: [{name: value} for name, value in properties.items()]} if properties else {}


def _unless(default: object, values: Plain) -> Plain:
    return {key: value for key, value in values.items() if value != default}
