"""Delayed messages: order, never early, cancellation, re-arming, restarts, and more of them than the memory may hold."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statefun import STRING, Context, FileEgress, FileIngress, StatefulFunctions
from statefun.batch import ProtocolVersion
from statefun.runtime import Options, Store, VirtualClock
from statefun.runtime.timers import Timer, Timers
from tests.runtime.rig import run

MILLISECOND = 1_000_000


def arm(timers: Timers, due: int, name: str, token: str = "", sender: bytes = b"s") -> None:
    timers.arm(due, sender, token, b"target", name.encode())


def names(fired: list[Timer]) -> list[str]:
    return [each.argument.decode() for each in fired]


def started(limit: int = 100) -> Timers:
    timers = Timers(limit, 1)
    timers.refill([])
    return timers


def test_timers_fire_in_order_of_their_due_time_and_then_of_arming() -> None:
    timers = started()
    for due, name in [(30, "c"), (10, "a"), (30, "d"), (20, "b")]:
        arm(timers, due, name)
    assert names(timers.fire(30)) == ["a", "b", "c", "d"]


def test_a_timer_does_not_fire_a_millisecond_early() -> None:
    timers = started()
    arm(timers, 10, "a")
    assert timers.fire(9) == []
    assert timers.next_due() == 10
    assert names(timers.fire(10)) == ["a"]
    assert timers.next_due() is None


def test_arming_a_token_again_replaces_and_another_sender_keeps_its_own() -> None:
    timers = started()
    arm(timers, 10, "first", "t")
    arm(timers, 20, "second", "t")
    arm(timers, 10, "other", "t", sender=b"another")
    assert names(timers.fire(100)) == ["other", "second"]


def test_a_cancelled_timer_does_not_fire_and_leaves_the_store() -> None:
    timers = started()
    arm(timers, 10, "a", "t")
    timers.committed()
    timers.cancel(b"s", "t")
    timers.cancel(b"s", "no such token")
    assert timers.fire(100) == []
    assert timers.collect().removed == [1]


class Table:
    """What the store would do with the changes."""

    def __init__(self) -> None:
        self.rows: dict[int, Timer] = {}

    def commit(self, timers: Timers) -> None:
        cancelled, removed, armed = timers.collect()
        for sender, token in cancelled:
            self.rows = {key: row for key, row in self.rows.items() if (row.sender, row.token) != (sender, token)}
        for sequence in removed:
            self.rows.pop(sequence, None)
        for each in armed:
            assert all(
                (row.sender, row.token) != (each.sender, each.token) or not each.token for row in self.rows.values()
            )
            self.rows[each.sequence] = each
        timers.committed()

    def next(self, due: int, sequence: int, limit: int) -> list[Timer]:
        found = sorted(
            (row.due, row.sequence) for row in self.rows.values() if (row.due, row.sequence) >= (due, sequence)
        )
        return [self._copy(self.rows[sequence]) for _, sequence in found[:limit]]

    @staticmethod
    def _copy(row: Timer) -> Timer:
        return Timer(row.due, row.sequence, row.sender, row.token, row.target, row.argument, stored=True)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("arm"), st.integers(1, 20), st.sampled_from(["", "x", "y"])),
        st.tuples(st.just("cancel"), st.just(0), st.sampled_from(["x", "y"])),
        st.tuples(st.just("commit"), st.just(0), st.just("")),
        st.tuples(st.just("wait"), st.integers(0, 10), st.just("")),
        st.tuples(st.just("restart"), st.just(0), st.just("")),
    ),
    max_size=40,
)


@given(steps, st.integers(1, 3))
def test_a_small_memory_fires_the_same_as_a_large_one(actions: list[tuple[str, int, str]], limit: int) -> None:
    table, timers = Table(), Timers(limit, 1)
    model: list[tuple[int, int, str]] = []
    now = count = 0

    def group() -> list[str]:
        if timers.wants_more and timers.horizon is not None:
            timers.refill(table.next(*timers.horizon, timers.limit))
        return names(timers.fire(now))

    for action, number, token in (*actions, ("wait", 100, "")):
        if action == "arm":
            count += 1
            arm(timers, now + number, str(count), token)
            model = [each for each in model if not token or each[2] != token]
            model.append((now + number, count, token))
        elif action == "cancel":
            timers.cancel(b"s", token)
            model = [each for each in model if each[2] != token]
        else:
            table.commit(timers)
            if action == "restart":
                timers = Timers(limit, count + 1)
            now += number
            fired: list[str] = []
            while (due := timers.next_due()) is not None and due <= now:
                fired += group()
                table.commit(timers)
            expected = sorted(each for each in model if each[0] <= now)
            model = [each for each in model if each[0] > now]
            assert fired == [str(each[1]) for each in expected]
    assert not table.rows


# --- through a whole runtime ------------------------------------------------------------------------------------------------------


def reminders(folder: Path, lines: list[str]) -> StatefulFunctions:
    """`<delay> <text> [<token>]` reminds after a delay; `cancel <token>` takes that back."""
    functions = StatefulFunctions()

    @functions.bind("demo/reminder")
    def reminder(context: Context, command: str) -> None:
        first, *rest = command.split()
        if first == "cancel":
            context.cancel(rest[0])
        elif first == "say":
            context.send_egress("demo/out", rest[0])
        else:
            delay = timedelta(milliseconds=int(first))
            token = rest[1] if len(rest) > 1 else None
            context.send_after(delay, "demo/reminder", "1", f"say {rest[0]}", cancellation_token=token)

    (folder / "in.csv").write_text("command\n" + "".join(f"{each}\n" for each in lines))
    functions.ingress(
        FileIngress(
            id="demo/in",
            path=folder / "in.csv",
            message=STRING,
            key=lambda _row: "1",
            targets=["demo/reminder"],
            convert=lambda row: row["command"],
        )
    )
    functions.egress(FileEgress(id="demo/out", path=folder / "out.txt"))
    return functions


class Waits(VirtualClock):
    """Notes what was waited for."""

    def __init__(self) -> None:
        super().__init__(5_000 * MILLISECOND)
        self.waits: list[int] = []

    async def wait(self, event: asyncio.Event, due: int | None) -> None:
        before = self.now()
        await super().wait(event, due)
        if due is not None and self.now() > before:
            self.waits.append(due // MILLISECOND)


def test_delayed_messages_arrive_in_order_and_the_run_waits_for_them(tmp_path: Path) -> None:
    clock = Waits()
    with Store(tmp_path / "s") as store:
        run(reminders(tmp_path, ["20 late", "10 early", "10 next", "0 now"]), store, clock=clock)
    assert (tmp_path / "out.txt").read_text().split() == ["now", "early", "next", "late"]
    assert [due for due in clock.waits if due > 5000] == [5010, 5020]


@pytest.mark.parametrize("gather", [0, 5, 7])
def test_messages_due_within_a_few_milliseconds_share_a_transaction_and_none_is_early(
    tmp_path: Path, gather: int
) -> None:
    clock = Waits()
    fired: list[tuple[int, int]] = []
    functions = reminders(tmp_path, [f"{delay} {delay}" for delay in [10, 11, 14, 15, 16, 30, 100]])
    due_at = {str(delay): 5000 + delay for delay in [10, 11, 14, 15, 16, 30, 100]}
    with Store(tmp_path / "s") as store, pytest.MonkeyPatch.context() as patch:
        send = Context.send_egress

        def noted(self: Context, typename: str, text: str) -> None:
            fired.append((due_at[text], clock.now() // MILLISECOND))
            send(self, typename, text)

        patch.setattr(Context, "send_egress", noted)
        report = run(functions, store, clock=clock, options=Options(gather=gather))
    assert (tmp_path / "out.txt").read_text().split() == ["10", "11", "14", "15", "16", "30", "100"]
    assert all(due <= at <= due + gather for due, at in fired), fired
    assert (
        clock.waits
        == {
            0: [5010, 5011, 5014, 5015, 5016, 5030, 5100],
            5: [5015, 5016, 5030, 5100],
            7: [5016, 5030, 5100],
        }[gather]
    )
    assert report.groups == 1 + len(clock.waits)


def test_a_message_that_was_taken_back_makes_no_other_late() -> None:
    timers = started()
    arm(timers, 10, "a")
    arm(timers, 14, "b", "t")
    arm(timers, 15, "c")
    timers.cancel(b"s", "t")
    assert timers.uncancellable(10, 14) == (14, 10)
    assert timers.uncancellable(10, 15) == (15, 15)


def test_no_timer_waits_for_one_that_it_could_take_back() -> None:
    timers = started()
    for due, token in [(10, "x"), (11, ""), (13, "t"), (14, "")]:
        arm(timers, due, str(due), token)
    assert timers.uncancellable(10, 15) == (12, 11)


def test_a_timer_that_is_in_the_store_only_may_have_a_token() -> None:
    timers = Timers(1, 1)
    timers.refill([Timer(10, 1, b"s", "", b"target", b"a", stored=True)])
    assert timers.horizon == (10, 2)
    timers.horizon = (13, 1)
    assert timers.uncancellable(10, 15) == (12, 10)


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans())), st.integers(0, 10))
def test_what_is_gathered_is_what_a_plain_look_finds(armed: list[tuple[int, bool]], gather: int) -> None:
    timers = started()
    for number, (due, token) in enumerate(armed):
        arm(timers, due, "x", str(number) if token else "")
    first = min((due for due, _ in armed), default=0)
    ending = [due for due, token in armed if token and due > first]
    expected = max([first, *(due for due, _ in armed if due <= min([first + gather, *(each - 1 for each in ending)]))])
    assert timers.uncancellable(first, first + gather)[1] == expected


def test_a_message_that_takes_another_back_is_in_time_however_soon_that_is_due(tmp_path: Path) -> None:
    functions = reminders(tmp_path, ["11 cancel", "12 text token", "20 end"])
    clock = Waits()
    send_after = Context.send_after

    def cancelling(self: Context, delay: timedelta, typename: str, id: str, text: str, **more: Any) -> None:
        send_after(self, delay, typename, id, text.replace("say cancel", "cancel token"), **more)

    with Store(tmp_path / "s") as store, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Context, "send_after", cancelling)
        run(functions, store, clock=clock)
    assert (tmp_path / "out.txt").read_text().split() == ["end"]
    assert clock.waits == [5011, 5020]


def test_a_fraction_of_a_millisecond_does_not_make_a_message_early(tmp_path: Path) -> None:
    clock = Waits()
    clock.advance(0.0005)
    with Store(tmp_path / "s") as store:
        run(reminders(tmp_path, ["10 text"]), store, clock=clock)
    assert clock.waits == [5011]


def test_timers_survive_a_restart_and_can_be_left_in_the_store(tmp_path: Path) -> None:
    functions = reminders(tmp_path, ["1000 text", "2000 other token"])
    with Store(tmp_path / "s") as store:
        run(functions, store, options=Options(wait_for_timers=False))
        assert store.count("timers") == 2
    assert (tmp_path / "out.txt").read_text() == ""
    clock = VirtualClock(3_600_000 * MILLISECOND)
    with Store(tmp_path / "s") as store:
        run(reminders(tmp_path, ["1000 text", "2000 other token", "cancel token"]), store, clock=clock)
        assert store.count("timers") == 0
    # Both are long due when the runtime starts again: what has fired cannot be taken back.
    assert (tmp_path / "out.txt").read_text().split() == ["text", "other"]


def test_a_run_that_waits_for_no_timer_ends_when_its_records_are_delivered(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store:
        run(reminders(tmp_path, ["say now", "500 soon", "3600000 late"]), store, options=Options(wait_for_timers=False))
        assert store.count("timers") == 2
        assert store.count("outbox") == 0
    assert (tmp_path / "out.txt").read_text() == "now\n"


@pytest.mark.parametrize("timers", [1, 1000])
def test_a_cancellation_after_a_restart_wins_before_the_due_time(tmp_path: Path, timers: int) -> None:
    lines = ["1000 kept", "2000 first token", "3000 second token", "4000 other another"]
    clock = VirtualClock()
    with Store(tmp_path / "s") as store:
        run(reminders(tmp_path, lines), store, clock=clock, options=Options(wait_for_timers=False, timers=timers))
        assert store.count("timers") == 3
    with Store(tmp_path / "s") as store:
        run(reminders(tmp_path, [*lines, "cancel token"]), store, clock=clock, options=Options(timers=timers))
        assert store.count("timers") == 0
    assert (tmp_path / "out.txt").read_text().split() == ["kept", "other"]


def test_delayed_messages_work_on_the_2_2_protocol(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store:
        run(
            reminders(tmp_path, ["30 c", "20 b", "40 d", "10 a"]),
            store,
            options=Options(protocol=ProtocolVersion.V2, timers=1),
        )
    assert (tmp_path / "out.txt").read_text().split() == ["a", "b", "c", "d"]
