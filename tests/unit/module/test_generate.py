"""From registered functions to a module: golden files of both formats, what is read again, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage

from statefun import StatefulFunctions
from statefun.batch import ProtocolVersion
from statefun.errors import BindingError, MessageTypeError, ModuleFormatError
from statefun.model import KafkaIngress, ModuleVersion, PlaygroundIngress, Route, Topic
from statefun.model.references import with_environment
from statefun.module.generate import generate
from statefun.module.load import load
from statefun.module.render import render
from statefun.runtime.ingress.opening import open_source
from tests.unit.module.declared import Counter, Greeter, functions, with_a_file

URL = "http://functions:8000/statefun"
ENVIRONMENT = {"BROKERS": "kafka:9092", "REGION": "eu-central-1"}
GOLDEN = Path(__file__).parent / "generated"


@pytest.mark.parametrize("version", list(ModuleVersion)[1:], ids=lambda each: each.value)
def test_what_is_generated_is_the_golden_file_and_loads_to_the_same_model(version: ModuleVersion) -> None:
    generated = generate(functions, version, url=URL, environment=ENVIRONMENT)
    text = render(generated.module)
    assert generated.left_out == ()
    assert load(text) == generated.module
    assert text == (GOLDEN / f"{version.value}.yaml").read_text()


def test_the_oldest_format_cannot_say_that_a_state_expires() -> None:
    module = generate(functions, ModuleVersion.V1_0, url=URL, environment=ENVIRONMENT).module
    with pytest.raises(ModuleFormatError, match=r"expires, which version 1\.0 cannot say"):
        render(module)


def test_an_endpoint_of_its_own_stands_beside_that_of_the_namespace() -> None:
    urls = {"example/counter": "http://counters:8000/"}
    made = generate(functions, url=URL, urls=urls, environment=ENVIRONMENT).module.endpoints
    assert [(each.functions, each.url) for each in made] == [
        ("example/*", URL),
        ("example/counter", "http://counters:8000/"),
    ]


def test_in_2x_the_name_of_the_function_is_written_into_its_url() -> None:
    made = generate(with_a_file, ModuleVersion.V2_0, url="http://functions/{function.name}").module.endpoints
    assert [(each.functions, each.url) for each in made] == [("example/counter", "http://functions/counter")]


def test_without_a_url_and_with_one_for_nobody_it_is_refused() -> None:
    with pytest.raises(ModuleFormatError, match="example/greeter has no URL"):
        generate(functions, environment=ENVIRONMENT)
    with pytest.raises(ModuleFormatError, match="no function is registered that the endpoint other/\\* is for"):
        generate(functions, url=URL, urls={"other/*": URL}, environment=ENVIRONMENT)


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(BindingError, match="KafkaIngress 'example/visits' is in the environment variable 'BROKERS'"):
        generate(functions, url=URL)


def test_what_only_the_embedded_runtime_has_is_left_out_with_the_reason() -> None:
    generated = generate(with_a_file, url=URL)
    assert generated.module.ingresses == ()
    assert [str(each) for each in generated.left_out] == [
        "FileIngress 'example/file' is left out: the embedded runtime alone has it"
    ]


def test_the_ports_of_the_playground_are_written_when_they_are_asked_for() -> None:
    registry = StatefulFunctions()
    registry.register(Counter)
    registry.ingress(PlaygroundIngress(port=8090))
    assert generate(registry, url=URL).module.ingresses == ()
    assert generate(registry, url=URL, playground=True).module.ingresses == (PlaygroundIngress(port=8090),)


def test_a_type_without_a_name_is_refused_where_it_is_registered() -> None:
    with pytest.raises(MessageTypeError, match="list"):
        StatefulFunctions().ingress(
            KafkaIngress(id="a/b", address="k:1", topic="t", message=list, targets=["example/greeter"])
        )


def test_a_packed_any_has_no_name_in_2x_and_one_in_3x() -> None:
    registry = StatefulFunctions()
    registry.register("example/any", lambda context, message: None)
    registry.ingress(KafkaIngress(id="a/b", address="k:1", topic="t", message=AnyMessage, targets=["example/any"]))
    generate(registry, url=URL)
    with pytest.raises(ModuleFormatError, match=r"takes a packed Any from 't', which has no name of its own in 2\.2"):
        generate(registry, ModuleVersion.V2_0, url=URL)


def test_the_embedded_runtime_is_given_the_names_of_its_protocol() -> None:
    [ingress, *_] = functions.ingresses
    names = {each: ingress.for_protocol(each).ingress.routes[0].value_type for each in ProtocolVersion}
    assert names == {
        ProtocolVersion.V2: "type.googleapis.com/google.protobuf.StringValue",
        ProtocolVersion.V3: "io.statefun.types/string",
    }


@pytest.mark.parametrize(
    "brokers", ["a: b\nc", "kafka:9092\n", " kafka:9092", "a:9092 b:9092", "a:9092\tb", "a:9092\x1b[2J"]
)
def test_brokers_from_the_environment_are_held_to_what_a_written_address_must_be(brokers: str) -> None:
    with pytest.raises(BindingError, match="is in the environment variable 'BROKERS', which has white space") as caught:
        generate(functions, url=URL, environment={**ENVIRONMENT, "BROKERS": brokers})
    assert "KafkaIngress 'example/visits'" in str(caught.value)
    assert brokers not in str(caught.value)


@pytest.mark.parametrize("brokers", ["a:9092,b:9092", "a:9092, b:9092", "[::1]:9092", "SASL_SSL://kafka:9093"])
def test_brokers_from_the_environment_are_written_as_they_are(brokers: str) -> None:
    module = generate(functions, url=URL, environment={**ENVIRONMENT, "BROKERS": brokers}).module
    assert {each.address for each in module.ingresses if isinstance(each, KafkaIngress)} == {brokers}


def test_a_source_is_opened_with_the_names_and_the_environment_of_its_process(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("confluent_kafka", reason="the extra kafka is not installed")
    monkeypatch.setenv("BROKERS", "kafka:9092")
    source: Any = open_source(functions.ingresses[0], ProtocolVersion.V2)
    assert source._ingress.address == "kafka:9092"
    assert source._routes["visits"].value_type == "type.googleapis.com/google.protobuf.StringValue"


def test_the_short_form_is_the_long_one() -> None:
    topic = Topic("visits", message=str, targets=[Greeter])
    short = KafkaIngress(id="a/b", address="k:1", topic="visits", message=str, targets=[Greeter])
    assert short == KafkaIngress(id="a/b", address="k:1", topics=[topic])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "has no topics"),
        ({"topic": "t", "targets": ["a/b"]}, "has the topic 't' and no message"),
        ({"topic": "t", "message": str}, "has targets="),
        ({"message": str, "topics": [Route(name="t", value_type="a/b", targets=["a/b"])]}, "and `topics` too"),
        ({"topics": [Topic("t", message=str, targets=["a/b"])] * 2}, "has the topic 't' twice"),
    ],
)
def test_a_half_form_and_both_are_refused(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(BindingError, match=said):
        KafkaIngress(id="a/b", address="k:1", **arguments)


def test_the_routes_of_what_is_not_registered_are_refused() -> None:
    ingress = KafkaIngress(id="a/b", address="k:1", topic="t", message=str, targets=["a/b"])
    with pytest.raises(BindingError, match="has the route 't', whose message has another name in each protocol"):
        _ = ingress.routes


def test_the_environment_is_looked_up_in_kafka_and_kinesis_alone() -> None:
    ports = PlaygroundIngress(port=8090)
    assert with_environment(ports, {}) is ports
