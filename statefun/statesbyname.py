"""States by name, as decorated functions use them: which spec a name means, and what an `Any` for it holds."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from google.protobuf import any_pb2

from statefun.activation import Activation
from statefun.batch import ProtocolVersion, TypedBytes
from statefun.errors import StateTypeError, UndeclaredStateError
from statefun.state import ValueSpec
from statefun.types import ANY

__all__ = ["spec_by_name", "unpacked"]


def spec_by_name(activation: Activation, name: str) -> ValueSpec[Any]:
    """The spec that a function declares under a name; on 2.2 one of an `Any` where it declares none.

    Raises:
        UndeclaredStateError: it declares none, on the 3.x protocol.
    """
    spec = activation.specs.get(name)
    if spec is not None:
        return spec
    if activation.encoders.protocol is ProtocolVersion.V3:
        raise UndeclaredStateError(
            f"{activation.function_type.typename} declares no state {name!r}",
            hint=f"bind it with `specs=[ValueSpec(…, name={name!r})]`: a 3.x engine learns states from the function",
        )
    return _untyped_spec(name)


def unpacked(activation: Activation, spec: ValueSpec[Any], packed: any_pb2.Any) -> Any:
    """What an `Any` holds, for a state of another type.

    Raises:
        StateTypeError: it holds another type than the state's.
    """
    protocol = activation.encoders.protocol
    if not spec.value_type.matches(packed.type_url, protocol):
        raise StateTypeError(
            f"state {spec.name!r} of {activation.function_type.typename} is declared as {spec.value_type!r} "
            f"and cannot hold an Any of {packed.type_url!r}"
        )
    return spec.value_type.decode(TypedBytes(packed.type_url, packed.value), protocol)


@lru_cache(maxsize=4096)
def _untyped_spec(name: str) -> ValueSpec[Any]:
    return ValueSpec(ANY, name=name)
