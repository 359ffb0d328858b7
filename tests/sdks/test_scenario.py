"""Functions of each SDK, unchanged, on the embedded runtime: one module.yaml, the real `statefun run`, twice over one store."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from tests.sdks.conftest import Starter
from tests.sdks.kits import KITS, ROOT, Kit
from tests.sdks.scenario import FIRST, ODD, SECOND, Line, counts, kafka, module, outcome

PATIENCE: Final = 60
"""Seconds after which a command is not expected to end any more."""

WAYS: Final = [(name, way) for name, kit in KITS.items() for way in ("tcp", "unix") if way == "tcp" or kit.sockets]


@contextlib.contextmanager
def command(folder: Path, *arguments: str) -> Generator[subprocess.Popen[str]]:
    """The command `statefun` in that folder; killed at the end of the block, if it has not ended by then."""
    with subprocess.Popen(
        [sys.executable, "-m", "statefun", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def running(folder: Path, *options: str) -> contextlib.AbstractContextManager[subprocess.Popen[str]]:
    """A run of the module with the driver."""
    return command(folder, "run", "module.yaml", "tests.sdks.driver:functions", "--store", "store", *options)


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What a command that ends well says, and what it says beside it."""
    try:
        said, beside = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        pytest.fail(f"not ended after {PATIENCE} seconds; it said\n{''.join(process.communicate())}")
    assert process.returncode == 0, beside
    return said, beside


def run(folder: Path) -> str:
    """Runs the module with the driver, to its end; gives what the run says of itself."""
    with running(folder) as process:
        return ended(process)[1]


def say(folder: Path, lines: Iterable[tuple[str, Line]]) -> None:
    """Appends to the file that the driver reads: for each line the namespace of the counter that it is said to."""
    with (folder / "lines.jsonl").open("a", encoding="utf-8") as file:
        for namespace, (id, words) in lines:
            print(json.dumps({"id": id, "to": namespace, "say": words}), file=file)


def states(folder: Path, function: str) -> dict[str, dict[str, Any]]:
    """The states of all ids, as `statefun state list` tells them."""
    with command(folder, "state", "list", "--store", "store", function, "--json", "--payload") as process:
        said, _ = ended(process)
    rows = [json.loads(line) for line in said.splitlines()]
    return {row["id"]: {name: state["value"] for name, state in row["states"].items()} for row in rows}


def total(folder: Path, function: str) -> int:
    """The sum that a function keeps, as `statefun state get` tells it."""
    with command(folder, "state", "get", "--store", "store", function, "all", "sum", "--json") as process:
        said, _ = ended(process)
    value = json.loads(said)["sum"]["value"]
    assert isinstance(value, int)
    return value


def told(folder: Path, file: str) -> list[str]:
    """The lines that an egress wrote."""
    return (folder / file).read_text(encoding="utf-8").splitlines()


def until(process: subprocess.Popen[str], folder: Path, *, lines: int) -> None:
    """Waits until a run has written so many lines."""
    begun = time.monotonic()
    while not (folder / "out.txt").exists() or len(told(folder, "out.txt")) < lines:
        if process.poll() is not None or time.monotonic() - begun > PATIENCE:
            process.kill()
            pytest.fail(f"{lines} lines were not written; the run said\n{''.join(process.communicate())}")
        time.sleep(0.01)


def of_one(lines: Iterable[str], begin: str) -> list[str]:
    """Those of the lines that begin so."""
    return [line for line in lines if line.startswith(begin)]


def understood(kit: Kit, lines: Sequence[Line]) -> list[Line]:
    """The lines without what the SDK has not: the 2.2 line cancels nothing."""
    return [line for line in lines if kit.protocol != "2.2" or line.say != "forget"]


@pytest.mark.parametrize(("name", "way"), WAYS)
def test_functions_of_an_sdk_run_unchanged(
    kits: Callable[[str], Kit], start: Starter, tmp_path: Path, name: str, way: str
) -> None:
    kit = kits(name)
    server = start(kit, "demo", "demo/total", socket=way == "unix")
    (tmp_path / "module.yaml").write_text(module([server]))
    wrapped = kit.protocol == "2.2"
    first, second = understood(kit, FIRST), understood(kit, SECOND)

    say(tmp_path, [("demo", line) for line in first])
    with running(tmp_path) as process:
        if kit.protocol != "2.2":
            # All is done but for the message that is due in an hour, which the 2.2 line cannot take back and does not send.
            until(process, tmp_path, lines=len(outcome("demo", first)))
            process.terminate()
        ended(process)
    say(tmp_path, [("demo", line) for line in second])
    # A message that waits for an hour is cancelled: the run ends, and leaves none behind.
    assert "delayed message" not in run(tmp_path)

    everything = first + second
    out = told(tmp_path, "out.txt")
    assert sorted(out) == outcome("demo", everything)
    # What one address sends keeps its order.
    assert of_one(out, "demo a counts") == ["demo a counts 5", "demo a counts 8"]
    assert of_one(out, "demo b counts") == ["demo b counts 7", "demo b counts 2", "demo b counts 3"]
    assert sorted(told(tmp_path, "kafka.txt")) == kafka("demo", everything, wrapped=wrapped)
    assert total(tmp_path, "demo/total") == sum(number for _, number, _ in counts(everything))

    kept = states(tmp_path, "demo/counter")
    assert kept["a"] == {"count": 8, "confirmed": 2, "lately": "3"}
    kept["b"].pop("recent", None)  # written in the second run: it may be there still
    assert kept["b"] == {"count": 3, "confirmed": 3, "lately": "1"}
    assert kept["d"] == {"count": 0, "confirmed": 1, "lately": "0"}
    assert kept[ODD]["count"] == -(2**53 - 1)


def test_a_server_that_is_killed_in_the_middle_of_a_run_doubles_and_loses_nothing(
    kit: Kit, start: Starter, tmp_path: Path
) -> None:
    server = start(kit, "demo", "demo/total")
    # A call for each message: many are to come when the server is killed.
    one = re.sub(
        r"^( *)(urlPathTemplate|endpoint):.*", r"\g<0>\n\1maxNumBatchRequests: 1", module([server]), flags=re.MULTILINE
    )
    (tmp_path / "module.yaml").write_text(one)
    lines = [Line(id, str(number)) for number in range(1, 41) for id in "abc"]
    say(tmp_path, [("demo", line) for line in lines])
    with running(tmp_path, "--max-group", "3") as process:
        until(process, tmp_path, lines=20)
        server.kill()
        assert len(told(tmp_path, "out.txt")) < 2 * len(lines)  # in the middle it was
        start(kit, "demo", "demo/total", listen=server.listens)
        ended(process)

    out = told(tmp_path, "out.txt")
    assert sorted(out) == outcome("demo", lines)
    assert sorted(told(tmp_path, "kafka.txt")) == kafka("demo", lines, wrapped=kit.protocol == "2.2")
    assert total(tmp_path, "demo/total") == 3 * 820
    assert states(tmp_path, "demo/counter")["a"]["confirmed"] == 40


def test_a_class_of_ours_and_functions_of_four_sdks_message_each_other(
    kits: Callable[[str], Kit], start: Starter, tmp_path: Path
) -> None:
    ring = [kits(name) for name in ("python33", "java", "go", "node")]
    # Each counter sends to the total of the next SDK, which confirms it to the counter.
    servers = [
        start(kit, kit.name, f"{following.name}/total", socket=kit.sockets)
        for kit, following in zip(ring, [*ring[1:], ring[0]], strict=True)
    ]
    (tmp_path / "module.yaml").write_text(module(servers))
    said = {kit.name: [Line("a", str(10**place)), Line("b", str(2 * 10**place))] for place, kit in enumerate(ring)}
    say(tmp_path, [(namespace, said[namespace][place]) for place in range(2) for namespace in said])
    run(tmp_path)

    expected = [line for namespace, lines in said.items() for line in outcome(namespace, lines)]
    assert sorted(told(tmp_path, "out.txt")) == sorted(expected)
    for place, (kit, following) in enumerate(zip(ring, [*ring[1:], ring[0]], strict=True)):
        assert states(tmp_path, f"{kit.name}/counter")["a"]["confirmed"] == 1
        assert total(tmp_path, f"{following.name}/total") == 3 * 10**place
