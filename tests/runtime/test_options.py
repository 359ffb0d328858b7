"""What a runtime may not be told."""

from __future__ import annotations

from typing import Any

import pytest

from statefun.errors import BindingError
from statefun.runtime import Options


@pytest.mark.parametrize(
    "wrong",
    [
        *({name: 0} for name in ("max_group", "max_batch", "max_invocations", "max_pending", "max_inbox")),
        *({name: 0} for name in ("max_undelivered", "concurrency", "attempts", "cached", "timers")),
        *({name: -1} for name in ("hold", "backoff", "gather", "keep_keys", "drain", "max_dead_in_a_row")),
        {"max_group": "many"},
        {"attempts": True},
        {"max_group": 2.5},
        {"gather": float("nan")},
        {"drain": float("nan")},
        {"drain": "long"},
        {"drain": True},
        {"protocol": "3.x"},
    ],
)
def test_a_bound_that_would_let_nothing_through_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BindingError, match=next(iter(wrong))):
        Options(**wrong)


def test_the_least_of_each_is_taken() -> None:
    Options(hold=0, backoff=0, gather=0, keep_keys=0, drain=0, max_dead_in_a_row=0, max_group=1, max_undelivered=1)
