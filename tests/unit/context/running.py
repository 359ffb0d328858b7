"""A handler of one statement, run once, and what it sent or was refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from statefun import (
    Address,
    Context,
    Egress,
    StatefunError,
)
from tests.unit.rig import Answer, Engine

HERE = "test/f/1"
TO: Address[Any] = Address.parse("test/to/2")
OUT: Egress[Any] = Egress("test/out")
SECOND = timedelta(seconds=1)


def running(engine: Engine, body: Callable[[Context], Any], *, caller: str | None = None) -> Answer:
    """One invocation of a handler with that body."""

    @engine.functions.bind("test/f")
    def function(context: Context, message: Any) -> None:
        body(context)

    return engine.send(HERE, "a", caller=caller)


def refusing(
    engine: Engine, error: type[StatefunError], body: Callable[[Context], Any], match: str | None = None
) -> None:
    """The body raises that error, to its handler already, and records nothing by it."""

    def refused(context: Context) -> None:
        with pytest.raises(error, match=match) as caught:
            body(context)
        assert caught.value.hint

    assert running(engine, refused).nothing
