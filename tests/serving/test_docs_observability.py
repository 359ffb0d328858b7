"""docs/observability.md: its Python blocks run as one program that serves, and its tables name what there is."""

from __future__ import annotations

import re
from typing import Any

import pytest
from prometheus_client import REGISTRY, CollectorRegistry

from statefun import RequestReplyHandler, StatefulFunctions
from statefun.observing import carrying
from statefun.observing.prometheus import PrometheusObserver
from tests.serving.client import V3, batch
from tests.serving.commands import ROOT
from tests.serving.test_applications import asgi_reply
from tests.unit.observing.seen import engine
from tests.unit.observing.test_opentelemetry import Spans

PAGE = (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")
HELLO = batch("example/greeter", "you")


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """The names of the page's program. Its observer has the registry of the process, which is cleared for it."""
    for collector in {each for name, each in REGISTRY._names_to_collectors.items() if name.startswith("statefun_")}:
        REGISTRY.unregister(collector)
    found: dict[str, Any] = {"__name__": "shop.observed"}
    for block in re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE):
        exec(compile(block, "docs/observability.md", "exec"), found)
    return found


def test_the_program_serves_functions_and_metrics(names: dict[str, Any]) -> None:
    assert asgi_reply(names["app"], HELLO).text(V3) == "Hello you"
    assert REGISTRY.get_sample_value("statefun_batch_invocations_count", {"function_type": "example/greeter"}) == 1


def test_the_observer_of_one_s_own_observes(names: dict[str, Any]) -> None:
    observer = names["Largest"]()
    functions = StatefulFunctions()
    functions.bind("example/greeter")(lambda context, message: None)
    handler = RequestReplyHandler(functions, observer=observer)
    handler(batch("example/greeter", "a", "b", "c"))
    handler(HELLO)
    assert observer.largest == {"example/greeter": 3}


def rows(heading: str) -> set[str]:
    """The names in the first column of the tables of a section."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return {
        name
        for cell in re.findall(r"^\| (`[^|]*`|\d+) \|", section, re.MULTILINE)
        for name in re.findall(r"[\w./]+", cell)
    }


def test_the_page_lists_each_metric() -> None:
    registry = CollectorRegistry()
    PrometheusObserver(registry)
    metrics = {f"{each.name}_total" if each.type == "counter" else each.name for each in registry.collect()}
    assert rows("Metrics") == metrics


def test_the_page_lists_each_attribute() -> None:
    spans = Spans()
    made = engine(V3, False, spans.observer)
    with pytest.raises(Exception, match="unhandled"):
        made.send("seen/relay/1", "a text")
    attributes = {name for span in spans.exporter.get_finished_spans() for name in span.attributes or ()}
    assert {name for name in rows("Spans") if "." in name} == attributes


def test_the_page_tells_the_numbers_of_the_fields() -> None:
    assert rows("How a trace travels") == {str(carrying.TRACEPARENT), str(carrying.TRACESTATE)}
