"""Functions that fail: retries with growing pauses, dead letters, no partial effect, other addresses going on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from statefun import (
    LONG,
    STRING,
    AsyncRequestReplyHandler,
    Context,
    FileEgress,
    FileIngress,
    RequestReplyHandler,
    StatefulFunctions,
    ValueSpec,
)
from statefun.batch import ProtocolVersion, Target, TypedBytes
from statefun.protocol._generated import v2, v3
from statefun.protocol.request import decode_request
from statefun.protocol.values import encode_address, wrap
from statefun.runtime import Options, Report, Runtime, Store, VirtualClock
from statefun.runtime.changes import DeadLetter
from statefun.runtime.failures import DeadLetterLog, FailingProgramError
from statefun.runtime.letters import retry_letters
from statefun.runtime.store import DeadMessage
from tests.runtime.rig import run, runtime_of

FROM_FUNCTION: dict[ProtocolVersion, Any] = {ProtocolVersion.V2: v2.FromFunction, ProtocolVersion.V3: v3.FromFunction}


def program(
    folder: Path, commands: list[str], attempts: list[tuple[str, int]], clock: VirtualClock, fails: bool = True
) -> StatefulFunctions:
    """`<id>:<verb>`: every command counts and says so; `raise` raises behind that, `egress` and `nowhere` ask for what is not there."""
    functions = StatefulFunctions()

    @functions.bind("test/works", specs=[ValueSpec(LONG, name="count", default=0)])
    def work(context: Context, command: str) -> None:
        attempts.append((command, clock.now() // 1_000_000))
        context["count"] += 1
        context.send_egress("test/out", f"{context.address.id} {command}")
        if fails and command.startswith("raise"):
            raise ValueError("it does not like that")
        if command == "egress":
            context.send_egress("test/unknown", "text")
        if command == "nowhere":
            context.send("test/nobody", "1", "text")

    (folder / "in.csv").write_text("id,command\n" + "".join(f"{each.replace(':', ',')}\n" for each in commands))
    functions.ingress(
        FileIngress(
            id="test/in",
            path=folder / "in.csv",
            message=STRING,
            key="id",
            targets=["test/works"],
            convert=lambda row: row["command"],
        )
    )
    functions.egress(FileEgress(id="test/out", path=folder / "out.txt"))
    return functions


def play(folder: Path, commands: list[str], **options: object) -> tuple[Report, list[tuple[str, int]], list[str]]:
    attempts: list[tuple[str, int]] = []
    clock = VirtualClock()
    with Store(folder / "s") as store:
        functions = program(folder, commands, attempts, clock)
        settings = Options(attempts=4, backoff=100, **options)
        report = run(functions, store, clock=clock, options=settings, jitter=lambda: 0.0)
    return report, attempts, (folder / "out.txt").read_text().splitlines()


def the_dead_letter(
    folder: Path, functions: StatefulFunctions, call: Callable[[bytes], bytes], **options: Any
) -> DeadMessage:
    """Runs until nothing is left to do, and gives the one message that was given up."""
    with Store(folder / "s") as store:
        report = run(functions, store, call=call, clock=VirtualClock(), options=Options(**options))
        assert report.dead_letters == 1
        (dead,) = store.dead_messages()
    return dead


def test_a_failing_message_is_tried_again_with_growing_pauses_and_then_given_up(tmp_path: Path) -> None:
    report, attempts, lines = play(tmp_path, ["1:raise"])
    assert attempts == [("raise", 0), ("raise", 100), ("raise", 300), ("raise", 700)]
    assert lines == []
    assert report.dead_letters == 1
    with Store(tmp_path / "s") as store:
        (dead,) = store.dead_messages()
        assert list(store.states("test/works")) == []
        assert store.count("inbox") == 0
    assert dead.target is not None
    assert "/".join(dead.target) == "test/works/1"
    assert dead.caller is None
    assert STRING.v3.decode(dead.message.value) == "raise"
    assert (dead.attempts, dead.at) == (4, 700)
    assert "it does not like that" in dead.error


def test_the_log_tells_of_dead_letters_while_they_are_made_and_of_many_in_few_lines(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    play(tmp_path, ["1:raise", *(f"{id}:fine" for id in range(2, 20))])
    (line,) = caplog.messages
    assert line.startswith("dead letters of this run: 1; the last, for test/works/1: [handler-failed] ")
    assert "it does not like that" in line
    caplog.clear()
    log = DeadLetterLog()
    letter = DeadLetter(0, encode_address(Target("test", "works", "2")), b"", b"", 1, "an error")
    for _ in range(100):
        log.note([])
        log.note([letter])
    assert caplog.messages == [
        f"dead letters of this run: {count}; the last, for test/works/2: an error" for count in (1, 2, 4, 8, 16, 32, 64)
    ]


@pytest.mark.parametrize("protocol", ProtocolVersion)
@pytest.mark.parametrize("bad", range(6))
def test_no_effect_of_a_batch_that_failed_and_every_effect_of_its_other_messages(
    tmp_path: Path, bad: int, protocol: ProtocolVersion
) -> None:
    commands = [f"1:{'raise' if number == bad else 'do'} {number}" for number in range(6)]
    report, _, lines = play(tmp_path, commands, protocol=protocol)
    assert lines == [f"1 do {number}" for number in range(6) if number != bad]
    assert (report.dead_letters, report.invocations) == (1, 5)
    with Store(tmp_path / "s") as store:
        ((_, states),) = store.states("test/works")
    assert LONG.decode(states["count"], protocol) == 5


def test_other_addresses_go_on_while_one_waits_for_its_retry(tmp_path: Path) -> None:
    _, attempts, lines = play(tmp_path, ["1:raise", "2:do", "1:behind", "3:do"], max_group=1)
    assert lines == ["2 do", "3 do", "1 behind"]
    assert [at for command, at in attempts if command == "do"] == [0, 0]
    assert [at for command, at in attempts if command == "behind"] == [700]


def test_an_unknown_egress_and_an_unknown_function_are_dead_letters_that_say_so(tmp_path: Path) -> None:
    report, _, lines = play(tmp_path, ["1:egress", "2:nowhere", "3:do"])
    assert report.dead_letters == 2
    assert lines == ["2 nowhere", "3 do"]
    with Store(tmp_path / "s") as store:
        errors = [dead.error for dead in store.dead_messages()]
    assert "unknown-egress" in errors[0] or "unknown-egress" in errors[1]
    assert any("unknown-function" in error for error in errors)


def test_bytes_that_are_no_response_are_given_up_at_once(tmp_path: Path) -> None:
    functions = program(tmp_path, ["1:do"], [], VirtualClock())
    dead = the_dead_letter(tmp_path, functions, lambda _request: b"nonsense")
    assert "malformed-response" in dead.error


@pytest.mark.parametrize(
    ("text", "kept"),
    [("half \ud800 of a pair", r"half \ud800 of a pair"), ("x" * 1_000_000, " characters)")],
    ids=["no text", "huge"],
)
def test_whatever_an_error_says_it_is_kept_and_others_go_on(tmp_path: Path, text: str, kept: str) -> None:
    functions = program(tmp_path, ["1:do", "2:do"], [], VirtualClock())
    call = RequestReplyHandler(functions)

    def fails(request: bytes) -> bytes:
        if decode_request(request).target.id == "1":
            raise ValueError(text)
        return call(request)

    dead = the_dead_letter(tmp_path, functions, fails, attempts=1)
    assert kept in dead.error
    assert len(dead.error) < 11_000
    assert (tmp_path / "out.txt").read_text() == "2 do\n"


class Panic(BaseException):
    """What an extension module raises when its own code panics."""


class Unspoken(BaseException):
    """What cannot tell what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize("asynchronous", [False, True], ids=["plain", "asynchronous"])
@pytest.mark.parametrize(
    "error", [Panic("at the disco"), Unspoken(), asyncio.CancelledError(), GeneratorExit(), SystemExit(7)]
)
def test_no_exception_of_a_function_ends_the_run(tmp_path: Path, error: BaseException, asynchronous: bool) -> None:
    functions = StatefulFunctions()

    def work(context: Context, command: str) -> None:
        if command == "raise":
            raise error
        context.send_egress("test/out", command)

    async def work_slowly(context: Context, command: str) -> None:
        await asyncio.sleep(0)
        work(context, command)

    functions.bind("test/works")(work_slowly if asynchronous else work)
    others = program(tmp_path, ["1:raise", "2:do", "1:behind"], [], VirtualClock())
    with Store(tmp_path / "s") as store:
        with Runtime(
            AsyncRequestReplyHandler(functions) if asynchronous else RequestReplyHandler(functions),
            store,
            states=functions.specs(),
            ingresses=others.ingresses,
            egresses=others.egresses,
            options=Options(attempts=2, backoff=1),
        ) as runtime:
            assert runtime.run_until_idle().dead_letters == 1
        (dead,) = store.dead_messages()
    assert dead.code == "handler-failed"
    assert f"raised {type(error).__name__}" in dead.error
    assert sorted((tmp_path / "out.txt").read_text().split()) == ["behind", "do"]


def test_a_run_that_is_stopped_begins_no_further_call_of_its_group(tmp_path: Path) -> None:
    functions = program(tmp_path, [f"{number}:do" for number in range(50)], [], VirtualClock())
    call = RequestReplyHandler(functions)
    calls = 0

    def stops(request: bytes) -> bytes:
        nonlocal calls
        calls += 1
        if calls == 3:
            runtime.stop()
        return call(request)

    with Store(tmp_path / "s") as store:
        with runtime_of(functions, store, stops) as runtime:
            report = runtime.run_until_idle()
        # The first call tells which states there are, and is repeated with them.
        assert (calls, report.records, report.invocations, report.pending) == (3, 50, 2, 48)
        assert store.count("inbox") == 48
        assert run(functions, store).invocations == 48
    assert len((tmp_path / "out.txt").read_text().splitlines()) == 50


def test_an_answer_that_sends_to_an_id_that_is_no_text_is_a_malformed_response_and_tried_again(tmp_path: Path) -> None:
    functions = program(tmp_path, ["1:do"], [], VirtualClock())
    response = v3.FromFunction()
    message = response.invocation_result.outgoing_messages.add()
    message.target = encode_address(Target("test", "works", "1"))[:-1] + b"\xff"
    message.argument = wrap(TypedBytes("io.statefun.types/string", b""), ProtocolVersion.V3)
    dead = the_dead_letter(tmp_path, functions, lambda _request: response.SerializeToString(), attempts=3)
    assert (dead.code, dead.attempts) == ("malformed-response", 3)
    assert "a message goes to no address" in dead.error


@pytest.mark.parametrize("protocol", ProtocolVersion)
@pytest.mark.parametrize("delay", [-1, (1 << 63) - 1])
def test_a_delay_that_no_store_can_hold_is_a_dead_letter(tmp_path: Path, protocol: ProtocolVersion, delay: int) -> None:
    functions = program(tmp_path, ["1:do"], [], VirtualClock())
    response = FROM_FUNCTION[protocol]()
    delayed = response.invocation_result.delayed_invocations.add()
    delayed.delay_in_ms = delay
    delayed.target = encode_address(Target("test", "works", "1"))
    delayed.argument = wrap(TypedBytes("type.googleapis.com/google.protobuf.StringValue", b""), protocol)
    dead = the_dead_letter(
        tmp_path, functions, lambda _request: response.SerializeToString(), protocol=protocol, attempts=1
    )
    assert dead.code == "malformed-response"
    assert f"delay {delay} ms" in dead.error


def test_what_waits_for_a_retry_survives_a_restart(tmp_path: Path) -> None:
    attempts: list[tuple[str, int]] = []
    clock = VirtualClock()
    functions = program(tmp_path, ["1:raise", "1:do"], attempts, clock)
    calls = 0

    def stop_after_first(report: Report) -> None:
        nonlocal calls
        calls += 1
        runtime.stop()

    with Store(tmp_path / "s") as store:
        with runtime_of(functions, store, clock=clock, progress=stop_after_first) as runtime:
            assert runtime.run_until_idle().stopped
        assert store.count("inbox") == 1
    report, _, lines = play(tmp_path, ["1:raise", "1:do"])
    assert report.records == 0
    assert report.dead_letters == 1
    assert lines == ["1 do"]


def test_the_pauses_of_different_addresses_do_not_add_up(tmp_path: Path) -> None:
    _, attempts, lines = play(tmp_path, [*(f"{id}:raise {id}" for id in range(60)), "a:do"], max_group=7)
    assert lines == ["a do"]
    assert {at for _, at in attempts} == {0, 100, 300, 700}
    assert len(attempts) == 60 * 4 + 1


class Patient(VirtualClock):
    """Counts how often it was asked: a loop that spins asks without end."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def now(self) -> int:
        self.asked += 1
        assert self.asked < 3000, "the runtime spins"
        return super().now()


def test_inboxes_full_of_failing_messages_make_the_runtime_wait_and_not_spin(tmp_path: Path) -> None:
    clock = Patient()
    commands = [f"{id}:raise" for id in range(20)]
    with Store(tmp_path / "s") as store:
        functions = program(tmp_path, commands, [], VirtualClock())
        options = Options(attempts=4, backoff=100, max_pending=5, max_group=5)
        report = run(functions, store, clock=clock, options=options, jitter=lambda: 0.0)
    assert report.dead_letters == 20
    assert clock.now() == 4 * 700 * 1_000_000


def test_jitter_does_not_make_a_transaction_of_each_dead_letter(tmp_path: Path) -> None:
    groups = []
    for gather in (0, 5):
        folder = tmp_path / str(gather)
        folder.mkdir()
        spread: Iterator[float] = iter([(each + 0.5) / 90 for each in range(90)])
        with Store(folder / "s") as store:
            functions = program(folder, [f"{id}:raise" for id in range(90)], [], VirtualClock())
            options = Options(attempts=2, backoff=180, gather=gather)
            report = run(functions, store, options=options, jitter=spread.__next__)
        assert report.dead_letters == 90
        groups.append(report.groups)
    assert groups == [91, 16]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_program_that_only_fails_ends_the_run_and_keeps_everything(tmp_path: Path, asynchronous: bool) -> None:
    commands = [f"{id}:raise {id}" for id in range(40)]
    functions = program(tmp_path, commands, [], VirtualClock())
    with Store(tmp_path / "s") as store:
        call = AsyncRequestReplyHandler(functions) if asynchronous else RequestReplyHandler(functions)
        with (
            runtime_of(
                functions,
                store,
                call,
                clock=VirtualClock(),
                options=Options(attempts=2, backoff=1, max_dead_in_a_row=10, concurrency=1),
            ) as runtime,
            pytest.raises(
                FailingProgramError, match="10 messages in a row were given up, the last of test/works/"
            ) as told,
        ):
            runtime.run_until_idle()
        assert "it does not like that" in told.value.message
        assert "dead retry" in told.value.hint
        assert store.count("dead") == 10
        assert store.count("inbox") == 30
    # Mended, and what was given up put back: everything takes effect once.
    mended = program(tmp_path, commands, [], VirtualClock(), fails=False)
    with Store(tmp_path / "s") as store:
        assert retry_letters(store, range(1, 11)) == 10
        assert run(mended, store).dead_letters == 0
    lines = (tmp_path / "out.txt").read_text().splitlines()
    assert sorted(lines) == sorted(f"{id} raise {id}" for id in range(40))


def test_a_success_between_them_and_0_let_a_run_go_on(tmp_path: Path) -> None:
    for name, limit, commands in [
        ("success", 3, ["1:raise", "2:raise", "3:do", "4:raise", "5:raise", "6:do"]),
        ("0", 0, [f"{id}:raise" for id in range(200)]),
    ]:
        (tmp_path / name).mkdir()
        # Each is run to its end before the next, so that a success stands between.
        report, _, _ = play(tmp_path / name, commands, max_dead_in_a_row=limit, max_pending=1)
        assert report.dead_letters == sum("raise" in each for each in commands)


def test_a_hundred_in_a_row_are_the_default(tmp_path: Path) -> None:
    with pytest.raises(FailingProgramError, match="100 messages"):
        play(tmp_path, [f"{id}:raise" for id in range(200)])


def test_a_dead_letter_tells_where_the_function_raised(tmp_path: Path) -> None:
    functions = StatefulFunctions()

    @functions.bind("test/fails")
    def fails(_context: Context, message: str) -> None:
        int(message)

    (tmp_path / "in.csv").write_text("id\nno number\n")
    path = tmp_path / "in.csv"
    functions.ingress(
        FileIngress(
            id="test/in", path=path, message=STRING, key="id", targets=["test/fails"], convert=lambda row: row["id"]
        )
    )
    with Store(tmp_path / "s") as store:
        run(functions, store, clock=VirtualClock())
        (dead,) = store.dead_messages()
    line = fails.__code__.co_firstlineno + 2
    assert "raised ValueError: invalid literal" in dead.error
    assert dead.error.endswith(f"; at {__file__}:{line} in fails")
