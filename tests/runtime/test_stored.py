"""What `statefun check --store` reads: the expirations that functions register, and what waits, in a store that is idle or in use."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from statefun import LONG, FunctionType, StatefulFunctions, ValueSpec, after_call, after_write
from statefun.batch import MissingStates, ProtocolVersion, StateDeclaration, Target, TypedBytes
from statefun.cli.stored import read_stored
from statefun.embedded import Embedded
from statefun.errors import StoreError
from statefun.expiration import Expiration
from statefun.protocol.response import encode_missing_states
from statefun.protocol.transit import wrap_stored
from statefun.protocol.values import encode_address, wrap
from statefun.runtime import Store
from statefun.runtime.changes import Changes, ExpirationRow, StateRow
from statefun.runtime.core import Core
from statefun.runtime.packing import pack_messages, pack_states
from statefun.runtime.timers import Timer, TimerChanges
from statefun.runtime.values import Limits, Recovered

DAY = timedelta(days=1)


def core_of(protocol: ProtocolVersion, stored: list[ExpirationRow], *declared: StateDeclaration) -> Core:
    return Core(
        protocol=protocol,
        load=lambda _key: None,
        states={"test/a": declared},
        egresses={},
        limits=Limits(),
        jitter=lambda: 0.0,
        recovered=Recovered(expirations=stored),
    )


def registered(protocol: ProtocolVersion, stored: list[ExpirationRow], *declared: StateDeclaration) -> Changes:
    """What the first transaction holds in which a function tells its states."""
    core = core_of(protocol, stored, *declared)
    core.begin(0)
    if protocol is ProtocolVersion.V3:
        core.send(encode_address(Target("test", "a", "1")), b"", wrap(TypedBytes("t/m", b""), protocol))
        call = core.next(0)
        assert call is not None
        core.answered(call, encode_missing_states(MissingStates(declared)), 0)
    changes = core.collect()
    core.committed()
    core.begin(0)
    assert core.collect().expirations == []
    return changes


@pytest.mark.parametrize("protocol", ProtocolVersion)
def test_what_functions_register_is_kept_when_the_store_has_it_otherwise(protocol: ProtocolVersion) -> None:
    never, mortal = ExpirationRow("test/a", "never"), ExpirationRow("test/a", "mortal", "after-call", 86_400_000)
    declared = StateDeclaration("never", "t/v"), StateDeclaration("mortal", "t/v", after_call(DAY))
    assert registered(protocol, [], *declared).expirations == [never, mortal]
    assert registered(protocol, [mortal], *declared).expirations == [never]
    assert registered(protocol, [mortal, never], *declared).expirations == []
    assert registered(protocol, [never, mortal._replace(mode="after-write")], *declared).expirations == [mortal]


def test_expirations_alone_are_a_change_and_survive(tmp_path: Path) -> None:
    first, second = ExpirationRow("a/b", "s"), ExpirationRow("a/b", "s", "after-write", 5)
    for row in (first, second):
        with Store(tmp_path) as store:
            changes = Changes(expirations=[row])
            assert changes
            store.commit(changes)
        with Store(tmp_path) as store:
            assert store.recover().expirations == [row]


def address(function: str, id: str) -> bytes:
    namespace, _, name = function.partition("/")
    return encode_address(Target(namespace, name, id))


VALUE = wrap_stored(TypedBytes("t/v", b"x"))


def test_all_that_a_store_holds_is_read(tmp_path: Path) -> None:
    # The second name is a prefix of the third, and the ids are of one byte and of many.
    functions = ("n/a", "n/b", "n/bb", "n" * 200 + "/b")
    ids = ("1", "é" * 100)
    with Store(tmp_path) as store:
        store.commit(
            Changes(
                states=[
                    StateRow(address(each, id), None, pack_states([(b"s", 0, VALUE), (b"old", 9, VALUE)]), True)
                    for each in functions
                    for id in ids
                ],
                expirations=[ExpirationRow("n/a", "s"), ExpirationRow("n/a", "old", "after-write", 9)],
                inbox=[(1, address("n/c", "1"), pack_messages([(b"", VALUE)] * 3)), (2, address("n/a", "1"), pack_messages([(b"", VALUE)]))],
                timers=TimerChanges([], [], [Timer(5, each, b"", "", address("n/c", "1"), VALUE) for each in (1, 2)]),
                outbox=[(1, "n/out", [b"x"])],
            )
        )  # fmt: skip
    stored = read_stored(tmp_path)
    assert stored.states == {each: {"s": {"t/v"}} for each in functions}  # the other one has expired
    assert stored.expirations == {"n/a": {"s": None, "old": after_write(timedelta(milliseconds=9))}}
    assert stored.waiting == {"n/c": 5, "n/a": 1}
    assert stored.egresses == {"n/out"}


def test_an_empty_store_holds_nothing_and_a_folder_without_one_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds no store"):
        read_stored(tmp_path)
    Store(tmp_path).close()
    stored = read_stored(tmp_path)
    assert not any((stored.states, stored.expirations, stored.waiting, stored.egresses))


def test_a_store_that_is_in_use_is_read_in_a_copy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    functions = StatefulFunctions()

    def count(context: object, message: str) -> None:
        context["count"] = len(message)

    functions.register("shop/count", count, specs=[ValueSpec(LONG, name="count", expire=after_write(DAY))])

    async def check() -> None:
        async with Embedded(functions, store=tmp_path) as client:
            await client.send(FunctionType[str]("shop/count").at("1"), "text")
            stored = await asyncio.to_thread(read_stored, tmp_path)
            while not stored.states:  # `send` is over when the message is in the store
                stored = await asyncio.to_thread(read_stored, tmp_path)
            expected: dict[str, dict[str, Expiration | None]] = {"shop/count": {"count": after_write(DAY)}}
            assert stored.expirations == expected

    asyncio.run(check())
    assert f"{tmp_path} is in use" in capsys.readouterr().err
