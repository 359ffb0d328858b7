"""How records stand in a stream: what is read, where the next one begins, and what is too long, cut off or no record at all."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.proto import serialize_length_prefixed
from google.protobuf.struct_pb2 import Struct
from google.protobuf.type_pb2 import Field
from hypothesis import given
from hypothesis import strategies as st

from statefun.batch import ProtocolVersion
from statefun.binding.ingresses import bind_ingress
from statefun.errors import BindingError, IngressError, PositionError, RecordError, RecordKeyError
from statefun.model import FileIngress
from statefun.runtime.ingress.files import FileReader
from statefun.runtime.ingress.formats import Bad, RecordReader, open_records
from statefun.runtime.ingress.source import Record


def prefixed(*messages: Any) -> bytes:
    stream = io.BytesIO()
    for each in messages:
        serialize_length_prefixed(each, stream)
    return stream.getvalue()


def fields(count: int) -> list[Field]:
    return [Field(name=f"n{number}" if number % 7 else "x" * 300, number=number) for number in range(count)]


def drained(reader: RecordReader) -> list[Any]:
    return [row.why if isinstance(row, Bad) else row for row in reader]


class Pipe(io.RawIOBase):
    """A stream that cannot be sought in, and gives a few bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._data.read(min(3, len(buffer)))
        buffer[: len(piece)] = piece
        return len(piece)


def test_protobuf_messages_stand_behind_their_lengths_as_protobuf_itself_writes_them() -> None:
    messages = fields(20)
    reader = open_records("protobuf", io.BytesIO(prefixed(*messages)), "in")
    assert [Field.FromString(each) for each in reader] == messages
    assert json.loads(reader.position) == {"offset": len(prefixed(*messages)), "line": 20}


TEXTS = {
    "csv": b'id,text\n1,"a\nb"\n\n2,c\n3,\xc3\xa9',
    "jsonl": b'{"id": 1}\n\n{"id": 2}\r\n{"id": "\xc3\xa9"}',
    "protobuf": prefixed(*fields(8)),
}


@pytest.mark.parametrize("format", TEXTS)
@pytest.mark.parametrize("pipe", [False, True])
def test_reading_goes_on_at_any_position_also_where_nobody_can_seek(format: str, pipe: bool) -> None:
    def opened() -> RecordReader:
        stream = io.BufferedReader(Pipe(TEXTS[format])) if pipe else io.BytesIO(TEXTS[format])
        return open_records(format, stream, "in")

    whole = list(opened())
    assert len(whole) >= 3
    for taken in range(1, len(whole) + 1):
        first = opened()
        rows = iter(first)
        assert [next(rows) for _ in range(taken)] == whole[:taken]
        second = opened()
        second.resume(first.position)
        assert list(second) == whole[taken:]


@pytest.mark.parametrize("format", TEXTS)
@pytest.mark.parametrize("pipe", [False, True])
def test_a_stream_that_is_shorter_than_the_position_is_refused(format: str, pipe: bool) -> None:
    stream = io.BufferedReader(Pipe(TEXTS[format])) if pipe else io.BytesIO(TEXTS[format])
    with pytest.raises(PositionError, match="shorter"):
        open_records(format, stream, "in").resume(f'{{"offset": {len(TEXTS[format]) + 1}, "line": 9}}')


class Counted(io.BytesIO):
    """Knows the most that was read at once."""

    most = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.most = max(self.most, len(data))
        return data

    def readline(self, size: int | None = -1, /) -> bytes:
        data = super().readline(size)
        self.most = max(self.most, len(data))
        return data


LONG = 1_000_000


@pytest.mark.parametrize(
    ("format", "data", "expected"),
    [
        ("csv", b"id\n1\n" + b"x" * LONG + b"\n2\n", [{"id": "1"}, {"id": "2"}]),
        ("jsonl", b'{"a":1}\n{"a":"' + b"x" * LONG + b'"}\n{"a":2}\n', [{"a": 1}, {"a": 2}]),
        ("protobuf", prefixed(Field(number=1), Field(name="x" * LONG), Field(number=2)), [b"\x18\x01", b"\x18\x02"]),
    ],
)
def test_a_record_over_the_limit_is_passed_over_and_never_held(format: str, data: bytes, expected: list[Any]) -> None:
    stream = Counted(data)
    rows = list(open_records(format, stream, "in", largest=100))
    assert any(isinstance(row, Bad) and "more than 100" in row.why for row in rows)
    good = [row for row in rows if not isinstance(row, Bad)]
    assert (good[0], good[-1]) == tuple(expected)
    assert stream.most <= 1 << 16


def test_a_length_beyond_all_memory_is_never_asked_for() -> None:
    stream = Counted(b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f")
    with pytest.raises(IngressError, match="ends within the record that begins at byte 0"):
        list(open_records("protobuf", stream, "in"))
    assert stream.most <= 1


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (prefixed(Field(number=1)) + b"\x80", "in:2: it ends within the record that begins at byte 3"),
        (prefixed(Field(number=1)) + b"\x05abc", "in:2: it ends within the record that begins at byte 3"),
        (b"\xff" * 10, "in:1: no length stands where a record should begin"),
    ],
)
def test_what_cannot_be_told_apart_any_more_is_an_error_and_no_bad_record(data: bytes, told: str) -> None:
    with pytest.raises(IngressError, match=told) as caught:
        list(open_records("protobuf", io.BytesIO(data), "in"))
    assert not isinstance(caught.value, RecordError)


@pytest.mark.parametrize(
    ("largest", "told"), [(100, "in:3: the record has more than 100 bytes"), (1 << 25, "in:3: field larger than")]
)
def test_a_quote_that_is_never_closed_makes_no_records_of_what_it_swallowed(largest: int, told: str) -> None:
    reader = open_records("csv", io.BytesIO(b'id\n1\n"' + b"x\n" * LONG), "in", largest=largest)
    rows = iter(reader)
    assert next(rows) == {"id": "1"}
    with pytest.raises(IngressError, match=told) as caught:
        next(rows)
    assert not isinstance(caught.value, RecordError)


def test_json_that_is_nested_too_deep_is_a_bad_record() -> None:
    rows = list(open_records("jsonl", io.BytesIO(b'{"a":' + b"[" * 100_000 + b'\n{"a": 1}\n'), "in"))
    assert isinstance(rows[0], Bad)
    assert rows[1] == {"a": 1}


@given(st.binary(max_size=200), st.sampled_from(sorted(TEXTS)))
def test_any_bytes_are_read_to_their_end_or_refused(data: bytes, format: str) -> None:
    try:
        reader = open_records(format, io.BytesIO(data), "in", largest=50)
        drained(reader)
    except IngressError:
        return
    assert reader.offset == len(data)


# --- as a file ingress ------------------------------------------------------------------------------------------


def reader(path: Path, position: str | None = None, **settings: Any) -> FileReader:
    values = {"message": Field, "key": "name", "targets": ["a/b"], "format": "protobuf", **settings}
    bound = bind_ingress(FileIngress(id="test/in", path=path, **values), str)
    return FileReader(bound, ProtocolVersion.V3, position)


@pytest.mark.parametrize("suffix", ["bin", "gz"])
def test_a_file_of_messages_is_an_ingress(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"in.{suffix}"
    data = prefixed(Field(name="a", number=1), Field(name="b"))
    path.write_bytes(gzip.compress(data) if suffix == "gz" else data)
    first = reader(path)
    (record,) = first.read(1)
    assert isinstance(record, Record)
    assert (record.targets, record.id) == (("a/b",), "a")
    assert record.typename == "type.googleapis.com/google.protobuf.Field"
    assert Field.FromString(record.value) == Field(name="a", number=1)
    second = reader(path, first.position, key=lambda field: field.name.upper())
    assert [each.id for each in second.read(9)] == ["B"]
    assert second.exhausted
    first.close()
    second.close()


def test_what_is_before_a_record_that_is_cut_off_takes_effect(tmp_path: Path) -> None:
    path = tmp_path / "in.bin"
    whole = prefixed(Field(name="a"), Field(name="b"), Field(name="c"))
    path.write_bytes(whole[:-1])
    made = reader(path, on_bad_record="skip")
    assert len(made.read(9)) == 2
    with pytest.raises(IngressError, match="ends within"):
        made.read(9)
    made.close()
    path.write_bytes(whole)
    again = reader(path, made.position)
    assert len(again.read(9)) == 1
    again.close()


@pytest.mark.parametrize(("message", "error"), [(Field(number=1), RecordKeyError), (None, RecordError)])
def test_a_message_that_is_none_or_has_no_key_is_told_with_its_number(
    tmp_path: Path, message: Field | None, error: type[RecordError]
) -> None:
    path = tmp_path / "in.bin"
    path.write_bytes(prefixed(Field(name="a")) + (b"\x02\xff\xff" if message is None else prefixed(message)))
    made = reader(path)
    assert len(made.read(9)) == 1
    with pytest.raises(error, match=r"in\.bin:2: "):
        made.read(9)
    made.close()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"key": "nothing"}, "the key 'nothing', which is no plain field"),
        ({"key": "options"}, "the key 'options', which is no plain field"),
        ({"message": str}, "reads protobuf messages and has message"),
        ({"convert": lambda row: row}, "has a `convert=`"),
        ({"message": Struct, "key": "fields"}, "which is no plain field"),
    ],
)
def test_what_no_protobuf_ingress_is_is_refused(tmp_path: Path, settings: dict[str, Any], told: str) -> None:
    with pytest.raises(BindingError, match=told):
        reader(tmp_path / "in", **settings)


def test_an_id_that_is_no_text_is_a_bad_record(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"name":"a"}\n{"name":"\\ud800"}\n')
    made = reader(tmp_path / "in.jsonl", format="jsonl")
    assert len(made.read(9)) == 1
    with pytest.raises(RecordError, match=r"in\.jsonl:2: 'utf-8' codec can't encode"):
        made.read(9)
    made.close()
