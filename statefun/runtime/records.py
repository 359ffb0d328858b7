"""`Records`: what functions send to egresses, encoded by them before anything of a batch takes effect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from statefun.batch import ProtocolVersion
from statefun.errors import EgressError, UnknownEgressError
from statefun.protocol.transit import to_stored, unwrap_stored

__all__ = ["Records"]


class Records:
    """The egresses of a run, as the core knows them.

    Args:
        egresses: How a record is encoded for each egress, from its typename and bytes.
        protocol: The protocol that functions are called with.
    """

    def __init__(self, egresses: Mapping[str, Callable[[str, bytes], bytes]], protocol: ProtocolVersion) -> None:
        self._egresses: Final = egresses
        self._protocol: Final = protocol

    def encoded(self, egress: str, argument: bytes) -> tuple[str, bytes]:
        """The egress of a record, and the record as it encodes it.

        Args:
            egress: The egress that a function named.
            argument: What it sent, in the protocol's form.

        Raises:
            UnknownEgressError: nobody registered it.
            EgressError: it made something else than bytes of the record.
        """
        encode = self._egresses.get(egress)
        if encode is None:
            known = ", ".join(self._egresses) or "none"
            raise UnknownEgressError(f"a record is sent to the egress {egress!r}; registered are: {known}")
        typename, value = unwrap_stored(to_stored(argument, self._protocol))
        record: object = encode(typename, value)
        if not isinstance(record, bytes):
            raise EgressError(
                f"the egress {egress!r} made {type(record).__name__} of a value of {typename!r}, not bytes",
                hint="let `encode` of the sink return bytes",
            )
        return egress, record
