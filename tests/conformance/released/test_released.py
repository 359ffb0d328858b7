"""A program for apache-flink-statefun 2.2.2 runs here as it does there, but for what docs/python.md lists.

`answers.json` holds what that package answered (`record.py`): requests and answers alike are bytes that nothing of ours wrote.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import frozen

from statefun import AsyncRequestReplyHandler, RequestReplyHandler, StatefunError
from statefun.batch import Effects
from statefun.errors import (
    AddressError,
    DelayError,
    HandlerError,
    MissingStateError,
    NoCallerError,
    StateTypeError,
    TypenameError,
    UnhandledMessageError,
    UnknownFunctionError,
)
from statefun.protocol.engine import decode_response
from tests.conformance.released.program import functions
from tests.conformance.rig import V2, Rig

HERE = Path(__file__).parent
ANSWERS: Final[dict[str, dict[str, str]]] = json.loads((HERE / "answers.json").read_text())
PAGE = HERE.parents[2] / "docs" / "python.md"

NOTHING: Final = Effects([], [], [], [])
DELETED: Final = {"mutations": [("count", None)]}


@frozen
class Difference:
    """A row of the page's table.

    Attributes:
        released: What the released SDK does.
        here: What this package does.
        cases: The recorded requests that show it, and what is to come of each here: an error, or a test of the effects
            and of what is printed.
    """

    released: str
    here: str
    cases: dict[str, Any]


def sent(effects: Effects) -> list[tuple[str, bytes]]:
    return [(each.typename.rpartition("/")[2], each.value) for each in effects.messages]


DIFFERENCES: Final = (
    Difference(
        "`caller` of a message from an ingress is an address of empty texts, and a reply to it fails for its id",
        "it is `None`, and a reply is a `NoCallerError`",
        {"caller, from an ingress": HandlerError, "replies, from an ingress": NoCallerError},
    ),
    Difference(
        "a delay of zero is refused, a negative one is sent, and parts of a millisecond are cut off",
        "zero is a delay, a negative one is a `DelayError`, and milliseconds are rounded up",
        {
            "no-delay": lambda effects, _: [each.delay for each in effects.delayed] == [0],
            "negative-delay": DelayError,
            "short-delay": lambda effects, _: [each.delay for each in effects.delayed] == [2],
        },
    ),
    Difference(
        "`pack_and_send_after` takes its delay first",
        "first, or third as in its page's example",
        {"delay-third": lambda effects, _: [each.delay for each in effects.delayed] == [30 * 60 * 1000]},
    ),
    Difference(
        "an `Any` that is changed after it was sent changes what was sent",
        "it does not",
        {
            "sends-one-any-twice": lambda effects, _: (
                sent(effects)
                == [
                    ("google.protobuf.StringValue", b"\n\x05first"),
                    ("google.protobuf.StringValue", b"\n\x06second"),
                ]
            )
        },
    ),
    Difference(
        "`pack_and_send` and its like pack an `Any` once more",
        "an `Any` is sent as it is",
        {"packs-an-any": lambda effects, _: sent(effects) == [("google.protobuf.StringValue", b"\n\x04Seth")]},
    ),
    Difference(
        "an empty `Struct` or `ListValue` arrives still packed, and cannot be sent",
        "it is a message as any other",
        {
            "empty-struct": lambda _, printed: printed == "Struct\n",
            "sends-an-empty-struct": lambda effects, _: sent(effects) == [("google.protobuf.Struct", b"")],
        },
    ),
    Difference(
        "a state that is assigned `None` fails the batch",
        "it is deleted",
        {
            "none, absent": lambda effects, _: effects == NOTHING,
            "none, stored": lambda effects, _: effects == NOTHING._replace(**DELETED),
            "none, two messages": lambda effects, _: effects == NOTHING._replace(**DELETED),
        },
    ),
    Difference(
        "a message that is assigned to a state unpacked is stored and cannot be read again",
        "it is a `StateTypeError`, unless a spec declares the message's class",
        {f"message-as-state, {case}": StateTypeError for case in ("absent", "stored", "two messages")},
    ),
    Difference(
        "`state(name).unpack(Class)` of another message is an empty one",
        "it is a `StateTypeError`",
        {f"other-type, {case}": StateTypeError for case in ("stored", "two messages")},
    ),
    Difference(
        "an engine is told to delete a state that is absent",
        "it is not told",
        {f"{case}, absent": lambda effects, _: effects == NOTHING for case in ("deletes", "sets-and-deletes")},
    ),
    Difference(
        "the namespace of a function type may hold slashes",
        "a function type holds one slash",
        {"two-slashes": TypenameError},
    ),
)
DIFFERENT: Final = {case: expected for each in DIFFERENCES for case, expected in each.cases.items()}

ERRORS: Final[dict[str, type[StatefunError]]] = {
    "fails": HandlerError,
    "unknown-state": MissingStateError,
    "no-id": AddressError,
    "no-slash": TypenameError,
    "nowhere": UnknownFunctionError,
    "typed, another type": UnhandledMessageError,
    "union, another type": UnhandledMessageError,
    "wrapped, another type": UnhandledMessageError,
}
"""What the released SDK refuses too, with a ValueError, a KeyError or what the function raised."""

HANDLERS = pytest.mark.parametrize("handler", [RequestReplyHandler, AsyncRequestReplyHandler], ids=["sync", "async"])


def answer(handler: Any, case: str) -> Effects:
    recorded = bytes.fromhex(ANSWERS[case]["request"])
    effects = decode_response(Rig(functions, V2, handler=handler(functions)).call(recorded), V2)
    assert isinstance(effects, Effects)
    return effects


@HANDLERS
@pytest.mark.parametrize("case", [case for case in ANSWERS if case not in DIFFERENT and case not in ERRORS])
def test_a_program_of_the_released_sdk_does_the_same_here(
    case: str, handler: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    effects = answer(handler, case)
    assert effects == decode_response(bytes.fromhex(ANSWERS[case]["answer"]), V2)
    assert capsys.readouterr().out == ANSWERS[case]["printed"]


@HANDLERS
@pytest.mark.parametrize("case", ERRORS)
def test_what_the_released_sdk_refuses_is_refused_here(case: str, handler: Any) -> None:
    assert "error" in ANSWERS[case]
    with pytest.raises(ERRORS[case]):
        answer(handler, case)


@HANDLERS
@pytest.mark.parametrize("case", DIFFERENT)
def test_what_differs_from_the_released_sdk(case: str, handler: Any, capsys: pytest.CaptureFixture[str]) -> None:
    expected = DIFFERENT[case]
    if isinstance(expected, type):
        with pytest.raises(expected):
            answer(handler, case)
    else:
        assert expected(answer(handler, case), capsys.readouterr().out)


def test_the_page_lists_what_differs() -> None:
    page = PAGE.read_text()
    for each in DIFFERENCES:
        assert f"| {each.released} | {each.here} |" in page
