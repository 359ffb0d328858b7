"""What people and engines' own examples write is read, in every version of the format."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from statefun.batch import ProtocolVersion
from statefun.expiration import after_call, after_write
from statefun.model import (
    AsyncTransport,
    Delivery,
    EndpointState,
    HttpEndpoint,
    KafkaEgress,
    KafkaIngress,
    KinesisEgress,
    Module,
    ModuleVersion,
    OkHttpTransport,
    Route,
    StartFrom,
    StartFromDate,
)
from statefun.module.load import load
from tests.unit.module.examples import GOLDEN, WRITTEN, everything, renamed


def read(name: str) -> Module:
    return load((WRITTEN / name).read_bytes(), name)


@pytest.mark.parametrize("version", ModuleVersion)
def test_a_golden_file_is_the_module_that_it_was_written_from(version: ModuleVersion) -> None:
    assert load((GOLDEN / f"{version.value}.yaml").read_text(encoding="utf-8")) == everything(version)


def test_a_module_of_2_0_is_read_with_states_kafka_and_its_defaults() -> None:
    assert read("2.0.yaml") == Module(
        version=ModuleVersion.V2_0,
        endpoints=[
            HttpEndpoint(
                functions="example/greeter",
                url="http://127.0.0.1:8000/statefun",
                protocol=ProtocolVersion.V2,
                states=[
                    EndpointState(name="seen_count", expiration=after_call(timedelta(minutes=5))),
                    EndpointState(name="42", expiration=after_write(timedelta(minutes=1))),
                ],
                transport=OkHttpTransport(call=timedelta(minutes=2), connect=timedelta(milliseconds=500)),
            )
        ],
        ingresses=[
            KafkaIngress(
                id="example/names",
                address="kafka:9092",
                auto_reset=StartFrom.EARLIEST,
                startup=StartFrom.GROUP_OFFSETS,
                topics=[
                    Route(
                        name="names",
                        value_type="com.googleapis/google.protobuf.StringValue",
                        targets=["example/greeter"],
                    )
                ],
                properties={"max.poll.records": "100", "sasl.jaas.config": 'user "a" password "b";'},
            )
        ],
        egresses=[
            KafkaEgress(
                id="example/greets",
                address="kafka:9092",
                delivery=Delivery.EXACTLY_ONCE,
                transaction_timeout=timedelta(seconds=100),
            )
        ],
    )


def test_a_module_of_3_0_is_read_with_transports_and_durations() -> None:
    module = read("3.0.yaml")
    assert module.version is ModuleVersion.V3_0
    assert [(each.functions, each.transport) for each in module.endpoints] == [
        ("showcase/*", OkHttpTransport(call=timedelta(minutes=2))),
        ("other/one", AsyncTransport()),
    ]
    assert [each.id for each in (*module.ingresses, *module.egresses)] == ["showcase/names", "showcase/greets"]
    [egress] = module.egresses
    assert isinstance(egress, KafkaEgress)
    assert egress.transaction_timeout == timedelta(seconds=100)


def test_a_module_of_3_1_is_read_as_a_stream_of_components() -> None:
    module = read("3.1.yaml")
    assert module.version is ModuleVersion.V3_1
    # `timeouts` under the transport async have the defaults of okhttp, as in the engine.
    first, second = module.endpoints
    assert first.transport == AsyncTransport(call=timedelta(seconds=5), connect=timedelta(seconds=10))
    assert second.transport == OkHttpTransport(read=timedelta(milliseconds=1500))
    [ingress] = module.ingresses
    assert isinstance(ingress, KafkaIngress)
    assert ingress.address == "kafka:9092"
    assert ingress.startup == StartFromDate(datetime(2020, 2, 1, 4, 15, 0, 123_000, UTC))
    assert module.egresses == (KinesisEgress(id="example/out"),)


def test_every_part_knows_its_place() -> None:
    module = read("3.0.yaml")
    assert [str(each.source) for each in module.endpoints] == ["3.0.yaml:8:9", "3.0.yaml:16:9"]
    [ingress] = module.ingresses
    assert isinstance(ingress, KafkaIngress)
    assert str(ingress.source) == "3.0.yaml:23:9"
    [route] = ingress.topics
    assert str(route.source) == "3.0.yaml:31:17"
    assert [str(each) for each in route.target_sources] == ["3.0.yaml:34:21"]
    assert [str(each.source) for each in read("2.0.yaml").endpoints[0].states] == ["2.0.yaml:15:17", "2.0.yaml:17:17"]
    assert module.file == "3.0.yaml"


def test_a_function_is_served_at_its_own_endpoint_before_that_of_its_namespace() -> None:
    module = read("3.1.yaml")
    assert [
        getattr(module.endpoint(name), "url", None)
        for name in ("example/one", "example/two", "other/one", "example/a/b")
    ] == ["http://one:8000/{function.name}", "http://functions:8000/statefun", None, "http://functions:8000/statefun"]


def test_a_2_x_module_names_the_playground_as_it_likes() -> None:
    from statefun.module.render import render

    module = renamed(everything(ModuleVersion.V2_0))
    assert load(render(module)) == module


@pytest.mark.parametrize("text", ["\ufeffkind: {}", "kind: {}\r\nspec: {}\r\n"])
def test_a_byte_order_mark_and_windows_line_ends_are_no_mistake(text: str) -> None:
    made = text.replace("{}", "io.statefun.playground.v1/ingress", 1)
    made = made.replace("{}", "{port: 1}") if "spec" in made else f"{made}\nspec: {{port: 1}}\n"
    assert load(made.encode()).ingresses[0].id == "io.statefun.playground/ingress"
