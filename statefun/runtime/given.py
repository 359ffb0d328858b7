"""What a `Runtime` is given, held against what it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from statefun.arguments import FUNCTION, TEXT, Kind, check, instance_of, list_of, mapping_of
from statefun.errors import BindingError
from statefun.model import BoundEgress, BoundIngress, HttpEndpoint
from statefun.runtime.options import Options
from statefun.runtime.store import Store

__all__ = ["ENDPOINTS", "OPTIONS", "check_given"]

ENDPOINTS: Final = list_of(instance_of(HttpEndpoint, what="an HttpEndpoint"), "a list of HttpEndpoint")
OPTIONS: Final = instance_of(Options).or_none

_OF_RUNTIME: Final[Mapping[str, Kind]] = {
    "call": Kind(
        lambda value: callable(value) and not isinstance(value, type),
        "the functions as bytes to bytes: `RequestReplyHandler(functions)`",
    ),
    "store": instance_of(Store),
    "states": mapping_of(TEXT, instance_of(Sequence), "the states of each function type: `functions.specs()`"),
    "ingresses": list_of(
        instance_of(BoundIngress, what="one of `functions.ingresses`, or a BoundIngress"), "`functions.ingresses`"
    ),
    "egresses": list_of(
        instance_of(BoundEgress, what="one of `functions.egresses`, or a BoundEgress"), "`functions.egresses`"
    ),
    "endpoints": ENDPOINTS,
    "options": OPTIONS,
    "clock": Kind(
        lambda value: not isinstance(value, type) and callable(getattr(value, "now", None)) and hasattr(value, "wait"),
        "a Clock, such as a SystemClock()",
    ).or_none,
    "jitter": FUNCTION,
    "progress": FUNCTION.or_none,
    "open_file": FUNCTION,
    "connect": FUNCTION.or_none,
    "crash_point": FUNCTION.or_none,
}


def check_given(**given: object) -> None:
    """Refuses an argument of another type.

    Raises:
        BindingError: there is one.
    """
    for name, value in given.items():
        check("a Runtime", name, value, _OF_RUNTIME[name], error=BindingError)
