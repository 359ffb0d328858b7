"""What an object of a user's own must have to be an ingress or an egress of the embedded runtime: see docs/own.md."""

from __future__ import annotations

import inspect
from typing import Any

from statefun.address import parse_typename
from statefun.errors import BindingError
from statefun.errors.showing import shown

__all__ = ["check_own"]


def check_own(made: Any, method: str, what: str) -> None:
    """Refuses what is not made for the embedded runtime alone: an object with an id and the one method that makes it what it is.

    Raises:
        BindingError: it has no such method, or one that is not a coroutine function.
        TypenameError: its id is not `<namespace>/<name>`.
    """
    if isinstance(made, type) or not inspect.iscoroutinefunction(getattr(made, method, None)):
        raise BindingError(
            f"{shown(made)} is not {what}",
            hint=f"give one of `statefun.model`, or an object with an `id` and an `async def {method}`: see docs/own.md",
        )
    parse_typename(getattr(made, "id", ""), f"id of {type(made).__name__}")
