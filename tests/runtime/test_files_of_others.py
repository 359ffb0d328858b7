"""Files that somebody else writes to, cuts, removes or has half written, while a runtime reads or writes them and between runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from statefun import STRING, Context, FileEgress, FileIngress, StatefulFunctions
from statefun.errors import BindingError, EgressError, IngressError, PositionError, RecordError
from statefun.model import SqliteEgress
from statefun.runtime import Store
from statefun.runtime.egress import files
from statefun.runtime.egress.files import FileWriter
from tests.runtime.rig import run
from tests.runtime.test_files import read, reader

# --- ingress ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "first", "rest"),
    [
        ("in.csv", "id,text\n1,a", "b\n2,c\n"),
        ("in.jsonl", '{"id": "1", "text": "a"}', ' {"id": "2", "text": "c"}\n'),
    ],
)
def test_a_last_line_that_goes_on_when_it_was_read_is_refused_and_makes_no_record_of_its_rest(
    tmp_path: Path, name: str, first: str, rest: str
) -> None:
    path = tmp_path / name
    path.write_text(first)
    taken = read(path)[1]
    path.write_text(first + rest)
    with pytest.raises(PositionError, match=f"goes on at byte {len(first)}"):
        read(path, on_bad_record="skip")
    assert (tmp_path / "out.txt").read_text().splitlines() == taken


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("first", ["id,text", "id,text\n1,a"])
def test_a_last_line_that_is_ended_when_it_was_read_is_no_other(tmp_path: Path, first: str, end: str) -> None:
    path = tmp_path / "in.csv"
    path.write_text(first)
    taken = read(path)[1]
    path.write_bytes((first + end).encode())
    assert read(path)[1] == taken
    path.write_bytes((first + end + "2,b\n3\n").encode())
    with pytest.raises(RecordError, match=rf"in\.csv:{len(first.splitlines()) + 2}: "):
        read(path)
    assert (tmp_path / "out.txt").read_text().splitlines() == [*taken, "b"]


def test_a_quoted_cell_that_is_not_whole_yet_ends_the_run_until_it_is(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    for half in ('2,"b', '2,"b\nb'):
        path.write_text("id,text\n1,a\n" + half)
        with pytest.raises(IngressError, match=r"in\.csv:3: unexpected end of data") as caught:
            read(path, on_bad_record="skip")
        assert not isinstance(caught.value, RecordError)
    path.write_text('id,text\n1,a\n2,"b\nb\nb"\n')
    assert read(path)[1] == ["a", "b", "b", "b"]


def test_an_input_that_somebody_cuts_while_it_is_read_ends_the_run(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("id,text\n1,a\n2,b\n")

    def cut(row: dict[str, str]) -> str:
        if row["id"] == "2":
            os.truncate(path, 3)
        return str(row["text"])

    with pytest.raises(PositionError, match="was cut to 3 bytes while it was read, of which there were 16") as caught:
        read(path, convert=cut)
    assert "only append" in caught.value.hint
    path.write_text("id,text\n1,a\n2,b\n3,c\n")
    assert read(path)[1] == ["a", "b", "c"]


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "in.csv")
    with pytest.raises(IngressError, match="is a pipe"):
        read(tmp_path / "in.csv")


@pytest.mark.parametrize("data", [b"\xff\xfei\0d\0", b"id\ra\r"])
def test_a_line_of_names_that_is_none_is_no_bad_record(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "in.csv").write_bytes(data)
    with pytest.raises(IngressError, match="line of names cannot be read") as caught:
        read(tmp_path / "in.csv", on_bad_record="skip")
    assert not isinstance(caught.value, RecordError)


# --- egress -----------------------------------------------------------------------------------------------------------------------


def remove(path: Path) -> None:
    path.unlink()


def replace(path: Path) -> None:
    path.rename(path.with_name("before"))
    path.write_text("one\ntwo\n")


def append(path: Path) -> None:
    with path.open("a") as file:
        file.write("somebody else's\n")


def cut(path: Path) -> None:
    os.truncate(path, 2)


@pytest.mark.parametrize("meddle", [remove, replace, append, cut])
def test_an_output_that_somebody_else_meddles_with_is_not_confirmed(
    tmp_path: Path, meddle: Callable[[Path], None]
) -> None:
    path = tmp_path / "out.txt"
    writer = FileWriter("a/b", str(path), None)
    writer.deliver(1, [b"one\n"])
    meddle(path)
    writer.deliver(2, [b"two\n"])
    with pytest.raises(EgressError, match=r"out\.txt"):
        writer.sync()
    writer.close()


def test_after_somebody_else_wrote_to_an_output_the_next_run_makes_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("id,text\n1,a\n2,b\n")
    functions = reader(path)
    meddled = False

    @functions.bind("test/meddle")
    def meddle(_context: Context, _message: str) -> None:
        nonlocal meddled
        if not meddled:
            append(tmp_path / "out.txt")
        meddled = True

    functions.ingress(
        FileIngress(
            id="test/again", path=path, message=STRING, key="id", targets=["test/meddle"], convert=lambda row: row["id"]
        )
    )
    with Store(tmp_path / "s") as store:
        with pytest.raises(EgressError, match="something else writes or cuts it"):
            run(functions, store)
        run(functions, store)
    assert (tmp_path / "out.txt").read_text() == "a\nb\n"


def test_an_output_that_cannot_be_used_is_closed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[int] = []
    close = os.close
    monkeypatch.setattr(os, "close", lambda file: (closed.append(file), close(file)))
    with pytest.raises(EgressError, match="holds 0 bytes"):
        FileWriter("a/b", str(tmp_path / "out.txt"), "7")
    assert len(closed) == 2, "its folder, which was synced, and the file"

    def fail(folder: str) -> None:
        raise OSError(folder)

    monkeypatch.setattr(files, "_sync_folder", fail)
    with pytest.raises(EgressError, match="cannot be opened"):
        FileWriter("a/b", str(tmp_path / "out.txt"), None)
    assert len(closed) == 3


def test_an_output_is_the_file_that_it_was_when_a_function_has_gone_to_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    writer = FileWriter("a/b", "out.txt", None)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    writer.deliver(1, [b"one\n"])
    assert writer.sync() == (1, "4")
    writer.close()


@pytest.mark.parametrize("path", ["in.csv", "link.txt", "s/statefun.db"])
def test_an_output_that_is_the_file_of_something_else_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "in.csv").write_text("id,text\n1,a\n")
    (tmp_path / "out.txt").touch()
    (tmp_path / "link.txt").symlink_to("out.txt")
    functions = reader(tmp_path / "in.csv")
    functions.egress(FileEgress(id="test/other", path=tmp_path / "s" / ".." / path, format="text"))
    with Store(tmp_path / "s") as store, pytest.raises(BindingError, match=r"writes to .*, which is the file of the"):
        run(functions, store)
    assert (tmp_path / "out.txt").read_text() == ""


@pytest.mark.parametrize("way", ["relative", "symbolic", "hard", "folder"])
@pytest.mark.parametrize("kind", ["table", "text"])
def test_a_store_is_no_output_of_its_own_run_whatever_the_path_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with Store(tmp_path / "s") as store:
        path = {"relative": "s/statefun.db", "folder": "other/statefun.db"}.get(way, "link.db")
        if way == "symbolic":
            Path("link.db").symlink_to(store.path)
        elif way == "hard":
            Path("link.db").hardlink_to(store.path)
        elif way == "folder":
            Path("other").symlink_to("s")
        functions = StatefulFunctions()
        if kind == "table":
            functions.egress(SqliteEgress(id="test/out", path=path, table="alerts"))
        else:
            functions.egress(FileEgress(id="test/out", path=path, format="text"))
        with pytest.raises(BindingError, match=r"'test/out' writes to .*, which is the file of the store") as caught:
            run(functions, store)
        assert caught.value.hint
        assert store.count("inbox") == 0


def test_tables_share_a_file_and_a_table_shares_none_with_a_file_of_lines(tmp_path: Path) -> None:
    functions = StatefulFunctions()
    for name in ("one", "two"):
        functions.egress(SqliteEgress(id=f"test/{name}", path=tmp_path / "out.db", table=name))
    with Store(tmp_path / "s") as store:
        run(functions, store)
        functions = StatefulFunctions()
        functions.egress(SqliteEgress(id="test/one", path=tmp_path / "out.db", table="one"))
        functions.egress(FileEgress(id="test/lines", path=tmp_path / "out.db", format="text"))
        with pytest.raises(
            BindingError, match=r"'test/lines' writes to .*, which is the file of the egress 'test/one'"
        ):
            run(functions, store)
