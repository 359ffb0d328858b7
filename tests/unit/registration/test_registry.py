"""What a registry takes with a function, its factory and its states, what it tells of them, and when it is frozen."""

from typing import Any

import pytest

from statefun import (
    LONG,
    STRING,
    AsyncRequestReplyHandler,
    Context,
    DefinitionError,
    FunctionType,
    RequestReplyHandler,
    StatefulFunction,
    StatefulFunctions,
    ValueSpec,
    handles,
)
from statefun.batch import StateDeclaration
from statefun.errors import FactoryError, FrozenRegistryError
from tests.unit.registration.registering import Inherits, refuse
from tests.unit.rig import Engine


class NeedsPrices(StatefulFunction[str], typename="test/f"):
    def __init__(self, prices: dict[str, int]) -> None:
        self.prices = prices

    @handles
    def on_text(self, context: Context, message: str) -> None: ...


def test_a_class_that_needs_arguments_and_has_no_factory_is_refused(functions: StatefulFunctions) -> None:
    error = refuse(FactoryError, lambda: functions.register(NeedsPrices), "NeedsPrices", "prices")
    assert "factory=" in error.hint
    functions.register(NeedsPrices, factory=lambda: NeedsPrices({}))


@pytest.mark.parametrize("factory", [NeedsPrices({}), "no factory", 5])
def test_a_factory_that_cannot_be_called_is_refused(functions: StatefulFunctions, factory: Any) -> None:
    refuse(FactoryError, lambda: functions.register(NeedsPrices, factory=factory))


def test_a_factory_for_a_plain_function_is_refused(functions: StatefulFunctions) -> None:
    def function(context: Context, message: str) -> None: ...

    refuse(
        DefinitionError,
        lambda: functions.register("test/f", function, factory=lambda: None),
    )


def test_specs_beside_a_class_are_refused(functions: StatefulFunctions) -> None:
    refuse(
        DefinitionError,
        lambda: functions.register("test/f", Inherits, specs=[ValueSpec(LONG, name="n")]),
        "specs",
    )


@pytest.mark.parametrize("spec", [ValueSpec(LONG), LONG, "count", None])
def test_a_spec_without_a_name_is_refused(functions: StatefulFunctions, spec: Any) -> None:
    def function(context: Context, message: str) -> None: ...

    error = refuse(DefinitionError, lambda: functions.register("test/f", function, specs=[spec]))
    assert "name=" in error.hint


@pytest.mark.parametrize("specs", [ValueSpec(LONG, name="n"), LONG, None, 5])
def test_specs_that_are_no_sequence_are_refused(functions: StatefulFunctions, specs: Any) -> None:
    def function(context: Context, message: str) -> None: ...

    error = refuse(DefinitionError, lambda: functions.register("test/f", function, specs=specs), "is given specs=")
    assert "specs=[ValueSpec(" in error.hint
    refuse(DefinitionError, lambda: functions.bind("test/f", specs=specs)(function), "is given specs=")


@pytest.mark.parametrize("handler", [RequestReplyHandler, AsyncRequestReplyHandler])
def test_making_a_handler_freezes_its_registry(functions: StatefulFunctions, handler: Any) -> None:
    def function(context: Context, message: str) -> None: ...

    functions.register("test/f", function)
    handler(functions)
    refuse(FrozenRegistryError, lambda: functions.register("test/g", function), "test/g")
    refuse(FrozenRegistryError, lambda: functions.bind("test/g")(function), "test/g")
    refuse(FrozenRegistryError, lambda: functions.register("test/g", Inherits), "test/g")
    handler(functions)
    assert functions.typenames == ("test/f",)


@pytest.mark.parametrize("handler", [RequestReplyHandler, AsyncRequestReplyHandler])
@pytest.mark.parametrize("given", [None, {}, "greeter", StatefulFunctions])
def test_a_handler_of_what_is_no_registry_is_refused(given: Any, handler: Any) -> None:
    error = refuse(DefinitionError, lambda: handler(given), handler.__name__)
    assert "StatefulFunctions" in error.hint


@pytest.mark.parametrize("handler", [RequestReplyHandler, AsyncRequestReplyHandler])
@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_that_lets_no_request_through_is_refused(
    functions: StatefulFunctions, limit: int, handler: Any
) -> None:
    refuse(DefinitionError, lambda: handler(functions, max_batch_size=limit), f"max_batch_size={limit}")


def test_bind_and_handles_leave_what_they_decorate_as_it_is(functions: StatefulFunctions) -> None:
    def function(context: Context, message: str) -> None: ...

    assert functions.bind("test/f")(function) is function
    assert handles(function) is function


def test_a_registry_tells_its_functions_and_their_states(functions: StatefulFunctions) -> None:
    class Typed(Inherits, typename="test/f"):
        b: ValueSpec[int] = ValueSpec(LONG, default=0)
        a: ValueSpec[str | None] = ValueSpec(STRING)

    functions.register(Typed)
    functions.bind("test/g", specs=iter([ValueSpec(LONG, name="n")]))(lambda context, message: None)
    assert functions.typenames == ("test/f", "test/g")
    assert functions.specs() == {
        "test/f": (
            StateDeclaration("b", "io.statefun.types/long"),
            StateDeclaration("a", "io.statefun.types/string"),
        ),
        "test/g": (StateDeclaration("n", "io.statefun.types/long"),),
    }
    found = functions.find("test", "g")
    assert found is not None
    assert found.function_type == FunctionType("test/g")
    assert functions.find("test", "h") is None


def test_classes_and_decorated_functions_live_in_one_registry_and_message_each_other(engine: Engine) -> None:
    class Asks(StatefulFunction[str], typename="test/asks"):
        @handles
        def on_text(self, context: Context, message: str) -> None:
            context.send("test/answers", "1", message)

    @engine.functions.bind("test/answers")
    def answers(context: Context, message: str) -> None:
        context.send(Asks.at("2"), message)
        context.reply(message)

    engine.functions.register(Asks)
    assert engine.send("test/asks/1", "a").messages == [("test/answers/1", "a")]
    assert engine.send("test/answers/1", "a", caller="test/asks/1").messages == [
        ("test/asks/2", "a"),
        ("test/asks/1", "a"),
    ]
