"""kill -9 under load, of the function server, of the engine and of both: every deposit still counts exactly once.

The engine goes on from its newest checkpoint. A reader of committed records must find, for each account, the count behind each of its deposits,
all of them, each once and in order; and the ledger, which hears of every deposit through a message, must come to the same sums.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.engines.accounts import deposits, questions
from tests.engines.counting import miscounted
from tests.engines.rig import Rig

ACCOUNTS = 100
BURST = 1000


class Load:
    """Deposits to a hundred accounts of its own, in bursts, and what has come of them."""

    def __init__(self, rig: Rig, name: str) -> None:
        self.rig = rig
        self.name = name
        self.sent: list[tuple[str, int]] = []
        self._random = random.Random(name)
        self.before = self.ledger("before")

    def burst(self) -> None:
        """Sends a thousand more."""
        more = [
            (f"{self.name}-{self._random.randrange(ACCOUNTS)}", self._random.randrange(1, 100)) for _ in range(BURST)
        ]
        self.rig.send("deposits", deposits(more))
        self.sent += more

    def counted(self) -> int:
        """How many were committed so far."""
        return sum(
            each.value["what"] == "deposit" and str(each.key).startswith(f"{self.name}-")
            for each in self.rig.reader.records
        )

    def under_way(self) -> None:
        """Waits until some of the newest burst is counted, and the rest is in the engine."""
        mark = len(self.sent) - BURST
        self.rig.reader.until(lambda _: self.counted() > mark, seconds=180)

    def ledger(self, when: str) -> tuple[int, int]:
        """Asks the ledger what it has, entries and sum."""
        key = f"{self.name}-{when}"
        self.rig.send("questions", questions(key))
        told = self.rig.wait(key, "ledger")[0]
        return told["entries"], told["sum"]

    def settle(self) -> None:
        """Waits until as many records were committed as deposits were sent."""
        self.rig.reader.until(lambda _: self.counted() >= len(self.sent), seconds=240)

    def miscounted(self) -> list[str]:
        """What is wrong with the counts of the accounts."""
        own = [each for each in self.rig.reader.records if str(each.key).startswith(f"{self.name}-")]
        return miscounted(self.sent, own)

    def faults(self) -> list[str]:
        """What is wrong with the counts of the accounts and of the ledger."""
        faults = self.miscounted()
        entries, sum_ = self.ledger("after")
        found = (entries - self.before[0], sum_ - self.before[1])
        expected = (len(self.sent), sum(value for _, value in self.sent))
        return faults if found == expected else [*faults, f"the ledger has {found} and not {expected}"]


@pytest.fixture
def load(accounts: Rig, request: pytest.FixtureRequest) -> Iterator[Load]:
    made = Load(accounts, request.node.originalname)
    yield made
    # What was killed and not started again by a test that failed, for those behind it.
    if not accounts.server.running:
        accounts.server.start()
    if not accounts.engine.running:
        accounts.engine.start(accounts.engine.last_checkpoint())


def test_an_engine_that_starts_without_its_checkpoint_counts_again_and_the_check_tells(load: Load) -> None:
    """The negative control: exactly once is the work of the checkpoint, and a run without it does not pass.

    It comes first, since the engine reads everything again that was ever sent.
    """
    load.burst()
    load.settle()
    assert load.faults() == []
    load.rig.engine.kill()
    load.rig.engine.start()
    load.rig.reader.until(lambda _: load.counted() >= 2 * len(load.sent), seconds=240)
    accounts = {account for account, _ in load.sent}
    assert len(load.miscounted()) == len(accounts)


def test_the_function_server_is_killed(load: Load) -> None:
    for _ in range(3):
        load.burst()
        load.under_way()
        load.burst()
        load.rig.server.kill()
        load.rig.server.start()
    load.settle()
    assert load.faults() == []


def test_the_engine_is_killed(load: Load) -> None:
    for _ in range(2):
        load.burst()
        load.under_way()
        load.burst()
        load.rig.engine.kill()
        load.rig.engine.start(load.rig.engine.last_checkpoint())
    load.settle()
    assert load.faults() == []


def test_both_are_killed(load: Load) -> None:
    load.burst()
    load.under_way()
    load.burst()
    load.rig.engine.kill()
    load.rig.server.kill()
    load.rig.engine.start(load.rig.engine.last_checkpoint())
    load.burst()
    load.rig.server.start()
    load.settle()
    assert load.faults() == []
