"""Classes of every kind that Python knows work as function classes, or are refused when they are registered."""

from __future__ import annotations

import dataclasses
import functools
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, Self, TypeVar

import attrs
import pytest

from statefun import LONG, STRING, Context, StatefulFunction, StatefulFunctions, ValueSpec, handles
from statefun.errors import DefinitionError, FactoryError, HandlerSignatureError
from tests.unit.registration.registering import HERE, refuse
from tests.unit.rig import Engine

E = TypeVar("E")
P = ParamSpec("P")
R = TypeVar("R")


def logged(function: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(function)
    def inner(*arguments: P.args, **named: P.kwargs) -> R:
        return function(*arguments, **named)

    return inner


class Abstract(StatefulFunction[E], ABC, Generic[E]):
    count: ValueSpec[int] = ValueSpec(LONG, default=0)

    @handles
    @abstractmethod
    def on_event(self, context: Context, event: E) -> None: ...


def test_an_abstract_class_is_refused_and_one_that_completes_it_works(engine: Engine) -> None:
    class Complete(Abstract[str], typename="test/f"):
        def on_event(self, context: Context, event: str) -> None:
            self.count += 1

    class Incomplete(Abstract[str], typename="test/g"):
        @abstractmethod
        def more(self) -> None: ...

        def on_event(self, context: Context, event: str) -> None: ...

    error = refuse(FactoryError, lambda: engine.functions.register(Incomplete), "Incomplete", "more")
    assert "abstract" in error.message
    assert engine.register(Complete).send(HERE, "a", "b").states == {"count": 2}


def test_an_abstract_class_is_refused_with_a_factory_too(functions: StatefulFunctions) -> None:
    class Half(Abstract[str]):
        @abstractmethod
        def on_event(self, context: Context, event: str) -> None: ...

    class Whole(Half):
        def on_event(self, context: Context, event: str) -> None: ...

    refuse(FactoryError, lambda: functions.register("test/f", Half, factory=Whole), "Half", "on_event")


def test_a_dataclass_is_a_function_class(engine: Engine) -> None:
    @dataclasses.dataclass
    class Counts(StatefulFunction[str], typename="test/f"):
        step: int
        count = ValueSpec(LONG, default=0)
        note = ValueSpec(STRING)

        @handles
        def on_text(self, context: Context, text: str) -> None:
            self.count += self.step
            self.note = text

    engine.functions.register(Counts, factory=lambda: Counts(step=5))
    assert engine.send(HERE, "a", "b").states == {"count": 10, "note": "b"}


@pytest.mark.parametrize("decorate", [dataclasses.dataclass, dataclasses.dataclass(slots=True), attrs.define])
def test_a_dataclass_has_the_annotated_states_of_its_base(engine: Engine, decorate: Any) -> None:
    class States(StatefulFunction[str]):
        count: ValueSpec[int] = ValueSpec(LONG, default=0)

    class Counts(States, typename="test/f"):
        step: int = 5

        @handles
        def on_text(self, context: Context, text: str) -> None:
            self.count += self.step

    assert engine.register(decorate(Counts)).send(HERE, "a", "b").states == {"count": 10}


@pytest.mark.parametrize("decorate", [dataclasses.dataclass(slots=True), attrs.define, attrs.define(slots=False)])
def test_a_decorator_that_makes_the_class_anew_leaves_it_its_typename(engine: Engine, decorate: Any) -> None:
    class Written(StatefulFunction[str], typename="test/f"):
        step: int = 5
        count = ValueSpec(LONG, default=0)

        @handles
        def on_text(self, context: Context, text: str) -> None:
            self.count += self.step

    made: type[Written] = decorate(Written)
    assert made.at("1").typename() == "test/f"
    assert made.at("1").function_type.accepts is str
    assert engine.register(made).send(HERE, "a", "b").states == {"count": 10}


@pytest.mark.parametrize("decorate", [attrs.frozen, dataclasses.dataclass(frozen=True)])
def test_a_frozen_class_is_a_function_class(engine: Engine, decorate: Any) -> None:
    class Written(StatefulFunction[str], typename="test/f"):
        step: int = 5

        @handles
        def on_text(self, context: Context, text: str) -> None:
            context.send("test/to", "1", self.step)

    assert engine.register(decorate(Written)).send(HERE, "a").messages == [("test/to/1", 5)]


@pytest.mark.parametrize("decorate", [attrs.define, attrs.define(slots=False), dataclasses.dataclass])
def test_a_state_that_is_a_field_of_a_dataclass_is_refused(functions: StatefulFunctions, decorate: Any) -> None:
    class Written(StatefulFunction[str], typename="test/f"):
        count: ValueSpec[int] = ValueSpec(LONG, default=0)

        @handles
        def on_text(self, context: Context, text: str) -> None: ...

    made = decorate(Written)
    error = refuse(DefinitionError, lambda: functions.register(made), "Written", "'count'")
    assert "`count = ValueSpec(" in error.hint


def test_a_class_with_slots_or_a_setattr_of_its_own_is_a_function_class(engine: Engine) -> None:
    class Guarded(StatefulFunction[str], typename="test/f"):
        __slots__ = ("step",)
        count: ValueSpec[int] = ValueSpec(LONG, default=0)

        def __setattr__(self, name: str, value: Any) -> None:
            if name.startswith("_"):
                raise AttributeError(name)
            super().__setattr__(name, value)

        @handles
        def on_text(self, context: Context, text: str) -> None:
            self.step = 5
            self.count += self.step

    assert engine.register(Guarded).send(HERE, "a", "b").states == {"count": 10}


def test_a_class_whose_new_attaches_no_states_is_refused(engine: Engine) -> None:
    class Bare(StatefulFunction[str], typename="test/f"):
        def __new__(cls) -> Self:
            return object.__new__(cls)

        @handles
        def on_text(self, context: Context, text: str) -> None: ...

    with pytest.raises(FactoryError, match="test/f"):
        engine.register(Bare).send(HERE, "a")


def test_a_wrapped_handler_is_a_handler_whichever_decorator_comes_first(engine: Engine) -> None:
    class Wrapped(StatefulFunction[str | int], typename="test/f"):
        @handles
        @logged
        def on_text(self, context: Context, text: str) -> None:
            context.send("test/to", "1", text)

        @logged
        @handles
        def on_number(self, context: Context, number: int) -> None:
            context.send("test/to", "1", number)

    assert engine.register(Wrapped).send(HERE, "a", 1).messages == [("test/to/1", "a"), ("test/to/1", 1)]


def _static(self: Any, context: Context, text: str) -> None: ...


@pytest.mark.parametrize(
    "handler",
    [
        handles(staticmethod(_static)),
        staticmethod(handles(_static)),
        handles(classmethod(_static)),
        classmethod(handles(_static)),
        handles(functools.partial(_static, None)),
        handles(functools.partialmethod(_static)),
    ],
    ids=["static", "static of a handler", "class", "class of a handler", "partial", "partialmethod"],
)
def test_a_handler_that_is_no_method_is_refused(functions: StatefulFunctions, handler: Any) -> None:
    cls = type("Odd", (StatefulFunction,), {"on_text": handler})
    refuse(HandlerSignatureError, lambda: functions.register("test/f", cls), "on_text")


def test_handlers_of_a_diamond_call_each_other_once(engine: Engine) -> None:
    class Top(StatefulFunction[E]):
        count: ValueSpec[int] = ValueSpec(LONG, default=0)

        @handles
        def on_event(self, context: Context, event: E) -> None:
            self.count += 1

    class Left(Top[E]):
        def on_event(self, context: Context, event: E) -> None:
            super().on_event(context, event)
            self.count += 10

    class Right(Top[E]):
        def on_event(self, context: Context, event: E) -> None:
            super().on_event(context, event)
            self.count += 100

    class Bottom(Left[str], Right[str], typename="test/f"): ...

    assert engine.register(Bottom).send(HERE, "a").states == {"count": 111}


def test_a_generic_base_with_its_type_is_no_class_and_is_refused(functions: StatefulFunctions) -> None:
    class Generous(StatefulFunction[E]):
        @handles
        def on_event(self, context: Context, event: E) -> None: ...

    error = refuse(DefinitionError, lambda: functions.register("test/f", Generous[str]), "Generous[str]")
    assert "class " in error.hint


def test_a_class_that_is_no_function_class_is_refused(functions: StatefulFunctions) -> None:
    @attrs.frozen
    class Forgotten:
        context: Any
        message: Any

    error = refuse(DefinitionError, lambda: functions.register("test/f", Forgotten), "Forgotten")
    assert "StatefulFunction" in error.hint
