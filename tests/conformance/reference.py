"""What the tests of the context reference share: one function, its caller and its message, on an engine of either protocol."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from google.protobuf import any_pb2

from statefun import StatefulFunctions, ValueSpec
from statefun.batch import Effects, ProtocolVersion, TypedBytes
from tests.conformance.messages import User
from tests.conformance.rig import V2, Rig, packed, typed

TARGET = "example/function/a"
CALLER = "other.space/sender/b/c"
SETH = User(user_id="user1", name="Seth")
ANY_SPEC = ValueSpec(any_pb2.Any, name="count")
MINUTE = timedelta(minutes=1)

Run = Callable[..., Effects]


def rig(protocol: ProtocolVersion, handler: Callable[[Any, Any], Any], *specs: ValueSpec[Any]) -> Rig:
    """An engine of one function, `example/function`, whose module.yaml lists the state `count`."""
    functions = StatefulFunctions()
    functions.register("example/function", handler, specs=specs)
    return Rig(functions, protocol, {"example/function": ["count"]})


def stored(protocol: ProtocolVersion, message: Any) -> TypedBytes:
    """A message as the state of an untyped function: 2.2 stores its Any, 3.x an Any as the value of its type."""
    return typed(packed(message) if protocol is V2 else packed(packed(message)))
