"""Standard input as an ingress: records as they come, what is bad, what a restart does, and how it stops."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.proto import serialize_length_prefixed
from google.protobuf.type_pb2 import Field

from statefun import json_type
from statefun.batch import ProtocolVersion
from statefun.binding.ingresses import bind_ingress
from statefun.errors import BindingError, IngressError, PositionError, RecordError, RecordKeyError
from statefun.model import StdinIngress
from statefun.runtime.ingress.source import Record, Source
from statefun.runtime.ingress.stdin import StdinSource
from tests.runtime.inlet import Kept
from tests.runtime.outside import wait

ROOT = Path(__file__).resolve().parents[2]
ROW = json_type("test/row", dict)


def source(stream: Any, **settings: Any) -> StdinSource:
    values = {"id": "test/in", "message": ROW, "key": "id", "targets": ["a/b", "a/c"], "format": "jsonl", **settings}
    ingress = StdinIngress(**values)
    return StdinSource(bind_ingress(ingress, str), stream=stream)


def record(number: object) -> bytes:
    return b'{"id":"%s"}\n' % str(number).encode()


def ids(inlet: Kept) -> list[str]:
    return [each.id for each in inlet.records]


def test_each_line_becomes_a_message_to_each_target() -> None:
    inlet = Kept()
    made = source(io.BytesIO(record(1) + b"\n" + record("é".encode().decode()) + b'{"id":0}'))
    assert isinstance(made, Source)
    wait(made.run(inlet))
    assert inlet.records == [
        Record(("a/b", "a/c"), "1", "test/row", b'{"id":"1"}'),
        Record(("a/b", "a/c"), "é", "test/row", '{"id":"é"}'.encode()),
        Record(("a/b", "a/c"), "0", "test/row", b'{"id":0}'),
    ]
    assert inlet.positions == []


def test_csv_and_protobuf_are_read_too() -> None:
    inlet = Kept()
    wait(source(io.BytesIO(b'id,text\n1,"a\nb"\n2,c\n'), format="csv").run(inlet))
    assert [each.value for each in inlet.records] == [b'{"id":"1","text":"a\\nb"}', b'{"id":"2","text":"c"}']
    stream, inlet = io.BytesIO(), Kept()
    for name in ("a", "b"):
        serialize_length_prefixed(Field(name=name), stream)
    stream.seek(0)
    wait(source(stream, format="protobuf", message=Field, key="name").run(inlet))
    assert ids(inlet) == ["a", "b"]
    assert inlet.records[0].typename == "type.googleapis.com/google.protobuf.Field"


def test_a_message_is_encoded_for_the_protocol() -> None:
    typenames = set()
    ingress = StdinIngress(
        id="a/b", message=str, key="id", targets=["a/b"], format="jsonl", convert=lambda row: str(row["id"])
    )
    for protocol in ProtocolVersion:
        inlet = Kept(protocol=protocol)
        wait(StdinSource(bind_ingress(ingress, str), stream=io.BytesIO(record(1))).run(inlet))
        typenames |= {each.typename for each in inlet.records}
    assert typenames == {
        "io.statefun.types/string",
        "type.googleapis.com/google.protobuf.StringValue",
    }


def test_a_record_is_put_when_it_is_there_and_no_more_than_fit_at_once() -> None:
    async def run() -> None:
        reading, writing = os.pipe()
        inlet = Kept(limit=3)
        with os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb", buffering=0) as pipe:
            task = asyncio.ensure_future(source(stream).run(inlet))
            pipe.write(record(0) + b'{"id"')
            await inlet.holds(1)  # though the next one is not whole, and the input goes on
            pipe.write(b':"1"}\n')
            await inlet.holds(2)
            pipe.write(b"".join(record(number) for number in range(2, 100)))
            await inlet.holds(100)
            assert not task.done()
            pipe.close()
            await task
        assert ids(inlet) == [str(number) for number in range(100)]
        assert inlet.puts >= 34

    wait(run())


class Endless(io.RawIOBase):
    """Gives records as long as somebody asks, and counts them."""

    def __init__(self) -> None:
        self.given = 0

    def readable(self) -> bool:
        return True

    def readline(self, size: int | None = -1, /) -> bytes:
        self.given += 1
        return record(self.given)


def test_an_inlet_that_waits_makes_the_reader_wait() -> None:
    class Full(Kept):
        def __init__(self) -> None:
            super().__init__(limit=10)
            self.asked = asyncio.Event()

        async def put(self, *_arguments: Any, **_settings: Any) -> Any:
            self.asked.set()
            await asyncio.Event().wait()

    async def run() -> None:
        endless, inlet = Endless(), Full()
        task = asyncio.ensure_future(source(endless).run(inlet))
        await inlet.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert endless.given <= 2 * 10 + 1

    wait(run())


def test_the_same_input_given_again_goes_on_behind_what_was_committed() -> None:
    data = b"".join(record(number) for number in range(10))
    first = Kept(limit=4)
    with pytest.raises(RecordError):
        wait(source(io.BytesIO(data[:50] + b"{bad}\n"), replayed=True, message=ROW).run(first))
    assert first.position is not None
    second = Kept(position=first.position)
    wait(source(io.BytesIO(data), replayed=True).run(second))
    assert ids(first) + ids(second) == [str(number) for number in range(10)]
    third = Kept(position=second.position)
    wait(source(io.BytesIO(data), replayed=True).run(third))
    assert ids(third) == []
    with pytest.raises(PositionError, match="standard input is shorter"):
        wait(source(io.BytesIO(data[:9]), replayed=True).run(Kept(position=second.position)))


def test_without_that_a_position_means_nothing() -> None:
    inlet = Kept(position='{"offset": 5, "line": 1}')
    wait(source(io.BytesIO(record(1))).run(inlet))
    assert ids(inlet) == ["1"]


@pytest.mark.parametrize(
    ("bad", "error", "told"),
    [
        (b'{"id":\n', RecordError, "standard input:2: Expecting value"),
        (b'{"no":1}\n', RecordKeyError, "standard input:2: the record has no key"),
        (b'{"id":"\\ud800"}\n', RecordError, "standard input:2: 'utf-8' codec can't encode"),
        (b"\xff\n", RecordError, "standard input:2: 'utf-8' codec can't decode"),
    ],
)
def test_a_bad_record_stops_the_run_or_is_rejected(bad: bytes, error: type[RecordError], told: str) -> None:
    data = record(1) + bad + record(3)
    inlet = Kept()
    with pytest.raises(error, match=told):
        wait(source(io.BytesIO(data)).run(inlet))
    assert ids(inlet) == ["1"]
    inlet = Kept()
    wait(source(io.BytesIO(data), on_bad_record="skip").run(inlet))
    assert ids(inlet) == ["1", "3"]
    (rejected,) = inlet.rejected
    assert isinstance(rejected.error, error)
    if bad == b'{"id":\n':
        assert rejected.value == bad
    assert rejected.targets == ("a/b", "a/c")


def test_a_key_that_the_header_does_not_have_is_an_error_and_no_record_is_rejected_for_it() -> None:
    inlet = Kept()
    told = "the ingress 'test/in' has the key 'ID', which is no column of standard input; its columns are 'id', 'text'"
    with pytest.raises(IngressError, match=told) as caught:
        wait(source(io.BytesIO(b"id,text\n1,a\n"), format="csv", key="ID", on_bad_record="skip").run(inlet))
    assert caught.value.hint == "did you mean 'id'?"
    assert inlet.records == inlet.rejected == []


def test_input_that_cannot_be_read_on_is_an_error() -> None:
    class Broken(io.BytesIO):
        def readline(self, size: int | None = -1, /) -> bytes:
            line = super().readline(size)
            if not line:
                raise OSError(5, "Input/output error")
            return line

    inlet = Kept()
    with pytest.raises(IngressError, match="standard input cannot be read: Input/output error"):
        wait(source(Broken(record(1))).run(inlet))
    assert ids(inlet) == ["1"]


WAITING = """
import asyncio, sys
from tests.runtime.inlet import Kept
from tests.runtime.test_stdin_source import source

async def run():
    inlet = Kept()
    task = asyncio.ensure_future(source(None).run(inlet))
    await inlet.holds(1)
    print(inlet.records[0].id, flush=True)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

asyncio.run(run())
print("ended", flush=True)
"""


def test_a_process_ends_though_its_input_does_not() -> None:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", WAITING],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdin.write(record("é"))
    process.stdin.flush()
    try:
        code = process.wait(60)
        assert (code, process.stdout.read().decode(), process.stderr.read()) == (0, "é\nended\n", b"")
    finally:
        process.kill()
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()
        process.wait()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"format": "xml"}, "format='xml'"),
        ({"targets": "a"}, "has targets="),
        ({"on_bad_record": "ignore"}, "on_bad_record='ignore'"),
        ({"format": "protobuf", "convert": lambda row: row}, "has a `convert=`"),
    ],
)
def test_what_no_input_is_is_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(BindingError, match=told):
        source(None, **settings)
