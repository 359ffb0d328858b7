"""What a state reads: what was stored, decoded once for a batch, and nothing that nobody touches."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from statefun import (
    Context,
    StatefulFunction,
    ValueSpec,
    ValueType,
    handles,
)
from statefun.batch import TypedBytes
from tests.unit.rig import Engine
from tests.unit.state.doing import HERE, Do, doing, reading, setting


def test_an_absent_state_reads_none_and_one_with_a_default_its_default(engine: Engine) -> None:
    doing(engine, a=reading("note"), b=reading("count"))
    assert engine.send(HERE, "a", "b").nothing
    assert Do.seen == [None, 0]


@pytest.mark.parametrize(
    ("name", "value"),
    [("count", -(2**63)), ("note", "ü"), ("flag", True), ("ratio", 0.5), ("raw", b"\0\xff"), ("tags", [1, None])],
)
def test_a_state_reads_what_an_earlier_batch_wrote(engine: Engine, name: str, value: Any) -> None:
    doing(engine, write=setting(name, value), read=reading(name))
    engine.send(HERE, "write")
    assert engine.send(HERE, "read").nothing
    assert Do.seen == [None, value]
    assert type(Do.seen[1]) is type(value)


def test_a_state_carries_from_one_invocation_to_the_next_and_is_written_once(engine: Engine) -> None:
    def add(function: Do) -> None:
        function.count += 1

    doing(engine, add=add)
    assert engine.send(HERE, "add", "add", "add").states == {"count": 3}
    assert engine.send(HERE, "add").states == {"count": 4}


def test_a_state_is_decoded_once_for_a_batch(engine: Engine) -> None:
    decoded = []
    counted = ValueType("test/counted", encode=str.encode, decode=lambda data: decoded.append(data) or data.decode())

    class Reads(StatefulFunction[str], typename="test/f"):
        text: ValueSpec[str | None] = ValueSpec(counted)

        @handles
        def on_message(self, context: Context, message: str) -> None:
            context.send("test/f", "2", (self.text or "") + (self.text or ""))

    engine.register(Reads)
    engine.store(HERE, "text", "x", counted)
    assert [value for _, value in engine.send(HERE, "a", "b").messages] == ["xx", "xx"]
    # Once for the reads, and once more where it is held against what was stored, since a str of a custom type may be mutable.
    assert len(decoded) <= 2


def test_a_state_of_an_immutable_type_is_decoded_once_and_never_compared(engine: Engine) -> None:
    calls = []
    counted = ValueType(
        "test/money",
        encode=lambda value: calls.append("encode") or str(value).encode(),
        decode=lambda data: calls.append("decode") or Decimal(data.decode()),
        python_type=Decimal,
        immutable=True,
    )

    class Reads(StatefulFunction[str], typename="test/f"):
        money: ValueSpec[Decimal | None] = ValueSpec(counted)

        @handles
        def on_message(self, context: Context, message: str) -> None:
            assert self.money == Decimal("1.50")

    engine.register(Reads)
    engine.store(HERE, "money", TypedBytes("test/money", b"1.50"))
    assert engine.send(HERE, "a", "b", "c").nothing
    assert calls == ["decode"]


def test_states_that_nobody_touches_are_never_decoded(engine: Engine) -> None:
    doing(engine, a=reading("note"))
    engine.store(HERE, "count", TypedBytes("other/type", b"\xff\xff"))
    engine.store(HERE, "thing", TypedBytes("test/object", b"no JSON"))
    assert engine.send(HERE, "a").nothing


def test_a_state_read_in_place_is_the_same_object_within_a_batch_and_another_in_the_next(engine: Engine) -> None:
    doing(engine, write=setting("tags", [1]), read=reading("tags"))
    engine.send(HERE, "write")
    engine.send(HERE, "read", "read")
    engine.send(HERE, "read")
    _, first, second, third = Do.seen
    assert first is second
    assert first == third
    assert first is not third
