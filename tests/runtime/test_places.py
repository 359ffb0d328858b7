"""Where a function is called: in this process, at the endpoint that names it, or at the one that covers its namespace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from statefun import Context, RequestReplyHandler, StatefulFunction, StatefulFunctions, handles
from statefun.errors import BindingError
from statefun.model import BoundIngress, HttpEndpoint
from statefun.protocol.request import decode_request
from statefun.runtime import Inlet, Options, Record, Runtime, Store
from statefun.runtime.places import Client

NAMES = ("test/here", "test/named", "test/other", "else/where")


class Here(StatefulFunction[str], typename="test/here"):
    called: list[str] = []

    @handles
    def on_text(self, context: Context, text: str) -> None:
        self.called.append(f"here {text}")


class All:
    """A message to each of the functions."""

    id = "test/in"

    async def run(self, inlet: Inlet) -> None:
        value = b"\x0a\x01x"
        await inlet.put([Record((name,), "1", "io.statefun.types/string", value) for name in NAMES])


def test_each_function_is_called_at_its_place(tmp_path: Path) -> None:
    called: list[tuple[str, str]] = []

    class Fake:
        def __init__(self, endpoint: HttpEndpoint) -> None:
            self.url = endpoint.url

        async def call(self, typename: str, request: bytes) -> bytes:
            target = decode_request(request).target
            assert typename == f"{target.namespace}/{target.type}"
            called.append((self.url, typename))
            return b""

        async def close(self) -> None:
            called.append((self.url, "closed"))

    def connect(endpoint: HttpEndpoint) -> Client:
        return Fake(endpoint)

    functions = StatefulFunctions()
    functions.register(Here)
    functions.ingress(All())
    endpoints = [
        HttpEndpoint(functions="test/*", url="http://all"),
        HttpEndpoint(functions="test/named", url="http://named"),
    ]
    with Store(tmp_path / "s") as store:
        runtime = Runtime(
            RequestReplyHandler(functions),
            store,
            states=functions.specs(),
            ingresses=functions.ingresses,
            endpoints=endpoints,
            options=Options(attempts=1),
            connect=connect,
        )
        report = runtime.run_until_idle()
        (letter,) = store.dead_messages()
    assert Here.called == ["here x"]
    assert sorted(called) == [
        ("http://all", "closed"),
        ("http://all", "test/other"),
        ("http://named", "closed"),
        ("http://named", "test/named"),
    ]
    # Nobody has it: that is told, and what it was sent is kept.
    assert report.dead_letters == 1
    assert letter.code == "unknown-function"


def runtime_of(store: Store, **settings: Any) -> Runtime:
    functions = StatefulFunctions()
    functions.register(Here)
    return Runtime(RequestReplyHandler(functions), store, states=functions.specs(), **settings)


def test_a_function_that_is_registered_and_named_by_an_endpoint_is_refused(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store, pytest.raises(BindingError, match=r"test/here .* http://there"):
        runtime_of(store, endpoints=[HttpEndpoint(functions="test/here", url="http://there")])


def test_an_ingress_that_sends_to_nobody_is_refused(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store, pytest.raises(BindingError, match="else/where"):
        runtime_of(
            store,
            ingresses=[BoundIngress(All(), ("else/where",))],
            endpoints=[HttpEndpoint(functions="test/*", url="http://all")],
        )
