"""One batch of one address while it runs: what its contexts share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from statefun.address import Address, FunctionType
from statefun.encoding import Encoders
from statefun.outgoing import Outgoing
from statefun.state import Cells, ValueSpec

__all__ = ["Activation"]


class Activation:
    """What the invocations of one batch share: the address, its states, and what it sends."""

    __slots__ = ("address", "by_class", "cells", "encoders", "function_type", "identity", "outgoing", "specs")

    def __init__(
        self,
        function_type: FunctionType[Any],
        identity: str,
        specs: Mapping[str, ValueSpec[Any]],
        cells: Cells,
        encoders: Encoders,
    ) -> None:
        self.function_type = function_type
        self.identity = identity
        self.specs = specs
        self.cells = cells
        self.encoders = encoders
        self.by_class = encoders.by_class  # here too, since every send asks it
        self.outgoing = Outgoing()
        self.address: Address[Any] | None = None  # made when it is asked for, once
