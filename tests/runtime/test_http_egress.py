"""Records wait in the store until they are fetched, and are given again when it is not noted that they were."""

from __future__ import annotations

import asyncio
import json

import pytest

from statefun.errors import EgressError
from statefun.model import PlaygroundEgress
from statefun.runtime.egress import http
from statefun.runtime.egress.http import HttpSink
from statefun.runtime.egress.sink import Confirmed, OutgoingRecord
from tests.runtime.http_rig import BoundFetch, Client, connected, in_loop, serving

TYPE = "io.statefun.playground/EgressRecord"


def record(sink: HttpSink, sequence: int, place: int, topic: str, payload: str) -> OutgoingRecord:
    value = json.dumps({"topic": topic, "payload": payload}).encode()
    return OutgoingRecord(sequence, place, sink.encode(TYPE, value))


async def fetch(client: Client, topic: str) -> tuple[int, bytes]:
    reply = await client.ask(f"/{topic}", method="GET")
    return reply.status, reply.body if reply.status == 200 else b""


async def fetched_all(client: Client, topic: str) -> list[str]:
    found: list[str] = []
    while True:
        status, body = await fetch(client, topic)
        if status == 404:
            return found
        assert status == 200
        found.append(body.decode())


@in_loop
async def test_records_are_fetched_one_by_one_in_the_order_of_their_topic() -> None:
    async with serving(topics=["a", "é/x"]) as sink, connected(sink.url) as client:
        assert (await fetch(client, "a"))[0] == 404
        await sink.deliver(
            [record(sink, 1, 0, "a", "one"), record(sink, 1, 1, "é/x", "zwei\n"), record(sink, 2, 0, "a", "")]
        )
        first = await client.ask("/a", method="GET")
        assert (first.status, first.body) == (200, b"one")
        assert first.headers["statefun-record-id"] == "store-1-0"
        assert first.headers["content-type"] == "application/octet-stream"
        assert first.headers["cache-control"] == "no-store"
        assert await fetch(client, "a") == (200, b"")
        assert await fetch(client, "%C3%A9%2Fx") == (200, b"zwei\n")
        assert (await fetch(client, "a"))[0] == (await fetch(client, "%C3%A9%2Fx"))[0] == 404


@in_loop
async def test_two_clients_do_not_get_the_same_record() -> None:
    async with serving() as sink, connected(sink.url) as one, connected(sink.url) as two:
        await sink.deliver([record(sink, 1, place, "a", str(place)) for place in range(100)])
        found = await asyncio.gather(fetched_all(one, "a"), fetched_all(two, "a"))
        assert sorted(int(each) for part in found for each in part) == list(range(100))


@in_loop
async def test_what_is_not_there() -> None:
    async with serving() as sink, connected(sink.url) as client:
        await sink.deliver([record(sink, 1, 0, "a", "one")])
        reply = await client.ask("/a", method="GET", Connection="keep-alive")
        assert reply.status == 200
        assert (await client.ask("/a", method="GET")).code == "no-record"
        unknown = await client.ask("/c", method="GET")
        assert (unknown.status, unknown.code) == (405, "unknown-topic")
        assert "a, b" in unknown.problem["hint"]
        assert (await client.ask("/a/b/c", method="GET")).code == "no-such-path"  # it is an ingress that has these


@pytest.mark.parametrize("method", ["POST", "HEAD", "DELETE", "OPTIONS"])
def test_only_a_get_takes_a_record(method: str) -> None:
    @in_loop
    async def test() -> None:
        async with serving() as sink, connected(sink.url) as client:
            await sink.deliver([record(sink, 1, 0, "a", "one")])
            client.send("/a", method=method)
            reply = await client.read(head=method == "HEAD")
            assert reply.status == 405
            assert reply.headers["allow"] == "GET"
            assert await fetch(client, "a") == (200, b"one")

    test()


# --- what functions send ------------------------------------------------------------------------------------------


def some_sink() -> HttpSink:
    return HttpSink(BoundFetch(PlaygroundEgress(port=0, topics=["a", "b"])))


@pytest.mark.parametrize("typename", [TYPE, f"type.googleapis.com/{TYPE}"])
def test_a_record_is_known_by_its_type_in_both_protocols(typename: str) -> None:
    assert some_sink().encode(typename, b'{"payload": "\\u00e9", "topic": "a", "more": 1}') == b'"a"\n\xc3\xa9'


@pytest.mark.parametrize(
    ("typename", "value", "said"),
    [
        ("io.statefun.types/string", b'{"topic": "a", "payload": "x"}', "io.statefun.types/string"),
        ("type.googleapis.com/x.Y", b'{"topic": "a", "payload": "x"}', "x.Y"),
        (TYPE, b'{"topic": "c", "payload": "x"}', "no topic 'c'"),
        (TYPE, b"", "none"),
        (TYPE, b"\xff", "none"),
        (TYPE, b"[]", "none"),
        (TYPE, b"7", "none"),
        (TYPE, b'"text"', "none"),
        (TYPE, b'{"topic": "a"}', "no 'payload'"),
        (TYPE, b'{"payload": "x"}', "no 'topic'"),
        (TYPE, b'{"topic": "a", "payload": 7}', "no texts"),
        (TYPE, b'{"topic": ["a"], "payload": "x"}', "no texts"),
        (TYPE, b'{"topic": "a", "payload": null}', "no texts"),
        (TYPE, b'{"topic": "a", "payload": "\\ud800"}', "none"),
        (TYPE, b"[" * 100_000, "none"),
    ],
)
def test_what_is_no_record_is_an_error_of_the_message_that_sends_it(typename: str, value: bytes, said: str) -> None:
    with pytest.raises(EgressError, match=r"io\.statefun\.playground/egress") as raised:
        some_sink().encode(typename, value)
    assert said in raised.value.message
    assert raised.value.hint


# --- what is kept -------------------------------------------------------------------------------------------------


@in_loop
async def test_a_record_is_confirmed_when_it_and_all_before_it_are_fetched() -> None:
    async with serving() as sink, connected(sink.url) as client:
        await sink.deliver([record(sink, n, 0, "ab"[n % 2], str(n)) for n in range(1, 7)])  # b: 1 3 5, a: 2 4 6
        assert (await sink.confirm()).sequence == 0
        await fetch(client, "b")
        assert (await sink.confirm()).sequence == 1
        await fetch(client, "b")
        assert (await sink.confirm()).sequence == 1  # 2 is not fetched
        await fetch(client, "a")
        assert (await sink.confirm()).sequence == 3
        await fetched_all(client, "a")
        assert (await sink.confirm()).sequence == 4
        await fetched_all(client, "b")
        assert await sink.confirm() == Confirmed(6, '{"sequence": 6, "taken": {}}')


@in_loop
async def test_half_of_a_transaction_that_is_fetched_is_not_confirmed() -> None:
    async with serving() as sink, connected(sink.url) as client:
        await sink.deliver([record(sink, 7, 0, "a", "x"), record(sink, 7, 1, "a", "y")])
        await fetch(client, "a")
        assert (await sink.confirm()).sequence == 6
        await fetch(client, "a")
        assert (await sink.confirm()).sequence == 7


@in_loop
async def test_after_a_restart_what_was_fetched_and_noted_is_not_given_again() -> None:
    """Whatever was fetched up to any moment, noted or not: nothing is lost, and what was noted comes once."""
    for noted in range(7):
        async with serving() as sink, connected(sink.url) as client:
            records = [record(sink, 1 + n // 2, n % 2, "aab"[n % 3], str(n)) for n in range(6)]
            await sink.deliver(records)
            order = ["a", "a", "b", "a", "b", "a"]
            got = [(await fetch(client, topic))[1].decode() for topic in order[:noted]]
            confirmed = await sink.confirm()
        # The runtime has kept what was confirmed, and delivers what is behind its sequence.
        async with serving(confirmed.position) as sink, connected(sink.url) as client:
            assert await sink.confirm() == confirmed
            await sink.deliver([each for each in records if each.sequence > confirmed.sequence])
            rest = await fetched_all(client, "a") + await fetched_all(client, "b")
            assert sorted(got + rest) == [str(n) for n in range(6)]
            assert (await sink.confirm()).sequence == 3


@in_loop
async def test_what_was_fetched_and_not_noted_is_given_again() -> None:
    async with serving() as sink, connected(sink.url) as client:
        records = [record(sink, 1, 0, "a", "x")]
        await sink.deliver(records)
        assert await fetched_all(client, "a") == ["x"]
    async with serving() as sink, connected(sink.url) as client:  # killed before it was asked what has arrived
        await sink.deliver(records)
        assert await fetched_all(client, "a") == ["x"]


@pytest.mark.parametrize("limit", ["MOST_WAITING", "MOST_BYTES"])
def test_no_more_is_taken_from_the_store_than_is_fetched(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, limit, 3)

    @in_loop
    async def test() -> None:
        async with serving() as sink, connected(sink.url) as client:
            await asyncio.wait_for(sink.deliver([record(sink, n, 0, "a", "x") for n in (1, 2, 3)]), 10)
            delivering = asyncio.create_task(sink.deliver([record(sink, n, 0, "b", "x") for n in (4, 5)]))
            await fetch(client, "a")
            assert not delivering.done()
            await fetch(client, "b")
            await asyncio.wait_for(delivering, 10)

    test()


@in_loop
async def test_a_record_of_a_topic_that_is_gone_stays_in_the_store() -> None:
    async with serving(topics=["a", "old"]) as sink:
        records = [record(sink, 1, 0, "old", "x")]
    async with serving(topics=["a"]) as sink:
        with pytest.raises(EgressError, match=r"'old', which io\.statefun.playground/egress does not have any more"):
            await sink.deliver(records)


@in_loop
async def test_a_sink_that_never_opened_closes() -> None:
    await some_sink().close()
