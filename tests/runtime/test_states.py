"""States: expiration after write and after call, reclaiming, protocols, eviction, what is read back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from statefun import (
    LONG,
    STRING,
    Context,
    FileEgress,
    FileIngress,
    StatefulFunctions,
    ValueSpec,
    after_call,
    after_write,
)
from statefun.batch import ProtocolVersion, TypedBytes
from statefun.runtime import Options, Store, VirtualClock
from tests.runtime.rig import run

HOUR = 3600.0


def cells(folder: Path, commands: Sequence[str]) -> StatefulFunctions:
    """`<id>:set <n>`, `<id>:get`, `<id>:del` of three states: one that stays, one of an hour since writing, one since a call."""
    functions = StatefulFunctions()
    specs = [
        ValueSpec(LONG, name="stays"),
        ValueSpec(LONG, name="written", expire=after_write(timedelta(hours=1))),
        ValueSpec(LONG, name="called", expire=after_call(timedelta(hours=1))),
    ]

    @functions.bind("demo/cell", specs=specs)
    def cell(context: Context, command: str) -> None:
        verb, *numbers = command.split()
        for name in ("stays", "written", "called"):
            if verb == "set":
                context[name] = int(numbers[0])
            elif verb == "del":
                del context[name]
        if verb == "get":
            context.send_egress("demo/out", " ".join(str(context[name]) for name in ("stays", "written", "called")))

    (folder / "in.csv").write_text("id,command\n" + "".join(f"{each.replace(':', ',')}\n" for each in commands))
    functions.ingress(
        FileIngress(
            id="demo/in",
            path=folder / "in.csv",
            message=STRING,
            key="id",
            targets=["demo/cell"],
            convert=lambda row: row["command"],
        )
    )
    functions.egress(FileEgress(id="demo/out", path=folder / "out.txt"))
    return functions


def play(
    folder: Path, script: Sequence[tuple[float, str]], protocol: ProtocolVersion, cached: int, restart: bool
) -> list[str]:
    """Gives commands at their times, in seconds, in one run or in a run for each."""
    clock = VirtualClock()
    done: list[str] = []
    options = Options(protocol=protocol, cached=cached)
    for at, command in script:
        clock.advance(at - clock.now() / 1e9)
        done.append(command)
        if restart:
            with Store(folder / "s") as store:
                run(cells(folder, done), store, clock=clock, options=options)
    return (folder / "out.txt").read_text().splitlines()


SCRIPT = [
    (0, "a:set 1"),
    (0, "b:set 2"),
    (HOUR - 1, "a:get"),
    (HOUR - 0.002, "b:get"),
    (HOUR, "b:get"),
    (HOUR, "a:get"),
    (2 * HOUR - 0.5, "a:set 3"),
    (2 * HOUR - 0.5, "a:get"),
    (2 * HOUR - 0.25, "b:get"),
    (9 * HOUR, "a:get"),
]
SEEN = ["1 1 1", "2 2 2", "2 None 2", "1 None 1", "3 3 3", "2 None 2", "3 None None"]


@pytest.mark.parametrize("protocol", ProtocolVersion)
def test_an_expired_value_is_never_seen_and_a_call_refreshes_what_expires_after_calls(
    tmp_path: Path, protocol: ProtocolVersion
) -> None:
    assert play(tmp_path, SCRIPT, protocol, 1, restart=True) == SEEN


def test_expired_space_is_reclaimed_though_nobody_calls(tmp_path: Path) -> None:
    clock = VirtualClock()
    with Store(tmp_path / "s") as store:
        run(cells(tmp_path, ["a:set 1"]), store, clock=clock)
        assert set(dict(store.states("demo/cell"))["a"]) == {"stays", "written", "called"}
        clock.advance(HOUR + 61)
        assert set(dict(store.states("demo/cell", now=clock.now() // 1_000_000))["a"]) == {"stays"}
        run(cells(tmp_path, ["a:set 1", "b:set 1"]), store, clock=clock)
        assert set(dict(store.states("demo/cell"))["a"]) == {"stays"}


def test_an_address_without_states_leaves_no_row(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store:
        run(cells(tmp_path, ["a:set 1", "b:set 1"]), store)
        assert store.count("states") == 2
        run(cells(tmp_path, ["a:set 1", "b:set 1", "a:del"]), store)
        assert store.count("states") == 1


def test_a_value_keeps_its_typename_and_bytes(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store:
        run(cells(tmp_path, ["a:set 1"]), store)
        ((id, states),) = store.states("demo/cell")
        assert id == "a"
        assert states["stays"] == TypedBytes("io.statefun.types/long", LONG.v3.encode(1))
        assert list(store.states("demo/cel")) == []


@pytest.mark.parametrize("cached", [1, 2, 1000])
def test_what_leaves_the_memory_is_read_again(tmp_path: Path, cached: int) -> None:
    ids = [f"id{number}" for number in range(20)]
    commands = [f"{id}:set {id[2:]}" for id in ids] + [f"{id}:get" for id in ids]
    with Store(tmp_path / "s") as store:
        run(cells(tmp_path, commands), store, options=Options(max_group=3, cached=cached))
    assert (tmp_path / "out.txt").read_text().splitlines() == [f"{number} {number} {number}" for number in range(20)]
