"""Delayed messages and their cancellation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from statefun import (
    Context,
)
from statefun.errors import (
    CancellationTokenError,
    DelayError,
    UnsupportedError,
)
from tests.unit.context.running import SECOND, TO, refusing, running
from tests.unit.rig import V2, V3, Engine, Later


def test_a_delay_is_milliseconds_rounded_up(engine: Engine) -> None:
    def body(context: Context) -> None:
        for delay in (
            timedelta(0),
            timedelta(microseconds=1),
            timedelta(milliseconds=1),
            timedelta(microseconds=1001),
            timedelta(days=1),
            timedelta.max,
        ):
            context.send_after(delay, TO, "a")

    delays = [each.delay for each in running(engine, body).later if isinstance(each, Later)]
    assert delays == [0, 1, 1, 2, 86_400_000, 86_399_999_999_999_999 + 1]


def test_a_delayed_message_is_sent_to_an_address_or_a_typename_and_an_id(engine: Engine) -> None:
    def body(context: Context) -> None:
        context.send_after(SECOND, TO, "a")
        context.send_after(SECOND, "test/to", "2", "b")
        context.send_after(delay=SECOND, typename="test/to", id="2", message="c")
        context.pack_and_send_after(SECOND, "test/to", "2", "d")

    assert running(engine, body).later == [Later(1000, "test/to/2", each) for each in "abcd"]


def test_the_delay_may_stand_third_as_in_the_seeds_example(engine: Engine) -> None:
    answer = running(engine, lambda context: context.pack_and_send_after("test/to", "2", SECOND, "a"))
    assert answer.later == [Later(1000, "test/to/2", "a")]


@pytest.mark.parametrize("delay", [timedelta(microseconds=-1), timedelta.min, 1, 1.5, None, "1s"])
def test_a_negative_delay_and_what_is_no_timedelta_are_refused(engine: Engine, delay: Any) -> None:
    def body(context: Context) -> None:
        context.send_after(delay, TO, "a")

    refusing(engine, DelayError, body)


def test_a_token_carries_the_senders_function_type_and_is_cancelled_before_it_is_armed() -> None:
    """The engine keys tokens by id alone, and restarts its job over one that is armed while it is live."""

    def body(context: Context) -> None:
        context.send_after(SECOND, TO, "a", cancellation_token="t")
        context.send_after(SECOND, "test/to", "2", "b", cancellation_token="t")
        context.cancel("t")
        context.reply_after(SECOND, "c", cancellation_token="u")

    token = "test/f/t"
    assert running(Engine(V3), body, caller=str(TO)).later == [
        token,
        Later(1000, "test/to/2", "a", token),
        token,
        Later(1000, "test/to/2", "b", token),
        token,
        "test/f/u",
        Later(1000, "test/to/2", "c", "test/f/u"),
    ]


@pytest.mark.parametrize("token", ["", None, 5, b"t", "\ud800"])
def test_an_empty_cancellation_token_is_refused(token: Any) -> None:
    refusing(Engine(V3), CancellationTokenError, lambda context: context.cancel(token))
    if token is not None:
        refusing(
            Engine(V3),
            CancellationTokenError,
            lambda context: context.send_after(SECOND, TO, "a", cancellation_token=token),
        )


def test_cancellation_is_refused_on_2_2_with_that_reason() -> None:
    for body in (
        lambda context: context.cancel("t"),
        lambda context: context.send_after(SECOND, TO, "a", cancellation_token="t"),
        lambda context: context.send_after(SECOND, TO, "a", cancellation_token=""),
    ):
        refusing(Engine(V2), UnsupportedError, body, match=r"2\.2 protocol has no cancellation")
