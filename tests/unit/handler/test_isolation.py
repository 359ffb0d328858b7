"""Batches that run at the same time share nothing."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from statefun import (
    LONG,
    Context,
    StatefulFunction,
    ValueSpec,
    handles,
    json_type,
)
from statefun.batch import ProtocolVersion
from tests.unit.handler.counter import TO
from tests.unit.rig import PROTOCOLS, Engine


class Shares(StatefulFunction[int], typename="test/f"):
    """Notes the objects that it is given, waits until others are in the middle of theirs, and goes on."""

    total: ValueSpec[int] = ValueSpec(LONG, default=0)
    tags: ValueSpec[list[Any]] = ValueSpec(json_type("test/shared-tags", list), default=[])
    given: list[tuple[Any, ...]] = []
    wait: Any

    def note(self, context: Context, number: int) -> None:
        assert context.address.identity == str(number)
        self.total += number
        self.tags.append(number)
        Shares.given.append((self, context, self._statefun_cells, self.tags))

    def finish(self, context: Context, number: int) -> None:
        assert self.total == number
        assert self.tags == [number]
        context.send(TO, number)


class SharesThreads(Shares, typename="test/f"):
    @handles
    def on_number(self, context: Context, number: int) -> None:
        self.note(context, number)
        self.wait.wait(timeout=30)
        self.finish(context, number)


class SharesTasks(Shares, typename="test/f"):
    @handles
    async def on_number(self, context: Context, number: int) -> None:
        self.note(context, number)
        await self.wait.wait()
        self.finish(context, number)


def assert_nothing_shared(count: int) -> None:
    assert len(Shares.given) == count
    for objects in zip(*Shares.given, strict=True):
        assert len({id(each) for each in objects}) == count


@PROTOCOLS
@pytest.mark.parametrize("factory", [False, True])
def test_threads_on_the_sync_handler_never_share_an_object_a_context_or_a_cell(
    protocol: ProtocolVersion, factory: bool
) -> None:
    count = 16
    Shares.given = []
    SharesThreads.wait = threading.Barrier(count)
    making = threading.Barrier(count)

    def make() -> SharesThreads:
        making.wait(timeout=30)  # so that all are being made at once
        return SharesThreads()

    engine = Engine(protocol)
    engine.functions.register(SharesThreads, factory=make if factory else None)
    answers: dict[int, Any] = {}
    handler = engine.handler
    engines = [Engine(protocol, functions=engine.functions, handler=handler) for _ in range(count)]
    for number, each in enumerate(engines):
        each.store(f"test/f/{number}", "total", None)
        each.store(f"test/f/{number}", "tags", None)

    def serve(number: int) -> None:
        answers[number] = engines[number].send(f"test/f/{number}", number)

    threads = [threading.Thread(target=serve, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_nothing_shared(count)
    for number in range(count):
        assert answers[number].states["total"] == number
        assert answers[number].messages == [("test/to/2", number)]


@PROTOCOLS
@pytest.mark.parametrize("factory", [False, True])
def test_tasks_on_the_async_handler_never_share_an_object_a_context_or_a_cell(
    protocol: ProtocolVersion, factory: bool
) -> None:
    count = 16
    Shares.given = []
    engine = Engine(protocol, asynchronous=True)
    engine.functions.register(SharesTasks, factory=(lambda: SharesTasks()) if factory else None)

    async def serve() -> list[bytes]:
        SharesTasks.wait = asyncio.Event()
        requests = []
        for number in range(count):
            engine.store(f"test/f/{number}", "total", None)
            engine.store(f"test/f/{number}", "tags", None)
            requests.append(engine.request(f"test/f/{number}", number))
        tasks = [asyncio.ensure_future(engine.handler(each)) for each in requests]
        while len(Shares.given) < count:  # noqa: ASYNC110  all are in the middle of theirs
            await asyncio.sleep(0)
        SharesTasks.wait.set()
        return await asyncio.gather(*tasks)

    answers = asyncio.run(serve())
    assert_nothing_shared(count)
    assert len(set(answers)) == count
