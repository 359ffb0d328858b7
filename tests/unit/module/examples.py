"""One module with everything that each version can say; the golden files hold how it is written."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

from attrs import evolve

from statefun.expiration import after_call, after_write
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
    ModuleVersion,
    OkHttpTransport,
    PartitionOffset,
    PlaygroundEgress,
    PlaygroundIngress,
    Route,
    StartFrom,
    StartFromDate,
    StartFromOffsets,
)

GOLDEN = Path(__file__).parent / "golden"
WRITTEN = Path(__file__).parent / "written"

LOGINS = Route(name="logins", value_type="com.example/UserLogin", targets=("example/user", "example/audit"))
DATE = datetime(2020, 2, 1, 4, 15, tzinfo=timezone(-timedelta(hours=1, minutes=30)))

INGRESSES = (
    KafkaIngress(
        id="example/logins",
        address="kafka-1:9092,kafka-2:9092",
        topics=(LOGINS, Route(name="404", value_type="com.example/Odd", targets=("example/user",))),
        consumer_group="no",
        startup=StartFrom.GROUP_OFFSETS,
        auto_reset=StartFrom.EARLIEST,
        properties={"enable.auto.commit": "false", "fetch.min.bytes": "010", "client.id": ""},
    ),
    KafkaIngress(
        id="example/offsets",
        address="kafka:9092",
        topics=(LOGINS,),
        startup=StartFromOffsets(
            (
                PartitionOffset(topic="logins", partition=0, offset=42),
                PartitionOffset(topic="logins", partition=1, offset=2**63 - 1),
            )
        ),
    ),
    KafkaIngress(id="example/dated", address="kafka:9092", topics=(LOGINS,), startup=StartFromDate(DATE)),
    KinesisIngress(
        id="example/clicks",
        streams=(Route(name="clicks", value_type="com.example/Click", targets=("example/user",)),),
        region=AwsRegion(id="eu-central-1"),
        credentials=AwsCredentials(access_key_id="AKIA", secret_access_key="0x1f"),
        startup=StartFrom.EARLIEST,
        properties={"SocketTimeout": "1000"},
    ),
    PlaygroundIngress(port=8090),
)
EGRESSES = (
    KafkaEgress(
        id="example/greetings",
        address="kafka:9092",
        delivery=Delivery.EXACTLY_ONCE,
        transaction_timeout=timedelta(minutes=10),
        properties={"acks": "all"},
    ),
    KafkaEgress(id="example/plain", address="kafka:9092"),
    KafkaEgress(id="example/careless", address="kafka:9092", delivery=Delivery.NONE),
    KinesisEgress(
        id="example/out",
        region=AwsRegion(id="eu-central-1", endpoint="http://localstack:4566"),
        credentials=AwsProfile(name="work", path="/etc/aws"),
        max_outstanding=10,
        properties={"MaxConnections": "3"},
    ),
    KinesisEgress(id="example/default", credentials=AwsProfile(name="default")),
    PlaygroundEgress(port=8091, topics=("greetings", "on")),
)
SLOW = OkHttpTransport(
    call=timedelta(minutes=2),
    connect=timedelta(milliseconds=1500),
    read=timedelta(seconds=30),
    write=timedelta(hours=1),
)
TLS = AsyncTransport(
    call=timedelta(days=1),
    connect=timedelta(microseconds=7),
    pool_ttl=timedelta(seconds=30),
    pool_size=8,
    payload_max_bytes=1024,
    trust_cacerts="classpath:ca.pem",
    client_cert="/etc/client.pem",
    client_key="/etc/client.key",
    client_key_password="yes",
)


def everything(version: ModuleVersion) -> Module:
    if version in (ModuleVersion.V3_0, ModuleVersion.V3_1):
        endpoints = (
            HttpEndpoint(functions="example/*", url="http://functions:8000/{function.name}"),
            HttpEndpoint(functions="example/audit", url="https://audit/statefun", max_batch=10, transport=TLS),
            HttpEndpoint(functions="slow/*", url="http://slow:8000/", transport=SLOW),
            HttpEndpoint(functions="local/*", url="http+unix:///run/f.sock/statefun", transport=OkHttpTransport()),
        )
    else:
        expires = version is not ModuleVersion.V1_0
        states = (
            EndpointState(name="seen"),
            EndpointState(name="on"),
            EndpointState(name="last", expiration=after_call(timedelta(hours=3)) if expires else None),
            EndpointState(name="total", expiration=after_write(timedelta(days=30)) if expires else None),
        )
        v2 = version.protocol
        endpoints = (
            HttpEndpoint(
                functions="example/user", url="http://functions:8000/statefun", protocol=v2, states=states, max_batch=10
            ),
            HttpEndpoint(functions="slow/one", url="https+unix:///run/f.sock/statefun", protocol=v2, transport=SLOW),
        )
    return Module(version=version, endpoints=endpoints, ingresses=INGRESSES, egresses=EGRESSES)


def renamed(module: Module) -> Module:
    """With ids of its own choice for the playground, which 2.x alone can say."""
    return evolve(
        module,
        ingresses=[
            evolve(each, id="own/in") if isinstance(each, PlaygroundIngress) else each for each in module.ingresses
        ],
        egresses=[
            evolve(each, id="own/out") if isinstance(each, PlaygroundEgress) else each for each in module.egresses
        ],
    )
