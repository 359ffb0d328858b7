"""A handler that raises at the k-th of n, and a message that no attempt can deliver while other addresses go on."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from statefun import LONG
from statefun.batch import ProtocolVersion
from statefun.runtime import Options, Report, Store, VirtualClock
from statefun.runtime.core import Core
from tests.proofs.workload import Difference
from tests.runtime.rig import run
from tests.runtime.test_failures import program

ATTEMPTS = 4


def case(protocol: ProtocolVersion, n: int, k: int) -> None:
    """The k-th of n messages of one batch raises, after it changed state and sent a record."""
    commands = [f"1:{'raise' if number == k else 'do'} {number}" for number in range(1, n + 1)]
    attempts: list[tuple[str, int]] = []
    clock = VirtualClock()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Store(folder / "s") as store:
            functions = program(folder, commands, attempts, clock)
            options = Options(protocol=protocol, attempts=ATTEMPTS, backoff=100)
            report = run(functions, store, clock=clock, options=options, jitter=lambda: 0.0)
            lines = (folder / "out.txt").read_text().splitlines()
            counts = [LONG.decode(states["count"], protocol) for _, states in store.states("test/works")]
            dead = list(store.dead_messages())
    expect(lines, [f"1 do {number}" for number in range(1, n + 1) if number != k], "records")
    expect(counts, [n - 1] if n > 1 else [], "count")
    expect([each.attempts for each in dead], [ATTEMPTS], "dead letters")
    expect(report.dead_letters, 1, "dead letters told")


def expect(found: object, wanted: object, what: str) -> None:
    if found != wanted:
        raise Difference(f"{what}: {found} not {wanted}")


def poison(addresses: int = 40) -> tuple[int, int]:
    """The p99, in transactions, until another address's message is seen outside: without and with a poison message."""

    def latency(poisoned: bool) -> int:
        commands = ["0:raise"] * poisoned + [f"{number % addresses + 1}:do {number}" for number in range(400)]
        seen: list[int] = []
        clock = VirtualClock()
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            with Store(folder / "s") as store:
                functions = program(folder, commands, [], clock)

                def progress(report: Report) -> None:
                    lines = len((folder / "out.txt").read_bytes().splitlines())
                    seen.extend([report.groups] * (lines - len(seen)))

                options = Options(attempts=ATTEMPTS, backoff=100, max_group=10)
                report = run(functions, store, clock=clock, options=options, jitter=lambda: 0.0, progress=progress)
                expect(report.dead_letters, int(poisoned), "dead letters")
                expect([each.attempts for each in store.dead_messages()], [ATTEMPTS] * poisoned, "attempts")
        expect(len(seen), 400, "records of the other addresses")
        waited = sorted(group - number // 10 for number, group in enumerate(seen))
        return waited[len(waited) * 99 // 100]

    without, with_poison = latency(False), latency(True)
    if with_poison >= 2 * max(without, 1) + 1:
        raise Difference(
            f"p99 of the other addresses: {with_poison} transactions with a poison message, {without} without"
        )
    return without, with_poison


def _sabotaged(name: str, replacement: Any, act: Any) -> None:
    kept = getattr(Core, name)
    setattr(Core, name, replacement(kept))
    try:
        act()
    finally:
        setattr(Core, name, kept)


def batch_dropped() -> None:
    """A batch that fails is given up whole."""

    def replacement(kept: Any) -> Any:
        def failed(self: Core, call: Any, error: BaseException, now: int) -> None:
            if call.messages > 1:
                del call.entry.inbox[: call.messages - 1]
                self.pending -= call.messages - 1
                call = call._replace(messages=1)
            kept(self, call, error, now)

        return failed

    _sabotaged("failed", replacement, lambda: case(ProtocolVersion.V3, 4, 2))


def dead_letter_lost() -> None:
    """A message that is given up is kept nowhere."""

    def replacement(kept: Any) -> Any:
        def failed(self: Core, call: Any, error: BaseException, now: int) -> None:
            kept(self, call, error, now)
            self._dead.clear()

        return failed

    _sabotaged("failed", replacement, poison)


def poison_holds_others() -> None:
    """While a message waits for its retry, the messages of the others wait too."""

    def replacement(kept: Any) -> Any:
        def following(self: Core, now: int) -> Any:
            self._budget = min(self._budget, 1) if self._retries else self._budget
            return kept(self, now)

        return following

    _sabotaged("next", replacement, poison)


BUGS = (batch_dropped, dead_letter_lost, poison_holds_others)
