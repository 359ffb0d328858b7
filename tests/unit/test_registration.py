"""What registration takes in every spelling, and what it refuses, so that nothing of it is found while serving."""

import functools
import typing
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Generic, NewType, Optional, TypeVar, Union

import pytest
import typing_extensions
from google.protobuf import any_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.protobuf.wrappers_pb2 import StringValue

from statefun import (
    INT,
    LONG,
    STRING,
    Address,
    AsyncRequestReplyHandler,
    Context,
    DefinitionError,
    FunctionType,
    RequestReplyHandler,
    StatefulFunction,
    StatefulFunctions,
    StatefunError,
    ValueSpec,
    handles,
    handles_other,
    json_type,
)
from statefun.batch import StateDeclaration
from statefun.errors import (
    AddressError,
    AnnotationError,
    DuplicateFunctionError,
    FactoryError,
    FrozenRegistryError,
    HandlerSignatureError,
    MessageTypeError,
    MissingTypenameError,
    RouteError,
    TypenameError,
)
from tests.unit.rig import Engine

if TYPE_CHECKING:
    from google.protobuf.field_mask_pb2 import FieldMask as OnlyForCheckers

HERE = "test/f/1"
ORDER = json_type("test/order", dict)
UserId = NewType("UserId", str)
Alias = Timestamp | Duration
ForwardAlias = Union["Timestamp", "Duration"]
Named = typing_extensions.TypeAliasType("Named", Timestamp | Duration)
E_ = TypeVar("E_")
Bounded = TypeVar("Bounded", bound=Timestamp)
Constrained = TypeVar("Constrained", Timestamp, Duration)
Defaulted = typing_extensions.TypeVar("Defaulted", default=Timestamp)

BOTH = {"type.googleapis.com/google.protobuf.Timestamp", "type.googleapis.com/google.protobuf.Duration"}


@pytest.fixture
def functions() -> StatefulFunctions:
    return StatefulFunctions()


def typenames(functions: StatefulFunctions) -> set[str]:
    (registered,) = functions.registered
    return set(registered.routes.typenames)


def refuse(error: type[StatefunError], register: Callable[[], Any], *parts: str) -> StatefunError:
    with pytest.raises(error) as caught:
        register()
    for part in parts:
        assert part in str(caught.value)
    assert caught.value.hint, "an error says how to mend it"
    assert isinstance(caught.value, DefinitionError)
    return caught.value


# --- annotations in every spelling --------------------------------------------------------------------------------------

SPELLINGS = {
    "PEP 604": Timestamp | Duration,
    "Union": Union[Timestamp, Duration],  # noqa: UP007
    "nested": Union[Timestamp, Duration],  # noqa: UP007
    "optional": Optional[Timestamp | Duration],  # noqa: UP045
    "string": "Timestamp | Duration",
    "strings within": Union["Timestamp", "Duration"],
    "a string within a string": "Union['Timestamp', Duration]",
    "Annotated": Annotated[Timestamp | Duration, "a note"],
    "Annotated within": Timestamp | Annotated[Duration, "a note"],
    "Annotated as a string": "Annotated[Timestamp | Duration, 'a note']",
    "alias": Alias,
    "alias of strings": ForwardAlias,
    "alias by name": "Alias",
    "TypeAliasType": Named,
    "ForwardRef": typing.ForwardRef("Timestamp | Duration"),
    "constrained": Constrained,
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("kind", ["function", "method", "declared"])
def test_a_message_is_annotated_in_every_spelling(functions: StatefulFunctions, spelling: str, kind: str) -> None:
    hint = SPELLINGS[spelling]

    def function(context, message): ...

    def method(self, context, message): ...

    function.__annotations__["message"] = hint
    method.__annotations__["message"] = hint
    if kind == "function":
        functions.register("test/f", function)
    elif kind == "method":

        class Handles(StatefulFunction, typename="test/f"):
            on_message = handles(method)

        functions.register(Handles)
    else:
        base = StatefulFunction[hint]  # type: ignore[valid-type]

        class Declares(base, typename="test/f"):  # type: ignore[misc, valid-type]
            @handles
            def on_moment(self, context: Context, message: Timestamp) -> None: ...

            @handles
            def on_duration(self, context: Context, message: Duration) -> None: ...

        if spelling == "constrained":
            return  # a bare type variable declares nothing
        functions.register(Declares)
    assert typenames(functions) == BOTH


@pytest.mark.parametrize(
    ("hint", "typename"),
    [
        (Annotated[dict, ORDER], "test/order"),
        (Annotated[int, INT], "io.statefun.types/int"),
        (Annotated[int, "a note", INT, LONG], "io.statefun.types/int"),
        (ORDER, "test/order"),
        (UserId, "io.statefun.types/string"),
        (Bounded, "type.googleapis.com/google.protobuf.Timestamp"),
        (bytes, "type.googleapis.com/google.protobuf.BytesValue"),
        (bool, "io.statefun.types/bool"),
        (float, "io.statefun.types/double"),
    ],
)
def test_a_hint_names_one_value_type(functions: StatefulFunctions, hint: Any, typename: str) -> None:
    def function(context, message): ...

    function.__annotations__["message"] = hint
    functions.register("test/f", function)
    assert typenames(functions) == {typename}


def test_an_unresolvable_annotation_of_the_context_or_the_result_is_ignored(engine: Engine) -> None:
    @engine.functions.bind("test/f")
    def function(context: "Nowhere", message: str) -> "AlsoNowhere":  # type: ignore[name-defined] # noqa: F821
        context.send("test/to", "1", message)

    class Handles(StatefulFunction[str], typename="test/g"):
        @handles
        def on_text(self, context: "Nowhere", message: str) -> "AlsoNowhere":  # type: ignore[name-defined] # noqa: F821
            context.send("test/to", "1", message)

    engine.functions.register(Handles)
    for target in ("test/f/1", "test/g/1"):
        assert engine.send(target, "a").messages == [("test/to/1", "a")]


@pytest.mark.parametrize("hint", ["Nowhere", "Timestamp |", "1 / 0", "Nowhere.Type", "Timestamp | Nowhere"])
def test_a_message_that_cannot_be_resolved_is_refused(functions: StatefulFunctions, hint: str) -> None:
    def function(context, message): ...

    def method(self, context, message): ...

    function.__annotations__["message"] = method.__annotations__["message"] = hint

    class Handles(StatefulFunction, typename="test/f"):
        on_message = handles(method)

    refuse(AnnotationError, lambda: functions.register("test/f", function), "'message'", "function")
    refuse(AnnotationError, lambda: functions.register(Handles), "'message'", "method")
    assert functions.typenames == ()


def test_a_declared_type_that_cannot_be_resolved_is_refused(functions: StatefulFunctions) -> None:
    class Declares(StatefulFunction["Timestamp | Nowhere"], typename="test/f"):  # type: ignore[name-defined]
        @handles
        def on_moment(self, context: Context, message: Timestamp) -> None: ...

    refuse(AnnotationError, lambda: functions.register(Declares), "test/f", "Nowhere")


def test_a_message_that_is_imported_for_checkers_only_is_refused_with_a_hint_to_import_it(
    functions: StatefulFunctions,
) -> None:
    def function(context: Context, message: "OnlyForCheckers") -> None: ...

    error = refuse(AnnotationError, lambda: functions.register("test/f", function), "OnlyForCheckers")
    assert "TYPE_CHECKING" in error.hint
    assert "import" in error.hint


def test_a_local_class_stands_in_a_string_where_it_is_registered(functions: StatefulFunctions) -> None:
    Local = Timestamp  # noqa: N806

    def function(context: Context, message: "Local") -> None: ...

    class Handles(StatefulFunction["Local"], typename="test/g"):
        @handles
        def on_message(self, context: Context, message: "Local") -> None: ...

    functions.register("test/f", function)
    functions.register(Handles)
    functions.bind("test/h")(function)
    assert len(functions.registered) == 3


@pytest.mark.parametrize("hint", [None, type(None), "None"])
def test_a_message_that_is_none_is_refused(functions: StatefulFunctions, hint: Any) -> None:
    def function(context, message): ...

    def method(self, context, message): ...

    function.__annotations__["message"] = method.__annotations__["message"] = hint

    class Handles(StatefulFunction, typename="test/f"):
        on_message = handles(method)

    refuse(DefinitionError, lambda: functions.register("test/f", function))
    refuse(DefinitionError, lambda: functions.register(Handles))


class Unnamed:
    pass


@pytest.mark.parametrize("hint", [Unnamed, list[int], dict, object, Message, Callable[[], None], "Unnamed", 5])
def test_a_message_type_without_a_name_on_the_wire_is_refused(functions: StatefulFunctions, hint: Any) -> None:
    def function(context, message): ...

    def method(self, context, message): ...

    function.__annotations__["message"] = method.__annotations__["message"] = hint

    class Handles(StatefulFunction, typename="test/f"):
        on_message = handles(method)

    for register in (lambda: functions.register("test/f", function), lambda: functions.register(Handles)):
        error = refuse(MessageTypeError, register)
        assert "json_type" in error.hint


# --- signatures ---------------------------------------------------------------------------------------------------------


def _nothing() -> None: ...
def _one(context: Context) -> None: ...
def _three(context: Context, message: str, third: int) -> None: ...
def _keyword(context: Context, *, message: str) -> None: ...
def _generates(context: Context, message: str) -> Iterator[None]:
    yield


async def _generates_asynchronously(context: Context, message: str) -> typing.AsyncIterator[None]:
    yield


@pytest.mark.parametrize("function", [_nothing, _one, _three, _keyword, _generates, _generates_asynchronously])
def test_a_function_that_does_not_take_a_context_and_a_message_is_refused(
    functions: StatefulFunctions, function: Any
) -> None:
    refuse(HandlerSignatureError, lambda: functions.register("test/f", function), function.__qualname__)


def test_a_method_that_does_not_take_a_context_and_a_message_is_refused(functions: StatefulFunctions) -> None:
    class NoMessage(StatefulFunction, typename="test/f"):
        @handles  # type: ignore[type-var]
        def on_message(self, context: Context) -> None: ...

    class Static(StatefulFunction, typename="test/f"):
        @handles  # type: ignore[arg-type]
        @staticmethod
        def on_message(context: Context, message: str) -> None: ...

    class OfTheClass(StatefulFunction, typename="test/f"):
        @classmethod
        @handles
        def on_message(cls, context: Context, message: str) -> None: ...

    class Generates(StatefulFunction, typename="test/f"):
        @handles  # type: ignore[type-var]
        def on_message(self, context: Context, message: str) -> Iterator[None]:
            yield

    class GeneratesOther(StatefulFunction, typename="test/f"):
        @handles_other  # type: ignore[type-var]
        def on_message(self, context: Context, message: any_pb2.Any) -> Iterator[None]:
            yield

    for cls in (NoMessage, Static, OfTheClass, Generates, GeneratesOther):
        refuse(HandlerSignatureError, lambda cls=cls: functions.register(cls), "on_message")


def test_more_parameters_with_defaults_are_no_harm(engine: Engine) -> None:
    @engine.functions.bind("test/f")
    def function(context: Context, message: str, to: str = "1", *rest: int, more: int = 2) -> None:
        context.send("test/to", to, f"{message} {more}")

    assert engine.send(HERE, "a").messages == [("test/to/1", "a 2")]


def test_partials_bound_methods_objects_and_wrapped_functions_are_functions(engine: Engine) -> None:
    class Calls:
        def __call__(self, context: Context, message: str) -> None:
            context.send("test/to", "object", message)

        def method(self, context: Context, message: str) -> None:
            context.send("test/to", "method", message)

    def with_prefix(prefix: str, context: Context, message: str) -> None:
        context.send("test/to", prefix, message)

    def wrapped(context: Context, message: str) -> None:
        context.send("test/to", "wrapped", message)

    @functools.wraps(wrapped)
    def wrapper(*arguments: Any) -> None:
        wrapped(*arguments)

    cases = {
        "object": Calls(),
        "method": Calls().method,
        "partial": functools.partial(with_prefix, "partial"),
        "wrapped": wrapper,
        "lambda": lambda context, message: context.send("test/to", "lambda", message.type_url),
    }
    for name, function in cases.items():
        engine.functions.register(f"test/{name}", function)
    for name in cases:
        ((to, value),) = engine.send(f"test/{name}/1", "a").messages
        assert to == f"test/to/{name}"
        assert (value == "a") == (name != "lambda")


# --- classes ------------------------------------------------------------------------------------------------------------


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


class Inherits(StatefulFunction[str | int]):
    @handles
    def on_text(self, context: Context, message: str) -> None:
        context.send("test/to", "base", message)

    @handles
    def on_number(self, context: Context, message: int) -> None:
        context.send("test/to", "base", message)


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
    class Concrete(base[messages], typename="test/f"): ...  # type: ignore[misc, valid-type]

    engine.functions.register(Concrete)
    assert typenames(engine.functions) == BOTH
    assert [value for _, value in engine.send(HERE, Timestamp(), Duration()).messages] == [Timestamp(), Duration()]


def test_a_generic_base_whose_type_variable_nothing_binds_is_refused(functions: StatefulFunctions) -> None:
    class Unbound(GenericBase, typename="test/f"): ...  # type: ignore[type-arg]

    error = refuse(AnnotationError, lambda: functions.register(Unbound), "E_")
    assert "class Carts(Base[CartEvent])" in error.hint


def test_a_type_variable_with_a_default_is_its_default(engine: Engine) -> None:
    class Bare(OfDefault, typename="test/f"): ...

    engine.functions.register(Bare)
    assert engine.send(HERE, Timestamp(seconds=1)).messages == [("test/to/1", Timestamp(seconds=1))]


# --- names --------------------------------------------------------------------------------------------------------------

BAD_TYPENAMES = ["", "a", "/", "a/", "/b", "a/b/c", "a//b", None, 5, b"a/b", "a/\ud800"]


@pytest.mark.parametrize("typename", BAD_TYPENAMES)
def test_a_bad_typename_is_refused(functions: StatefulFunctions, typename: Any) -> None:
    def function(context: Context, message: str) -> None: ...

    refuse(TypenameError, lambda: functions.bind(typename)(function))
    refuse(TypenameError, lambda: FunctionType(typename))
    if typename is not None:
        refuse(TypenameError, lambda: functions.register(typename, function))
        refuse(TypenameError, lambda: functions.register(typename, Inherits))
        refuse(TypenameError, lambda: type("Bad", (StatefulFunction,), {}, typename=typename))
        refuse(TypenameError, lambda: json_type(typename))
    assert functions.typenames == ()


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
    refuse(MissingTypenameError, lambda: functions.register(function), "function")  # type: ignore[type-var]
    refuse(DefinitionError, lambda: functions.register("test/f"))  # type: ignore[call-overload]
    refuse(DefinitionError, lambda: functions.register("test/f", "no function"))  # type: ignore[call-overload]
    refuse(DefinitionError, lambda: functions.register("test/f", None))  # type: ignore[call-overload]


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


# --- factories, states and the registry itself --------------------------------------------------------------------------


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
        lambda: functions.register("test/f", function, factory=lambda: None),  # type: ignore[call-overload]
    )


def test_specs_beside_a_class_are_refused(functions: StatefulFunctions) -> None:
    refuse(
        DefinitionError,
        lambda: functions.register("test/f", Inherits, specs=[ValueSpec(LONG, name="n")]),  # type: ignore[call-overload]
        "specs",
    )


@pytest.mark.parametrize("spec", [ValueSpec(LONG), LONG, "count", None])
def test_a_spec_without_a_name_is_refused(functions: StatefulFunctions, spec: Any) -> None:
    def function(context: Context, message: str) -> None: ...

    error = refuse(DefinitionError, lambda: functions.register("test/f", function, specs=[spec]))
    assert "name=" in error.hint


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


def test_bind_and_handles_leave_what_they_decorate_as_it_is(functions: StatefulFunctions) -> None:
    def function(context: Context, message: str) -> None: ...

    assert functions.bind("test/f")(function) is function
    assert handles(function) is function  # type: ignore[arg-type, comparison-overlap]


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


def test_a_plain_function_takes_anything_as_an_any_when_it_is_not_annotated(engine: Engine) -> None:
    seen = []
    engine.functions.register("test/f", lambda context, message: seen.append(message))
    engine.functions.register("test/g", lambda *arguments: seen.append(arguments[1]))
    engine.send("test/f/1", Timestamp(seconds=1))
    engine.send("test/g/1", Timestamp(seconds=1))
    expected = any_pb2.Any()
    expected.Pack(Timestamp(seconds=1))
    assert [(each.type_url, each.value) for each in seen] == [(expected.type_url, expected.value)] * 2


def test_a_plain_function_of_a_type_or_any_decodes_what_it_names(engine: Engine) -> None:
    seen = []

    @engine.functions.bind("test/f")
    def function(context: Context, message: Timestamp | Any) -> None:
        seen.append(type(message))

    engine.send(HERE, Timestamp(), "a")
    assert seen == [Timestamp, any_pb2.Any]
