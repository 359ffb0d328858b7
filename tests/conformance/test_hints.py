"""A message's hint in every spelling: which messages a decorated function takes, unpacked, and which it refuses; on both protocols."""

# ruff: noqa: UP006, UP007, UP037, UP045  the old spellings are what is tested

from __future__ import annotations

import functools
import sys
import typing
from collections.abc import Callable
from types import ModuleType
from typing import Annotated, Any, ForwardRef, NewType, Optional, TypeAlias, TypeVar, Union

import pytest
from google.protobuf import any_pb2
from google.protobuf.message import Message
from typing_extensions import TypeAliasType

from statefun import AsyncRequestReplyHandler, RequestReplyHandler, StatefulFunctions, json_type
from statefun.errors import (
    AnnotationError,
    AsyncFunctionError,
    HandlerSignatureError,
    MessageTypeError,
    RouteError,
    UnhandledMessageError,
)
from tests.conformance import hinted
from tests.conformance.messages import Admin, Response, User
from tests.conformance.rig import PROTOCOLS, V2, V3, Rig, packed

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


def engine(protocol: Any, handler: Any, *, asynchronous: bool = False) -> Rig:
    functions = StatefulFunctions()
    functions.register("example/function", handler)
    return Rig(functions, protocol, asynchronous=asynchronous)


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


# --- from __future__ import annotations -----------------------------------------------------------------------------


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


def test_names_of_an_enclosing_function_can_be_named_though_it_has_returned() -> None:
    def make() -> Callable[[Any, Any], Any]:
        enclosed = User

        def handler(context: Any, message: "enclosed") -> type:
            return enclosed

        return handler

    assert handled(make()) == names(ONE)


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


# --- what may be bound ----------------------------------------------------------------------------------------------


def names(classes: list[Any]) -> list[str]:
    return [f"type.googleapis.com/{each.DESCRIPTOR.full_name}" for each in classes]


def handled(handler: Any) -> list[str]:
    functions = StatefulFunctions()
    functions.register("example/function", handler)
    return list(functions.registered[0].routes.typenames)


SEEN: list[Any] = []


def with_a_prefix(prefix: str, context: Any, message: User) -> None:
    SEEN.append(message)


def with_options(context: Any, message: User, retries: int = 3, *, loud: bool = False) -> None:
    SEEN.append(message)


def positional_only(context: Any, message: User, /) -> None:
    SEEN.append(message)


def starred(context: Any, *message: User) -> None:
    SEEN.append(message[0])


def all_starred(*arguments: Any) -> None:
    SEEN.append(arguments[1])


def all_starred_and_named(*arguments: Any, **named: Any) -> None:
    SEEN.append(arguments[1])


def quoted(context: Any, message: "User") -> None:
    SEEN.append(message)


@functools.wraps(quoted)
def wrapped(*arguments: Any, **named: Any) -> None:
    quoted(*arguments, **named)


class Holder:
    def method(self, context: Any, message: User) -> None:
        SEEN.append(message)

    @classmethod
    def of_the_class(cls, context: Any, message: User) -> None:
        SEEN.append(message)

    @staticmethod
    def static(context: Any, message: User) -> None:
        SEEN.append(message)


class Called:
    def __call__(self, context: Any, message: "User") -> None:
        SEEN.append(message)


CALLABLES: dict[str, tuple[Any, bool]] = {
    "a lambda": (lambda context, message: SEEN.append(message), False),
    "a lambda with other names": (lambda c, m: SEEN.append(m), False),
    "functools.partial": (functools.partial(with_a_prefix, "hello"), True),
    "functools.partial by name": (functools.partial(with_options, loud=True), True),
    "functools.partial of a partial": (functools.partial(functools.partial(with_a_prefix), "hello"), True),
    "functools.partial of a lambda": (functools.partial(lambda a, c, m: SEEN.append(m), 1), False),
    "functools.partial of strings": (functools.partial(quoted), True),
    "options with defaults": (with_options, True),
    "positional only": (positional_only, True),
    "a starred message": (starred, True),
    "*arguments": (all_starred, False),
    "*arguments, **named": (all_starred_and_named, False),
    "a string": (quoted, True),
    "functools.wraps": (wrapped, True),
    "a bound method": (Holder().method, True),
    "a class method": (Holder.of_the_class, True),
    "a static method": (Holder.static, True),
    "an object with __call__": (Called(), True),
}


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.value)
@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("kind", CALLABLES)
def test_any_callable_of_a_context_and_a_message_can_be_bound(kind: str, asynchronous: bool, protocol: Any) -> None:
    handler, is_typed = CALLABLES[kind]
    SEEN.clear()
    engine(protocol, handler, asynchronous=asynchronous).send("example/function/a", User(name="Seth"))
    assert ([User(name="Seth")] if is_typed else [packed(User(name="Seth"))]) == SEEN


def test_bind_leaves_the_function_as_it_was() -> None:
    functions = StatefulFunctions()
    assert functions.bind("example/function")(quoted) is quoted


async def coroutine(context: Any, message: User) -> None:
    SEEN.append(message)


class CalledAsynchronously:
    async def __call__(self, context: Any, message: User) -> None:
        SEEN.append(message)

    async def method(self, context: Any, message: User) -> None:
        SEEN.append(message)


ASYNCHRONOUS = {
    "async def": coroutine,
    "functools.partial": functools.partial(coroutine),
    "an object with an async __call__": CalledAsynchronously(),
    "a bound method": CalledAsynchronously().method,
}


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.value)
@pytest.mark.parametrize("kind", ASYNCHRONOUS)
def test_coroutine_functions_run_on_the_asynchronous_handler(kind: str, protocol: Any) -> None:
    SEEN.clear()
    engine(protocol, ASYNCHRONOUS[kind], asynchronous=True).send("example/function/a", User(name="Seth"))
    assert [User(name="Seth")] == SEEN


@pytest.mark.parametrize("kind", ASYNCHRONOUS)
def test_coroutine_functions_are_refused_by_the_synchronous_handler_when_it_is_made(kind: str) -> None:
    functions = StatefulFunctions()
    functions.register("example/function", ASYNCHRONOUS[kind])
    with pytest.raises(AsyncFunctionError) as caught:
        RequestReplyHandler(functions)
    assert "AsyncRequestReplyHandler" in caught.value.hint
    AsyncRequestReplyHandler(functions)


@pytest.mark.parametrize(
    "handler",
    [lambda context, message: coroutine(context, message), functools.partial(CalledAsynchronously())],
    ids=["a lambda", "a partial of an object with an async __call__"],
)
def test_what_returns_an_awaitable_is_refused_by_the_synchronous_handler_when_it_does(handler: Any) -> None:
    SEEN.clear()
    with pytest.raises(AsyncFunctionError):
        engine(V3, handler).send("example/function/a", User())
    assert SEEN == []
    engine(V3, handler, asynchronous=True).send("example/function/a", User())
    assert len(SEEN) == 1


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
    with pytest.raises(AnnotationError, match="cannot be resolved"):
        handled(handler_of(Spiral, []))


def test_two_names_of_one_type_are_refused_on_either_protocol() -> None:
    from google.protobuf.wrappers_pb2 import StringValue

    with pytest.raises(RouteError, match=r"google\.protobuf\.StringValue"):
        handled(handler_of(Union[str, StringValue], []))


@pytest.mark.parametrize(
    "handler",
    [
        lambda: None,
        lambda context: None,
        lambda context, message, third: None,
        lambda *, context, message: None,
        functools.partial(with_a_prefix, prefix="hello"),
        User,
    ],
)
def test_what_cannot_be_called_with_a_context_and_a_message_is_refused(handler: Any) -> None:
    with pytest.raises(HandlerSignatureError):
        handled(handler)


def generator(context: Any, message: User) -> Any:
    yield context.reply(message)


async def asynchronous_generator(context: Any, message: User) -> Any:
    yield context.reply(message)


@pytest.mark.parametrize("handler", [generator, asynchronous_generator, functools.partial(generator)])
def test_a_generator_whose_body_would_never_run_is_refused(handler: Any) -> None:
    with pytest.raises(HandlerSignatureError, match="generator"):
        handled(handler)
