"""The Kinesis ingress and egress against kinesis-mock: shards that split and merge while they are read, with restarts in between."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiobotocore.session import AioSession

from statefun.errors import EgressError, IngressError
from statefun.model import AwsRegion, KinesisEgress, KinesisIngress, Route, StartFrom
from statefun.runtime.ingress.source import Record
from tests.runtime.kinesis_fake import CREDENTIALS
from tests.runtime.kinesis_rig import STRING, FakeInlet, opened, outgoing, reading, run, source
from tests.services.kinesis_mock import KinesisMock, missing

LACKING = missing()
pytestmark = pytest.mark.skipif(LACKING is not None, reason=str(LACKING))


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsRegion]:
    with KinesisMock(tmp_path_factory.mktemp("kinesis")) as mock:
        yield mock.region


class Stream:
    """A stream, and how a test changes it."""

    def __init__(self, client: Any, name: str) -> None:
        self.client = client
        self.name = name

    async def active(self) -> None:
        while True:
            told = await self.client.describe_stream_summary(StreamName=self.name)
            if told["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE":
                return
            await asyncio.sleep(0.005)

    async def open_shards(self) -> list[Any]:
        shards = (await self.client.list_shards(StreamName=self.name))["Shards"]
        found = [each for each in shards if "EndingSequenceNumber" not in each["SequenceNumberRange"]]
        return sorted(found, key=lambda shard: int(shard["HashKeyRange"]["StartingHashKey"]))

    async def split(self) -> None:
        shard = (await self.open_shards())[0]
        first, last = (int(shard["HashKeyRange"][f"{each}HashKey"]) for each in ("Starting", "Ending"))
        await self.client.split_shard(
            StreamName=self.name, ShardToSplit=shard["ShardId"], NewStartingHashKey=str((first + last) // 2)
        )
        await self.active()

    async def merge(self) -> None:
        one, other = (await self.open_shards())[:2]
        await self.client.merge_shards(
            StreamName=self.name, ShardToMerge=one["ShardId"], AdjacentShardToMerge=other["ShardId"]
        )
        await self.active()


@asynccontextmanager
async def stream(region: AwsRegion, name: str, shards: int = 1) -> AsyncIterator[Stream]:
    session: Any = AioSession()
    async with session.create_client(
        "kinesis",
        region_name=region.id,
        endpoint_url=region.endpoint,
        aws_access_key_id=CREDENTIALS.access_key_id,
        aws_secret_access_key=CREDENTIALS.secret_access_key,
    ) as client:
        await client.create_stream(StreamName=name, ShardCount=shards)
        made = Stream(client, name)
        await made.active()
        yield made


def ingress(region: AwsRegion, name: str, **arguments: Any) -> KinesisIngress:
    routes = [Route(name=name, value_type=STRING, targets=["demo/one"])]
    return KinesisIngress(id="demo/in", streams=routes, region=region, credentials=CREDENTIALS, **arguments)


def egress(region: AwsRegion) -> KinesisEgress:
    return KinesisEgress(id="demo/out", region=region, credentials=CREDENTIALS)


@pytest.mark.parametrize("startup", [StartFrom.EARLIEST, StartFrom.LATEST], ids=lambda startup: startup.value)
def test_splits_and_merges_with_restarts_lose_nothing_repeat_nothing_and_keep_the_order_of_each_key(
    region: AwsRegion, startup: StartFrom
) -> None:
    name = f"flights-{startup.value}"

    async def test() -> None:
        async with stream(region, name) as changing, opened(egress(region)) as one:
            expected: list[tuple[str, bytes]] = []
            seen: list[tuple[str, bytes]] = []
            begin = FakeInlet()
            async with reading(ingress(region, name, startup=startup), begin):
                await begin.until(lambda: bool(begin.puts))
            position = begin.puts[0][1]

            async def write(count: int) -> None:
                first = len(expected)
                records = [(f"key-{number % 11}", b"%d" % number) for number in range(first, first + count)]
                await one.deliver(outgoing(one, *records, stream=name, first=first + 1))
                expected.extend(records)

            for turn in range(8):
                inlet = FakeInlet(position, limit=3)
                if turn % 2:  # while it is down, else while it runs
                    await write(20)
                    await changing.split()
                    await write(20)
                async with reading(ingress(region, name, startup=startup), inlet):
                    if not turn % 2:
                        await write(20)
                        await (changing.merge if turn >= 4 else changing.split)()
                        await write(20)
                    await inlet.until(functools.partial(inlet.holds, len(expected) - len(seen) - 25))
                # The last puts are lost with their transaction.
                kept = inlet.puts[: max(1, len(inlet.puts) - 3)]
                seen += pairs(kept)
                position = kept[-1][1]
            last = FakeInlet(position)
            async with reading(ingress(region, name, startup=startup), last):
                await last.until(lambda: len(seen) + len(last.records) >= len(expected))
            seen += pairs(last.puts)
            assert sorted(seen) == sorted(expected)
            for key in {key for key, _ in expected}:
                assert [value for each, value in seen if each == key] == [
                    value for each, value in expected if each == key
                ]
            told = await changing.client.list_shards(StreamName=name)
            assert len(told["Shards"]) == 1 + 6 * 2 + 2  # six splits, two merges

    run(test())


def pairs(puts: Any) -> list[tuple[str, bytes]]:
    return [(record.id, record.value) for taken, _ in puts for record in taken if isinstance(record, Record)]


def test_a_stream_that_does_not_exist(region: AwsRegion) -> None:
    async def test() -> None:
        with pytest.raises(IngressError, match="'nowhere', which does not exist"):
            await source(ingress(region, "nowhere")).run(FakeInlet())
        async with opened(egress(region)) as one:
            with pytest.raises(EgressError, match="'nowhere', which does not exist"):
                await one.deliver(outgoing(one, ("a", b"1"), stream="nowhere"))

    run(test())
