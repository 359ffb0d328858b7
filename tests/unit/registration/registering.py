"""What the tests of registration share: a refusal with all that belongs to it, the routes of what is registered, a class without a name."""

from collections.abc import Callable
from typing import Any

import pytest
import typing_extensions
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from statefun import Context, DefinitionError, StatefulFunction, StatefulFunctions, StatefunError, handles

HERE = "test/f/1"
Named = typing_extensions.TypeAliasType("Named", Timestamp | Duration)
BOTH = {"type.googleapis.com/google.protobuf.Timestamp", "type.googleapis.com/google.protobuf.Duration"}


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


class Inherits(StatefulFunction[str | int]):
    @handles
    def on_text(self, context: Context, message: str) -> None:
        context.send("test/to", "base", message)

    @handles
    def on_number(self, context: Context, message: int) -> None:
        context.send("test/to", "base", message)
