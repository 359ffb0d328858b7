"""Endpoints: a function of 2.x, and the two kinds of 3.x."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from statefun.address import parse_typename
from statefun.batch import ProtocolVersion
from statefun.errors import TypenameError
from statefun.expiration import Expiration, ExpirationMode
from statefun.model import (
    AsyncTransport,
    EndpointState,
    HttpEndpoint,
    ModuleVersion,
    OkHttpTransport,
    SourcePosition,
    Transport,
)
from statefun.module.load.document import Fields, Node, Scalar
from statefun.module.load.ingresses import Component
from statefun.module.load.sections import Reading, Section

__all__ = ["read_endpoint_v1", "read_endpoint_v2", "read_function"]

_MODES: Final = {"after-invoke": ExpirationMode.AFTER_CALL, "after-write": ExpirationMode.AFTER_WRITE}
_OKHTTP: Final = OkHttpTransport()
_ASYNC: Final = AsyncTransport()
_TRANSPORTS: Final = {"io.statefun.transports.v1/async": "async", "io.statefun.transports.v1/okhttp": "okhttp"}


def read_function(reading: Reading, component: Component, version: ModuleVersion) -> HttpEndpoint | None:
    """Reads the spec of a function of 2.x."""
    spec = component.section(
        reading,
        "the function",
        ("endpoint",),
        ("states", "maxNumBatchRequests", "timeout", "connectTimeout", "readTimeout", "writeTimeout"),
        {"timeouts": "write `timeout`, `connectTimeout`, `readTimeout` and `writeTimeout`"},
        has_id=False,
    )
    url = spec.text("endpoint") or ""
    states = [_state(reading, node, version) for node in spec.items("states")]
    batch = spec.count("maxNumBatchRequests", 1000)
    transport = OkHttpTransport(
        call=spec.duration("timeout", _OKHTTP.call),
        connect=spec.duration("connectTimeout", _OKHTTP.connect),
        read=spec.duration("readTimeout", _OKHTTP.read),
        write=spec.duration("writeTimeout", _OKHTTP.write),
    )
    return reading.make(
        spec,
        lambda: HttpEndpoint(
            functions=component.id or "",
            url=url,
            max_batch=batch,
            protocol=ProtocolVersion.V2,
            transport=transport,
            states=[state for state in states if state is not None],
            source=component.source,
        ),
    )


def _state(reading: Reading, node: Node, version: ModuleVersion) -> EndpointState | None:
    if version is ModuleVersion.V1_0:
        if isinstance(node, Fields):
            reading.bad_value(
                node, "a state is a mapping, and version 1.0 has names alone", 'write the name, or `version: "2.0"`'
            )
            return None
        name, mark = reading.text(node, "a state"), len(reading.problems)
        section = Section(reading, "a state", node.place, node.path, {}, mark)
        return reading.make(section, lambda: EndpointState(name=name, source=node.place)) if name else None
    if isinstance(node, Scalar):
        reading.bad_value(node, "a state is a text, and version 2.0 has mappings", f"write `- name: {node.text:.60}`")
        return None
    state = Section.of(reading, node, "a state", required=("name",), optional=("expireAfter", "expireMode"))
    name = state.text("name") or ""
    mode = state.choice("expireMode", _MODES, ExpirationMode.AFTER_CALL)
    after = state.duration("expireAfter", timedelta(0))
    if "expireMode" in state.fields and "expireAfter" not in state.fields:
        state.require("expireAfter")
    return reading.make(
        state,
        lambda: EndpointState(name=name, expiration=Expiration(mode, after) if after else None, source=node.place),
    )


def read_endpoint_v1(reading: Reading, component: Component) -> HttpEndpoint | None:
    """Reads the spec of an endpoint that is called with okhttp: `timeouts` stand beside the URL."""
    spec = component.section(
        reading,
        "the endpoint",
        ("functions", "urlPathTemplate"),
        ("maxNumBatchRequests", "timeouts"),
        {"transport": "write the kind io.statefun.endpoints.v2/http: this one has okhttp and `timeouts`"},
        has_id=False,
    )
    return _endpoint(reading, spec, _okhttp(spec.section("timeouts", optional=_OKHTTP_KEYS)), component.source)


def read_endpoint_v2(reading: Reading, component: Component) -> HttpEndpoint | None:
    """Reads the spec of an endpoint with a transport."""
    spec = component.section(
        reading,
        "the endpoint",
        ("functions", "urlPathTemplate"),
        ("maxNumBatchRequests", "transport"),
        {"timeouts": "move it under `transport`", "states": "leave it out: 3.x asks the function"},
        has_id=False,
    )
    return _endpoint(reading, spec, _transport(reading, spec), component.source)


def _endpoint(reading: Reading, spec: Section, transport: Transport, source: SourcePosition) -> HttpEndpoint | None:
    functions = _pattern(reading, spec)
    url = spec.text("urlPathTemplate") or ""
    batch = spec.count("maxNumBatchRequests", 1000)
    return reading.make(
        spec,
        lambda: HttpEndpoint(functions=functions, url=url, max_batch=batch, transport=transport, source=source),
    )


def _pattern(reading: Reading, spec: Section) -> str:
    node = spec.fields.get("functions")
    if node is None:
        return ""
    text = reading.text(node, "`functions` of the endpoint")
    try:
        parse_typename(text or "a/b", "`functions` of the endpoint")
    except TypenameError as error:
        reading.bad_value(node, error.message, "write `<namespace>/<name>`, or `<namespace>/*` for all of a namespace")
    return text


_OKHTTP_KEYS: Final[tuple[str, ...]] = ("call", "connect", "read", "write")
_ASYNC_KEYS: Final[tuple[str, ...]] = (
    "call",
    "connect",
    "pool_ttl",
    "pool_size",
    "payload_max_bytes",
    "trust_cacerts",
    "client_cert",
    "client_key",
    "client_key_password",
    "timeouts",
)


def _okhttp(timeouts: Section | None) -> OkHttpTransport:
    if timeouts is None:
        return _OKHTTP
    return OkHttpTransport(
        call=timeouts.duration("call", _OKHTTP.call),
        connect=timeouts.duration("connect", _OKHTTP.connect),
        read=timeouts.duration("read", _OKHTTP.read),
        write=timeouts.duration("write", _OKHTTP.write),
    )


def _transport(reading: Reading, spec: Section) -> Transport:
    node = spec.fields.get("transport")
    if node is None:
        return _ASYNC
    mark = len(reading.problems)
    # Which keys there are depends on the type, so that is read first.
    chosen = Section(
        reading, "the transport", node.place, node.path, node.fields if isinstance(node, Fields) else {}, mark
    )
    type = chosen.choice("type", _TRANSPORTS, "async")
    if len(reading.problems) > mark:
        return _ASYNC
    if type == "okhttp":
        hint = "move it under `timeouts`: okhttp has its timeouts there"
        section = Section.of(
            reading, node, "the transport", optional=("type", "timeouts"), elsewhere=dict.fromkeys(_OKHTTP_KEYS, hint)
        )
        return _okhttp(section.section("timeouts", optional=_OKHTTP_KEYS))
    return _async(Section.of(reading, node, "the transport", optional=("type", *_ASYNC_KEYS)))


def _async(section: Section) -> AsyncTransport:
    none = "leave it out: the transport async has no such timeout"
    timeouts = section.section("timeouts", optional=("call", "connect"), elsewhere={"read": none, "write": none})
    if timeouts is None:
        call, connect = section.duration("call", _ASYNC.call), section.duration("connect", _ASYNC.connect)
    else:
        # The engine takes `timeouts`, with the defaults of okhttp, and overlooks what stands beside it.
        for key in ("call", "connect"):
            if key in section.fields:
                section.unknown(key, "it stands beside `timeouts`: keep it in one place")
        call, connect = timeouts.duration("call", _OKHTTP.call), timeouts.duration("connect", _OKHTTP.connect)
    return AsyncTransport(
        call=call,
        connect=connect,
        pool_ttl=section.duration("pool_ttl", _ASYNC.pool_ttl),
        pool_size=section.count("pool_size", _ASYNC.pool_size),
        payload_max_bytes=section.count("payload_max_bytes", _ASYNC.payload_max_bytes),
        trust_cacerts=section.text("trust_cacerts") or None,
        client_cert=section.text("client_cert") or None,
        client_key=section.text("client_key") or None,
        client_key_password=section.text("client_key_password", secret=True) or None,
    )
