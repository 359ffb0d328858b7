"""`statefun run`, as a user starts it: to the end, resumed, stopped by a signal, with messages given up, with bad input."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from statefun import LONG
from statefun.batch import ProtocolVersion
from statefun.runtime import Store

PROGRAM = """
import time
from statefun import LONG, STRING, Context, FileEgress, FileIngress, StatefulFunction, StatefulFunctions, ValueSpec, handles

class Words(StatefulFunction[str], typename="demo/words"):
    count: ValueSpec[int] = ValueSpec(LONG, default=0)

    @handles
    {async_}def on_word(self, context: Context, word: str) -> None:
        if word == "bad":
            raise ValueError("a bad word")
        if word == "slow":
            time.sleep(0.02)
        self.count += 1
        context.send_egress("demo/seen", f"{{word}} {{self.count}}")

functions = StatefulFunctions()
functions.register(Words)
functions.ingress(
    FileIngress(id="demo/in", path="words.csv", message=STRING, key="word", targets=[Words], convert=lambda row: row["word"])
)
functions.egress(FileEgress(id="demo/seen", path="seen.txt"))
"""


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-c",
        "from statefun.cli import main; main()",
        "run",
        "program:functions",
        "--store",
        "store",
    ]
    return subprocess.Popen(
        [*command, *options],
        cwd=folder,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )


def run(folder: Path, *options: str) -> tuple[int, str]:
    with start(folder, *options) as process:
        _, told = process.communicate(timeout=60)
        return process.returncode, told


@pytest.fixture(params=["", "async "], ids=["plain", "asynchronous"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    (tmp_path / "program.py").write_text(PROGRAM.format(async_=request.param))
    return tmp_path


def words(folder: Path, *given: str) -> None:
    (folder / "words.csv").write_text("word\n" + "".join(f"{each}\n" for each in given))


@pytest.mark.parametrize("protocol", ProtocolVersion)
def test_a_run_ends_when_nothing_is_left_and_goes_on_where_it_was(folder: Path, protocol: ProtocolVersion) -> None:
    words(folder, "a", "b", "a")
    status, told = run(folder, "--protocol", protocol.value)
    assert (status, sorted((folder / "seen.txt").read_text().splitlines())) == (0, ["a 1", "a 2", "b 1"])
    assert told.startswith("done: 3 records, 3 messages")
    words(folder, "a", "b", "a", "a")
    status, told = run(folder, "--protocol", protocol.value)
    assert (status, (folder / "seen.txt").read_text().splitlines()[3:]) == (0, ["a 3"])
    assert told.startswith("done: 1 record,")
    with Store(folder / "store") as store:
        counts = {id: LONG.decode(states["count"], protocol) for id, states in store.states("demo/words")}
    assert counts == {"a": 3, "b": 1}


def test_messages_that_are_given_up_make_the_status_3(folder: Path) -> None:
    words(folder, "a", "bad", "b")
    status, told = run(folder, "--attempts", "2", "--backoff", "1")
    assert status == 3
    assert "gave up 1 message," in told
    assert "demo/words/bad" in told
    assert "a bad word" in told
    assert sorted((folder / "seen.txt").read_text().splitlines()) == ["a 1", "b 1"]


def test_a_program_that_only_fails_makes_the_status_1(folder: Path) -> None:
    words(folder, *["bad"] * 9)
    status, told = run(folder, "--attempts", "1", "--max-consecutive-dead", "4")
    assert status == 1
    assert "[failing-program] 4 messages in a row were given up, the last of demo/words/bad: " in told
    with Store(folder / "store") as store:
        assert (store.count("dead"), len(store.recover().inbox[0][2])) == (4, 5)
    status, told = run(folder, "--attempts", "1", "--max-consecutive-dead", "0")
    assert (status, "gave up 5 messages," in told) == (3, True)


def test_a_bad_record_makes_the_status_1_and_is_told_with_its_line(folder: Path) -> None:
    words(folder, "a", '""', "b")
    status, told = run(folder)
    assert status == 1
    assert "[record-key] words.csv:3: the record has no key: 'word' is not there, or empty" in told
    assert told.startswith("failed after 1 record, 1 message, 1 transaction ")
    assert (folder / "seen.txt").read_text() == "a 1\n"


def test_sigterm_ends_a_run_after_its_transaction_and_the_next_goes_on(folder: Path) -> None:
    words(folder, *["slow"] * 60)
    with start(folder, "--max-group", "1") as process:
        seen = folder / "seen.txt"
        while not seen.exists() or not seen.read_text():
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 0
    assert told.splitlines()[1].startswith("stopped after")
    assert 0 < len(seen.read_text().splitlines()) < 60
    assert run(folder)[0] == 0
    assert seen.read_text().splitlines() == [f"slow {number}" for number in range(1, 61)]


NEVER_ENDING = {
    "a plain function that never returns": ("", "print(flush=True); time.sleep(3600)"),
    "a coroutine that swallows its cancellation": (
        "async ",
        """
            import asyncio
            print(flush=True)
            while True:
                try:
                    await asyncio.sleep(3600)
                except asyncio.CancelledError:
                    print("cancelled", flush=True)
""",
    ),
}


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("function", NEVER_ENDING)
def test_a_second_signal_ends_a_run_whose_function_never_ends_and_nothing_is_lost(
    tmp_path: Path, function: str, first: signal.Signals, second: signal.Signals
) -> None:
    async_, never = NEVER_ENDING[function]
    program = PROGRAM.format(async_=async_)
    (tmp_path / "program.py").write_text(program.replace("time.sleep(0.02)", never))
    words(tmp_path, "slow")
    with start(tmp_path) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            assert process.stdout.readline() == "\n"
            process.send_signal(first)
            told = "stopping after what runs; a second SIGINT (Ctrl-C) or SIGTERM ends it at once, and loses nothing either"
            assert process.stderr.readline() == f"{told}\n"
            process.send_signal(second)
            assert process.wait(timeout=60) == -second
        finally:
            process.kill()
    (tmp_path / "program.py").write_text(program)
    assert run(tmp_path)[0] == 0
    assert (tmp_path / "seen.txt").read_text() == "slow 1\n"


def test_a_run_whose_standard_error_is_closed_runs_all_the_same_and_says_nothing_among_its_output(folder: Path) -> None:
    words(folder, "a", "b")
    command = "from statefun.cli import main; import os, sys; os.close(2); os.execv(sys.executable, sys.argv[1:])"
    for target, status in (("program:functions", 0), ("nothing:functions", 1)):
        closed = subprocess.run(
            [sys.executable, "-c", command, sys.executable, "-m", "statefun", "run", target, "--store", "s"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
            stdout=subprocess.PIPE,
            check=False,
            timeout=30,
        )
        assert (closed.returncode, closed.stdout) == (status, b"")
    assert sorted((folder / "seen.txt").read_text().splitlines()) == ["a 1", "b 1"]


def test_wrong_usage_has_the_status_2_and_a_store_in_use_the_status_1(folder: Path) -> None:
    words(folder, "a")
    assert run(folder, "--protocol", "1.0")[0] == 2
    with Store(folder / "store"):
        status, told = run(folder)
    assert status == 1
    assert "[store-locked]" in told
