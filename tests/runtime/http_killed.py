"""A process that is killed: an HTTP ingress whose records are appended to a file, in groups, each line a key and a value.

    python -m tests.runtime.http_killed FILE PORT ORDER

ORDER is `commit-first`, or the mistake `acknowledge-first`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from statefun.batch import ProtocolVersion, TypedBytes
from statefun.errors import StatefunError
from statefun.model import PlaygroundIngress
from statefun.runtime.ingress.http import HttpSource
from statefun.runtime.ingress.source import Record, Rejected
from tests.runtime.http_rig import BoundHttp, FakeReceipt


class FileInlet:
    """Commits what was put every few milliseconds; a key that is in the file, or about to be, has no effect."""

    position: str | None = None
    limit = 500
    closed = False
    protocol = ProtocolVersion.V3

    def __init__(self, path: Path, acknowledges_first: bool) -> None:
        path.touch()
        whole, _, torn = path.read_bytes().rpartition(b"\n")
        os.truncate(path, path.stat().st_size - len(torn))
        self._keys: Final = {line.partition(b" ")[0].decode(): True for line in whole.splitlines()}
        self._file: Final = path.open("ab", buffering=0)
        self._acknowledges_first: Final = acknowledges_first
        self._lines: list[bytes] = []
        self._receipts: list[tuple[asyncio.Future[bool], bool]] = []

    def known(self, target: str) -> bool:
        return True

    def skipped(self, error: StatefunError) -> None:
        raise AssertionError("nothing is left out of HTTP") from error

    async def ask(self, record: Record, within: float, key: str | None = None) -> TypedBytes | None:
        raise AssertionError("nobody asks")

    def room(self, target: str, id: str) -> bool:
        return True

    async def put(
        self, records: Sequence[Record | Rejected], position: str | None = None, *, key: str | None = None
    ) -> FakeReceipt:
        assert key is not None
        name = key.rpartition("\n")[2]
        loop = asyncio.get_running_loop()
        if not self._receipts:
            loop.call_later(0.005, self._commit)
        receipt: asyncio.Future[bool] = loop.create_future()
        new = name not in self._keys
        if new:
            self._keys[name] = True
            self._lines += [f"{name} {record.value.hex()}\n".encode() for record in records]
        self._receipts.append((receipt, new))
        if self._acknowledges_first:
            receipt.set_result(new)
        return FakeReceipt(receipt)

    def _commit(self) -> None:
        lines, receipts = self._lines, self._receipts
        self._lines, self._receipts = [], []
        self._file.write(b"".join(lines))
        os.fsync(self._file.fileno())
        for receipt, new in receipts:
            if not receipt.done():
                receipt.set_result(new)


async def main(path: str, port: str, order: str) -> None:
    source = HttpSource(BoundHttp(PlaygroundIngress(port=int(port))))
    running = asyncio.create_task(source.run(FileInlet(Path(path), order == "acknowledge-first")))
    await source.listening.wait()
    print(source.url, flush=True)
    await running


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
