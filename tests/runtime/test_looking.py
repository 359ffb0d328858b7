"""`statefun dead` and `statefun state`: what a person sees of a store, and does with what was given up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from statefun import LONG, STRING, Context, FileEgress, FileIngress, StatefulFunctions, ValueSpec, json_type
from statefun.batch import Target, TypedBytes
from statefun.cli import main
from statefun.cli.showing import escaped
from statefun.errors import StoreError
from statefun.protocol.transit import wrap_stored
from statefun.protocol.values import encode_address
from statefun.runtime import Options, Store
from statefun.runtime.changes import Changes, DeadLetter, StateRow
from statefun.runtime.letters import NoLetterError, drop_letters, retry_letters
from statefun.runtime.packing import pack_states
from tests.runtime.rig import run

SEEN = json_type("look/seen", dict)


def program(folder: Path, rows: list[tuple[str, str]], broken: bool) -> StatefulFunctions:
    functions = StatefulFunctions()

    @functions.bind(
        "look/work", specs=[ValueSpec(LONG, name="count", default=0), ValueSpec(SEEN, name="seen", default={})]
    )
    def work(context: Context, word: str) -> None:
        if broken and word.startswith("bad"):
            raise ValueError(f"no \x1b[31m{word}")
        context["count"] += 1
        context["seen"] = {"last": word}
        context.send_egress("look/out", word)

    @functions.bind("look/relay")
    def relay(context: Context, word: str) -> None:
        context.send("look/work", context.address.id, word)

    (folder / "in.jsonl").write_text("".join(json.dumps({"id": id, "word": word}) + "\n" for id, word in rows))
    functions.ingress(
        FileIngress(
            id="look/in",
            path=folder / "in.jsonl",
            message=STRING,
            key="id",
            targets=["look/relay"],
            convert=lambda row: row["word"],
        )
    )
    functions.egress(FileEgress(id="look/out", path=folder / "out.txt"))
    return functions


ROWS = [("1", "bad one"), ("1", "good"), ("2", "bad two"), ("1", "bad three")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Store(tmp_path / "s") as store:
        run(program(tmp_path, ROWS, broken=True), store, options=Options(attempts=2, backoff=1))
        assert store.count("dead") == 3
    return tmp_path


class Said:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as left:
            main(list(words))
        told = self.capsys.readouterr()
        assert "\x1b" not in told.out + told.err
        return int(str(left.value.code)), told.out + told.err

    def json(self, *words: str) -> list[Any]:
        status, told = self(*words, "--json")
        assert status == 0, told
        return [json.loads(line) for line in told.splitlines()]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    return Said(capsys)


@pytest.mark.parametrize(
    "words",
    [("run", "m:f"), ("backup", "copy.db"), ("check-store",), ("dead", "list"), ("state", "list", "a/b")],
    ids=lambda words: words[0],
)
def test_an_empty_name_of_a_store_is_not_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    status, told = said(*words, "--store", "")
    assert (status, "the name is empty" in told) == (2, True), told
    assert not list(tmp_path.iterdir())


def test_dead_letters_are_listed_without_what_they_hold(folder: Path, said: Said) -> None:
    store = str(folder / "s")
    letters = said.json("dead", "list", "--store", store)
    assert [(each["number"], each["function"], each["id"], each["attempts"], each["code"]) for each in letters] == [
        (1, "look/work", "1", 2, "handler-failed"),
        (2, "look/work", "2", 2, "handler-failed"),
        (3, "look/work", "1", 2, "handler-failed"),
    ]
    assert letters[0]["message"] == {"type": "io.statefun.types/string", "size": 9}
    assert letters[0]["caller"] == "look/relay/1"
    assert letters[0]["time"].startswith("1970-01-01T00:00:01")
    assert not letters[0]["error"].startswith("[")
    _, told = said("dead", "list", "--store", store)
    assert "look/work" in told
    assert "(9 bytes)" in told
    assert "3 of 3 dead letters" in told
    shown = said.json("dead", "list", "--store", store, "--payload", "--function", "look/work", "--limit", "1")
    assert shown[0]["message"]["value"] == "bad one"
    assert said.json("dead", "list", "--store", store, "--function", "look/relay") == []


def test_one_dead_letter_is_shown_and_its_error_does_nothing_to_a_terminal(folder: Path, said: Said) -> None:
    _, told = said("dead", "show", "--store", str(folder / "s"), "2")
    assert r"no \x1b[31mbad two" in told
    assert "message:      (9 bytes)" in told
    _, told = said("dead", "show", "--store", str(folder / "s"), "2", "--payload")
    assert "message:      bad two" in told
    status, told = said("dead", "show", "--store", str(folder / "s"), "9")
    assert (status, "[no-dead-letter]" in told) == (1, True)


def test_a_retried_message_goes_behind_what_waits_and_takes_effect_once(folder: Path, said: Said) -> None:
    store = str(folder / "s")
    status, told = said("dead", "retry", "--store", store, "3", "1")
    assert (status, told) == (0, "put 2 messages back to wait for the next run\n")
    with Store(store) as opened:
        assert (opened.count("dead"), opened.count("inbox")) == (1, 2)
        run(program(folder, ROWS, broken=False), opened)
        assert (opened.count("dead"), opened.count("inbox")) == (1, 0)
    assert (folder / "out.txt").read_text().splitlines() == ["good", "bad one", "bad three"]
    states = said.json("state", "get", "look/work", "1", "--store", store)
    assert states[0]["count"]["value"] == 3


def test_a_record_that_never_was_a_message_keeps_no_other_from_being_retried(folder: Path, said: Said) -> None:
    with Store(folder / "s") as store:
        letters = store.count("dead")
        nowhere = encode_address(Target("look", "work", ""))
        store.commit(Changes(dead=[DeadLetter(7, nowhere, b"", b"", 0, "the record has no key", "record-key")]))
    status, told = said("dead", "retry", "--store", str(folder / "s"), "--all")
    assert status == 0
    assert told.startswith(
        f"put {letters} messages back to wait for the next run\nleft 1 record that never became a message"
    )
    with Store(folder / "s") as store:
        (left,) = store.dead_messages()
        assert left.code == "record-key"
    assert said("dead", "retry", "--store", str(folder / "s"), str(left.sequence))[0] == 1


def test_a_retried_message_still_has_its_caller(folder: Path) -> None:
    with Store(folder / "s") as store:
        retry_letters(store, [2])
        run(program(folder, ROWS, broken=True), store, options=Options(attempts=2, backoff=1))
        again = list(store.dead_messages())[-1]
    assert (again.sequence, again.caller, again.attempts) == (4, Target("look", "relay", "2"), 2)


def test_dropped_messages_are_gone(folder: Path, said: Said) -> None:
    store = str(folder / "s")
    assert said("dead", "drop", "--store", store, "2")[0] == 0
    assert [each["number"] for each in said.json("dead", "list", "--store", store)] == [1, 3]
    assert said("dead", "drop", "--store", store, "--all") == (0, "dropped 2 dead letters\n")
    assert said.json("dead", "list", "--store", store) == []


@pytest.mark.parametrize("change", [retry_letters, drop_letters])
def test_a_number_that_is_none_changes_nothing(folder: Path, change: Any) -> None:
    with Store(folder / "s") as store:
        with pytest.raises(NoLetterError, match="'9'"):
            change(store, [1, 9])
        assert (store.count("dead"), store.count("inbox")) == (3, 0)


def test_a_retry_that_cannot_be_written_changes_nothing(folder: Path) -> None:
    with Store(folder / "s") as store:
        with store.transaction() as connection:
            connection.execute("CREATE TRIGGER refuse BEFORE DELETE ON dead BEGIN SELECT RAISE(ABORT, 'no'); END")
        with pytest.raises(StoreError):
            retry_letters(store, [1])
        assert (store.count("dead"), store.count("inbox")) == (3, 0)


@pytest.mark.parametrize("words", [[], ["1", "--all"], ["--all", "--function", "look/work"], ["x"], ["0"]])
def test_what_to_retry_has_to_be_said_in_one_way(folder: Path, said: Said, words: list[str]) -> None:
    assert said("dead", "retry", "--store", str(folder / "s"), *words)[0] == 2


@pytest.mark.parametrize("words", [["dead", "list"], ["dead", "retry", "1"], ["state", "list", "look/work"]])
def test_a_store_in_use_and_a_folder_without_one_are_told(folder: Path, said: Said, words: list[str]) -> None:
    with Store(folder / "s"):
        status, told = said(*words, "--store", str(folder / "s"))
    assert (status, "[store-locked]" in told) == (1, True)
    status, told = said(*words, "--store", str(folder / "nothing"))
    assert (status, "holds no store" in told) == (1, True)
    assert not (folder / "nothing").exists()


def test_states_are_listed_by_name_type_and_size(folder: Path, said: Said) -> None:
    store = str(folder / "s")
    listed = said.json("state", "list", "look/work", "--store", store)
    assert listed == [
        {
            "id": "1",
            "states": {
                "count": {"type": "io.statefun.types/long", "size": 9},
                "seen": {"type": "look/seen", "size": 15},
            },
        }
    ]
    _, told = said("state", "list", "look/work", "--store", store)
    assert "(9 bytes)" in told
    assert "good" not in told
    _, told = said("state", "list", "look/work", "--store", store, "--payload")
    assert '{"last": "good"}' in told
    assert said.json("state", "list", "look/nobody", "--store", store) == []


def test_a_state_is_decoded_where_its_type_is_known_and_else_its_bytes_are_told(folder: Path, said: Said) -> None:
    store = str(folder / "s")
    values = [
        (b"order", 0, wrap_stored(TypedBytes("type.googleapis.com/shop.Order", b"\x0a\x1b[31m" + bytes(60)))),
        (b"text", 0, wrap_stored(TypedBytes(STRING.typename, STRING.v3.encode("a\x9bb\u202ec")))),
        (b"gone", 1, wrap_stored(TypedBytes(STRING.typename, b""))),
        (b"broken", 0, wrap_stored(TypedBytes(STRING.typename, b"\xff"))),
    ]
    with Store(store) as opened:
        key = encode_address(Target("look", "work", "9"))
        opened.commit(Changes(states=[StateRow(key, 60_000, pack_states(values), True)]))
    _, told = said("state", "get", "look/work", "9", "--store", store)
    assert r"a\x9bb\u202ec" in told
    assert "(66 bytes)" in told
    assert "0a1b" not in told
    assert "gone" not in told
    assert "(1 bytes)" in told
    _, told = said("state", "get", "look/work", "9", "--store", store, "--payload")
    assert "0a1b5b33316d" + "00" * 26 + "…" in told
    (only,) = said.json("state", "get", "look/work", "9", "order", "--store", store, "--payload")
    assert len(only["order"]["hex"]) == 132
    for words in (["look/work", "9", "gone"], ["look/work", "8"]):
        status, told = said("state", "get", *words, "--store", store)
        assert (status, "[no-state]" in told) == (1, True)
    assert said("state", "get", "work", "9", "--store", store)[0] == 1


def test_a_dead_letter_of_hostile_text_is_shown_as_text(tmp_path: Path, said: Said) -> None:
    target = encode_address(Target("look", "work", "[bold]\x07"))
    message = wrap_stored(TypedBytes("look/\x1b[2J", b"[red]x"))
    with Store(tmp_path) as store:
        store.commit(Changes(dead=[DeadLetter(1, target, b"", message, 1, "[x] \x1b]0;title\x07\n", "")]))
    _, told = said("dead", "list", "--store", str(tmp_path), "--payload")
    assert r"[bold]\x07" in told
    assert r"look/\x1b[2J" in told
    assert r"\x1b]0;title\x07\n" in told


def test_every_character_that_a_terminal_obeys_is_escaped() -> None:
    for code in (*range(32), 127, *range(128, 160), 0x200E, 0x202E, 0x2066, 0x2028, 0xFEFF):
        assert chr(code) not in escaped(f"a{chr(code)}b")
    assert escaped("größe 数 ✓") == "größe 数 ✓"
