"""What is written is what an engine reads, and what a version cannot say is refused with the reason."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from statefun.batch import ProtocolVersion
from statefun.errors import BindingError, ModuleFormatError
from statefun.expiration import after_write
from statefun.model import (
    AsyncTransport,
    EndpointState,
    HttpEndpoint,
    Module,
    ModuleVersion,
    OkHttpTransport,
    PlaygroundEgress,
    PlaygroundIngress,
)
from statefun.module.load import load
from statefun.module.render import render
from tests.unit.module.examples import GOLDEN, everything

V2 = ProtocolVersion.V2


@pytest.mark.parametrize("version", ModuleVersion)
def test_everything_is_written_as_the_golden_file_has_it(version: ModuleVersion) -> None:
    assert render(everything(version)) == (GOLDEN / f"{version.value}.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("version", [version for version in ModuleVersion if version is not ModuleVersion.V3_1])
def test_a_module_without_components_can_be_written_where_there_is_a_version(version: ModuleVersion) -> None:
    assert load(render(Module(version=version))) == Module(version=version)


def test_an_empty_stream_cannot() -> None:
    with pytest.raises(ModuleFormatError):
        render(Module())


def test_1_0_cannot_say_when_a_state_expires() -> None:
    states = [EndpointState(name="seen", expiration=after_write(timedelta(days=1)))]
    endpoint = HttpEndpoint(functions="a/b", url="http://x/", protocol=V2, states=states)
    module = Module(version=ModuleVersion.V2_0, endpoints=[endpoint])
    assert "expireAfter: 1d" in render(module)
    with pytest.raises(ModuleFormatError, match="the state 'seen' of a/b expires"):
        render(module.with_version(ModuleVersion.V1_0))


@pytest.mark.parametrize(
    "part", [PlaygroundIngress(port=1, id="own/in"), PlaygroundEgress(port=1, topics="t", id="own/out")]
)
@pytest.mark.parametrize("version", [ModuleVersion.V3_0, ModuleVersion.V3_1])
def test_3_x_does_not_choose_the_ids_of_the_playground(version: ModuleVersion, part: object) -> None:
    inside = {"ingresses": [part]} if isinstance(part, PlaygroundIngress) else {"egresses": [part]}
    with pytest.raises(ModuleFormatError, match=r"own/(in|out)"):
        render(Module(version=version, **inside))


@pytest.mark.parametrize(
    ("endpoint", "why"),
    [
        (HttpEndpoint(functions="a/*", url="http://x/", transport=OkHttpTransport()), "all of a namespace"),
        (HttpEndpoint(functions="a/b", url="http://x/", transport=AsyncTransport()), "async"),
        (
            HttpEndpoint(functions="a/b", url="http://x/{function.name}", transport=OkHttpTransport()),
            r"holds \{function.name\}",
        ),
    ],
)
def test_2_x_has_no_wildcards_templates_or_async_transport(endpoint: HttpEndpoint, why: str) -> None:
    with pytest.raises(BindingError, match=why):
        Module(endpoints=[endpoint]).with_version(ModuleVersion.V2_0)


def test_from_2_x_to_3_x_and_back() -> None:
    endpoint = HttpEndpoint(functions="a/b", url="http://x/", protocol=V2, states=[EndpointState(name="seen")])
    old = Module(version=ModuleVersion.V2_0, endpoints=[endpoint])
    new = old.with_version(ModuleVersion.V3_1)
    assert new.protocol is new.endpoints[0].protocol is ProtocolVersion.V3
    assert new.endpoints[0].states == ()
    assert load(render(new)) == new
    assert new.with_version(ModuleVersion.V2_0).endpoints[0].functions == "a/b"


@pytest.mark.parametrize(
    "settings",
    [
        {"host": "::1"},
        {"token": "a-token-of-enough-characters"},
        {"tls_cert": "cert.pem", "tls_key": "key.pem"},
    ],
)
@pytest.mark.parametrize("version", [ModuleVersion.V2_0, ModuleVersion.V3_0, ModuleVersion.V3_1])
def test_no_version_can_say_who_may_use_a_port_of_the_playground(version: ModuleVersion, settings: Any) -> None:
    for inside in (
        {"ingresses": [PlaygroundIngress(port=1, **settings)]},
        {"egresses": [PlaygroundEgress(port=1, topics="t", **settings)]},
    ):
        with pytest.raises(ModuleFormatError, match="a host, a token or a certificate") as raised:
            render(Module(version=version, **inside))
        assert "a-token" not in str(raised.value)
