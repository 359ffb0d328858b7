"""A function that does what its messages say to its states, and how it is told."""

from __future__ import annotations

from typing import Any

from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from statefun import (
    BOOL,
    BYTES,
    DOUBLE,
    LONG,
    STRING,
    Context,
    StatefulFunction,
    ValueSpec,
    ValueType,
    handles,
    json_type,
)
from tests.unit.rig import Engine

TAGS: ValueType[list[Any]] = json_type("test/tags", list)
OBJECT: ValueType[dict[str, Any]] = json_type("test/object", dict)
HERE = "test/f/1"


class Do(StatefulFunction[str], typename="test/f"):
    """Does to its states what the message names."""

    count: ValueSpec[int] = ValueSpec(LONG, default=0)
    note: ValueSpec[str | None] = ValueSpec(STRING)
    flag: ValueSpec[bool | None] = ValueSpec(BOOL)
    ratio: ValueSpec[float | None] = ValueSpec(DOUBLE)
    raw: ValueSpec[bytes | None] = ValueSpec(BYTES)
    moment: ValueSpec[Timestamp | None] = ValueSpec(Timestamp)
    form: ValueSpec[Struct] = ValueSpec(Struct, default=Struct())
    tags: ValueSpec[list[Any]] = ValueSpec(TAGS, default=["first"])
    thing: ValueSpec[dict[str, Any] | None] = ValueSpec(OBJECT)

    seen: list[Any] = []

    def __init__(self, steps: Any) -> None:
        self.steps = steps

    @handles
    def on_message(self, context: Context, message: str) -> None:
        del context
        Do.seen.append(self.steps[message](self))


def doing(engine: Engine, **steps: Any) -> Engine:
    Do.seen = []
    engine.functions.register(Do, factory=lambda: Do(steps))
    return engine


def setting(name: str, value: Any) -> Any:
    return lambda function: setattr(function, name, value)


def reading(name: str) -> Any:
    return lambda function: getattr(function, name)


def deleting(name: str) -> Any:
    return lambda function: delattr(function, name)
