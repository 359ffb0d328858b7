"""An inlet that is told when to commit, a client that speaks plain bytes, and sources and sinks that listen on free ports."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, ParamSpec

import trustme
from attrs import define, field, frozen

from statefun.batch import ProtocolVersion, TypedBytes
from statefun.errors import IngressError, StatefunError
from statefun.model import PlaygroundEgress, PlaygroundIngress
from statefun.runtime.egress.http import HttpSink
from statefun.runtime.http.limits import Limits
from statefun.runtime.ingress.http import HttpSource
from statefun.runtime.ingress.source import Record, Rejected

P = ParamSpec("P")
TOKEN = "a-token-of-enough-characters"


@frozen
class BoundHttp:
    ingress: PlaygroundIngress


@frozen
class BoundFetch:
    egress: PlaygroundEgress


@define
class FakeReceipt:
    future: asyncio.Future[bool]

    async def committed(self) -> bool:
        return await asyncio.shield(self.future)


@define
class FakeInlet:
    """Keeps what is put, and says that it is on disk when it is told to: at once, unless `holds` is set.

    A key that was put before has no effect, and is told so when the first is on disk.
    """

    holds: bool = False
    full: set[tuple[str, str]] = field(factory=set)
    closed: bool = False
    unknown: set[str] = field(factory=set)
    error: StatefunError | Exception | None = None
    reply: TypedBytes | None = None
    replies_never: bool = False
    records: list[Record] = field(factory=list)
    keys: dict[str, asyncio.Future[bool]] = field(factory=dict)
    pending: list[asyncio.Future[bool]] = field(factory=list)
    asked: list[tuple[Record, float, str | None]] = field(factory=list)
    abandoned: asyncio.Event = field(factory=asyncio.Event)
    came: asyncio.Condition = field(factory=asyncio.Condition)
    position: str | None = None
    limit: int = 500
    protocol: ProtocolVersion = ProtocolVersion.V3

    def known(self, target: str) -> bool:
        return target not in self.unknown

    def room(self, target: str, id: str) -> bool:
        return (target, id) not in self.full

    async def put(
        self, records: Sequence[Record | Rejected], position: str | None = None, *, key: str | None = None
    ) -> FakeReceipt:
        if self.error is not None:
            raise self.error
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if key is not None and key in self.keys:
            await asyncio.shield(self.keys[key])
            future.set_result(False)
            return FakeReceipt(future)
        if key is not None:
            self.keys[key] = future
        for record in records:
            assert isinstance(record, Record)
            self.records.append(record)
        if self.holds:
            self.pending.append(future)
        else:
            future.set_result(True)
        async with self.came:
            self.came.notify_all()
        return FakeReceipt(future)

    async def ask(self, record: Record, within: float, key: str | None = None) -> TypedBytes | None:
        self.asked.append((record, within, key))
        async with self.came:
            self.came.notify_all()
        if self.error is not None:
            raise self.error
        if self.replies_never:
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                self.abandoned.set()
                raise
        return self.reply

    def skipped(self, error: StatefunError) -> None:
        raise AssertionError(f"nothing is left out by HTTP: {error}")

    async def until(self, count: int) -> None:
        """Waits until so many records were put or asked with."""
        async with self.came:
            await self.came.wait_for(lambda: len(self.records) + len(self.asked) >= count)

    def commit(self) -> None:
        for future in self.pending:
            future.set_result(True)
        self.pending.clear()

    def fail(self) -> None:
        for future in self.pending:
            future.set_exception(IngressError("the run ended"))
        self.pending.clear()


@frozen
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers["content-type"] == "application/problem+json"
        found: dict[str, Any] = json.loads(self.body)
        assert found["status"] == self.status
        assert found["hint"]
        assert found["detail"]
        return found

    @property
    def code(self) -> str:
        code: str = self.problem["code"]
        return code


@define
class Client:
    """A connection, byte for byte."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    def send(
        self,
        target: str,
        body: bytes = b"",
        *,
        method: str = "POST",
        headers: Mapping[str, str] = MappingProxyType({}),
        **more: str,
    ) -> None:
        named = {"host": "127.0.0.1", **headers, **{name.replace("_", "-"): value for name, value in more.items()}}
        lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
        self.write(f"{method} {target} HTTP/1.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body)

    async def ask(
        self,
        target: str,
        body: bytes = b"",
        *,
        method: str = "POST",
        headers: Mapping[str, str] = MappingProxyType({}),
        **more: str,
    ) -> Reply:
        self.send(target, body, method=method, headers=headers, **more)
        return await self.read()

    async def read(self, *, head: bool = False) -> Reply:
        async with asyncio.timeout(30):
            first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = b"" if head else await self.reader.readexactly(int(headers.get("content-length", "0")))
            return Reply(int(first.split(" ")[1]), headers, body)

    async def ended(self) -> bool:
        """Whether the server closes the connection and has sent nothing more."""
        async with asyncio.timeout(30):
            try:
                return await self.reader.read() == b""
            except ConnectionResetError:
                return True


@contextlib.asynccontextmanager
async def connected(url: str) -> AsyncGenerator[Client]:
    host, _, port = url.partition("://")[2].rpartition(":")
    reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@define
class Running:
    source: HttpSource
    inlet: FakeInlet
    task: asyncio.Task[None]

    @property
    def url(self) -> str:
        return self.source.url

    async def stop(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


@contextlib.asynccontextmanager
async def listening(
    inlet: FakeInlet | None = None, *, limits: Limits | None = None, **settings: Any
) -> AsyncGenerator[Running]:
    """An ingress that listens."""
    ingress = PlaygroundIngress(**{"port": 0, **settings})
    source = HttpSource(BoundHttp(ingress), limits=limits)
    inlet = FakeInlet() if inlet is None else inlet
    task = asyncio.create_task(source.run(inlet))
    waiting = asyncio.create_task(source.listening.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        waiting.cancel()
        await task
    running = Running(source, inlet, task)
    try:
        yield running
    finally:
        await running.stop()


@contextlib.asynccontextmanager
async def serving(
    position: str | None = None,
    *,
    topics: Sequence[str] = ("a", "b"),
    limits: Limits | None = None,
    **settings: Any,
) -> AsyncGenerator[HttpSink]:
    """An egress that is open."""
    sink = HttpSink(BoundFetch(PlaygroundEgress(**{"port": 0, "topics": topics, **settings})), limits=limits)
    await sink.open("store", position)
    try:
        yield sink
    finally:
        await sink.close()


def in_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Runs a test that is a coroutine function, for a minute at most."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 60))

    return run


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def certificate(folder: Path) -> tuple[str, str]:
    """The files of a certificate of 127.0.0.1 and its key; its authority is in `ca.pem`, beside them."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued = authority.issue_cert("localhost", "127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    return str(folder / "cert.pem"), str(folder / "key.pem")
