"""The runtime inside a program, and its client: durable sends, questions and their replies, and what goes wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from statefun import (
    LONG,
    STRING,
    Context,
    FileIngress,
    FunctionType,
    StatefulFunction,
    StatefulFunctions,
    ValueSpec,
    handles,
)
from statefun.client import Client
from statefun.embedded import Embedded
from statefun.errors import (
    AskTimeoutError,
    BindingError,
    ClientBusyError,
    ClientRefusedError,
    ClientUnavailableError,
    IngressError,
    ReplyTypeError,
    StoreError,
    StoreLockedError,
    UnknownFunctionError,
)
from statefun.runtime import Options, Store


class Tally(StatefulFunction[int | str], typename="test/tally"):
    count: ValueSpec[int] = ValueSpec(LONG, default=0)

    @handles
    def on_number(self, context: Context, number: int) -> None:
        self.count += number

    @handles
    def on_question(self, context: Context, question: str) -> None:
        match question:
            case "total":
                context.reply(self.count)
            case "twice":
                context.reply(self.count)
                context.reply(-1)
            case "silence":
                pass
            case _:
                context.reply(question)


class Slow(StatefulFunction[int], typename="test/slow"):
    @handles
    async def on_number(self, context: Context, number: int) -> None:
        await asyncio.sleep(0.01)
        context.reply(number + 1)


def registry(*more: type[StatefulFunction]) -> StatefulFunctions:
    functions = StatefulFunctions()
    for each in (Tally, *more):
        functions.register(each)
    return functions


def total_in(folder: Path, id: str) -> int:
    with Store(folder) as store:
        return LONG.v3.decode(store.states_of(Tally, id)["count"].value)


def test_a_message_is_on_disk_when_it_was_sent_and_a_question_sees_it(tmp_path: Path) -> None:
    async def program() -> None:
        async with Embedded(registry(), store=tmp_path / "s") as client:
            await client.send(Tally.at("7"), 3)
            await client.send(Tally.at("7"), 4)
            assert await client.ask(Tally.at("7"), "total", reply=int, timeout=5) == 7
            assert await client.ask(Tally.at("7"), "twice", reply=LONG, timeout=5) == 7
            assert await client.ask(Tally.at("7"), "echo", reply=str, timeout=5) == "echo"

    asyncio.run(program())
    assert total_in(tmp_path / "s", "7") == 7


def test_many_ask_at_once_and_each_gets_its_own_reply(tmp_path: Path) -> None:
    async def program() -> list[int]:
        async with Embedded(registry(Slow), store=tmp_path / "s") as client:
            asked = [client.ask(Slow.at(str(number % 20)), number, reply=int, timeout=20) for number in range(200)]
            return await asyncio.gather(*asked)

    assert asyncio.run(program()) == list(range(1, 201))


def test_a_time_out_leaves_nobody_waiting_and_the_message_takes_effect(tmp_path: Path) -> None:
    async def program() -> None:
        embedded = Embedded(registry(), store=tmp_path / "s")
        async with embedded as client:
            with pytest.raises(AskTimeoutError, match="test/tally/7"):
                await client.ask(Tally.at("7"), "silence", reply=int, timeout=0.05)
            assert embedded._runtime is not None
            assert len(embedded._runtime._replies) == 0
            await client.ask(Tally.at("7"), "total", reply=int, timeout=5)
            assert len(embedded._runtime._replies) == 0

    asyncio.run(program())
    with Store(tmp_path / "s") as store:
        for table in ("inbox", "timers", "outbox", "dead"):
            assert store.count(table) == 0, table


def test_a_message_with_a_key_counts_once_for_each_address_and_over_restarts(tmp_path: Path) -> None:
    async def program() -> None:
        async with Embedded(registry(), store=tmp_path / "s") as client:
            await asyncio.gather(*(client.send(Tally.at(id), 1, key="k") for id in ("a", "b", "a", "a")))
            with pytest.raises(ClientRefusedError, match="used before"):
                await client.ask(Tally.at("a"), "total", reply=int, timeout=5, key="k")

    asyncio.run(program())
    asyncio.run(program())
    assert total_in(tmp_path / "s", "a") == total_in(tmp_path / "s", "b") == 1


def test_what_a_client_can_do_wrong_is_told(tmp_path: Path) -> None:
    async def program() -> None:
        async with Embedded(registry(), store=tmp_path / "s") as client:
            with pytest.raises(UnknownFunctionError, match="test/slow"):
                await client.send(Slow.at("1"), 1)
            with pytest.raises(ReplyTypeError, match="types/string"):
                await client.ask(Tally.at("7"), "text", reply=int, timeout=5)
            with pytest.raises(StoreLockedError):
                async with Embedded(registry(), store=tmp_path / "s"):
                    pass
        with pytest.raises(ClientUnavailableError):
            await client.send(Tally.at("7"), 1)

    asyncio.run(program())


def test_an_inbox_that_is_full_takes_no_more(tmp_path: Path) -> None:
    class Stuck(StatefulFunction[int], typename="test/stuck"):
        @handles
        async def on_number(self, context: Context, number: int) -> None:
            await held.wait()

    held = asyncio.Event()

    async def program() -> None:
        options = Options(max_inbox=3, max_batch=1, hold=0)
        async with Embedded(registry(Stuck), store=tmp_path / "s", options=options) as client:
            for number in range(3):
                await client.send(Stuck.at("1"), number)
            with pytest.raises(ClientBusyError, match="test/stuck/1"):
                await client.send(Stuck.at("1"), 3)
            await client.send(Stuck.at("2"), 1)
            held.set()

    asyncio.run(program())


def test_what_ends_the_runtime_is_raised_at_the_end_of_the_block(tmp_path: Path) -> None:
    class Broken:
        id = "test/broken"

        async def run(self, inlet: object) -> None:
            raise OSError("no such device")

    async def program(functions: StatefulFunctions) -> None:
        async with Embedded(functions, store=tmp_path / "s") as client:
            while True:
                await client.send(Tally.at("1"), 1)

    functions = registry()
    functions.ingress(Broken())
    with pytest.raises(IngressError, match="no such device") as raised:
        asyncio.run(program(functions))
    assert isinstance(raised.value.__context__, ClientUnavailableError | ClientBusyError)


def test_who_sends_is_told_that_the_transaction_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_store: Store, _changes: object) -> None:
        raise StoreError("the disk is full")

    told: list[str] = []

    async def program() -> None:
        async with Embedded(registry(), store=tmp_path / "s") as client:
            monkeypatch.setattr(Store, "commit", fail)
            async with asyncio.timeout(30):  # who is told nothing waits for ever
                try:
                    await client.send(Tally.at("7"), 3)
                except ClientUnavailableError as error:
                    told.append(error.message)

    with pytest.raises(StoreError, match="the disk is full"):
        asyncio.run(program())
    (line,) = told
    assert "the run ended before this was written" in line


def test_an_embedded_client_is_a_client(tmp_path: Path) -> None:
    async def program() -> bool:
        async with Embedded(registry(), store=tmp_path / "s") as client:
            return isinstance(client, Client)

    assert asyncio.run(program())


def test_a_runtime_that_cannot_start_lets_go_of_its_store(tmp_path: Path) -> None:
    nobody = FunctionType[str]("test/nobody")
    wrong = registry()
    wrong.ingress(
        FileIngress(
            id="test/in",
            path=tmp_path / "in.csv",
            message=STRING,
            key="id",
            convert=lambda row: row["text"],
            targets=[nobody],
        )
    )

    async def main() -> None:
        stays = Embedded(wrong, store=tmp_path / "s")  # so that it does not go with the object
        with pytest.raises(BindingError, match="test/nobody"):
            await stays.__aenter__()
        async with Embedded(registry(), store=tmp_path / "s") as client:
            assert await client.ask(Tally.at("1"), "total", reply=int, timeout=10) == 0

    asyncio.run(main())
