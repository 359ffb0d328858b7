"""Memory stays within its bounds when inputs come faster than functions take them. (`memory` of the proofs has a million addresses.)"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from statefun import (
    LONG,
    AsyncRequestReplyHandler,
    Context,
    FunctionType,
    StatefulFunction,
    StatefulFunctions,
    ValueSpec,
    handles,
)
from statefun.embedded import Embedded
from statefun.errors import ClientBusyError, EgressUnavailableError
from statefun.runtime import Inlet, Options, OutgoingRecord, Record, Runtime, Sink, Store


class Held(StatefulFunction[int], typename="memory/held"):
    """Takes what it is given when it is let."""

    let = asyncio.Event()
    count: ValueSpec[int] = ValueSpec(LONG, default=0)

    @handles
    async def on_number(self, context: Context, number: int) -> None:
        await self.let.wait()
        self.count += 1


class Flood:
    """Puts numbers as fast as it can, until there are so many."""

    id = "memory/flood"

    def __init__(self, records: int) -> None:
        self.records = records
        self.put = 0

    async def run(self, inlet: Inlet) -> None:
        value = LONG.v3.encode(1)
        for number in range(self.records):
            await inlet.put([Record(("memory/held",), str(number % 10), LONG.v3.typename, value)])
            self.put += 1


def test_a_source_waits_while_the_inboxes_are_full(tmp_path: Path) -> None:
    functions = StatefulFunctions()
    functions.register(Held)
    flood = Flood(400)
    functions.ingress(flood)
    options = Options(max_pending=50, max_group=10, hold=0)
    most = 0

    async def program() -> None:
        nonlocal most
        Held.let, full = asyncio.Event(), asyncio.Event()
        with Store(tmp_path / "s") as store:
            runtime = Runtime(
                AsyncRequestReplyHandler(functions),
                store,
                states=functions.specs(),
                ingresses=functions.ingresses,
                options=options,
                progress=lambda report: full.set() if report.pending >= 50 else None,
            )
            running = asyncio.ensure_future(runtime.run())
            await full.wait()
            for _ in range(200):  # nothing more comes in, however often it gets its turn
                await asyncio.sleep(0)
                most = max(most, runtime.report.pending, flood.put)
            Held.let.set()
            report = await running
        assert report.records == 400

    asyncio.run(program())
    assert most <= 50 + 10 + 1


class Ticking(StatefulFunction[int], typename="memory/ticking"):
    """Sends a record and wakes itself, for ever."""

    @handles
    def on_number(self, context: Context, number: int) -> None:
        context.send_egress("memory/down", "tick")
        context.send_after(timedelta(milliseconds=1), Ticking.at(context.address.id), number)


class Down(Sink):
    """Is not there."""

    def __init__(self) -> None:
        super().__init__("memory/down")
        self.asked = 0
        self.asked_often = asyncio.Event()

    async def deliver(self, records: Sequence[OutgoingRecord]) -> None:
        self.asked += 1
        if self.asked == 4:
            self.asked_often.set()
        raise EgressUnavailableError("nobody is there")


def test_timers_wait_while_a_sink_is_behind(tmp_path: Path) -> None:
    functions = StatefulFunctions()
    functions.register(Ticking)
    functions.egress(sink := Down())
    most = 0

    async def program() -> None:
        nonlocal most
        options = Options(max_undelivered=100, drain=0)
        async with Embedded(functions, store=tmp_path / "s", options=options) as client:
            await asyncio.gather(*(client.send(Ticking.at(str(number)), number) for number in range(20)))
            await sink.asked_often.wait()

    asyncio.run(program())
    with Store(tmp_path / "s") as store:
        most = sum(len(records) for _, _, records in store.undelivered())
        assert store.count("timers") + store.count("inbox") == 20  # each of them waits somewhere
    # One group more than the bound, of as many as tick at once.
    assert 100 <= most < 100 + 20 + 1


def test_a_sink_that_is_not_there_at_the_start_is_waited_for(tmp_path: Path) -> None:
    class Late(Sink):
        opened = 0
        got: list[bytes] = []

        async def open(self, store: str, position: str | None) -> None:
            self.opened += 1
            if self.opened < 3:
                raise EgressUnavailableError("nobody is there yet")

        async def deliver(self, records: Sequence[OutgoingRecord]) -> None:
            self.got += [each.data for each in records]

    functions = StatefulFunctions()
    sink = Late("memory/late")

    @functions.bind("memory/teller")
    def teller(context: Context, text: str) -> None:
        context.send_egress("memory/late", text)

    functions.egress(sink)

    async def program() -> None:
        async with Embedded(functions, store=tmp_path / "s") as client:
            await client.send(FunctionType[str]("memory/teller").at("1"), "told")

    asyncio.run(program())
    assert sink.opened == 3
    assert sink.got == [b"\n\x04told"]


def test_who_may_not_wait_is_told_that_an_inbox_is_full_and_others_go_on(tmp_path: Path) -> None:
    functions = StatefulFunctions()
    functions.register(Held)

    async def program() -> int:
        refused = 0
        Held.let = asyncio.Event()
        options = Options(max_inbox=20, hold=0)
        async with Embedded(functions, store=tmp_path / "s", options=options) as client:
            for number in range(100):
                try:
                    await client.send(Held.at("busy"), number)
                except ClientBusyError:
                    refused += 1
                await client.send(Held.at(f"other {number}"), number)
            Held.let.set()
        return refused

    assert asyncio.run(program()) == 80
    with Store(tmp_path / "s") as store:
        counts = {id: LONG.v3.decode(states["count"].value) for id, states in store.states(Held)}
    assert counts == {"busy": 20, **{f"other {number}": 1 for number in range(100)}}
