"""A message's hint in every spelling: which messages a decorated function takes, unpacked, and which it refuses; on both protocols."""

# ruff: noqa: UP006, UP007, UP045  the old spellings are what is tested

from __future__ import annotations

import sys
import typing
from collections.abc import Callable
from types import ModuleType
from typing import Annotated, Any, ForwardRef, NewType, Optional, TypeAlias, TypeVar, Union

import pytest
from google.protobuf import any_pb2
from google.protobuf.message import Message
from typing_extensions import TypeAliasType

from statefun import json_type
from statefun.errors import AnnotationError, MessageTypeError, RouteError, UnhandledMessageError
from tests.conformance.messages import Admin, Response, User
from tests.conformance.rig import PROTOCOLS, V2, V3, engine, handled, names, packed

ORDER = json_type("shop/order")
T = TypeVar("T")
S = TypeVar("S")
Bound = TypeVar("Bound", bound=User)
Constrained = TypeVar("Constrained", User, Admin)

Plain: TypeAlias = Union[User, Admin]
Quoted: TypeAlias = "User | Admin"
Generic = Union[T, Admin]
Lazy = TypeAliasType("Lazy", Union[User, Admin])
LazyOfLazy = TypeAliasType("LazyOfLazy", Optional[Lazy])
LazyQuoted = TypeAliasType("LazyQuoted", "User | Admin")
LazyGeneric = TypeAliasType("LazyGeneric", Union[T, Admin], type_params=(T,))
LazyGenericTwice = TypeAliasType("LazyGenericTwice", LazyGeneric[S], type_params=(S,))
LazyGenericOfItself = LazyGeneric[LazyGeneric[User]]
Named = NewType("Named", User)

ONE = [User]
TWO = [User, Admin]

HINTS: dict[str, tuple[Any, list[Any]]] = {
    "a class": (User, ONE),
    "typing.Union": (Union[User, Admin], TWO),
    "PEP 604": (int | str, [int, str]),
    "PEP 604 in a string": ("User | Admin", TWO),
    "Optional": (Optional[User], ONE),
    "PEP 604 with None in a string": ("User | None", ONE),
    "a nested union": (Union[User, Union[Admin, Optional[Response]]], [User, Admin, Response]),
    "a type twice": (Union[User, "User"], ONE),
    "Annotated": (Annotated[User, "who"], ONE),
    "Annotated union": (Annotated[Union[User, Admin], "who"], TWO),
    "Annotated in a union": (Union[Annotated[User, "who"], Admin], TWO),
    "Optional Annotated": (Optional[Annotated[User, "who"]], ONE),
    "Annotated in a string": ("Annotated[User, 'who']", ONE),
    "a string": ("User", ONE),
    "a string in a string": ("'User'", ONE),
    "typing.Union of strings": (Union["User", "Admin"], TWO),
    "Optional of a string": (Optional["User"], ONE),
    "Annotated string": (Annotated["User", "who"], ONE),
    "a ForwardRef": (ForwardRef("User"), ONE),
    "a dotted name in a string": ("typing.Union[User, Admin]", TWO),
    "a TypeAlias": (Plain, TWO),
    "a TypeAlias of a string": (Quoted, TWO),
    "a TypeAlias with a parameter": (Generic[User], TWO),
    "a TypeAlias in a string": ("Plain", TWO),
    "a TypeAliasType": (Lazy, TWO),
    "a TypeAliasType of another": (LazyOfLazy, TWO),
    "a TypeAliasType of a string": (LazyQuoted, TWO),
    "a TypeAliasType with a parameter": (LazyGeneric[User], TWO),
    "a TypeAliasType with a parameter handed on": (LazyGenericTwice[User], TWO),
    "a TypeAliasType with itself as a parameter": (LazyGenericOfItself, TWO),
    "a TypeAliasType in a union": (Union[Lazy, Response], [User, Admin, Response]),
    "a NewType": (Named, ONE),
    "a NewType in a union": (Union[Named, Admin], TWO),
    "a bound type variable": (Bound, ONE),
    "a constrained type variable": (Constrained, TWO),
    "a primitive": (int, [int]),
    "primitives": (Union[str, bool, float], [str, bool, float]),
}

SAMPLES: dict[Any, Any] = {
    User: User(name="Seth"),
    Admin: Admin(name="Ann"),
    Response: Response(message="hi"),
    int: 7,
    str: "text",
    bool: True,
    float: 0.5,
}


def handler_of(hint: Any, seen: list[Any]) -> Callable[[Any, Any], None]:
    def handler(context: Any, message: Any) -> None:
        seen.append(message)

    handler.__annotations__ = {"message": hint}
    return handler


def on_the_wire(protocol: Any, value: Any) -> Any:
    """A sample as an engine would bring it: what a function sends of it."""
    if isinstance(value, Message):
        return packed(value)
    sender = engine(protocol, lambda context, _message: context.send("example/function", "a", value))
    [message] = sender.send("example/function/b", User()).messages
    return any_pb2.Any(type_url=message.typename, value=message.value)


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.value)
@pytest.mark.parametrize("spelling", HINTS)
def test_a_hint_unpacks_what_it_names_and_refuses_everything_else(spelling: str, protocol: Any) -> None:
    hint, expected = HINTS[spelling]
    seen: list[Any] = []
    rig = engine(protocol, handler_of(hint, seen))
    for kind, sample in SAMPLES.items():
        message = on_the_wire(protocol, sample)
        if kind in expected:
            rig.send("example/function/a", message)
            assert seen.pop() == sample
        else:
            with pytest.raises(UnhandledMessageError):
                rig.send("example/function/a", message)
    assert seen == []


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.value)
def test_annotated_with_a_value_type_is_that_type(protocol: Any) -> None:
    for hint in (
        Annotated[dict, ORDER],
        Annotated[dict, "an order", ORDER],
        Union[Annotated[dict, ORDER], User],
        ORDER,
    ):
        seen: list[Any] = []
        message = any_pb2.Any(type_url="shop/order", value=b'{"id": 7}')
        engine(protocol, handler_of(hint, seen)).send("example/function/a", message)
        assert seen == [{"id": 7}]


UNTYPED_HINTS = [Any, any_pb2.Any, Optional[Any], Annotated[Any, "whatever"], "Any", "any_pb2.Any"]


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.value)
@pytest.mark.parametrize("hint", UNTYPED_HINTS, ids=repr)
def test_any_takes_everything_packed(hint: Any, protocol: Any) -> None:
    seen: list[Any] = []
    messages = [packed(User(name="Seth")), any_pb2.Any(type_url="unheard/of", value=b"\xff")]
    engine(protocol, handler_of(hint, seen)).send("example/function/a", *messages)
    assert seen == messages


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.value)
@pytest.mark.parametrize("hint", [Union[User, Any], Union[User, any_pb2.Any], "User | any_pb2.Any"], ids=repr)
def test_any_in_a_union_takes_the_rest_packed(hint: Any, protocol: Any) -> None:
    seen: list[Any] = []
    engine(protocol, handler_of(hint, seen)).send("example/function/a", User(name="Seth"), Admin(name="Ann"))
    assert seen == [User(name="Seth"), packed(Admin(name="Ann"))]


def test_2_2_routes_by_the_name_behind_the_last_slash_and_3_x_by_the_whole_name() -> None:
    foreign = any_pb2.Any(type_url="com.googleapis/example.User", value=User(name="Seth").SerializeToString())
    seen: list[Any] = []
    engine(V2, handler_of(User, seen)).send("example/function/a", foreign)
    assert seen == [User(name="Seth")]
    with pytest.raises(UnhandledMessageError):
        engine(V3, handler_of(User, seen)).send("example/function/a", foreign)


def test_a_lazy_alias_of_another_module_is_resolved_with_the_names_of_that_module() -> None:
    module = ModuleType("tests.conformance.elsewhere")
    sys.modules[module.__name__] = module
    try:
        source = (
            "from typing_extensions import TypeAliasType\n"
            "from tests.conformance.messages import Response as Local\n"
            "Alias = TypeAliasType('Alias', 'Local')\n"
        )
        exec(source, module.__dict__)
        assert handled(handler_of(module.Alias, [])) == names([Response])
    finally:
        del sys.modules[module.__name__]


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hint",
    [
        object,
        Message,
        dict,
        list[User],
        typing.List[User],  # the 2.2 SDK read it as User
        type[User],
        typing.Literal["a"],
        [User],
        (User, Admin),
        {"a": User},
        Union[User, list[Admin]],
    ],
    ids=repr,
)
def test_a_hint_that_names_no_message_type_is_refused_at_registration(hint: Any) -> None:
    with pytest.raises(
        MessageTypeError, match=r"the message of example/function is annotated with .* no name on the wire"
    ):
        handled(handler_of(hint, []))


@pytest.mark.parametrize("hint", [None, type(None), "None"], ids=repr)
def test_none_alone_is_no_message(hint: Any) -> None:
    with pytest.raises(AnnotationError, match="annotated as None"):
        handled(handler_of(hint, []))


@pytest.mark.parametrize(
    "hint", ["User |", "1 / 0", "User.Missing", "Undefined", "'Undefined'", Optional[ForwardRef("Undefined")], T]
)
def test_a_hint_that_cannot_be_resolved_is_refused_at_registration(hint: Any) -> None:
    with pytest.raises(AnnotationError) as caught:
        handled(handler_of(hint, []))
    assert str(caught.value).count("[unresolved-annotation]") == 1


Circle = "Circle"
Spiral = TypeAliasType("Spiral", "Union[User, Spiral]")


def test_a_hint_that_names_itself_is_refused_at_registration() -> None:
    with pytest.raises(AnnotationError, match="names itself"):
        handled(handler_of("Circle", []))
    with pytest.raises(AnnotationError, match="the alias Spiral, which names itself"):
        handled(handler_of(Spiral, []))


def test_two_names_of_one_type_are_refused_on_either_protocol() -> None:
    from google.protobuf.wrappers_pb2 import StringValue

    with pytest.raises(RouteError, match=r"google\.protobuf\.StringValue"):
        handled(handler_of(Union[str, StringValue], []))
