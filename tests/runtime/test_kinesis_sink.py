"""The Kinesis egress: at least once, in order for each partition key, within the limits of a request."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from statefun.batch import ProtocolVersion
from statefun.errors import EgressError, EgressUnavailableError
from statefun.model import AwsProfile, AwsRegion, KinesisEgress
from statefun.protocol.records import KINESIS_RECORD
from statefun.records import KafkaRecord, KinesisRecord
from statefun.runtime.egress.sink import OutgoingRecord
from statefun.types import value_type_of
from tests.runtime.kinesis_fake import CREDENTIALS, Failing, FakeKinesis, fake_kinesis
from tests.runtime.kinesis_rig import encoded, opened, outgoing, run, sink

PROTOCOLS = list(ProtocolVersion)
MIB = 1 << 20


def egress(kinesis: FakeKinesis | None = None, **arguments: Any) -> KinesisEgress:
    region = AwsRegion(id="eu-central-1", endpoint="http://127.0.0.1:9") if kinesis is None else kinesis.region
    return KinesisEgress(**{"id": "demo/out", "region": region, "credentials": CREDENTIALS, **arguments})


def written(kinesis: FakeKinesis, stream: str = "s") -> list[tuple[str, bytes]]:
    return [(record.key, record.data) for record in kinesis.stored(stream)]


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.value)
def test_a_record_of_either_protocol_is_written_as_it_was_sent(protocol: ProtocolVersion) -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s", shards=2)
            record = KinesisRecord(stream="s", partition_key="bob", value=b"\x00home", explicit_hash_key=str(2**127))
            async with opened(egress(kinesis)) as one:
                await one.deliver([OutgoingRecord(1, 0, encoded(one, record, protocol))])
                assert await one.confirm() is None
            assert written(kinesis) == [("bob", b"\x00home")]
            (asked,) = kinesis.asked("PutRecords")
            assert asked["Records"][0]["ExplicitHashKey"] == str(2**127)
            assert kinesis.streams["s"]["shardId-000000000001"].records

    run(test())


def test_the_records_of_a_key_stay_in_order_while_a_stream_refuses_some() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            turns = iter(range(10**6))
            kinesis.refuse = lambda _entry: "ProvisionedThroughputExceededException" if next(turns) % 3 else None
            records = [(f"key-{number % 7}", b"%d" % number) for number in range(100)]
            async with opened(egress(kinesis)) as one:
                await one.deliver(outgoing(one, *records))
            assert sorted(written(kinesis)) == sorted(records)
            for key in {key for key, _ in records}:
                values = [int(value) for found, value in written(kinesis) if found == key]
                assert values == sorted(values)

    run(test())


# aiobotocore hands a request's body to aiohttp as bytes, which warns of more than a megabyte.
@pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning")
def test_a_request_holds_a_key_once_and_no_more_than_kinesis_takes() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            many = [(f"key-{number}", b"x") for number in range(1203)]
            large = [(f"large-{number}", bytes(MIB - 10)) for number in range(12)]
            same = [("same", b"%d" % number) for number in range(5)]
            async with opened(egress(kinesis)) as one:
                await one.deliver(outgoing(one, *many, *large, *same))
            assert sorted(written(kinesis)) == sorted(many + large + same)
            for asked in kinesis.asked("PutRecords"):
                entries = asked["Records"]
                keys = [entry["PartitionKey"] for entry in entries]
                assert len(keys) == len(set(keys)) <= 500
                assert sum(len(entry["Data"]) * 3 // 4 + len(entry["PartitionKey"]) for entry in entries) <= 5 * MIB

    run(test())


def test_records_go_to_the_streams_that_they_name() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            kinesis.make("t")
            async with opened(egress(kinesis)) as one:
                records = outgoing(one, ("a", b"1")) + outgoing(one, ("a", b"2"), stream="t", first=2)
                await one.deliver(records)
            assert written(kinesis) == [("a", b"1")]
            assert written(kinesis, "t") == [("a", b"2")]

    run(test())


def test_a_stream_without_capacity_is_unavailable_and_what_arrived_is_not_written_again() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            kinesis.make("t")
            kinesis.refuse = lambda entry: (
                "ProvisionedThroughputExceededException" if entry["PartitionKey"] == "hot" else None
            )
            async with opened(egress(kinesis)) as one:
                records = outgoing(one, ("cold", b"1"), ("hot", b"2"), ("cold", b"3"), ("hot", b"4"))
                records += outgoing(one, ("cold", b"5"), stream="t", first=9)
                with pytest.raises(EgressUnavailableError, match="'s' now: ProvisionedThroughputExceeded"):
                    await one.deliver(records)
                assert written(kinesis) == [("cold", b"1"), ("cold", b"3")]
                kinesis.refuse = lambda _entry: None
                await one.deliver(records)
                assert written(kinesis) == [("cold", b"1"), ("cold", b"3"), ("hot", b"2"), ("hot", b"4")]
                assert written(kinesis, "t") == [("cold", b"5")]
                # Numbers mean something within one delivery alone.
                await one.deliver(outgoing(one, ("cold", b"6")))
                assert written(kinesis)[-1] == ("cold", b"6")

    run(test())


@pytest.mark.parametrize(
    "failing",
    [Failing("InternalFailure", 500), Failing("ServiceUnavailable", 503), Failing("ResourceInUseException")],
    ids=lambda failing: failing.code,
)
def test_a_request_that_fails_for_now_is_unavailable(failing: Failing) -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            kinesis.fail("PutRecords", failing)
            async with opened(egress(kinesis)) as one:
                records = outgoing(one, ("a", b"1"))
                with pytest.raises(EgressUnavailableError, match="'demo/out' cannot reach AWS"):
                    await one.deliver(records)
                await one.deliver(records)
            assert written(kinesis) == [("a", b"1")]

    run(test())


def test_a_request_over_a_quota_is_repeated() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            kinesis.fail("PutRecords", *[Failing("ProvisionedThroughputExceededException")] * 4)
            async with opened(egress(kinesis)) as one:
                await one.deliver(outgoing(one, ("a", b"1")))
            assert written(kinesis) == [("a", b"1")]

    run(test())


def test_an_endpoint_that_nobody_answers_is_unavailable() -> None:
    async def test() -> None:
        async with opened(egress()) as one:
            with pytest.raises(EgressUnavailableError, match=r"127\.0\.0\.1:9"):
                await one.deliver(outgoing(one, ("a", b"1")))

    run(test())


def test_a_stream_that_does_not_exist_ends_the_run_and_is_named() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            async with opened(egress(kinesis)) as one:
                records = outgoing(one, ("a", b"1")) + outgoing(one, ("a", b"2"), stream="nowhere", first=5)
                with pytest.raises(
                    EgressError, match="'demo/out' writes to the stream 'nowhere', which does not"
                ) as it:
                    await one.deliver(records)
                assert not isinstance(it.value, EgressUnavailableError)

    run(test())


def test_a_refusal_ends_the_run_without_a_secret_in_its_error() -> None:
    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            kinesis.fail("PutRecords", Failing("AccessDeniedException", text="User: x is not authorized"))
            async with opened(egress(kinesis)) as one:
                with pytest.raises(EgressError, match="is not authorized") as caught:
                    await one.deliver(outgoing(one, ("a", b"1")))
            assert not isinstance(caught.value, EgressUnavailableError)
            assert CREDENTIALS.secret_access_key not in repr(caught.value) + str(caught.value)

    run(test())


def test_a_profile_of_a_file_of_credentials_is_used_and_an_unknown_one_told(tmp_path: Any) -> None:
    path = tmp_path / "credentials"
    path.write_text("[writer]\naws_access_key_id = AKIAWRITER\naws_secret_access_key = hunter3\n", encoding="utf-8")

    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            made = egress(kinesis, credentials=AwsProfile(name="writer", path=str(path)))
            async with opened(made) as one:
                await one.deliver(outgoing(one, ("a", b"1")))
            assert written(kinesis) == [("a", b"1")]
            assert "AKIAWRITER/" in kinesis.authorizations[-1]
            with pytest.raises(EgressError, match="nobody"):
                await sink(attrs.evolve(made, credentials=AwsProfile(name="nobody", path=str(path)))).open(
                    "store", None
                )

    run(test())


# --- what the sending message fails with -----------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.value)
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"value": bytes(MIB)}, rf"of {MIB + 3} bytes"),
        ({"partition_key": "k" * 257}, "a partition key of 257 characters"),
        ({"stream": "a stream"}, "the stream 'a stream'"),
        ({"stream": "s" * 129}, "the stream 'sss"),
        ({"explicit_hash_key": str(2**128)}, f"the explicit hash key '{2**128}'"),
        ({"explicit_hash_key": "-1"}, "the explicit hash key '-1'"),
        ({"explicit_hash_key": "٣"}, "the explicit hash key"),
    ],
)
def test_a_record_over_a_limit_of_kinesis_fails_the_message_that_sent_it(
    protocol: ProtocolVersion, changes: dict[str, Any], expected: str
) -> None:
    record = KinesisRecord(**{"stream": "s", "partition_key": "bob", "value": b"", **changes})
    with pytest.raises(EgressError, match=f"'demo/out' was sent a record .*{expected}"):
        encoded(sink(egress()), record, protocol)


@pytest.mark.parametrize(
    "changes",
    [
        {"value": bytes(MIB - 3)},
        {"partition_key": "é" * 256},
        {"explicit_hash_key": str(2**128 - 1)},
        {"explicit_hash_key": "0"},
        {"stream": "A-z_0.9" + "s" * 121},
    ],
)
def test_a_record_at_a_limit_of_kinesis_is_taken(changes: dict[str, Any]) -> None:
    encoded(sink(egress()), KinesisRecord(**{"stream": "s", "partition_key": "bob", "value": b"", **changes}))


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.value)
def test_what_is_no_kinesis_record_fails_the_message_that_sent_it(protocol: ProtocolVersion) -> None:
    one = sink(egress())
    kafka = value_type_of(KafkaRecord).encoding(protocol)
    name = KINESIS_RECORD.encoding(protocol).typename
    for typename, value, expected in (
        ("io.statefun.types/string", b"", "a value of the type 'io.statefun.types/string'"),
        (kafka.typename, kafka.encode(KafkaRecord(topic="t", value=b"")), "KafkaProducerRecord"),
        (name, b"\x0a\x7f", "2 bytes that are no"),
        (name, b"\x0a\x01k", "without a stream or without a partition key"),
        (name, b"\x1a\x01s", "without a stream or without a partition key"),
    ):
        with pytest.raises(EgressError, match=expected):
            one.encode(typename, value)
