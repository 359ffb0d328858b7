"""Kinesis through the whole runtime, on moto: each record counts once in state, whatever commit a crash comes before or behind."""

from __future__ import annotations

import asyncio
import importlib
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

from statefun import StatefulFunctions
from statefun.model import AwsRegion
from statefun.module.load import load
from statefun.primitives import LONG
from statefun.runtime import Options, Report, Runtime, Store
from tests.runtime.kinesis_fake import CREDENTIALS
from tests.runtime.rig import runtime_of
from tests.runtime.test_kinesis_moto import stream

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "kinesis.md").read_text(encoding="utf-8"), re.DOTALL)[0]
TAILS = [f"N{number}" for number in range(7)]

MODULE = """
kind: io.statefun.kinesis.v1/ingress
spec:
  id: flights/departures
  awsRegion: {{type: custom-endpoint, id: eu-central-1, endpoint: "{endpoint}"}}
  awsCredentials: {{type: basic, accessKeyId: {key}, secretAccessKey: {secret}}}
  startupPosition: {{type: earliest}}
  streams:
    - stream: departures
      valueType: flights/departure
      targets: [flights/aircraft]
---
kind: io.statefun.kinesis.v1/egress
spec:
  id: flights/counts
  awsRegion: {{type: custom-endpoint, id: eu-central-1, endpoint: "{endpoint}"}}
  awsCredentials: {{type: basic, accessKeyId: {key}, secretAccessKey: {secret}}}
"""


class Crash(BaseException):
    """Ends a run where a kill would."""


@pytest.fixture
def region(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsRegion]:
    """A Kinesis of moto's, which the AWS SDK finds as it finds AWS: the program of the page runs as it is."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_KINESIS", endpoint)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", CREDENTIALS.access_key_id)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CREDENTIALS.secret_access_key)
        yield AwsRegion(id="eu-central-1", endpoint=endpoint)
    finally:
        server.stop()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The program of the page, which names its message type, as may be done once in a process."""
    path = tmp_path_factory.mktemp("page") / "flights_on_kinesis.py"
    path.write_text(PROGRAM, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(path.parent))
        yield importlib.import_module(path.stem)
        del sys.modules[path.stem]


def of_module(program: Any, region: AwsRegion) -> StatefulFunctions:
    """The same function with the ingress and egress of a module.yaml."""
    functions = StatefulFunctions()
    functions.register(program.Aircraft)
    text = MODULE.format(endpoint=region.endpoint, key=CREDENTIALS.access_key_id, secret=CREDENTIALS.secret_access_key)
    module = load(text)
    for ingress in module.ingresses:
        functions.ingress(ingress)
    for egress in module.egresses:
        functions.egress(egress)
    return functions


def counted(runtime: Runtime) -> dict[str, int]:
    return {id: LONG.v3.decode(states["flights"].value) for id, states in runtime.states("flights/aircraft")}


def run_once(
    functions: StatefulFunctions, store: Path, until: int, crash: Callable[[str], None]
) -> tuple[dict[str, int], bool]:
    """Runs until so many flights are counted, or a crash; gives what is committed, and whether it was a crash."""
    crashed = False
    with Store(store) as opened:

        def look(_report: Report) -> None:
            if sum(counted(runtime).values()) >= until:
                runtime.stop()

        with runtime_of(
            functions, opened, options=Options(max_group=4, drain=120), progress=look, crash_point=crash
        ) as runtime:
            try:
                runtime.run_until_idle()
            except Crash:
                crashed = True
            return counted(runtime), crashed


def crash_at(place: str, times: int) -> Callable[[str], None]:
    seen: Counter[str] = Counter()

    def point(name: str) -> None:
        seen[name] += 1
        if name == place and seen[name] == times:
            raise Crash(place)

    return point


def nowhere(_name: str) -> None:
    """No crash."""


def departures(first: int, count: int) -> list[tuple[str, int]]:
    return [(TAILS[number % len(TAILS)], number) for number in range(first, first + count)]


async def fill(client: Any, flights: list[tuple[str, int]]) -> None:
    for tail, number in flights:
        await client.put_record(StreamName="departures", PartitionKey=tail, Data=b'{"airport": "A%d"}' % number)


async def written(client: Any) -> list[str]:
    found: list[str] = []
    for shard in (await client.list_shards(StreamName="counts"))["Shards"]:
        told = await client.get_shard_iterator(
            StreamName="counts", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )
        answer = await client.get_records(ShardIterator=told["ShardIterator"])
        found += [record["Data"].decode() for record in answer["Records"]]
    return found


@pytest.mark.parametrize("place", ["before commit", "after commit", "before egress write", "after egress write"])
def test_each_record_counts_once_and_is_told_at_least_once_across_a_crash_and_a_restart(
    place: str, region: AwsRegion, program: Any, tmp_path: Path
) -> None:
    def functions() -> StatefulFunctions:
        return program.functions if place.startswith("before") else of_module(program, region)

    async def test() -> None:
        async with stream(region, "departures") as client, stream(region, "counts", shards=2):
            flights = departures(0, 60)
            await fill(client, flights)
            store = tmp_path / "store"
            # Deliveries go on beside the transactions, several in one: the first is the only one that is certain to come.
            crash = crash_at(place, 1 if "egress" in place else 5)
            _, crashed = await asyncio.to_thread(run_once, functions(), store, 60, crash)
            assert crashed
            more = departures(60, 20)
            await fill(client, more)
            flights += more
            counts, _ = await asyncio.to_thread(run_once, functions(), store, len(flights), nowhere)
            assert counts == Counter(tail for tail, _ in flights)
            seen: Counter[str] = Counter()
            expected: list[str] = []
            for tail, number in flights:
                seen[tail] += 1
                expected.append(f"{tail} A{number} {seen[tail]}")
            told = await written(client)
            assert set(told) == set(expected)
            if place == "after egress write":  # what arrived and was not known to have arrived comes again
                assert len(told) > len(expected)
            for tail in TAILS:
                own = [int(each.rsplit(" ", 1)[1]) for each in told if each.startswith(f"{tail} ")]
                firsts = list(dict.fromkeys(own))
                assert firsts == sorted(firsts)

    asyncio.run(test())
