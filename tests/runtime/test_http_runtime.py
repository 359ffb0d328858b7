"""Messages over HTTP into the real runtime and its store: sent, asked, fetched, repeated, refused, and all of it again after a restart."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from attrs import define

from statefun import (
    LONG,
    STRING,
    AsyncRequestReplyHandler,
    Context,
    FunctionType,
    StatefulFunction,
    StatefulFunctions,
    ValueSpec,
    handles,
    json_type,
)
from statefun.batch import ProtocolVersion
from statefun.client import HttpClient
from statefun.errors import AskTimeoutError, ClientRefusedError, UnknownFunctionError
from statefun.model import PlaygroundEgress, PlaygroundIngress
from statefun.runtime import Options, Runtime, Store
from tests.runtime.http_rig import connected, in_loop
from tests.runtime.rig import runtime_of

RECORD = json_type("io.statefun.playground/EgressRecord", dict)
EGRESS = "io.statefun.playground/egress"


class Counter(StatefulFunction[int | str], typename="http-runtime/counter"):
    """Adds numbers up, says the total to whoever asks, and hands texts to the egress."""

    total: ValueSpec[int] = ValueSpec(LONG, default=0)

    @handles
    def on_number(self, context: Context, number: int) -> None:
        self.total += number
        if context.caller is not None:
            context.reply(self.total)

    @handles
    def on_text(self, context: Context, text: str) -> None:
        context.send_egress(EGRESS, {"topic": "said", "payload": text}, type=RECORD)


@define
class Run:
    """A runtime that runs."""

    url: str
    runtime: Runtime


@contextlib.asynccontextmanager
async def running(folder: Path, port: int, protocol: ProtocolVersion = ProtocolVersion.V3) -> AsyncGenerator[Run]:
    functions = StatefulFunctions()
    functions.register(Counter)
    functions.ingress(PlaygroundIngress(port=port))
    functions.egress(PlaygroundEgress(port=port, topics=["said"]))
    with Store(folder) as store:
        runtime = runtime_of(functions, store, AsyncRequestReplyHandler(functions), options=Options(protocol=protocol))
        with runtime:
            task = asyncio.create_task(runtime.run())
            try:
                await opened(port, task)
                yield Run(f"http://127.0.0.1:{port}", runtime)
            finally:
                runtime.stop()
                await task


async def opened(port: int, task: asyncio.Task[Any]) -> None:
    """Waits until clients can connect, or until the run has ended."""
    while not task.done():
        with contextlib.suppress(ConnectionRefusedError):
            async with connected(f"http://127.0.0.1:{port}"):
                return
        await asyncio.sleep(0.01)


def a_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


@pytest.mark.parametrize("protocol", ProtocolVersion)
def test_send_ask_and_fetch_on_one_port_and_again_after_a_restart(tmp_path: Path, protocol: ProtocolVersion) -> None:
    @in_loop
    async def test() -> None:
        port, seen = a_free_port(), set[str]()
        for time in range(3):
            async with running(tmp_path, port, protocol) as run, HttpClient(run.url, protocol=protocol) as client:
                await client.send(Counter.at("a"), 5, key="once")
                await client.send(Counter.at("a"), 1, key=f"each-{time}")
                assert await client.ask(Counter.at("a"), 0, reply=int, timeout=20) == 5 + time + 1
                await client.send(Counter.at("b"), f"text {time}")
                assert await fetched(run.url, seen) == f"text {time}"

    test()


async def fetched(url: str, seen: set[str]) -> str:
    """The next record that was not seen before, as soon as there is one."""
    async with connected(url) as client:
        while True:
            reply = await client.ask("/said", method="GET")
            if reply.status == 404:
                await asyncio.sleep(0.01)
                continue
            assert reply.status == 200
            id = reply.headers["statefun-record-id"]
            if id not in seen:
                seen.add(id)
                return reply.body.decode()


@in_loop
async def test_a_record_that_nobody_fetched_is_there_after_a_restart(tmp_path: Path) -> None:
    port, seen = a_free_port(), set[str]()
    async with running(tmp_path, port) as run, HttpClient(run.url) as client:
        for text in ("one", "two", "three"):
            await client.send(Counter.at("b"), text)
        assert await fetched(run.url, seen) == "one"
    async with running(tmp_path, port) as run:
        assert [await fetched(run.url, seen) for _ in range(2)] == ["two", "three"]


@in_loop
async def test_64_clients_count_each_message_once(tmp_path: Path) -> None:
    async with running(tmp_path, a_free_port()) as run, HttpClient(run.url) as client:

        async def one(name: int) -> None:
            for number in range(10):
                for _ in range(2):  # each of them twice
                    await client.send(Counter.at(str(name % 8)), 1, key=f"{name}-{number}")

        await asyncio.gather(*(one(name) for name in range(64)))
        totals = [await client.ask(Counter.at(str(id)), 0, reply=int, timeout=20) for id in range(8)]
        assert totals == [80] * 8


@in_loop
async def test_what_the_runtime_cannot_do_is_told(tmp_path: Path) -> None:
    async with running(tmp_path, a_free_port()) as run, HttpClient(run.url) as client:
        with pytest.raises(UnknownFunctionError):
            await client.send(FunctionType("http-runtime/nobody").at("a"), 1)
        with pytest.raises(AskTimeoutError):
            await client.ask(Counter.at("a"), "a text is not replied to", reply=str, timeout=0.2)
        assert await client.ask(Counter.at("a"), 1, reply=int, timeout=20, key="k") == 1
        with pytest.raises(ClientRefusedError, match="409 repeated-key"):
            await client.ask(Counter.at("a"), 1, reply=int, timeout=20, key="k")
        assert await client.ask(Counter.at("a"), 0, reply=int, timeout=20) == 1


@in_loop
async def test_a_text_without_a_type_is_a_string_in_both_protocols(tmp_path: Path) -> None:
    for protocol in ProtocolVersion:
        async with running(tmp_path / protocol.name, a_free_port(), protocol) as run, connected(run.url) as client:
            assert (await client.ask("/http-runtime/counter/a", b"hello", Content_Type="text/plain")).status == 200
            assert await fetched(run.url, set()) == "hello"
            assert (await client.ask("/http-runtime/counter/a", STRING.v3.encode("again"))).status == 200
            assert await fetched(run.url, set()) == "again"


@in_loop
async def test_a_record_of_an_unknown_topic_fails_its_message_alone(tmp_path: Path) -> None:
    wrong: dict[str, Any] = {"topic": "nowhere", "payload": "x"}
    functions = StatefulFunctions()

    @functions.bind("http-runtime/wrong")
    def wrong_topic(context: Context, message: str) -> None:
        context.send_egress(EGRESS, wrong, type=RECORD)

    port = a_free_port()
    functions.ingress(PlaygroundIngress(port=port))
    functions.egress(PlaygroundEgress(port=port, topics=["said"]))
    with Store(tmp_path) as store:
        runtime = runtime_of(
            functions, store, AsyncRequestReplyHandler(functions), options=Options(attempts=1, max_dead_in_a_row=1)
        )
        with runtime:
            task = asyncio.create_task(runtime.run())
            async with HttpClient(f"http://127.0.0.1:{port}") as client:
                await client.send(FunctionType("http-runtime/wrong").at("a"), "x")
            with pytest.raises(Exception, match="failing-program"):
                await task
        (letter,) = store.dead_messages()
        assert "no topic 'nowhere'" in json.dumps(str(letter))
