"""Standard output as an egress: what is written, when it counts as written, and who may keep it waiting."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from statefun.binding.egresses import bind_egress
from statefun.errors import BindingError, EgressError
from statefun.model import StdoutEgress
from statefun.runtime.egress.stdout import StdoutSink
from tests.runtime.outside import alert, outgoing, wait

ROOT = Path(__file__).resolve().parents[2]
TEXT = ("type.googleapis.com/google.protobuf.StringValue", StringValue(value="é").SerializeToString())


class Slow:
    """Takes three bytes at a time, and nothing now and then."""

    def __init__(self) -> None:
        self.taken = bytearray()
        self._calls = 0

    def write(self, data: memoryview, /) -> int | None:
        self._calls += 1
        if self._calls % 2:
            return None
        self.taken += data[:3]
        return min(3, len(data))

    def close(self) -> None:
        return


def sink(output: Any = None, **settings: Any) -> StdoutSink:
    return StdoutSink(bind_egress(StdoutEgress(id="test/out", **settings)), output=output)


@pytest.mark.parametrize(("format", "expected"), [("jsonl", '"é"\n"é"\n'), ("text", "é\né\n"), ("bytes", "éé")])
def test_records_are_written_whole_and_in_order(format: str, expected: str) -> None:
    output = Slow()
    made = sink(output, format=format)

    async def run() -> None:
        await made.open("store", None)
        await made.deliver(outgoing(made, [TEXT], [TEXT]))
        assert await made.confirm() is None  # all of them
        await made.close()

    wait(run())
    assert output.taken.decode() == expected


PROGRAM = """
import asyncio, sys
from tests.runtime.outside import alert, outgoing
from tests.runtime.test_stdout_sink import sink

async def run():
    print("printed before")
    made = sink()
    await made.open("store", None)
    for number in range(int(sys.argv[1])):
        await made.deliver(outgoing(made, [alert(str(number) + sys.argv[2])]))
    await made.close()
    print("printed behind")

asyncio.run(run())
"""


def program(*arguments: str, **settings: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM, *arguments],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        **settings,
    )


def test_it_is_the_process_own_output_in_one_order_with_what_is_printed() -> None:
    with program("2", "", stdout=subprocess.PIPE) as process:
        out, err = process.communicate()
    assert err == b""
    assert [line[:10] for line in out.decode().splitlines()] == ["printed be", '{"name":"0', '{"name":"1', "printed be"]


def test_a_reader_that_is_gone_is_an_error_and_the_records_stay() -> None:
    with program("1000000", "x" * 1000, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read().decode()
        assert process.wait() == 1
    assert "nobody reads standard output any more, where 'test/out' writes" in err


def test_a_full_disk_is_an_error() -> None:
    with open("/dev/full", "wb", buffering=0) as full:
        made = sink(full)

        async def run() -> None:
            await made.open("store", None)
            await made.deliver(outgoing(made, [alert("a")]))

        with pytest.raises(EgressError, match="cannot be written: No space left on device"):
            wait(run())


def test_a_reader_who_does_not_read_keeps_no_run_from_ending() -> None:
    async def run() -> None:
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb", buffering=0) as unread, os.fdopen(writing, "wb", buffering=0) as pipe:
            made = sink(pipe)
            records = outgoing(made, [alert("x" * (1 << 20))])
            task = asyncio.ensure_future(made.deliver(records))
            await asyncio.get_running_loop().run_in_executor(None, os.read, reading, 1)  # it has begun
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            while unread.read(1 << 16)[-1:] != b"\n":  # lets the thread go before the pipe does
                continue

    wait(run())


def test_another_format_is_refused() -> None:
    with pytest.raises(BindingError, match="format='csv'"):
        sink(format="csv")
