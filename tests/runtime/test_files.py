"""File ingresses and egresses: formats, positions, bad records, what is cut off."""

from __future__ import annotations

import gzip
import json
import math
import zipfile
from pathlib import Path
from typing import Any

import pytest
from attrs import define
from google.protobuf.struct_pb2 import Struct
from google.protobuf.wrappers_pb2 import Int64Value, StringValue

from statefun import STRING, Context, FileEgress, FileIngress, StatefulFunctions, json_type
from statefun.errors import BindingError, EgressError, IngressError, PositionError, RecordError, RecordKeyError
from statefun.runtime import Options, Report, Store
from statefun.runtime.egress.files import FileWriter
from tests.runtime.rig import run


@define
class Flight:
    tailnum: str
    distance: int
    delay: float | None
    late: bool = False


FLIGHT = json_type("test/flight", Flight)


def reader(path: Path, **settings: Any) -> StatefulFunctions:
    """Writes each message as text into `out.txt` beside the input."""
    functions = StatefulFunctions()

    @functions.bind("test/echo")
    def echo(context: Context, message: Flight | Int64Value | str) -> None:
        if isinstance(message, Int64Value):
            message = str(message.value)
        context.send_egress("test/out", str(message))

    given = {"id": "test/in", "message": STRING, "key": "id", "convert": lambda row: row["text"], **settings}
    functions.ingress(FileIngress(path=path, targets=["test/echo"], **given))
    functions.egress(FileEgress(id="test/out", path=path.parent / "out.txt"))
    return functions


def read(path: Path, **settings: Any) -> tuple[Report, list[str]]:
    options = settings.pop("options", Options())
    with Store(path.parent / "s") as store:
        report = run(reader(path, **settings), store, options=options)
    return report, (path.parent / "out.txt").read_text().splitlines()


def test_a_quoted_cell_may_hold_commas_quotes_and_lines(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(b'\xef\xbb\xbfid,text\r\n1,"a, ""b"""\r\n2,"c\r\nd"\r\n\r\n3,e')
    report, lines = read(path, options=Options(max_group=1))
    assert lines == ['a, "b"', "c", "d", "e"]
    assert report.records == 3


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "csv.zip"])
def test_each_record_is_read_once_when_the_file_grows_between_runs(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"in.{suffix}"

    def write(count: int) -> None:
        data = "id,text\n" + "".join(f"{number},text{number}\n" for number in range(count))
        if suffix.endswith("zip"):
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("in.csv", data)
        elif suffix.endswith("gz"):
            path.write_bytes(gzip.compress(data.encode()))
        else:
            path.write_text(data)

    for count in (0, 3, 3, 10):
        write(count)
        assert read(path, options=Options(max_group=2))[1] == [f"text{number}" for number in range(count)]


def test_json_lines_are_read_once(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    lines = [json.dumps({"id": number, "text": f"text é {number}"}, ensure_ascii=False) for number in range(5)]
    for count in (2, 5):
        path.write_text("\n\n".join(lines[:count]) + ("\n" if count < 5 else ""), encoding="utf-8")
        assert read(path, options=Options(max_group=1))[1] == [f"text é {number}" for number in range(count)]


def test_columns_become_the_fields_of_a_class(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("tailnum,distance,delay,late,other\nN1,100,,yes,x\nN2,200,-1.5,,x\n")
    _, lines = read(path, message=Flight, key="tailnum", convert=None)
    assert lines == [str(Flight("N1", 100, None, True)), str(Flight("N2", 200, -1.5, False))]


def test_columns_become_the_fields_of_a_protobuf_message(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("id,value\na,7\nb,\n")
    assert read(path, message=Int64Value, convert=None)[1] == ["7", "0"]


@pytest.mark.parametrize(
    ("name", "text", "line", "error"),
    [
        ("in.csv", "id,text\n1,a\n2\n3,c\n", 3, "1 cells where the header has 2"),
        ("in.csv", 'id,text\n1,a\n2,"b"x\n3,c\n', 3, "expected after"),
        ("in.csv", 'id,text\n1,"a\na"\n\n,b\n3,c\n', 5, "the record has no key"),
        ("in.csv", "id,text\n1,a\n2,\udcff\n3,c\n", 3, "can't decode byte"),
        ("in.jsonl", '{"id": "1", "text": "a"}\n{"id": \n{"id": "3", "text": "c"}\n', 2, "Expecting value"),
        ("in.jsonl", '{"id": "1", "text": "a"}\n[]\n{"id": "3", "text": "c"}\n', 2, "a JSON list"),
        ("in.jsonl", '{"id": "1", "text": "a"}\n{"text": "b"}\n{"id": "3", "text": "c"}\n', 2, "the record has no key"),
        ("in.jsonl", '{"id": "1", "text": "a"}\n{"id": "2"}\n{"id": "3", "text": "c"}\n', 2, "KeyError: 'text'"),
        ("in.jsonl", '{"id": "1", "text": "a"}\n{"id": "2", "text": 5}\n{"id": "3", "text": "c"}\n', 2, "not a str"),
    ],
)
def test_a_bad_record_stops_the_run_or_is_skipped_and_is_told_with_its_line(
    tmp_path: Path, name: str, text: str, line: int, error: str
) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(RecordError, match=error) as caught:
        read(path)
    assert f"{path}:{line}: " in str(caught.value) or f"{path}:{line - 1}: " in str(caught.value)
    # What came before it took effect; the run stops at the same record again until it is mended.
    assert (tmp_path / "out.txt").read_text().split("\n")[0] == "a"
    before = (tmp_path / "out.txt").read_text()
    with pytest.raises(RecordError):
        read(path)
    assert (tmp_path / "out.txt").read_text() == before
    report, lines = read(path, on_bad_record="skip")
    assert lines[-1] == "c"
    assert (report.records, report.skipped) == (1, 1)
    assert str(path) in str(report.first_skipped)


def test_a_record_without_a_key_is_an_error_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,text\n,a\n")
    with pytest.raises(RecordKeyError, match=r"in\.csv:2"):
        read(tmp_path / "in.csv")


@pytest.mark.parametrize("on_bad_record", ["stop", "skip"])
@pytest.mark.parametrize(
    ("header", "key", "hint"),
    [
        ("id,tailnum,text", "tailnumber", "did you mean 'tailnum'?"),
        ("id,Tailnum,text", "tailnum", "did you mean 'Tailnum'?"),
        ("id, tailnum,text", "tailnum", "did you mean ' tailnum'?"),
        ("id;tailnum;text", "tailnum", "cells are separated by commas"),
        ("id,distance,text", "tailnum", "name one of its columns with `key=`"),
    ],
)
def test_a_key_that_the_header_does_not_have_stops_the_run_before_its_first_record(
    tmp_path: Path, header: str, key: str, hint: str, on_bad_record: str
) -> None:
    path = tmp_path / "in.csv"
    columns = header.split(",")
    path.write_text(header + "\n" + ",".join(["x"] * len(columns)) + "\n")
    with pytest.raises(IngressError) as caught:
        read(path, key=key, on_bad_record=on_bad_record)
    assert type(caught.value) is IngressError  # no RecordError: that would be one to skip
    named = ", ".join(map(repr, columns))
    assert (
        caught.value.message
        == f"the ingress 'test/in' has the key {key!r}, which is no column of {path}; its columns are {named}"
    )
    assert hint in (caught.value.hint or "")
    # With the right name every record is still there to be read.
    assert read(path, key=columns[0], on_bad_record=on_bad_record, convert=lambda row: "read")[1] == ["read"]


def test_of_a_very_wide_header_the_error_tells_some_columns_and_how_many_there_are(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(",".join(f"column{number}" for number in range(500)) + "\n")
    with pytest.raises(IngressError, match=r"its columns are 'column0', .*'column19' and 480 more") as caught:
        read(tmp_path / "in.csv", key="colunm499")
    assert caught.value.hint == "did you mean 'column499'?"


def test_a_key_that_is_a_function_needs_no_column(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("a,text\n1,one\n")
    assert read(tmp_path / "in.csv", key=lambda row: row["a"])[1] == ["one"]


@pytest.mark.parametrize(
    ("rows", "warned"),
    [
        (['{"id": "1"}', '{"id": "2"}', '{"id": "3"}'], True),
        (['{"id": "1"}', '{"customer": "2", "text": "a"}', '{"id": "3"}'], False),
        ([], False),
    ],
)
def test_a_file_of_which_every_record_was_skipped_is_warned_of(
    tmp_path: Path, rows: list[str], warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text("".join(f"{row}\n" for row in rows))
    options = Options(max_group=1)
    report, _ = read(path, key="customer", on_bad_record="skip", options=options)
    assert report.skipped == (3 if warned else len(rows) and 2)
    told = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    first = f"{path}:1: the record has no key: 'customer' is not there, or empty"
    expected = f"the ingress test/in skipped every record that it read of {path}, 3 in all; the first: {first}"
    assert told == [expected] * warned
    caplog.clear()
    read(path, key="customer", on_bad_record="skip", options=options)  # there is nothing behind them
    assert caplog.records == []


def test_an_ingress_under_another_name_is_warned_of_since_it_begins_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "in.csv"
    path.write_text("id,text\n1,a\n")
    for _ in range(2):
        read(path)
    assert caplog.messages == []
    read(path, id="test/renamed")
    (told,) = caplog.messages
    assert told.startswith(
        "the store has positions of ingresses that are not there any more (test/in), and none of test/renamed"
    )


def test_a_file_that_became_shorter_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("id,text\n1,a\n2,b\n")
    read(path)
    path.write_text("id,text\n1,a\n")
    with pytest.raises(PositionError, match="shorter"):
        read(path)


@pytest.mark.parametrize("text", ["", "\n1,a\n", "id,id\n1,a\n"])
def test_a_csv_file_without_names_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "in.csv").write_text(text)
    with pytest.raises(IngressError, match="first line"):
        read(tmp_path / "in.csv")


def test_files_that_are_not_there_or_not_what_they_seem_are_refused(tmp_path: Path) -> None:
    with pytest.raises(IngressError, match="No such file"):
        read(tmp_path / "absent.csv")
    for name in ("broken.csv.zip", "broken.csv.gz"):
        (tmp_path / name).write_bytes(b"nothing of the kind")
        with pytest.raises(IngressError, match="broken"):
            read(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "two.csv.zip", "w") as archive:
        archive.writestr("a.csv", "")
        archive.writestr("b.csv", "")
    with pytest.raises(IngressError, match="holds 2 files"):
        read(tmp_path / "two.csv.zip")


def test_an_unknown_target_and_a_double_id_are_refused(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,text\n")
    functions = reader(tmp_path / "in.csv")
    with pytest.raises(BindingError, match="two ingresses"):
        functions.ingress(FileIngress(id="test/in", path="x.csv", message=Struct, key="id", targets=["test/echo"]))
    with pytest.raises(BindingError, match="two egresses"):
        functions.egress(FileEgress(id="test/out", path="x.txt"))
    functions.ingress(
        FileIngress(id="test/other", path=tmp_path / "in.csv", message=Struct, key="id", targets=["test/nobody"])
    )
    with Store(tmp_path / "s") as store, pytest.raises(BindingError, match="test/nobody"):
        run(functions, store)


def test_an_ingress_that_cannot_make_its_message_is_refused() -> None:
    functions = StatefulFunctions()
    with pytest.raises(BindingError, match="convert"):
        functions.ingress(FileIngress(id="a/b", path="x.csv", message=STRING, key="id", targets=["test/echo"]))
    with pytest.raises(BindingError, match="format"):
        FileIngress(id="a/b", path="x.parquet", message=STRING, key="id", targets=["test/echo"])
    with pytest.raises(BindingError, match="on_bad_record"):
        FileIngress(id="a/b", path="x.csv", message=STRING, key="id", targets=["a/b"], on_bad_record="ignore")


# --- egress -----------------------------------------------------------------------------------------------------------------------


def test_what_was_written_beyond_the_committed_length_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("there before\n")
    writer = FileWriter("a/b", str(path), None)
    writer.deliver(1, [b"one\n", b"two\n"])
    assert writer.sync() == (1, str(len("there before\none\ntwo\n")))
    writer.deliver(2, [b"torn"])
    writer.close()
    again = FileWriter("a/b", str(path), str(len("there before\none\ntwo\n")))
    again.deliver(2, [b"three\n"])
    again.close()
    assert path.read_text() == "there before\none\ntwo\nthree\n"


def test_an_output_that_became_shorter_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out.txt").write_text("short")
    with pytest.raises(EgressError, match="10 were delivered"):
        FileWriter("a/b", str(tmp_path / "out.txt"), "10")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("out.jsonl", b'"text"\n{"a":1}\n"x"\n{"tailnum":"N1","distance":1,"delay":null,"late":false}\n7\n'),
        ("out.bin", b'text{"a":1}x{"tailnum":"N1","distance":1,"delay":null,"late":false}\x09\x07' + bytes(7)),
    ],
)
def test_each_format_writes_what_it_says(tmp_path: Path, name: str, expected: bytes) -> None:
    functions = StatefulFunctions()
    plain = json_type("test/plain", dict)

    @functions.bind("test/talk")
    def talk(context: Context, _message: str) -> None:
        context.send_egress("test/out", "text")
        context.send_egress("test/out", {"a": 1}, type=plain)
        context.send_egress("test/out", StringValue(value="x"))
        context.send_egress("test/out", Flight("N1", 1, None))
        context.send_egress("test/out", 7)

    (tmp_path / "in.csv").write_text("id\n1\n")
    functions.ingress(
        FileIngress(
            id="test/in",
            path=tmp_path / "in.csv",
            message=STRING,
            key="id",
            targets=["test/talk"],
            convert=lambda row: row["id"],
        )
    )
    functions.egress(FileEgress(id="test/out", path=tmp_path / name))
    with Store(tmp_path / "s") as store:
        run(functions, store)
    assert (tmp_path / name).read_bytes() == expected


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_number_that_json_does_not_have_fails_the_message_that_sent_it(tmp_path: Path, number: float) -> None:
    functions = reader(tmp_path / "in.csv")

    @functions.bind("test/numbers")
    def numbers(context: Context, _message: str) -> None:
        context.send_egress("test/numbers", number)

    (tmp_path / "in.csv").write_text("id,text\n")
    (tmp_path / "more.jsonl").write_text('{"id": 1}\n')
    functions.ingress(
        FileIngress(
            id="test/more",
            path=tmp_path / "more.jsonl",
            message=STRING,
            key="id",
            targets=["test/numbers"],
            convert=lambda _row: "",
        )
    )
    functions.egress(FileEgress(id="test/numbers", path=tmp_path / "numbers.jsonl"))
    with Store(tmp_path / "s") as store:
        run(functions, store, options=Options(attempts=1))
        (dead,) = store.dead_messages()
    assert "as jsonl: Out of range float values are not JSON compliant" in dead.error
    assert (tmp_path / "numbers.jsonl").read_text() == ""
