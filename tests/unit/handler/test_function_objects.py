"""Function objects: one for a batch, made by their factory, shared by nobody."""

from __future__ import annotations

from typing import Any

import pytest

from statefun import (
    LONG,
    Context,
    StatefulFunction,
    ValueSpec,
    handles,
)
from statefun.errors import (
    FactoryError,
)
from tests.unit.handler.counter import HERE, TO, Counter
from tests.unit.rig import Engine


def test_a_function_object_lives_for_one_batch_of_one_address(engine: Engine) -> None:
    made: list[Any] = []

    class Remembers(StatefulFunction[str], typename="test/f"):
        def __init__(self) -> None:
            self.invocations = 0
            made.append(self)

        @handles
        def on_message(self, context: Context, message: str) -> None:
            self.invocations += 1

    engine.register(Remembers)
    engine.send(HERE, "a", "b")
    engine.send(HERE, "c")
    assert [each.invocations for each in made] == [2, 1]
    assert made[0] is not made[1]


def test_attributes_of_a_class_without_init_do_not_outlive_a_batch_either(engine: Engine) -> None:
    class Remembers(StatefulFunction[str], typename="test/f"):
        seen = 0

        @handles
        def on_message(self, context: Context, message: str) -> None:
            self.seen += 1
            context.send(TO, self.seen)

    engine.register(Remembers)
    assert [value for _, value in engine.send(HERE, "a", "b").messages] == [1, 2]
    assert [value for _, value in engine.send(HERE, "c").messages] == [1]


def test_a_factory_injects_collaborators(engine: Engine) -> None:
    class Cart(StatefulFunction[str], typename="test/f"):
        def __init__(self, prices: dict[str, int]) -> None:
            self.prices = prices

        @handles
        def on_message(self, context: Context, message: str) -> None:
            context.send(TO, self.prices[message])

    prices = {"a": 5}
    engine.functions.register(Cart, factory=lambda: Cart(prices))
    assert [value for _, value in engine.send(HERE, "a").messages] == [5]


def test_a_factory_that_returns_an_object_of_before_is_refused(engine: Engine) -> None:
    kept = Counter()
    engine.functions.register(Counter, factory=lambda: kept)
    with pytest.raises(FactoryError, match="test/f") as caught:
        engine.send(HERE, "a")
    assert "lambda" in caught.value.hint


@pytest.mark.parametrize("made", [None, object(), Counter])
def test_a_factory_that_makes_something_else_is_refused(engine: Engine, made: Any) -> None:
    engine.functions.register(Counter, factory=lambda: made)
    with pytest.raises(FactoryError):
        engine.send(HERE, "a")


def test_a_factory_that_makes_an_object_of_another_class_is_refused(engine: Engine) -> None:
    class Other(StatefulFunction[str], typename="test/other"):
        @handles
        def on_message(self, context: Context, message: str) -> None: ...

    engine.functions.register(Counter, factory=lambda: Other())
    with pytest.raises(FactoryError):
        engine.send(HERE, "a")


def test_a_class_registered_under_two_names_is_two_functions(engine: Engine) -> None:
    engine.register(Counter)
    engine.functions.register("test/g", Counter)
    assert engine.send("test/f/1", "a").states == {"count": 1}
    assert engine.send("test/g/1", "a").states == {"count": 1}


def test_a_function_of_a_class_calls_another_and_itself(engine: Engine) -> None:
    """Objects of function classes that a handler makes by hand are no part of the batch."""

    class Helper(StatefulFunction[str], typename="test/f"):
        count: ValueSpec[int] = ValueSpec(LONG, default=0)

        def __init__(self, depth: int = 0) -> None:
            self.depth = depth

        @handles
        def on_message(self, context: Context, message: str) -> None:
            self.count += 1
            if self.depth == 0:
                Helper(1).on_message(context, message)

    engine.register(Helper)
    assert engine.send(HERE, "a").states == {"count": 1}


def test_a_factory_that_makes_an_object_of_a_subclass_is_refused(engine: Engine) -> None:
    # The routes and states of a function are those of the class that is registered: what the subclass overrides would not run.
    class Counts(Counter):
        @handles
        def on_message(self, context: Context, message: str) -> None: ...

    engine.functions.register(Counter, factory=Counts)
    with pytest.raises(FactoryError, match="Counts") as caught:
        engine.send(HERE, "a")
    assert "register('test/f', Counts" in caught.value.hint


def test_a_function_object_that_another_one_makes_has_states_of_its_own(engine: Engine) -> None:
    class Holder(StatefulFunction[str], typename="test/holder"):
        count: ValueSpec[int] = ValueSpec(LONG, default=0)

        def __init__(self) -> None:
            self.helper = Counter()
            self.helper.count = 99

        @handles
        def on_message(self, context: Context, message: str) -> None:
            self.count += 1

    engine.register(Holder)
    assert engine.send("test/holder/1", "a").states == {"count": 1}


def test_a_factory_may_serve_another_request(engine: Engine) -> None:
    other = Engine(engine.protocol)
    other.functions.register(Counter, factory=lambda: Counter())

    class Holder(StatefulFunction[str], typename="test/holder"):
        count: ValueSpec[int] = ValueSpec(LONG, default=0)

        def __init__(self, before: int) -> None:
            self.before = before

        @handles
        def on_message(self, context: Context, message: str) -> None:
            self.count = self.before + 10

    engine.functions.register(Holder, factory=lambda: Holder(other.send(HERE, "a").states["count"]))
    assert engine.send("test/holder/1", "a").states == {"count": 11}
