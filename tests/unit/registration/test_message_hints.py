"""A message's hint in every spelling, with what is taken without one, and the hints that are refused before anything is served."""

import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, NewType, Optional, TypeVar, Union

import pytest
from google.protobuf import any_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from statefun import INT, LONG, Context, DefinitionError, StatefulFunction, StatefulFunctions, handles, json_type
from statefun.errors import AnnotationError, MessageTypeError
from tests.unit.registration.registering import BOTH, HERE, Named, refuse, typenames
from tests.unit.rig import Engine

if TYPE_CHECKING:
    from google.protobuf.field_mask_pb2 import FieldMask as OnlyForCheckers

ORDER = json_type("test/order", dict)
UserId = NewType("UserId", str)
Alias = Timestamp | Duration
ForwardAlias = Union["Timestamp", "Duration"]
Bounded = TypeVar("Bounded", bound=Timestamp)
Constrained = TypeVar("Constrained", Timestamp, Duration)


def taking(hint: Any) -> tuple[Any, Any]:
    """A function, and a class with one handler, whose message is annotated so."""

    def function(context, message): ...

    def method(self, context, message): ...

    function.__annotations__["message"] = method.__annotations__["message"] = hint

    class Handles(StatefulFunction, typename="test/f"):
        on_message = handles(method)

    return function, Handles


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
    function, cls = taking(hint)
    if kind == "function":
        functions.register("test/f", function)
    elif kind == "method":
        functions.register(cls)
    else:
        base = StatefulFunction[hint]

        class Declares(base, typename="test/f"):
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
    function, _ = taking(hint)
    functions.register("test/f", function)
    assert typenames(functions) == {typename}


def test_an_unresolvable_annotation_of_the_context_or_the_result_is_ignored(engine: Engine) -> None:
    @engine.functions.bind("test/f")
    def function(context: "Nowhere", message: str) -> "AlsoNowhere":  # noqa: F821
        context.send("test/to", "1", message)

    class Handles(StatefulFunction[str], typename="test/g"):
        @handles
        def on_text(self, context: "Nowhere", message: str) -> "AlsoNowhere":  # noqa: F821
            context.send("test/to", "1", message)

    engine.functions.register(Handles)
    for target in ("test/f/1", "test/g/1"):
        assert engine.send(target, "a").messages == [("test/to/1", "a")]


@pytest.mark.parametrize("hint", ["Nowhere", "Timestamp |", "1 / 0", "Nowhere.Type", "Timestamp | Nowhere"])
def test_a_message_that_cannot_be_resolved_is_refused(functions: StatefulFunctions, hint: str) -> None:
    function, cls = taking(hint)
    refuse(AnnotationError, lambda: functions.register("test/f", function), "'message'", "function")
    refuse(AnnotationError, lambda: functions.register(cls), "'message'", "method")
    assert functions.typenames == ()


def test_a_declared_type_that_cannot_be_resolved_is_refused(functions: StatefulFunctions) -> None:
    class Declares(StatefulFunction["Timestamp | Nowhere"], typename="test/f"):
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
    function, cls = taking(hint)
    refuse(DefinitionError, lambda: functions.register("test/f", function))
    refuse(DefinitionError, lambda: functions.register(cls))


class Unnamed:
    pass


@pytest.mark.parametrize("hint", [Unnamed, list[int], dict, object, Message, Callable[[], None], "Unnamed", 5])
def test_a_message_type_without_a_name_on_the_wire_is_refused(functions: StatefulFunctions, hint: Any) -> None:
    function, cls = taking(hint)
    for register in (lambda: functions.register("test/f", function), lambda: functions.register(cls)):
        error = refuse(MessageTypeError, register)
        assert "json_type" in error.hint


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
