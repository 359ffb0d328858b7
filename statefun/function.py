"""Function classes: `StatefulFunction[M]`, and the marks `@handles` and `@handles_other`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from threading import local
from typing import Any, ClassVar, Final, Generic, Self, TypeVar

from google.protobuf import any_pb2
from typing_extensions import TypeVar as DefaultTypeVar

from statefun.address import Address, FunctionType
from statefun.context import Context
from statefun.errors import HandlerSignatureError, MissingTypenameError
from statefun.errors.showing import shown
from statefun.hints import type_arguments
from statefun.state import Cells, detached_cells

__all__ = ["HANDLES", "HANDLES_OTHER", "PENDING", "M", "StatefulFunction", "handles", "handles_other"]

M = DefaultTypeVar("M", default=Any)
H = TypeVar("H", bound=Callable[[Any, Context, Any], Awaitable[None] | None])
Other = TypeVar("Other", bound=Callable[[Any, Context, any_pb2.Any], Awaitable[None] | None])

HANDLES: Final = "__statefun_handles__"
HANDLES_OTHER: Final = "__statefun_handles_other__"


def handles(handler: H) -> H:
    """Marks a method as the handler of the message types in its annotation.

    The method takes a context and a message and returns None; it may be a coroutine function. It stays what it is: it can be
    called, overridden and inherited like any other.

    >>> from statefun import Context, StatefulFunction, handles
    >>> class Echo(StatefulFunction[str], typename="example/echo"):
    ...     @handles
    ...     def on_text(self, context: Context, message: str) -> None:
    ...         context.reply(message)
    """
    _mark(handler, HANDLES)
    return handler


def handles_other(handler: Other) -> Other:
    """Marks a method as the handler of every message type that no other handles; it gets the packed `Any`.

    >>> from google.protobuf.any_pb2 import Any
    >>> from statefun import Context, StatefulFunction, handles_other
    >>> class Forward(StatefulFunction, typename="example/forward"):
    ...     @handles_other
    ...     def on_other(self, context: Context, message: Any) -> None:
    ...         context.send("example/next", context.address.identity, message)
    """
    _mark(handler, HANDLES_OTHER)
    return handler


def _mark(handler: object, mark: str) -> None:
    try:
        setattr(handler, mark, True)
    except (AttributeError, TypeError):  # it is no function, and perhaps no mistake of one
        raise HandlerSignatureError(
            f"{shown(handler)} is marked as a handler, which it cannot be",
            hint="mark a method: `@handles` before its `def`",
        ) from None


class _Pending(local):
    """The class whose object is being made for a batch in this thread, and the states of the batch.

    Objects of other classes that are made on the way, as helpers, are no functions of the batch.
    """

    batch: tuple[type[Any], Cells] | None = None


PENDING: Final = _Pending()


class StatefulFunction(Generic[M]):
    """The base of a function class; M is the message types that its handlers take, a union where there are several.

    An object of the class lives for one batch of one address. Its `ValueSpec` attributes are the entity's state; other
    attributes do not outlive the batch. `__init__` may take collaborators (see `StatefulFunctions.register`) and need not
    call super.

    Args:
        typename: The function type, `<namespace>/<name>`; it may be left out and given at registration.

    Raises:
        TypenameError: the typename has another form.

    >>> from statefun import LONG, Context, StatefulFunction, ValueSpec, handles
    >>> class Counter(StatefulFunction[int], typename="example/counter"):
    ...     total: ValueSpec[int] = ValueSpec(LONG, default=0)
    ...
    ...     @handles
    ...     def on_number(self, context: Context, number: int) -> None:
    ...         self.total += number
    >>> Counter.at("7")
    Address('example/counter/7')
    """

    function_type: ClassVar[FunctionType[Any] | None] = None
    """The function type that the class was given, None when it was given none."""

    _statefun_cells: Cells

    def __init_subclass__(cls, typename: str | None = None, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        # A subclass is another function: it does not inherit the name. A copy of the class, as attrs and dataclasses make
        # one to give it slots, has it in its own dictionary and keeps it.
        if typename is not None:
            cls.function_type = FunctionType(typename, hint=declared_messages(cls))
        elif "function_type" not in vars(cls):
            cls.function_type = None

    def __new__(cls, *_arguments: Any, **_named: Any) -> Self:
        """Attaches the states, so that a class's own `__init__` can use them and need not call super."""
        made = super().__new__(cls)
        pending = PENDING.batch
        cells = detached_cells(cls.__qualname__) if pending is None or pending[0] is not cls else pending[1]
        object.__setattr__(made, "_statefun_cells", cells)  # a frozen class would refuse it
        return made

    @classmethod
    def at(cls, identity: str) -> Address[M]:
        """The address of the entity with that id.

        Raises:
            MissingTypenameError: the class was given no typename.
            AddressError: the id is empty.
        """
        function_type = cls.function_type
        if function_type is None:
            raise MissingTypenameError(
                f"{cls.__qualname__} has no typename of its own, so it has no addresses",
                hint=f'`class {cls.__name__}(…, typename="ns/name")`, or `FunctionType("ns/name").at(id)`',
            )
        return function_type.at(identity)


def declared_messages(cls: type[Any]) -> Any:
    """The M of `StatefulFunction[M]` as the class or one of its bases gives it; None when none does."""
    declared = type_arguments(cls, StatefulFunction).get(M)
    return None if isinstance(declared, TypeVar) else declared
