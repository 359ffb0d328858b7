"""The values of the model refuse what no engine could carry out, and tell what they are without telling secrets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from attrs import evolve
from attrs.exceptions import FrozenInstanceError

from statefun.batch import ProtocolVersion
from statefun.errors import BindingError, DefinitionError, TypenameError
from statefun.model import (
    AsyncTransport,
    AwsCredentials,
    Delivery,
    EndpointState,
    HttpEndpoint,
    KafkaEgress,
    KafkaIngress,
    KinesisEgress,
    KinesisIngress,
    Module,
    ModuleVersion,
    OkHttpTransport,
    PartitionOffset,
    PlaygroundEgress,
    PlaygroundIngress,
    Route,
    SourcePosition,
    StartFrom,
    StartFromDate,
    StartFromOffsets,
)

V2 = ProtocolVersion.V2
ROUTE = Route(name="t", value_type="a/b", targets=["a/b"])
KAFKA: dict[str, Any] = {"id": "a/b", "address": "k", "topics": [ROUTE]}
EGRESS: dict[str, Any] = {"id": "a/b", "address": "k"}
ENDPOINT: dict[str, Any] = {"functions": "a/b", "url": "http://x/"}
TODAY = datetime(2020, 2, 1, tzinfo=UTC)

REFUSED = {
    "an id": (KafkaIngress, {**KAFKA, "id": "ab"}, "'ab' is not of the form"),
    "an id that is no text": (KafkaEgress, {**EGRESS, "id": 7}, "not a str"),
    "an empty address": (KafkaEgress, {**EGRESS, "address": ""}, "address=''"),
    "a surrogate": (KafkaEgress, {**EGRESS, "address": "\ud800"}, "has address"),
    "brokers with a line break": (
        KafkaEgress,
        {**EGRESS, "address": "a: b\nc"},
        "address='a: b\\nc', with white space",
    ),
    "brokers with a line after": (KafkaIngress, {**KAFKA, "address": "k:9092\n"}, "white space or a control character"),
    "brokers with a space": (KafkaIngress, {**KAFKA, "address": "k:9092 l:9092"}, "white space"),
    "brokers with a control character": (KafkaEgress, {**EGRESS, "address": "k:9092\x07"}, "control character"),
    "brokers in a variable with a space": (KafkaEgress, {**EGRESS, "address": "env:A B"}, "white space"),
    "no topics": (KafkaIngress, {**KAFKA, "topics": []}, "no topics"),
    "a topic twice": (KafkaIngress, {**KAFKA, "topics": [ROUTE, ROUTE]}, "'t' twice"),
    "an empty group": (KafkaIngress, {**KAFKA, "consumer_group": ""}, "consumer_group"),
    "a startup that is a text": (KafkaIngress, {**KAFKA, "startup": "latest"}, "the startup 'latest'"),
    "a reset to the group": (KafkaIngress, {**KAFKA, "auto_reset": StartFrom.GROUP_OFFSETS}, "auto_reset"),
    "a property of a number": (KafkaIngress, {**KAFKA, "properties": {"retries": 3}}, "'retries' among its properties"),
    "a property without a name": (KafkaIngress, {**KAFKA, "properties": {"": "3"}}, "'' among its properties"),
    "a delivery that is a text": (KafkaEgress, {**EGRESS, "delivery": "none"}, "delivery='none'"),
    "no timeout": (KafkaEgress, {**EGRESS, "delivery": Delivery.EXACTLY_ONCE}, "no transaction timeout"),
    "a timeout of zero": (
        KafkaEgress,
        {**EGRESS, "delivery": Delivery.EXACTLY_ONCE, "transaction_timeout": timedelta(0)},
        "transaction_timeout",
    ),
    "a fraction of a millisecond": (
        KafkaEgress,
        {**EGRESS, "delivery": Delivery.EXACTLY_ONCE, "transaction_timeout": timedelta(microseconds=1)},
        "transaction timeout",
    ),
    "a timeout for nothing": (KafkaEgress, {**EGRESS, "transaction_timeout": timedelta(1)}, "no transactions"),
    "no streams": (KinesisIngress, {"id": "a/b", "streams": []}, "no streams"),
    "a stream twice": (KinesisIngress, {"id": "a/b", "streams": [ROUTE, ROUTE]}, "'t' twice"),
    "a group of Kinesis": (
        KinesisIngress,
        {"id": "a/b", "streams": [ROUTE], "startup": StartFrom.GROUP_OFFSETS},
        "startup",
    ),
    "a region that is a text": (KinesisEgress, {"id": "a/b", "region": "eu-west-1"}, "region='eu-west-1'"),
    "a region of an ingress": (
        KinesisIngress,
        {"id": "a/b", "streams": [ROUTE], "region": "eu-west-1"},
        "region='eu-west-1'",
    ),
    "credentials that are a text": (
        KinesisEgress,
        {"id": "a/b", "credentials": "s3cret"},
        "credentials of the type str",
    ),
    "no records outstanding": (KinesisEgress, {"id": "a/b", "max_outstanding": 0}, "max_outstanding=0"),
    "no secret": (AwsCredentials, {"access_key_id": "k", "secret_access_key": None}, "secret_access_key"),
    "a port": (PlaygroundIngress, {"port": 65536}, "port=65536"),
    "a port of 5,000 digits": (PlaygroundIngress, {"port": 10**5000}, "port=<int>"),
    "a port that is true": (PlaygroundIngress, {"port": True}, "port=True"),
    "no topics to fetch": (PlaygroundEgress, {"port": 1, "topics": []}, "no topics"),
    "a topic to fetch twice": (PlaygroundEgress, {"port": 1, "topics": ["a", "a"]}, "'a' twice"),
    "an empty topic": (PlaygroundEgress, {"port": 1, "topics": [""]}, "topics[0]=''"),
    "no targets": (Route, {"name": "t", "value_type": "a/b", "targets": []}, "no targets"),
    "a target": (Route, {"name": "t", "value_type": "a/b", "targets": ["ab"]}, "'ab' is not of the form"),
    "no offsets": (StartFromOffsets, {"offsets": []}, "has none"),
    "an offset twice": (
        StartFromOffsets,
        {"offsets": [PartitionOffset(topic="t", partition=1, offset=o) for o in (1, 2)]},
        "two",
    ),
    "an offset below zero": (PartitionOffset, {"topic": "t", "partition": 0, "offset": -1}, "the offset"),
    "a partition too many": (PartitionOffset, {"topic": "t", "partition": 2**31, "offset": 1}, "the partition"),
    "a moment anywhere": (StartFromDate, {"date": TODAY.replace(tzinfo=None)}, "cannot start"),
    "a microsecond": (StartFromDate, {"date": TODAY.replace(microsecond=1)}, "cannot start"),
    "a zone of seconds": (StartFromDate, {"date": TODAY.astimezone(timezone(timedelta(seconds=1)))}, "cannot start"),
    "a zone too far": (StartFromDate, {"date": TODAY.astimezone(timezone(timedelta(hours=-19)))}, "cannot start"),
    "functions": (HttpEndpoint, {**ENDPOINT, "functions": "a/b/c"}, "is not of the form"),
    "half of a wildcard": (HttpEndpoint, {**ENDPOINT, "functions": "a/b*"}, "not a function type"),
    "an URL of nothing": (HttpEndpoint, {**ENDPOINT, "url": None}, "no HTTP URL"),
    "an URL that java.net.URI refuses": (HttpEndpoint, {**ENDPOINT, "url": "http://x/%zz"}, "holds '%'"),
    "a batch of none": (HttpEndpoint, {**ENDPOINT, "max_batch": 0}, "max_batch=0"),
    "a transport that is a text": (HttpEndpoint, {**ENDPOINT, "transport": "async"}, "the transport 'async'"),
    "async in 2.x": (HttpEndpoint, {**ENDPOINT, "transport": AsyncTransport(), "protocol": V2}, "2.x does not know"),
    "async through a socket": (
        HttpEndpoint,
        {**ENDPOINT, "url": "http+unix:///x.sock", "transport": AsyncTransport()},
        "UNIX socket",
    ),
    "a wildcard in 2.x": (HttpEndpoint, {**ENDPOINT, "functions": "a/*", "protocol": V2}, "2.x does not know"),
    "states in 3.x": (HttpEndpoint, {**ENDPOINT, "states": [EndpointState(name="s")]}, "3.x does not list"),
    "a state twice": (
        HttpEndpoint,
        {**ENDPOINT, "protocol": V2, "states": [EndpointState(name="s")] * 2},
        "two states 's'",
    ),
    "a call without time": (OkHttpTransport, {"call": timedelta(0)}, "call="),
    "another protocol": (
        Module,
        {"version": ModuleVersion.V2_0, "endpoints": [HttpEndpoint(**ENDPOINT)]},
        "version 2.0",
    ),
    "two endpoints": (Module, {"endpoints": [HttpEndpoint(**ENDPOINT)] * 2}, "two of endpoint of a/b"),
    "two ingresses": (Module, {"ingresses": [PlaygroundIngress(port=1)] * 2}, "two of ingress"),
    "two egresses": (Module, {"egresses": [KafkaEgress(**EGRESS)] * 2}, "two of egress"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_engine_could_carry_out_is_refused(name: str) -> None:
    make, arguments, message = REFUSED[name]
    with pytest.raises(DefinitionError) as caught:
        make(**arguments)
    assert isinstance(caught.value, BindingError | TypenameError)
    assert message in caught.value.message
    assert caught.value.hint


def test_secrets_are_not_shown() -> None:
    credentials = AwsCredentials(access_key_id="AKIA", secret_access_key="hunter2")
    values = [
        KinesisEgress(id="a/b", credentials=credentials),
        KafkaEgress(**EGRESS, properties={"sasl.jaas.config": "hunter2"}),
        HttpEndpoint(**ENDPOINT, transport=AsyncTransport(client_key_password="hunter2")),
    ]
    for value in values:
        assert "hunter2" not in repr(value)
    assert "sasl.jaas.config" in repr(values[1])


def test_values_are_frozen_and_can_be_keys() -> None:
    properties = {"acks": "all"}
    egress = KafkaEgress(**EGRESS, properties=properties)
    properties["acks"] = "none"
    assert egress.properties == {"acks": "all"}
    with pytest.raises(TypeError):
        egress.properties["acks"] = "none"
    with pytest.raises(FrozenInstanceError):
        egress.address = "other"
    assert {egress: 1}[evolve(egress)] == 1


def test_where_a_value_was_read_is_not_what_it_is() -> None:
    assert evolve(ROUTE, source=SourcePosition("m.yaml", 1, 1)) == ROUTE


@pytest.mark.parametrize(
    ("url", "arguments", "transport"),
    [
        ("http://x/", {}, AsyncTransport()),
        ("http+unix:///x.sock/", {}, OkHttpTransport()),
        ("http://x/", {"protocol": V2}, OkHttpTransport()),
    ],
)
def test_the_transport_when_none_is_given(url: str, arguments: dict[str, Any], transport: object) -> None:
    assert HttpEndpoint(functions="a/b", url=url, **arguments).transport == transport


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("a/b", "http://x/b"),
        ("a/b c", "http://x/b%20c"),
        ("a/b?c#d", "http://x/b%3Fc%23d"),
        ("a/ü", "http://x/%C3%BC"),
        ("a/..", None),
        ("a/.", None),
        ("a/b/c", None),
    ],
)
def test_a_function_s_name_cannot_lead_out_of_its_place_in_the_url(name: str, url: str | None) -> None:
    endpoint = HttpEndpoint(functions="a/*", url="http://x/{function.name}")
    if url is not None:
        assert endpoint.url_for(name) == url
    else:
        with pytest.raises(DefinitionError):
            endpoint.url_for(name)


def test_a_function_s_own_endpoint_goes_before_that_of_its_namespace() -> None:
    every = HttpEndpoint(functions="a/*", url="http://every/")
    one = HttpEndpoint(functions="a/one", url="http://one/")
    module = Module(endpoints=[every, one])
    assert [module.endpoint(name) for name in ("a/one", "a/two", "b/one")] == [one, every, None]
