"""`statefun check-store`: sound stores are, and each kind of damage is told with its row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from statefun.batch import Target, TypedBytes
from statefun.cli import main
from statefun.protocol.transit import wrap_stored
from statefun.protocol.values import encode_address
from statefun.runtime import Store
from statefun.runtime.changes import Changes, DeadLetter, ExpirationRow, StateRow
from statefun.runtime.checking import check, check_database
from statefun.runtime.packing import pack_messages, pack_records, pack_states
from statefun.runtime.schema import VERSION
from statefun.runtime.timers import Timer, TimerChanges
from statefun.wire import delimited

ADDRESS = encode_address(Target("check", "work", "1"))
SENDER = delimited(b"\x0a", ADDRESS)
VALUE = wrap_stored(TypedBytes("check/value", b"x"))
STATES = pack_states([(b"a", 0, VALUE), (b"b", 9, VALUE)])
MESSAGES = pack_messages([(SENDER, VALUE), (b"", VALUE)])
RECORDS = pack_records([b"one\n", b""])


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with Store(tmp_path / "s") as opened:
        opened.commit(
            Changes(
                positions={"check/in": '{"offset": 7, "line": 1}', "check/other": "shard 7"},
                states=[StateRow(ADDRESS, 60_000, STATES, True)],
                expirations=[ExpirationRow("check/work", "b", "after-call", 9)],
                inbox=[(1, ADDRESS, MESSAGES)],
                timers=TimerChanges([], [], [Timer(5, 1, SENDER, "t", ADDRESS, VALUE)]),
                outbox=[(1, "check/out", [b"one\n", b""])],
                delivered={"check/out": (0, "12")},
                dead=[DeadLetter(1, ADDRESS, ADDRESS, VALUE, 5, "text", "code")],
            )
        )
        yield opened


def test_a_sound_store_has_no_problem(store: Store) -> None:
    assert list(check(store)) == []


LONG_SENDER = delimited(b"\x0a", encode_address(Target("check", "work", "i" * 300)))


def test_a_sender_of_a_long_id_is_sound(store: Store) -> None:
    store.commit(Changes(inbox=[(2, ADDRESS, pack_messages([(LONG_SENDER, VALUE)]))]))
    assert list(check(store)) == []


DAMAGE: list[tuple[str, str, Any, str]] = [
    ("ingress", "position = ?", "", "empty position"),
    ("ingress", "position = ?", '{"offset": -1}', "offset is -1"),
    ("ingress", "position = ?", '{"line": "7"}', "line is '7'"),
    ("ingress", "position = ?", '{"line"', "no JSON"),
    ("ingress", "id = ?", "no typename", "typename"),
    ("states", "address = ?", b"\xff", "none"),
    ("states", "address = ?", encode_address(Target("check", "work", "")), "without a namespace"),
    ("states", "address = ?", ADDRESS + b"\x20\x01", "not written as"),
    ("states", "data = ?", b"", "without a state"),
    ("states", "data = ?", STATES[:-1], "ends inside"),
    ("states", "data = ?", STATES[:5], "ends inside"),
    ("states", "data = ?", pack_states([(b"a", 0, VALUE)] * 2), "twice"),
    ("states", "data = ?", pack_states([(b"\xff", 0, VALUE)]), "no text"),
    ("states", "data = ?", pack_states([(b"a", -1, VALUE)]), "expires at -1"),
    ("states", "data = ?", pack_states([(b"a", 0, b"")]), "no value"),
    ("states", "data = ?", pack_states([(b"a", 0, b"\xff")]), "TypedValue"),
    ("states", "data = ?", "text" * 9, "other kinds"),
    ("states", "reclaim = ?", None, "never be looked at"),
    ("expirations", "function = ?", "work", "typename"),
    ("expirations", "state = ?", "", "without a name"),
    ("expirations", "mode = ?", None, "never expires, after 9"),
    ("expirations", "mode = ?", "after-all", "'after-all'"),
    ("expirations", "milliseconds = ?", None, "after None ms"),
    ("expirations", "milliseconds = ?", 0, "after 0 ms"),
    ("inbox", "address = ?", b"", "without a namespace"),
    ("inbox", "data = ?", b"", "without a message"),
    ("inbox", "data = ?", MESSAGES[:-1], "ends inside"),
    ("inbox", "data = ?", MESSAGES[:3], "ends inside"),
    ("inbox", "data = ?", pack_messages([(SENDER[:-1], VALUE)]), "cut"),
    ("inbox", "data = ?", pack_messages([(b"\x12" + SENDER[1:], VALUE)]), "sender"),
    ("inbox", "data = ?", pack_messages([(b"", b"")]), "no value"),
    ("inbox", "sequence = ?", -1, "not above 0"),
    ("timers", "due = ?", -5, "due at -5"),
    ("timers", "token = ?", "", "empty token"),
    ("timers", "target = ?", b"", "without a namespace"),
    ("timers", "sender = ?", b"\x0a\x7f", "cut"),
    ("timers", "argument = ?", wrap_stored(TypedBytes("", b"x")), "without a type"),
    ("egress", "position = ?", "-1", "length of -1"),
    ("egress", "id = ?", "check/else", "no position is kept"),
    ("outbox", "data = ?", RECORDS[:-1], "ends inside"),
    ("outbox", "data = ?", RECORDS[:6], "ends inside"),
    ("outbox", "data = ?", b"", "without a record"),
    ("dead", "attempts = ?", 0, "0 attempts"),
    ("dead", "target = ?", b"", "without a namespace"),
    ("dead", "sender = ?", b"\x0a", "none"),
    ("dead", "argument = ?", b"", "no value"),
    ("dead", "error = ?", b"\xff", "no text"),
]


@pytest.mark.parametrize(("table", "change", "value", "told"), DAMAGE)
def test_each_kind_of_damage_is_told(store: Store, table: str, change: str, value: Any, told: str) -> None:
    with store.transaction() as connection:
        if table == "ingress":
            connection.execute("DELETE FROM ingress WHERE id = 'check/other'")
        connection.execute(f"UPDATE {table} SET {change}", (value,))
    problems = list(check(store))
    assert len(problems) == 1, problems
    assert told in problems[0].text
    assert problems[0].table == ("outbox" if told == "no position is kept" else table)


def test_rows_of_another_version_are_left_to_that_version(store: Store) -> None:
    store.commit(Changes(inbox=[(1, ADDRESS, b"")]))
    with store.reading() as connection:
        assert len(list(check_database(connection))) == 1
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
        assert list(check_database(connection)) == []


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as left:
        main(["check-store", *words])
    told = capsys.readouterr()
    return int(str(left.value.code)), told.out + told.err


def test_the_command_ends_with_0_for_a_sound_store(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(store.folder)
    assert said(capsys, "--store", folder)[0] == 1
    store.close()
    status, told = said(capsys, "--store", folder)
    assert (status, told) == (
        0,
        "sound: 2 ingress, 0 keys, 1 states, 1 expirations, 1 inbox, 1 timers, 1 egress, 1 outbox, 1 dead\n",
    )
    status, told = said(capsys, "--store", folder, "--json")
    assert (status, json.loads(told)["rows"]["states"]) == (0, 1)


def test_the_command_tells_the_problems_and_ends_with_1(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    store.commit(Changes(inbox=[(number, ADDRESS, b"") for number in range(1, 8)]))
    store.close()
    status, told = said(capsys, "--store", str(store.folder), "--limit", "3")
    assert status == 1
    assert told.splitlines()[0] == "inbox 1: a row without a message"
    assert "[store-corrupt]" in told
    assert "at least 3 problems" in told
    status, told = said(capsys, "--store", str(store.folder), "--json")
    assert json.loads(told.splitlines()[6]) == {"table": "inbox", "row": "7", "problem": "a row without a message"}


def test_damaged_pages_are_told_or_refused(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        StateRow(encode_address(Target("check", "work", f"i{n}")), None, STATES + bytes(0), True) for n in range(3000)
    ]
    store.commit(Changes(states=rows))
    store.close()
    sound = store.path.read_bytes()
    for page in range(2, len(sound) // 4096, 7):
        data = bytearray(sound)
        data[page * 4096 : page * 4096 + 64] = b"\xaa" * 64
        store.path.write_bytes(data)
        status, told = said(capsys, "--store", str(store.folder))
        assert (status, "[store-corrupt]" in told) == (1, True), page
        assert "\\n" not in told  # a line for each problem


def test_a_folder_without_a_store_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "holds no store" in said(capsys, "--store", str(tmp_path))[1]
