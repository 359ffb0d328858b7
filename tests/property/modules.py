"""Modules as hypothesis strategies: everything that a version can say, with names that YAML would rather read as something else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from statefun.batch import ProtocolVersion
from statefun.expiration import Expiration, ExpirationMode
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

ODD = [
    "no",
    "On",
    "y",
    "~",
    "null",
    "1.0",
    "010",
    "0x1F",
    "1_000",
    "1:30",
    "1e3",
    ".5",
    ".inf",
    "2020-02-01",
    "<<",
    "=",
    "- a",
]
texts = st.one_of(
    st.sampled_from(
        [
            *ODD,
            "a: b",
            "#",
            "'",
            '"',
            "\n",
            " a ",
            "\x00",
            "\x85",
            "\ufeff",
            "😀",
            "{}",
            "[a]",
            "*a",
            "&a",
            "!a",
            "%a",
            "---",
        ]
    ),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=12),
)
# Brokers of Kafka have no white space and no control characters.
addresses = texts.map(lambda text: "".join(each for each in text if each.isprintable() and not each.isspace())).filter(
    bool
)
parts = st.one_of(
    st.sampled_from(["a", "example", *ODD]),
    st.text(st.characters(codec="utf-8", exclude_characters="/*"), min_size=1, max_size=8),
)
typenames = st.builds("{}/{}".format, parts, parts)
durations = st.one_of(
    st.integers(1, 10**6).map(lambda number: timedelta(milliseconds=number)),
    st.integers(1, 10**9).map(lambda number: timedelta(microseconds=number)),
    st.integers(1, 999_999_999).map(lambda number: timedelta(days=number)),
)
counts = st.integers(1, 2**31 - 1)
ports = st.integers(0, 65535)
properties = st.dictionaries(texts, st.one_of(texts, st.just("")), max_size=3)
zones = st.integers(-18 * 60, 18 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.builds(
    lambda moment, millisecond, zone: moment.replace(microsecond=millisecond * 1000, tzinfo=zone),
    st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29)),  # noqa: DTZ001  a zone is drawn beside it
    st.integers(0, 999),
    st.one_of(st.just(UTC), zones),
)
offsets = st.lists(
    st.builds(PartitionOffset, topic=texts, partition=st.integers(0, 2**31 - 1), offset=st.integers(0, 2**63 - 1)),
    min_size=1,
    max_size=3,
    unique_by=lambda each: (each.topic, each.partition),
)
starts = st.one_of(st.sampled_from(StartFrom), st.builds(StartFromOffsets, offsets), st.builds(StartFromDate, moments))
shards = st.one_of(st.sampled_from([StartFrom.EARLIEST, StartFrom.LATEST]), st.builds(StartFromDate, moments))
routes = st.lists(
    st.builds(Route, name=texts, value_type=typenames, targets=st.lists(typenames, min_size=1, max_size=3).map(tuple)),
    min_size=1,
    max_size=3,
    unique_by=lambda each: each.name,
)
okhttp = st.builds(OkHttpTransport, call=durations, connect=durations, read=durations, write=durations)
non_blocking = st.builds(
    AsyncTransport,
    call=durations,
    connect=durations,
    pool_ttl=durations,
    pool_size=counts,
    payload_max_bytes=counts,
    trust_cacerts=st.none() | texts,
    client_cert=st.none() | texts,
    client_key=st.none() | texts,
    client_key_password=st.none() | texts,
)
urls = st.sampled_from(
    ["http://functions:8000/statefun", "https://user@x/%20?q=1#f", "http://[::1]:80", "http://ü/ä", "HTTP://X"]
)
sockets = st.sampled_from(["http+unix:///run/f.sock", "https+unix:///run/f.sock/statefun"])
regions = st.none() | st.builds(AwsRegion, id=texts, endpoint=st.none() | texts)
credentials = st.one_of(
    st.none(),
    st.builds(AwsCredentials, access_key_id=texts, secret_access_key=texts),
    st.builds(AwsProfile, name=texts, path=st.none() | texts),
)


def states(expire: bool) -> st.SearchStrategy[list[EndpointState]]:
    expirations = st.builds(Expiration, st.sampled_from(ExpirationMode), durations)
    return st.lists(
        st.builds(EndpointState, name=texts, expiration=st.none() | expirations if expire else st.none()),
        max_size=3,
        unique_by=lambda each: each.name,
    )


def endpoints(version: ModuleVersion) -> st.SearchStrategy[HttpEndpoint]:
    protocol = st.just(version.protocol)
    if version.protocol is ProtocolVersion.V2:
        return st.builds(
            HttpEndpoint,
            functions=typenames,
            url=urls | sockets,
            protocol=protocol,
            max_batch=counts,
            transport=okhttp,
            states=states(version is not ModuleVersion.V1_0),
        )
    patterns = st.one_of(typenames, parts.map("{}/*".format))
    templates = st.one_of(urls, st.just("http://x/{function.name}/{function.name}"))
    over_http = st.builds(
        HttpEndpoint, functions=patterns, url=templates, max_batch=counts, transport=okhttp | non_blocking
    )
    over_sockets = st.builds(HttpEndpoint, functions=patterns, url=sockets, max_batch=counts, transport=okhttp)
    return st.one_of(over_http, over_sockets)


def ingresses(version: ModuleVersion) -> st.SearchStrategy[Any]:
    own: dict[str, Any] = {"id": typenames} if version.protocol is ProtocolVersion.V2 else {}
    return st.one_of(
        st.builds(
            KafkaIngress,
            id=typenames,
            address=addresses,
            topics=routes,
            consumer_group=st.none() | texts,
            startup=starts,
            auto_reset=st.sampled_from([StartFrom.EARLIEST, StartFrom.LATEST]),
            properties=properties,
        ),
        st.builds(
            KinesisIngress,
            id=typenames,
            streams=routes,
            region=regions,
            credentials=credentials,
            startup=shards,
            properties=properties,
        ),
        st.builds(PlaygroundIngress, port=ports, **own),
    )


def egresses(version: ModuleVersion) -> st.SearchStrategy[Any]:
    own: dict[str, Any] = {"id": typenames} if version.protocol is ProtocolVersion.V2 else {}
    milliseconds = st.integers(1, 2**31 - 1).map(lambda number: timedelta(milliseconds=number))
    return st.one_of(
        st.builds(
            KafkaEgress,
            id=typenames,
            address=addresses,
            delivery=st.sampled_from([Delivery.NONE, Delivery.AT_LEAST_ONCE]),
            properties=properties,
        ),
        st.builds(
            KafkaEgress,
            id=typenames,
            address=addresses,
            delivery=st.just(Delivery.EXACTLY_ONCE),
            transaction_timeout=milliseconds,
        ),
        st.builds(
            KinesisEgress,
            id=typenames,
            region=regions,
            credentials=credentials,
            max_outstanding=counts,
            properties=properties,
        ),
        st.builds(PlaygroundEgress, port=ports, topics=st.lists(texts, min_size=1, max_size=3, unique=True), **own),
    )


def modules(version: ModuleVersion) -> st.SearchStrategy[Module]:
    made = st.builds(
        Module,
        version=st.just(version),
        endpoints=st.lists(endpoints(version), max_size=3, unique_by=lambda each: each.functions),
        ingresses=st.lists(ingresses(version), max_size=3, unique_by=lambda each: each.id),
        egresses=st.lists(egresses(version), max_size=3, unique_by=lambda each: each.id),
    )
    if version is not ModuleVersion.V3_1:
        return made
    return made.filter(lambda module: bool(module.endpoints or module.ingresses or module.egresses))
