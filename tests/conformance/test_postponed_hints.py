"""Hints under `from __future__ import annotations`: they route as any others, and may name what their place can name."""

# ruff: noqa: UP037  a string in a postponed annotation is what is tested

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from statefun import StatefulFunction, StatefulFunctions, handles
from statefun.errors import AnnotationError
from tests.conformance import hinted
from tests.conformance.messages import Admin, User
from tests.conformance.rig import handled, names

ONE = [User]
TWO = [User, Admin]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("single", ONE),
        ("union", TWO),
        ("pep604", TWO),
        ("optional", ONE),
        ("annotated", ONE),
        ("dotted", ONE),
        ("alias", TWO),
        ("quoted", TWO),
        ("quoted_twice", TWO),
        ("asynchronous", ONE),
        ("other_annotations_may_name_anything", ONE),
    ],
)
def test_postponed_annotations_route_as_any_others(name: str, expected: list[Any]) -> None:
    assert handled(getattr(hinted, name)) == names(expected)


@pytest.mark.parametrize("name", ["untyped", "any_message"])
def test_postponed_annotations_may_leave_the_message_untyped(name: str) -> None:
    functions = StatefulFunctions()
    functions.register("example/function", getattr(hinted, name))
    [function] = functions.registered
    assert function.routes.typenames == ()
    assert function.routes.other is not None


@pytest.mark.parametrize("name", ["never_imported", "never_imported_in_a_union"])
def test_a_message_that_only_the_checker_imports_is_refused_with_the_remedy(name: str) -> None:
    with pytest.raises(AnnotationError, match="'NeverImported' is not defined") as caught:
        handled(getattr(hinted, name))
    assert "not under `if TYPE_CHECKING:`" in caught.value.hint


def test_local_types_of_the_place_that_registers_can_be_named() -> None:
    local = User
    functions = StatefulFunctions()

    @functions.bind("example/function")
    def handler(context: Any, message: local) -> None: ...

    assert functions.registered[0].routes.typenames == tuple(names(ONE))


shadowed = User


def of_the_module(context: Any, message: shadowed) -> None: ...


def test_a_local_type_comes_before_one_of_the_module_that_has_the_same_name() -> None:
    def register(shadowed: Any) -> StatefulFunctions:
        functions = StatefulFunctions()

        @functions.bind("example/nested")
        def nested(context: Any, message: shadowed) -> None: ...

        class Nested(StatefulFunction, typename="example/class"):
            @handles
            def on_message(self, context: Any, message: shadowed) -> None: ...

        functions.register(Nested)
        functions.register("example/of-the-module", of_the_module)
        return functions

    routes = [function.routes.typenames for function in register(Admin).registered]
    assert routes == [tuple(names([Admin])), tuple(names([Admin])), tuple(names(ONE))]

    class Functions:
        shadowed = Admin
        functions = StatefulFunctions()

        @staticmethod
        @functions.bind("example/of-the-class")
        def of_the_class(context: Any, message: shadowed) -> None: ...

    assert Functions.functions.registered[0].routes.typenames == tuple(names([Admin]))


def test_a_type_that_is_defined_later_in_the_module_is_refused_with_the_remedy() -> None:
    def handler(context: Any, message: "DefinedLater") -> None: ...  # noqa: F821

    with pytest.raises(AnnotationError) as caught:
        handled(handler)
    assert "defined before the function is registered" in caught.value.hint


def test_names_of_an_enclosing_function_can_be_named_though_it_has_returned() -> None:
    def make() -> Callable[[Any, Any], Any]:
        enclosed = User

        def handler(context: Any, message: "enclosed") -> type:
            return enclosed

        return handler

    assert handled(make()) == names(ONE)
