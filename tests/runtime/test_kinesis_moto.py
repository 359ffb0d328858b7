"""The Kinesis ingress and egress against moto's Kinesis, which others wrote: what one writes the other reads, over HTTP.

Shards that split are not tested here: moto moves their records to the children, which Kinesis does not. `kinesis_fake` is for these.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiobotocore.session import AioSession
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

from statefun.errors import EgressError, IngressError
from statefun.model import AwsProfile, AwsRegion, KinesisEgress, KinesisIngress, Route, StartFrom, StartFromDate
from statefun.runtime.ingress.source import Record
from tests.runtime.kinesis_fake import CREDENTIALS, fake_kinesis
from tests.runtime.kinesis_rig import STRING, FakeInlet, opened, outgoing, reading, run, source


@pytest.fixture(scope="module")
def region() -> Iterator[AwsRegion]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield AwsRegion(id="eu-central-1", endpoint=f"http://{host}:{port}")
    finally:
        server.stop()


@asynccontextmanager
async def stream(region: AwsRegion, name: str, shards: int = 3) -> AsyncIterator[Any]:
    """A client that the test itself uses, and a stream for the time of the test."""
    session: Any = AioSession()
    async with session.create_client(
        "kinesis",
        region_name=region.id,
        endpoint_url=region.endpoint,
        aws_access_key_id=CREDENTIALS.access_key_id,
        aws_secret_access_key=CREDENTIALS.secret_access_key,
    ) as client:
        await client.create_stream(StreamName=name, ShardCount=shards)
        try:
            yield client
        finally:
            await client.delete_stream(StreamName=name)


def ingress(region: AwsRegion, name: str, **arguments: Any) -> KinesisIngress:
    routes = [Route(name=name, value_type=STRING, targets=["demo/one"])]
    return KinesisIngress(id="demo/in", streams=routes, region=region, credentials=CREDENTIALS, **arguments)


def egress(region: AwsRegion) -> KinesisEgress:
    return KinesisEgress(id="demo/out", region=region, credentials=CREDENTIALS)


def test_what_the_egress_writes_the_ingress_reads_once_across_a_restart_and_in_order_for_each_key(
    region: AwsRegion,
) -> None:
    async def test() -> None:
        async with stream(region, "flights"), opened(egress(region)) as one:
            records = [(f"key-{number % 20}", b"%d" % number) for number in range(60)]
            await one.deliver(outgoing(one, *records[:40], stream="flights"))
            first = FakeInlet(limit=7)
            async with reading(ingress(region, "flights", startup=StartFrom.EARLIEST), first):
                await first.until(lambda: len(first.records) == 40)
            # All but the last put were committed before the stop.
            seen = [record for taken, _ in first.puts[:-1] for record in taken]
            await one.deliver(outgoing(one, *records[40:], stream="flights", first=100))
            second = FakeInlet(first.puts[-2][1], limit=7)
            async with reading(ingress(region, "flights", startup=StartFrom.EARLIEST), second):
                await second.until(lambda: len(seen) + len(second.records) >= 60)
            found = [(record.id, record.value) for record in seen + second.records if isinstance(record, Record)]
            assert sorted(found) == sorted(records)
            for key in {key for key, _ in records}:
                assert [value for each, value in found if each == key] == [
                    value for each, value in records if each == key
                ]

    run(test())


def test_the_latest_start_and_a_start_from_a_date(region: AwsRegion) -> None:
    async def test() -> None:
        async with stream(region, "starts", shards=1) as client:
            await client.put_record(StreamName="starts", PartitionKey="k", Data=b"old")
            latest = FakeInlet()
            async with reading(ingress(region, "starts"), latest):
                while not latest.records:
                    await client.put_record(StreamName="starts", PartitionKey="k", Data=b"new")
                    await asyncio.sleep(0.01)
            assert set(latest.values) == {b"new"}
            dated = FakeInlet()
            startup = StartFromDate(datetime(2020, 1, 1, tzinfo=UTC))
            async with reading(ingress(region, "starts", startup=startup), dated):
                await dated.until(lambda: b"new" in dated.values)
            assert dated.values[0] == b"old"

    run(test())


def test_a_stream_that_does_not_exist(region: AwsRegion) -> None:
    async def test() -> None:
        with pytest.raises(IngressError, match="'nowhere', which does not exist"):
            await source(ingress(region, "nowhere")).run(FakeInlet())
        async with opened(egress(region)) as one:
            with pytest.raises(EgressError, match="'nowhere', which does not exist"):
                await one.deliver(outgoing(one, ("a", b"1"), stream="nowhere"))

    run(test())


def test_a_profile_may_assume_a_role(region: AwsRegion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    config.write_text(
        "[profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = hunter3\n"
        "[profile reader]\nrole_arn = arn:aws:iam::123456789012:role/reader\nsource_profile = base\n"
        "region = eu-central-1\n",
        encoding="utf-8",
    )
    assert region.endpoint is not None
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", region.endpoint)  # moto gives the key of the role

    async def test() -> None:
        async with fake_kinesis() as kinesis:
            kinesis.make("s")
            kinesis.put("s", "bob", b"1")
            made = KinesisIngress(
                id="demo/in",
                streams=[Route(name="s", value_type=STRING, targets=["demo/one"])],
                region=kinesis.region,
                credentials=AwsProfile(name="reader", path=str(config)),
                startup=StartFrom.EARLIEST,
            )
            inlet = FakeInlet()
            async with reading(made, inlet):
                await inlet.until(lambda: len(inlet.records) == 1)
            keys = {each.partition("Credential=")[2].partition("/")[0] for each in kinesis.authorizations}
            assert len(keys) == 1
            assert keys.pop().startswith("ASIA")  # a temporary key, not that of the profile `base`

    run(test())


@pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning")  # as in test_kinesis_sink
def test_moto_finds_no_request_over_a_limit(region: AwsRegion) -> None:
    async def test() -> None:
        async with stream(region, "large", shards=1), opened(egress(region)) as one:
            many = [(f"key-{number}", b"x") for number in range(1001)]
            large = [(f"large-{number}", bytes((1 << 20) - 10)) for number in range(6)]
            await one.deliver(outgoing(one, *many, *large, stream="large"))
            inlet = FakeInlet()
            async with reading(ingress(region, "large", startup=StartFrom.EARLIEST), inlet):
                await inlet.until(lambda: len(inlet.records) == 1007)
            found = [(record.id, record.value) for record in inlet.records if isinstance(record, Record)]
            assert sorted(found) == sorted(many + large)

    run(test())
