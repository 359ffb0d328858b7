"""A Kinesis in this process that the real client talks to over HTTP, for what moto's does not do.

Shards that end, in which nothing is left to read but their children; records that are dropped; iterators that expire; quotas that are met in the
middle of a request; calls that fail in any way that a test asks for. Its rules are those of the API reference.
"""

from __future__ import annotations

import base64
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from aiohttp import web

from statefun.model import AwsCredentials, AwsRegion
from statefun.protocol.kinesis import hash_of

FIRST = 49590338271490256608559692538361571095921575989136588898
CREDENTIALS = AwsCredentials(access_key_id="AKIATEST", secret_access_key="hunter2-the-secret")


class Stored(NamedTuple):
    number: int
    key: str
    data: bytes
    arrived: float


class FakeShard:
    def __init__(self, id: str, first_hash: int, last_hash: int, parents: tuple[str, ...] = ()) -> None:
        self.id = id
        self.first_hash = first_hash
        self.last_hash = last_hash
        self.parents = parents
        self.closed = False
        self.records: list[Stored] = []


class Failing(Exception):  # noqa: N818  what a test asks for is no error
    def __init__(self, code: str, status: int = 400, text: str = "as the test asks") -> None:
        self.code = code
        self.status = status
        self.text = text


class FakeKinesis:
    """The streams, what was asked, and what is to fail."""

    def __init__(self) -> None:
        self.streams: dict[str, dict[str, FakeShard]] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.authorizations: list[str] = []
        self.senseless: list[Exception] = []
        """What was asked that Kinesis could make nothing of; it fails the test."""
        self.fail_next: dict[str, deque[Failing]] = {}
        self.refuse: Callable[[dict[str, Any]], str | None] = lambda _entry: None
        self.page = 1000
        self.behind = 0
        self.now = datetime(2026, 11, 24, 9, 30, tzinfo=UTC).timestamp()
        self.url = "http://127.0.0.1:9"  # nobody, until it is served
        self._age = 0
        self._numbers = FIRST

    # --- what a test does ---------------------------------------------------------------------------------------------

    @property
    def region(self) -> AwsRegion:
        return AwsRegion(id="eu-central-1", endpoint=self.url)

    def make(self, stream: str, shards: int = 1) -> None:
        step = 2**128 // shards
        self.streams[stream] = {}
        for index in range(shards):
            self._add(stream, index * step, 2**128 - 1 if index == shards - 1 else (index + 1) * step - 1)

    def put(self, stream: str, key: str, data: bytes, *, hash: int | None = None) -> str:
        place = hash_of(key) if hash is None else hash
        for shard in self.streams[stream].values():
            if not shard.closed and shard.first_hash <= place <= shard.last_hash:
                self._numbers += 7
                shard.records.append(Stored(self._numbers, key, data, self.now))
                return str(self._numbers)
        raise AssertionError("no open shard")

    def split(self, stream: str, id: str) -> list[str]:
        shard = self.streams[stream][id]
        shard.closed = True
        middle = (shard.first_hash + shard.last_hash) // 2
        return [
            self._add(stream, shard.first_hash, middle, (id,)),
            self._add(stream, middle + 1, shard.last_hash, (id,)),
        ]

    def merge(self, stream: str, one: str, other: str) -> str:
        first, second = self.streams[stream][one], self.streams[stream][other]
        first.closed = second.closed = True
        return self._add(stream, first.first_hash, second.last_hash, (one, other))

    def drop_records(self, stream: str, id: str, count: int) -> None:
        """Drops the oldest records of a shard, as time does."""
        del self.streams[stream][id].records[:count]

    def drop_shard(self, stream: str, id: str) -> None:
        """Drops a closed shard with all of its records."""
        del self.streams[stream][id]

    def expire_iterators(self) -> None:
        self._age += 1

    def fail(self, operation: str, *failures: Failing) -> None:
        self.fail_next.setdefault(operation, deque()).extend(failures)

    def stored(self, stream: str) -> list[Stored]:
        return sorted(record for shard in self.streams[stream].values() for record in shard.records)

    def asked(self, operation: str) -> list[dict[str, Any]]:
        return [said for name, said in self.calls if name == operation]

    # --- what the client asks -----------------------------------------------------------------------------------------

    async def answer(self, request: web.Request) -> web.Response:
        operation = request.headers["X-Amz-Target"].partition(".")[2]
        self.authorizations.append(request.headers["Authorization"])
        said = await request.json()
        self.calls.append((operation, said))
        headers = {"Date": datetime.fromtimestamp(self.now, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")}
        try:
            failures = self.fail_next.get(operation)
            if failures:
                raise failures.popleft()
            status, body = 200, getattr(self, f"_{operation}")(said)
        except (ValueError, KeyError) as error:
            self.senseless.append(error)
            raise
        except Failing as failing:
            status, body = failing.status, {"__type": failing.code, "message": failing.text}
        return web.Response(
            status=status, text=json.dumps(body), content_type="application/x-amz-json-1.1", headers=headers
        )

    def _add(self, stream: str, first: int, last: int, parents: tuple[str, ...] = ()) -> str:
        shards = self.streams[stream]
        number = 1 + max((int(each[-12:]) for each in shards), default=-1)
        shard = FakeShard(f"shardId-{number:012}", first, last, parents)
        shards[shard.id] = shard
        return shard.id

    def _stream(self, name: str) -> dict[str, FakeShard]:
        if name not in self.streams:
            raise Failing("ResourceNotFoundException", text=f"Stream {name} under account 000000000000 not found.")
        return self.streams[name]

    def _ListShards(self, said: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name, _, start = said["NextToken"].partition("@") if "NextToken" in said else (said["StreamName"], "", "0")
        shards = [*self._stream(name).values()]
        first, last = int(start), int(start) + self.page
        answer: dict[str, Any] = {"Shards": [self._told(shard) for shard in shards[first:last]]}
        if last < len(shards):
            answer["NextToken"] = f"{name}@{last}"
        return answer

    def _told(self, shard: FakeShard) -> dict[str, Any]:
        numbers = {"StartingSequenceNumber": str(FIRST)}
        if shard.closed:
            numbers["EndingSequenceNumber"] = str(self._numbers)
        parents = dict(zip(("ParentShardId", "AdjacentParentShardId"), shard.parents, strict=False))
        hashes = {"StartingHashKey": str(shard.first_hash), "EndingHashKey": str(shard.last_hash)}
        return {"ShardId": shard.id, "HashKeyRange": hashes, "SequenceNumberRange": numbers, **parents}

    def _GetShardIterator(self, said: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        shards = self._stream(said["StreamName"])
        if said["ShardId"] not in shards:
            raise Failing("ResourceNotFoundException", text=f"Shard {said['ShardId']} does not exist")
        kind = said["ShardIteratorType"]
        records = shards[said["ShardId"]].records
        if kind == "TRIM_HORIZON":
            number = 0
        elif kind == "LATEST":
            number = self._numbers + 1
        elif kind == "AT_TIMESTAMP":
            number = next((each.number for each in records if each.arrived >= said["Timestamp"]), self._numbers + 1)
        else:
            number = int(said["StartingSequenceNumber"]) + (kind == "AFTER_SEQUENCE_NUMBER")
            if number < FIRST:
                raise Failing("InvalidArgumentException", text="it did not come from this stream")
        return {"ShardIterator": json.dumps([said["StreamName"], said["ShardId"], number, self._age])}

    def _GetRecords(self, said: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        stream, id, number, age = json.loads(said["ShardIterator"])
        if age != self._age:
            raise Failing("ExpiredIteratorException", text="Iterator expired.")
        shard = self._stream(stream).get(id)
        if shard is None:
            raise Failing("ResourceNotFoundException", text=f"Shard {id} does not exist")
        found = [each for each in shard.records if each.number >= number][: said["Limit"]]
        following = found[-1].number + 1 if found else number
        answer: dict[str, Any] = {
            "Records": [
                {
                    "SequenceNumber": str(each.number),
                    "PartitionKey": each.key,
                    "Data": base64.b64encode(each.data).decode(),
                    "ApproximateArrivalTimestamp": each.arrived,
                }
                for each in found
            ],
            "MillisBehindLatest": self.behind,
        }
        if not shard.closed or any(each.number >= following for each in shard.records):
            answer["NextShardIterator"] = json.dumps([stream, id, following, age])
        return answer

    def _PutRecords(self, said: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self._stream(said["StreamName"])
        results: list[dict[str, Any]] = []
        for entry in said["Records"]:
            code = self.refuse(entry)
            if code is not None:
                results.append({"ErrorCode": code, "ErrorMessage": "as the test asks"})
                continue
            explicit = entry.get("ExplicitHashKey")
            number = self.put(
                said["StreamName"],
                entry["PartitionKey"],
                base64.b64decode(entry["Data"]),
                hash=None if explicit is None else int(explicit),
            )
            results.append({"SequenceNumber": number, "ShardId": "shardId-000000000000"})
        return {"FailedRecordCount": sum("ErrorCode" in each for each in results), "Records": results}


@asynccontextmanager
async def fake_kinesis() -> AsyncIterator[FakeKinesis]:
    """A fresh one on a free port."""
    kinesis = FakeKinesis()
    app = web.Application(client_max_size=16 << 20)
    app.router.add_post("/", kinesis.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        kinesis.url = f"http://{host}:{port}"
        yield kinesis
    finally:
        await runner.cleanup()
    if kinesis.senseless:
        raise kinesis.senseless[0]
