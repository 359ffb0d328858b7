"""What is given to the runtime, a server, a client or an observer is of the type that its parameter takes, or is refused by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from statefun import Address, FunctionType, RequestReplyHandler, StatefulFunctions, runtime
from statefun.client import Client, HttpClient
from statefun.embedded import Embedded
from statefun.errors import BindingError, ClientError, DefinitionError, StatefunError
from statefun.model import FileIngress, HttpEndpoint
from statefun.observing.opentelemetry import OpenTelemetryObserver
from statefun.observing.prometheus import PrometheusObserver
from statefun.runtime import Options, Runtime, Sink, Store, VirtualClock
from statefun.runtime.remote.client import EndpointClient
from statefun.serving.aiohttp import aiohttp_handler, aiohttp_routes
from statefun.serving.asgi import asgi_app
from statefun.serving.metrics import with_metrics
from statefun.serving.tracing import with_trace_context
from statefun.serving.wsgi import wsgi_app
from tests.wrongtypes import Wrong, refused, takes_all, wrong

FUNCTIONS = StatefulFunctions()
PLACE = Path(__file__) / "store"  # below a file no store can be made
ADDRESS: Address[Any] = FunctionType("a/b").at("c")


class Printing(Sink):
    async def deliver(self, records: Any) -> None: ...


RIGHT: dict[Any, dict[str, Any]] = {
    Embedded: {"functions": FUNCTIONS, "store": PLACE},
    EndpointClient: {"endpoint": HttpEndpoint(functions="a/b", url="http://x/")},
    HttpClient: {"url": "http://127.0.0.1:8090"},
    OpenTelemetryObserver: {},
    Options: {},
    Printing: {"id": "a/b"},
    PrometheusObserver: {"registry": CollectorRegistry()},
    Runtime: {"call": RequestReplyHandler(FUNCTIONS), "store": None, "states": {}},
    Store: {"folder": PLACE},
    VirtualClock().advance: {"seconds": 1.0},
    VirtualClock: {},
    aiohttp_handler: {"functions": FUNCTIONS},
    aiohttp_routes: {"functions": FUNCTIONS},
    asgi_app: {"functions": FUNCTIONS},
    with_metrics: {"app": asgi_app(FUNCTIONS)},
    with_trace_context: {"app": asgi_app(FUNCTIONS)},
    wsgi_app: {"functions": FUNCTIONS},
}
"""Each class and function, and arguments that it takes; one of them is always wrong, so nothing is opened."""

ELSEWHERE = {
    "Clock": "is implemented",
    "Confirmed": "made by a sink, and looked at by the runtime",
    "Inlet": "made by the runtime",
    "OutgoingRecord": "made by the runtime",
    "Receipt": "made by the runtime",
    "Record": "made by a source for each message, and looked at by the runtime",
    "Rejected": "made by a source, and looked at by the runtime",
    "Report": "made by the runtime",
    "Sink": "is derived from",
    "Source": "is implemented",
    "SystemClock": "takes nothing",
    "run_until_idle": "gives all to a Runtime",
}


def test_all_of_the_runtime_is_looked_at() -> None:
    looked_at = {each.__name__ for each in RIGHT if each.__module__.startswith("statefun.runtime")}
    assert set(runtime.__all__) == (looked_at & set(runtime.__all__)) | set(ELSEWHERE)


def test_nothing_may_be_of_any_type() -> None:
    assert [(make, name) for make in RIGHT for name in takes_all(make)] == []


@pytest.mark.parametrize("case", wrong(RIGHT))
def test_a_value_of_a_wrong_type_is_refused_by_the_name_of_its_parameter(case: Wrong, tmp_path: Path) -> None:
    if case.make is Runtime and case.name != "store":
        with Store(tmp_path) as store:
            refused(case._replace(arguments={**case.arguments, "store": store}))
    else:
        refused(case)


def test_a_handler_is_made_of_functions_and_is_no_class() -> None:
    handler: Any = RequestReplyHandler
    for application in (asgi_app, wsgi_app, aiohttp_handler):
        with pytest.raises(DefinitionError, match="functions=<class"):
            application(handler)


def test_an_ingress_that_is_not_bound_is_told_from_one_that_is(tmp_path: Path) -> None:
    unbound: Any = [FileIngress(id="a/b", path="a.csv", message=dict, key="k", targets=["a/b"])]
    with Store(tmp_path) as store, pytest.raises(BindingError, match=r"ingresses\[0\]=FileIngress") as caught:
        Runtime(RequestReplyHandler(FUNCTIONS), store, states={}, ingresses=unbound)
    assert "functions.ingresses" in caught.value.hint


def test_what_is_no_number_is_no_bound() -> None:
    for name in ("max_group", "drain"):
        wrong_number: Any = {name: float("nan")}
        with pytest.raises(BindingError, match=f"{name}=nan"):
            Options(**wrong_number)


class Nobody(Client):
    async def put(self, address: Any, value: Any, key: Any) -> None:
        raise AssertionError("nothing was to be sent")

    async def put_and_wait(self, address: Any, value: Any, seconds: float, key: Any) -> Any:
        raise AssertionError("nothing was to be sent")


@pytest.mark.anyio
@pytest.mark.parametrize(
    "given",
    [{"key": 5}, {"key": b"x"}, {"key": ["a"]}, {"timeout": True}, {"timeout": "5"}, {"timeout": None}],
    ids=str,
)
async def test_what_is_asked_in_a_wrong_way_is_not_sent(given: dict[str, Any]) -> None:
    [name] = given
    arguments: dict[str, Any] = {"reply": str, "timeout": 1, **given}
    with pytest.raises(ClientError, match=f"{name}="):
        await Nobody().ask(ADDRESS, "hello", **arguments)
    if name == "key":
        with pytest.raises(ClientError, match="key="):
            await Nobody().send(ADDRESS, "hello", **given)


@pytest.mark.anyio
async def test_a_type_of_a_message_that_is_none_is_not_sent() -> None:
    arguments: dict[str, Any] = {"type": 5}
    with pytest.raises(StatefunError, match="type=5"):
        await Nobody().send(ADDRESS, "hello", **arguments)
