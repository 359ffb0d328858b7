"""Which handlers a class has: its own, inherited, mixed in or generic; they are what its declared types ask for, one for each."""

from typing import Any, Generic, TypeVar

import pytest
import typing_extensions
from google.protobuf import any_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.protobuf.wrappers_pb2 import StringValue

from statefun import Address, Context, DefinitionError, StatefulFunction, StatefulFunctions, handles, handles_other
from statefun.errors import AnnotationError, MissingTypenameError, RouteError
from tests.unit.registration.registering import BOTH, HERE, Inherits, Named, refuse, typenames
from tests.unit.rig import Engine

E_ = TypeVar("E_")
Defaulted = typing_extensions.TypeVar("Defaulted", default=Timestamp)


def test_two_handlers_for_one_type_are_refused(functions: StatefulFunctions) -> None:
    class Twice(StatefulFunction[str], typename="test/f"):
        @handles
        def on_text(self, context: Context, message: str) -> None: ...

        @handles
        def on_text_too(self, context: Context, message: str) -> None: ...

    refuse(RouteError, lambda: functions.register(Twice), "on_text", "on_text_too", "test/f", "string")


def test_two_handlers_for_types_that_are_one_to_2_2_are_refused(functions: StatefulFunctions) -> None:
    class Twice(StatefulFunction[str | StringValue], typename="test/f"):
        @handles
        def on_text(self, context: Context, message: str) -> None: ...

        @handles
        def on_value(self, context: Context, message: StringValue) -> None: ...

    refuse(RouteError, lambda: functions.register(Twice), "on_text", "on_value", "StringValue")


def test_two_handlers_for_other_types_are_refused(functions: StatefulFunctions) -> None:
    class Twice(StatefulFunction, typename="test/f"):
        @handles_other
        def on_other(self, context: Context, message: any_pb2.Any) -> None: ...

        @handles_other
        def on_another(self, context: Context, message: any_pb2.Any) -> None: ...

    refuse(RouteError, lambda: functions.register(Twice), "on_other", "on_another")


def test_one_method_that_handles_a_type_and_all_others_is_refused(functions: StatefulFunctions) -> None:
    class Mixed(StatefulFunction, typename="test/f"):
        @handles_other
        @handles
        def on_any(self, context: Context, message: any_pb2.Any) -> None: ...

    refuse(DefinitionError, lambda: functions.register(Mixed), "on_any")


def test_a_declared_type_without_a_handler_is_refused(functions: StatefulFunctions) -> None:
    class Lacks(StatefulFunction[str | int], typename="test/f"):
        @handles
        def on_text(self, context: Context, message: str) -> None: ...

    refuse(RouteError, lambda: functions.register(Lacks), "test/f", "io.statefun.types/long")


def test_a_declared_type_without_a_handler_may_be_taken_by_handles_other(functions: StatefulFunctions) -> None:
    class Takes(StatefulFunction[str | int], typename="test/f"):
        @handles
        def on_text(self, context: Context, message: str) -> None: ...

        @handles_other
        def on_other(self, context: Context, message: any_pb2.Any) -> None: ...

    functions.register(Takes)


def test_a_handler_for_an_undeclared_type_is_refused(functions: StatefulFunctions) -> None:
    class More(StatefulFunction[str], typename="test/f"):
        @handles
        def on_text(self, context: Context, message: str) -> None: ...

        @handles
        def on_number(self, context: Context, message: int) -> None: ...

    refuse(RouteError, lambda: functions.register(More), "test/f", "io.statefun.types/long")


def test_a_class_without_handlers_is_refused(functions: StatefulFunctions) -> None:
    class Empty(StatefulFunction, typename="test/f"): ...

    class OfText(StatefulFunction[str], typename="test/f"): ...

    for cls in (Empty, OfText, StatefulFunction):
        refuse(DefinitionError, lambda cls=cls: functions.register("test/f", cls))


def test_a_handler_without_an_annotation_or_of_any_is_refused(functions: StatefulFunctions) -> None:
    class Bare(StatefulFunction, typename="test/f"):
        @handles
        def on_message(self, context, message): ...

    class OfAny(StatefulFunction, typename="test/f"):
        @handles
        def on_message(self, context: Context, message: Any) -> None: ...

    class OfPacked(StatefulFunction, typename="test/f"):
        @handles
        def on_message(self, context: Context, message: any_pb2.Any) -> None: ...

    for cls in (Bare, OfAny, OfPacked):
        error = refuse(AnnotationError, lambda cls=cls: functions.register(cls), "on_message")
        assert "@handles_other" in error.hint


def test_a_class_without_a_parameter_takes_its_routes_from_its_handlers(engine: Engine) -> None:
    class Bare(StatefulFunction, typename="test/f"):
        @handles
        def on_text(self, context: Context, message: str) -> None:
            context.send("test/to", "1", message)

        @handles
        def on_moment(self, context: Context, message: Timestamp) -> None:
            context.send("test/to", "2", message)

    engine.functions.register(Bare)
    assert engine.send(HERE, "a", Timestamp(seconds=1)).messages == [
        ("test/to/1", "a"),
        ("test/to/2", Timestamp(seconds=1)),
    ]
    assert isinstance(Bare.at("1"), Address)


def test_one_handler_takes_several_types(engine: Engine) -> None:
    class Takes(StatefulFunction[str | Timestamp | int], typename="test/f"):
        @handles
        def on_some(self, context: Context, message: str | Timestamp) -> None:
            context.send("test/to", "some", message)

        @handles
        def on_number(self, context: Context, message: int) -> None:
            context.send("test/to", "number", message)

    engine.functions.register(Takes)
    assert [to for to, _ in engine.send(HERE, "a", 5, Timestamp()).messages] == [
        "test/to/some",
        "test/to/number",
        "test/to/some",
    ]


def test_inherited_and_overridden_handlers_work(engine: Engine) -> None:
    class Derived(Inherits, typename="test/f"):
        @handles
        def on_number(self, context: Context, message: int) -> None:
            context.send("test/to", "derived", message)

    class Unmarked(Inherits, typename="test/g"):
        def on_number(self, context: Context, message: int) -> None:
            super().on_number(context, message)
            context.send("test/to", "unmarked", message)

    engine.functions.register(Derived)
    engine.functions.register(Unmarked)
    assert engine.send("test/f/1", "a", 1).messages == [("test/to/base", "a"), ("test/to/derived", 1)]
    assert engine.send("test/g/1", "a", 1).messages == [
        ("test/to/base", "a"),
        ("test/to/base", 1),
        ("test/to/unmarked", 1),
    ]


def test_a_mixin_brings_handlers(engine: Engine) -> None:
    class Mixin:
        @handles
        def on_text(self, context: Context, message: str) -> None:
            context.send("test/to", "mixin", message)

    class Mixes(Mixin, StatefulFunction[str], typename="test/f"): ...

    engine.functions.register(Mixes)
    assert engine.send(HERE, "a").messages == [("test/to/mixin", "a")]


def test_a_subclass_is_another_function_and_does_not_inherit_the_name(functions: StatefulFunctions) -> None:
    class Parent(Inherits, typename="test/f"): ...

    class Child(Parent): ...

    functions.register(Parent)
    refuse(MissingTypenameError, lambda: functions.register(Child), "Child")
    refuse(MissingTypenameError, lambda: Child.at("1"), "Child")
    functions.register("test/g", Child)
    assert functions.typenames == ("test/f", "test/g")


class GenericBase(StatefulFunction[E_], Generic[E_]):
    @handles
    def on_message(self, context: Context, message: E_) -> None:
        context.send("test/to", "1", message)


class Between(GenericBase[E_], Generic[E_]): ...


class OfDefault(StatefulFunction[Defaulted], Generic[Defaulted]):
    @handles
    def on_message(self, context: Context, message: Defaulted) -> None:
        context.send("test/to", "1", message)


@pytest.mark.parametrize("base", [GenericBase, Between])
@pytest.mark.parametrize("messages", [Timestamp | Duration, "Timestamp | Duration", Named])
def test_generic_bases_work(engine: Engine, base: Any, messages: Any) -> None:
    class Concrete(base[messages], typename="test/f"): ...

    engine.functions.register(Concrete)
    assert typenames(engine.functions) == BOTH
    assert [value for _, value in engine.send(HERE, Timestamp(), Duration()).messages] == [Timestamp(), Duration()]


def test_a_generic_base_whose_type_variable_nothing_binds_is_refused(functions: StatefulFunctions) -> None:
    class Unbound(GenericBase, typename="test/f"): ...

    error = refuse(AnnotationError, lambda: functions.register(Unbound), "E_")
    assert "class Carts(Base[CartEvent])" in error.hint


def test_a_type_variable_with_a_default_is_its_default(engine: Engine) -> None:
    class Bare(OfDefault, typename="test/f"): ...

    engine.functions.register(Bare)
    assert engine.send(HERE, Timestamp(seconds=1)).messages == [("test/to/1", Timestamp(seconds=1))]
