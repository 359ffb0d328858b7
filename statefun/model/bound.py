"""Ingresses and egresses as engines are given them, in which there are only names, bytes and the functions between.

What a user writes, such as a `FileIngress`, says what is meant in the user's own classes; `StatefulFunctions.ingress` and `egress`
resolve it into these. They are of one form for every kind of ingress and egress.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from attrs import evolve, field, frozen

from statefun.arguments import FUNCTION, NAME, instance_of, list_of, mapping_of
from statefun.batch import ProtocolVersion, TypedBytes
from statefun.model.checks import is_a
from statefun.model.tables import Column

__all__ = ["BoundEgress", "BoundIngress", "RowEncoder"]

RowEncoder: TypeAlias = Callable[[Any], TypedBytes]
"""From a record to the message it becomes: from a mapping of its columns, or, in the format `"protobuf"`, from its bytes."""


def _no_key(_record: Any) -> Any:
    return None


def _as_it_is(_typename: str, value: bytes) -> bytes:
    return value


@frozen
class BoundIngress:
    """An ingress with nothing left to look up.

    Attributes:
        ingress: What the user wrote; its class says which kind it is.
        targets: The function types that get each record, `<namespace>/<name>`.
        key: From a record to the id it goes to; None or an empty text where it has none. Not of those whose records have a key.
        encoders: From a record to its message, for each protocol; empty for those whose records are bytes of a named type.
        named: The ingress for each protocol, where the names of its types differ between them; None where they do not.
    """

    ingress: Any
    targets: tuple[str, ...] = field(default=(), validator=is_a(list_of(NAME, "a tuple of names")))
    key: Callable[[Any], Any] = field(default=_no_key, validator=is_a(FUNCTION))
    encoders: Mapping[ProtocolVersion, RowEncoder] = field(
        factory=dict[ProtocolVersion, RowEncoder],
        validator=is_a(mapping_of(instance_of(ProtocolVersion), FUNCTION, "a function for each protocol")),
    )
    named: Callable[[ProtocolVersion], Any] | None = field(default=None, validator=is_a(FUNCTION.or_none))

    def for_protocol(self, protocol: ProtocolVersion) -> BoundIngress:
        """The same where every type has the name that a protocol gives it.

        Raises:
            BindingError: a type has no name in the protocol.
        """
        return self if self.named is None else evolve(self, ingress=self.named(protocol), named=None)


@frozen
class BoundEgress:
    """An egress with nothing left to look up.

    Attributes:
        egress: What the user wrote; its class says which kind it is.
        encode: From the typename and bytes of a value to what the egress stores of it; its bytes, where the sink has its own way.
        columns: The columns of a table, in their order; `encode` gives the JSON object of a row. Empty for everything else.
    """

    egress: Any
    encode: Callable[[str, bytes], bytes] = field(default=_as_it_is, validator=is_a(FUNCTION))
    columns: tuple[Column, ...] = field(default=(), validator=is_a(list_of(instance_of(Column), "a tuple of Column")))
