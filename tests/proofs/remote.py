"""A function server that answers slowly, not at all, in part, twice, too late, or breaks off: each input has its effect once all the same.

The runtime calls the functions of tests/runtime/killing.py over HTTP; a third of the requests meet the fault of the case, most of them after
the function was called.
"""

from __future__ import annotations

import asyncio
import logging
import random
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiohttp.client_proto import ResponseHandler
from google.protobuf.wrappers_pb2 import Int64Value

from statefun import FileEgress, FileIngress, RequestReplyHandler, StatefulFunctions
from statefun.batch import ProtocolVersion
from statefun.errors import StatefunError
from statefun.model import EndpointState, HttpEndpoint, OkHttpTransport
from statefun.runtime import Options, Report, Runtime, Store
from statefun.runtime.remote import lines
from statefun.runtime.remote.client import EndpointClient
from tests.proofs.workload import Difference
from tests.runtime import killing
from tests.runtime.faulty import FaultyServer, Line, Play, answer, chunked
from tests.runtime.test_kill import check

# Every fault is one that is met on purpose.
logging.getLogger("statefun.runtime").addHandler(logging.NullHandler())

RECORDS: Final = 300
STATES: Final = {"kill/meter": ("total", "late"), "kill/sum": ("total",)}
Fault = Callable[["Plays", Line, bytes], Awaitable[bool]]
"""Does something else than answering; gives whether the connection is good for another request."""


def handler() -> RequestReplyHandler:
    """The functions as they are behind HTTP."""
    functions = StatefulFunctions()
    functions.register(killing.Meter)
    functions.register(killing.Sum)
    return RequestReplyHandler(functions)


class Plays:
    """A function server that plays one fault.

    Args:
        fault: The fault.
        seed: Which requests meet it.
    """

    def __init__(self, fault: str, seed: int) -> None:
        self.chance = random.Random(seed)
        self.played = 0
        self._fault = FAULTS[fault]
        self._handler = handler()

    async def __call__(self, line: Line) -> None:
        good = True
        while good:
            if self._fault is resets and self.chance.random() < 0.1:
                self.played += 1
                await line.reader.read(self.chance.randrange(1, 200))  # not all of the request
                line.reset()
                return
            body = self._handler(await line.request())
            if self.chance.random() < 1 / 3:
                self.played += 1
                good = await self._fault(self, line, body)
            else:
                await line.send(answer(body))


@contextmanager
def serving(play: Play) -> Iterator[str]:
    """Plays on each connection, in a thread of its own; gives the URL."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = FaultyServer(play)
    try:
        asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result()
        try:
            yield server.url
        finally:
            asyncio.run_coroutine_threadsafe(server.__aexit__(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def slow(plays: Plays, line: Line, body: bytes) -> bool:
    whole = answer(body) if plays.chance.random() < 0.5 else chunked(*(body[at : at + 1] for at in range(len(body))))
    for at in range(0, len(whole), 7):
        await line.send(whole[at : at + 7])
        await asyncio.sleep(0)
    return True


async def hung(plays: Plays, line: Line, body: bytes) -> bool:
    whole = answer(body)
    await line.send(whole[: plays.chance.choice((0, 10, len(whole) - len(body), len(whole) - 1))])
    await line.gone()
    return False


async def resets(plays: Plays, line: Line, body: bytes) -> bool:
    whole = answer(body)
    await line.send(whole[: plays.chance.choice((0, 10, len(whole) - len(body), len(whole) - 1))])
    line.reset()
    return False


async def truncated(plays: Plays, line: Line, body: bytes) -> bool:
    parts = plays.chance.choice((answer(body), chunked(body[:5], body[5:]) if len(body) > 5 else chunked(body)))
    head = parts.index(b"\r\n\r\n") + 4
    # A part of the head, the head alone, the first bytes of the body, or all of it but the last.
    await line.send(parts[: plays.chance.choice((10, head, plays.chance.randrange(head, len(parts)), len(parts) - 1))])
    return False


async def duplicated(_plays: Plays, line: Line, body: bytes) -> bool:
    await line.send(answer(body) * 2)
    return True


async def late(_plays: Plays, line: Line, body: bytes) -> bool:
    await line.gone()  # until its client has lost patience
    await line.send(answer(body))
    return False


FAULTS: Final[dict[str, Fault]] = {
    "slow": slow,
    "hung": hung,
    "reset": resets,
    "truncated": truncated,
    "duplicated": duplicated,
    "late": late,
}


def endpoints(url: str, protocol: ProtocolVersion, transport: OkHttpTransport) -> list[HttpEndpoint]:
    """Where both functions are, as a module of either version says it."""
    if protocol is ProtocolVersion.V3:
        return [HttpEndpoint(functions="kill/*", url=url, transport=transport)]
    return [
        HttpEndpoint(
            functions=function,
            url=url,
            transport=transport,
            protocol=protocol,
            states=[EndpointState(name=name) for name in names],
        )
        for function, names in STATES.items()
    ]


def work(
    folder: Path, url: str, protocol: ProtocolVersion, records: int, transport: OkHttpTransport, **options: Any
) -> Report:
    """Runs the workload over HTTP to its end."""
    rows = "".join(f"{id},{value}\n" for id, value in killing.rows(records))
    (folder / "in.csv").write_text(f"id,value\n{rows}")
    here = StatefulFunctions()  # no function is in this process
    here.ingress(
        FileIngress(id="kill/in", path=folder / "in.csv", message=Int64Value, key="id", targets=["kill/meter"])
    )
    here.egress(FileEgress(id="kill/out", path=folder / "out.txt"))
    with (
        Store(folder / "store") as store,
        Runtime(
            RequestReplyHandler(here),
            store,
            states=here.specs(),
            ingresses=here.ingresses,
            egresses=here.egresses,
            endpoints=endpoints(url, protocol, transport),
            options=Options(max_group=20, max_invocations=60, protocol=protocol, **options),
        ) as runtime,
    ):
        return runtime.run_until_idle()


def prove(folder: Path, url: str, protocol: ProtocolVersion, records: int, transport: OkHttpTransport) -> None:
    """Runs the workload over HTTP to its end, and holds what is left to the model."""
    try:
        work(folder, url, protocol, records, transport)
    except StatefunError as error:
        raise Difference(f"the run ended with {error}") from error
    check(folder, protocol, records)


def case(fault: str, protocol: ProtocolVersion, seed: int, records: int = RECORDS) -> int:
    """One workload; gives how many faults were played."""
    patience = timedelta(seconds=0.05 if fault in ("hung", "late") else 10)
    plays = Plays(fault, seed)
    with tempfile.TemporaryDirectory() as folder, serving(plays) as url:
        prove(Path(folder), url, protocol, records, OkHttpTransport(call=timedelta(minutes=5), read=patience))
    if plays.played < 20:
        raise Difference(f"{fault} was met {plays.played} times only: nothing is proved")
    return plays.played


def _sabotaged(holder: Any, name: str, replacement: Any, fault: str) -> None:
    kept = getattr(holder, name)
    setattr(holder, name, replacement)
    try:
        for protocol in ProtocolVersion:
            case(fault, protocol, 1)
    finally:
        setattr(holder, name, kept)


def stale_answer() -> None:
    """A connection is used again, whatever is left on it."""

    class Trusting(ResponseHandler):
        should_close = property(lambda _self: False)

    _sabotaged(lines, "_silent_line", Trusting, "duplicated")


def partial_answer() -> None:
    """What came of an answer before it broke off is taken for the whole."""

    async def body(_self: EndpointClient, response: aiohttp.ClientResponse) -> bytes:
        read = bytearray()
        try:
            async for part in response.content.iter_any():
                read += part
        except aiohttp.ClientPayloadError:
            pass
        return bytes(read)

    _sabotaged(EndpointClient, "_body", body, "truncated")


async def call_once(self: EndpointClient, typename: str, request: bytes) -> bytes:
    """A call that takes a lost answer for an empty one."""
    answered = await self._attempt(self._place(typename), request, self._timeouts)
    return answered if isinstance(answered, bytes) else b""


def lost_answer() -> None:
    """A request whose answer was lost is not repeated: it was sent, after all."""
    _sabotaged(EndpointClient, "call", call_once, "reset")


BUGS = (stale_answer, partial_answer, lost_answer)
