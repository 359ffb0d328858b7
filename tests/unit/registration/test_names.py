"""Each function has one name of the form `namespace/name`, its own and no parent's, and each address an id."""

from typing import Any

import pytest

from statefun import Context, DefinitionError, FunctionType, StatefulFunction, StatefulFunctions, json_type
from statefun.errors import AddressError, DuplicateFunctionError, MissingTypenameError, TypenameError
from tests.unit.registration.registering import Inherits, refuse
from tests.unit.rig import Engine

BAD_TYPENAMES = ["", "a", "/", "a/", "/b", "a/b/c", "a//b", None, 5, b"a/b", "a/\ud800"]


@pytest.mark.parametrize("typename", BAD_TYPENAMES)
def test_a_bad_typename_is_refused(functions: StatefulFunctions, typename: Any) -> None:
    def function(context: Context, message: str) -> None: ...

    refuse(TypenameError, lambda: functions.bind(typename))
    refuse(TypenameError, lambda: FunctionType(typename))
    if typename is not None:
        refuse(TypenameError, lambda: functions.register(typename, function))
        refuse(TypenameError, lambda: functions.register(typename, Inherits))
        refuse(TypenameError, lambda: type("Bad", (StatefulFunction,), {}, typename=typename))
        refuse(TypenameError, lambda: json_type(typename))
    assert functions.typenames == ()


def test_bind_without_a_name_is_refused_and_does_not_swallow_the_function(functions: StatefulFunctions) -> None:
    def function(context: Context, message: str) -> None: ...

    refuse(TypenameError, lambda: functions.bind(function), "function")  # `@functions.bind`


def test_a_function_type_twice_is_refused(functions: StatefulFunctions) -> None:
    class Typed(Inherits, typename="test/f"): ...

    def function(context: Context, message: str) -> None: ...

    functions.register(Typed)
    refuse(DuplicateFunctionError, lambda: functions.register(Typed), "test/f")
    refuse(DuplicateFunctionError, lambda: functions.register("test/f", function), "test/f")
    refuse(DuplicateFunctionError, lambda: functions.bind("test/f")(function), "test/f")
    assert functions.typenames == ("test/f",)


def test_a_function_without_a_name_is_refused(functions: StatefulFunctions) -> None:
    def function(context: Context, message: str) -> None: ...

    refuse(MissingTypenameError, lambda: functions.register(Inherits), "Inherits")
    refuse(MissingTypenameError, lambda: functions.register(function), "function")
    refuse(DefinitionError, lambda: functions.register("test/f"))
    refuse(DefinitionError, lambda: functions.register("test/f", "no function"))
    refuse(DefinitionError, lambda: functions.register("test/f", None))


def test_a_class_is_bound_under_another_name(engine: Engine) -> None:
    engine.functions.register("test/f", Inherits)
    engine.functions.bind("test/g")(Inherits)
    for target in ("test/f/1", "test/g/1"):
        assert engine.send(target, "a").messages == [("test/to/base", "a")]


def test_at_of_a_class_without_a_name_is_a_definition_error() -> None:
    error = refuse(MissingTypenameError, lambda: Inherits.at("1"), "Inherits")
    assert 'typename="ns/name"' in error.hint


@pytest.mark.parametrize("identity", ["", None, 5, b"1"])
def test_an_empty_id_is_refused(identity: Any) -> None:
    class Typed(Inherits, typename="test/f"): ...

    for at in (Typed.at, FunctionType("test/f").at):
        with pytest.raises(AddressError) as caught:
            at(identity)
        assert caught.value.hint
