"""A run in which something waits: who is woken up, in which order, and what everybody is told when the run ends."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from statefun import (
    STRING,
    AsyncRequestReplyHandler,
    Context,
    FileEgress,
    RequestReplyHandler,
    StatefulFunction,
    StatefulFunctions,
    handles,
)
from statefun.batch import ProtocolVersion, Target, TypedBytes
from statefun.embedded import Embedded, EmbeddedClient
from statefun.errors import AddressError, BindingError, ClientUnavailableError, EgressError, IngressError, StoreError
from statefun.model import BoundEgress, BoundIngress
from statefun.protocol.values import encode_address, wrap
from statefun.runtime import Inlet, Options, OutgoingRecord, Record, Report, Runtime, Sink, Store, VirtualClock
from statefun.runtime.changes import Changes, StateRow
from statefun.runtime.inlets import RuntimeInlet
from statefun.runtime.packing import pack_states
from statefun.runtime.replies import Replies

SOON = 10.0
"""Seconds: what takes longer hangs."""


class Echo(StatefulFunction[str], typename="test/echo"):
    @handles
    def on_text(self, context: Context, text: str) -> None:
        context.send_egress("test/out", text)


class Quiet(StatefulFunction[str], typename="test/quiet"):
    @handles
    def on_text(self, context: Context, text: str) -> None:
        pass


def quiet() -> StatefulFunctions:
    functions = StatefulFunctions()
    functions.register(Quiet)
    return functions


def record(id: str, target: str = "test/quiet") -> Record:
    return Record((target,), id, STRING.v3.typename, STRING.v3.encode(id))


class From:
    """A source made of a function."""

    def __init__(self, run: Callable[[Inlet], Awaitable[Any]], id: str = "test/in") -> None:
        self.id = id
        self._run = run

    async def run(self, inlet: Inlet) -> None:
        await self._run(inlet)


async def run(folder: Path, functions: StatefulFunctions, *sources: From, **settings: Any) -> Report:
    with Store(folder / "store") as store:
        runtime = Runtime(
            settings.pop("call", None) or RequestReplyHandler(functions),
            store,
            states=functions.specs(),
            ingresses=[*functions.ingresses, *(BoundIngress(each) for each in sources)],
            egresses=settings.pop("egresses", functions.egresses),
            **settings,
        )
        async with asyncio.timeout(SOON):
            return await runtime.run()


# --- an inlet -------------------------------------------------------------------------------------------------------


def inlet_of(limit: int) -> RuntimeInlet:
    def yes(_: object) -> bool:
        return True

    return RuntimeInlet("test/in", ProtocolVersion.V3, None, limit, yes, yes, Replies(), lambda: None)


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def ids(inlet: RuntimeInlet, room: int) -> list[str]:
    return [each.id for put in inlet.take(room) for each in put.records if isinstance(each, Record)]


def test_all_that_have_room_go_on_together_and_in_their_order() -> None:
    async def program() -> None:
        inlet = inlet_of(4)
        tasks = [asyncio.ensure_future(inlet.put([record(str(number))])) for number in range(10)]
        await turns()
        assert ids(inlet, 4) == ["0", "1", "2", "3"]
        late = asyncio.ensure_future(inlet.put([record("late")]))
        await turns()
        assert [ids(inlet, 4) for _ in range(2)] == [["4", "5", "6", "7"], ["8", "9", "late"]]
        await asyncio.gather(*tasks, late)

    asyncio.run(program())


def test_who_gives_up_waiting_for_room_holds_up_nobody() -> None:
    async def program() -> None:
        inlet = inlet_of(1)
        first, second, third = (asyncio.ensure_future(inlet.put([record(each)])) for each in "123")
        await turns()
        await first
        assert ids(inlet, 1) == ["1"]
        second.cancel()  # at the very moment at which there is room for it
        await turns()
        while inlet.waiting:
            inlet.take(1)
            await turns()
        assert third.done()

    asyncio.run(program())


def test_an_id_that_is_no_text_is_the_error_of_who_puts_it(tmp_path: Path) -> None:
    async def source(inlet: Inlet) -> None:
        with pytest.raises(AddressError):
            await inlet.put([record("a")._replace(id="\ud800")])
        await inlet.put([record("b")])

    assert asyncio.run(run(tmp_path, quiet(), From(source))).records == 1


def test_a_flood_from_one_source_leaves_room_for_another(tmp_path: Path) -> None:
    async def answer(request: bytes) -> bytes:
        await asyncio.sleep(0.002)
        return await AsyncRequestReplyHandler(functions)(request)

    async def flood(inlet: Inlet) -> None:
        for number in range(500):
            if done.is_set():
                return
            await inlet.put([record(f"flood{number}")])
        raise IngressError("the other source was never heard")

    async def other(inlet: Inlet) -> None:
        for number in range(5):
            await (await inlet.put([record(f"other{number}")])).committed()
        done.set()

    functions, done = quiet(), asyncio.Event()
    options = Options(max_pending=4, concurrency=1, hold=0)
    asyncio.run(run(tmp_path, functions, From(flood, "test/a"), From(other, "test/b"), call=answer, options=options))


def test_functions_that_take_their_time_leave_some_to_all_others(tmp_path: Path) -> None:
    clock = VirtualClock()
    functions = StatefulFunctions()

    @functions.bind("test/slow")
    def slow(_context: Context, _text: str) -> None:
        clock.advance(1)

    async def slowly(inlet: Inlet) -> None:
        for number in range(20):
            receipt = await inlet.put([record(str(number), "test/slow")])
        await receipt.committed()
        pending.append(runtime.report.pending)

    pending: list[int] = []
    with Store(tmp_path / "store") as store:
        runtime = Runtime(
            RequestReplyHandler(functions),
            store,
            states=functions.specs(),
            ingresses=[BoundIngress(From(slowly))],
            clock=clock,
        )
        assert runtime.run_until_idle().invocations == 20
    assert pending > [0]


# --- records that wait for their confirmation -------------------------------------------------------------------------


def test_more_small_records_than_may_be_undelivered_go_into_a_file(tmp_path: Path) -> None:
    async def source(inlet: Inlet) -> None:
        for number in range(100):
            await inlet.put([record(str(number), "test/echo")])

    functions = StatefulFunctions()
    functions.register(Echo)
    functions.egress(FileEgress(id="test/out", path=tmp_path / "out.jsonl"))
    assert asyncio.run(run(tmp_path, functions, From(source), options=Options(max_undelivered=10))).records == 100
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 100


# --- what ends by itself ----------------------------------------------------------------------------------------------


def test_a_source_that_ends_in_a_cancellation_of_its_own_ends_the_run_with_an_error(tmp_path: Path) -> None:
    async def source(inlet: Inlet) -> None:
        await inlet.put([record("a")])
        raise asyncio.CancelledError

    with pytest.raises(IngressError, match="test/in"):
        asyncio.run(run(tmp_path, quiet(), From(source)))


def test_a_sink_that_ends_in_a_cancellation_of_its_own_ends_the_run_with_an_error(tmp_path: Path) -> None:
    class Cancelled(Sink):
        async def deliver(self, records: Sequence[OutgoingRecord]) -> None:
            raise asyncio.CancelledError

    async def source(inlet: Inlet) -> None:
        await inlet.put([record("a", "test/echo")])

    functions = StatefulFunctions()
    functions.register(Echo)
    with pytest.raises(EgressError, match="test/out"):
        asyncio.run(run(tmp_path, functions, From(source), egresses=[BoundEgress(Cancelled("test/out"))]))


def test_a_function_whose_task_is_cancelled_fails_its_message_and_not_the_run(tmp_path: Path) -> None:
    async def answer(_request: bytes) -> bytes:
        raise asyncio.CancelledError

    async def source(inlet: Inlet) -> None:
        await inlet.put([record("a")])

    options = Options(attempts=2, backoff=1)
    assert asyncio.run(run(tmp_path, quiet(), From(source), call=answer, options=options)).dead_letters == 1


def test_a_sink_that_cannot_be_closed_hides_no_error_and_keeps_no_other_open(tmp_path: Path) -> None:
    class Bad(Sink):
        async def deliver(self, records: Sequence[OutgoingRecord]) -> None:
            raise EgressError("the disk is gone")

        async def close(self) -> None:
            closed.append(self.id)
            raise OSError("it is gone")

    async def source(inlet: Inlet) -> None:
        await inlet.put([record("a", "test/echo")])

    closed: list[str] = []
    functions = StatefulFunctions()
    functions.register(Echo)
    egresses = [BoundEgress(Bad("test/out")), BoundEgress(Bad("test/other"))]
    with pytest.raises(EgressError, match="the disk is gone"):
        asyncio.run(run(tmp_path, functions, From(source), egresses=egresses))
    assert closed == ["test/out", "test/other"]


class Halting(Store):
    """Lets a test look at a commit from without."""

    writing: threading.Event
    goes_on: threading.Event
    written = False

    def commit(self, changes: Changes) -> None:
        if changes.positions:
            self.writing.set()
            assert self.goes_on.wait(SOON)
        super().commit(changes)
        self.written = self.written or bool(changes.positions)


def test_a_run_that_is_cancelled_again_and_again_ends_behind_its_commit(tmp_path: Path) -> None:
    async def source(inlet: Inlet) -> None:
        await inlet.put([record("a")], "1")

    async def program() -> None:
        with Halting(tmp_path / "store") as store:
            store.writing, store.goes_on = threading.Event(), threading.Event()
            runtime = Runtime(
                RequestReplyHandler(quiet()), store, states=quiet().specs(), ingresses=[BoundIngress(From(source))]
            )
            running = asyncio.ensure_future(runtime.run())
            assert await asyncio.to_thread(store.writing.wait, SOON)
            for _ in range(3):
                running.cancel()
                await turns()
            assert not running.done()
            store.goes_on.set()
            with pytest.raises(asyncio.CancelledError):
                await running
            assert store.written

    asyncio.run(program())


def states_of(ids: range) -> Changes:
    value = pack_states([(b"n", 0, wrap(TypedBytes("test/type", b"1"), ProtocolVersion.V3))])
    keys = [encode_address(Target("test", "count", f"{id:03}")) for id in ids]
    return Changes(states=[StateRow(key, None, value, True) for key in keys])


def test_who_reads_states_sees_no_commit_that_is_half_written(tmp_path: Path) -> None:
    half, looked = threading.Event(), threading.Event()

    def write(store: Store) -> None:
        with contextlib.suppress(StoreError), store.transaction() as connection:
            connection.execute("DELETE FROM states")
            half.set()
            looked.wait(0.1)  # who looks has to wait for the end of this
            raise StoreError("it is not to be")

    with Store(tmp_path / "store") as store:
        store.commit(states_of(range(3)))
        writing = threading.Thread(target=write, args=(store,))
        writing.start()
        assert half.wait(SOON)
        seen = [id for id, _ in store.states("test/count")]
        looked.set()
        writing.join()
    assert seen == ["000", "001", "002"]


@pytest.mark.parametrize("count", [0, 3, 4, 5, 8])
def test_states_are_read_some_at_a_time_and_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr("statefun.runtime.store._PAGE", 4)
    with Store(tmp_path / "store") as store:
        store.commit(states_of(range(count)))
        assert [id for id, _ in store.states("test/count")] == [f"{id:03}" for id in range(count)]


def test_a_runtime_runs_once(tmp_path: Path) -> None:
    with Store(tmp_path / "store") as store:
        runtime = Runtime(RequestReplyHandler(quiet()), store, states=quiet().specs())
        runtime.run_until_idle()
        with pytest.raises(BindingError, match="has run before"):
            runtime.run_until_idle()


# --- what everybody is told -------------------------------------------------------------------------------------------


class Unreadable(Store):
    def load_states(self, address: bytes) -> tuple[int | None, bytes] | None:
        raise StoreError("the disk cannot be read")


def test_who_sent_what_a_failing_run_had_in_hand_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statefun.embedded.Store", Unreadable)

    told: list[BaseException] = []

    async def program() -> None:
        async with Embedded(quiet(), store=tmp_path / "s") as client:
            try:
                async with asyncio.timeout(SOON):
                    await client.send(Quiet.at("7"), "text")
            except (ClientUnavailableError, TimeoutError) as error:
                told.append(error)

    with pytest.raises(StoreError, match="cannot be read"):
        asyncio.run(program())
    assert [type(each) for each in told] == [ClientUnavailableError]


def test_who_waits_for_a_reply_is_told_that_the_run_has_ended(tmp_path: Path) -> None:
    async def program() -> None:
        async with Embedded(quiet(), store=tmp_path / "s") as client:
            asking = asyncio.ensure_future(client.ask(Quiet.at("7"), "text", reply=str, timeout=600))
            await client.send(Quiet.at("7"), "behind it")
        with pytest.raises(ClientUnavailableError):
            async with asyncio.timeout(SOON):
                await asking

    asyncio.run(program())


def test_a_client_of_a_run_that_has_ended_is_not_told_to_come_again(tmp_path: Path) -> None:
    async def program() -> None:
        async with Embedded(quiet(), store=tmp_path / "s") as client:
            kept: EmbeddedClient = client
        with pytest.raises(ClientUnavailableError):
            await kept.send(Quiet.at("7"), "text")

    asyncio.run(program())
