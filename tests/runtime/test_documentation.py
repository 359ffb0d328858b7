"""The programs of docs/runtime.md and docs/own.md, as they stand there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_example_of_the_page_does_what_the_page_says(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "runtime.md").read_text(encoding="utf-8")
    program, second, _ = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "words.py").write_text(program)
    (tmp_path / "words.csv").write_text("word\na\nb\na\n")
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    command = [
        sys.executable,
        "-c",
        "from statefun.cli import main; main()",
        "run",
        "words:functions",
        "--store",
        "store",
    ]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr.startswith("done: 3 records, 3 messages, 1 transaction ")
    assert (tmp_path / "seen.txt").read_text() == "a again\n"
    (tmp_path / "words.csv").write_text("word\na\nb\na\nb\n")
    done = subprocess.run(
        [sys.executable, "-c", second], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-2:] == [
        r"a TypedBytes(typename='io.statefun.types/long', value=b'\t\x02\x00\x00\x00\x00\x00\x00\x00')",
        r"b TypedBytes(typename='io.statefun.types/long', value=b'\t\x02\x00\x00\x00\x00\x00\x00\x00')",
    ]


def test_the_client_of_the_page_asks_and_sends(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "runtime.md").read_text(encoding="utf-8")
    program = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[2]
    (tmp_path / "shop.py").write_text(program)
    for total in ("350\n", "600\n"):  # the second order-1 has no effect
        done = subprocess.run(
            [sys.executable, "shop.py"],
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT), "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == total


def test_the_source_and_the_sink_of_the_page_go_on_where_they_were(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "own.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "mail.py").write_text(program)
    letters = tmp_path / "letters"
    letters.mkdir()
    (letters / "1").write_text("bob\nhello")
    (letters / "2").write_text("eve\nare you there?")
    (letters / "end").touch()
    command = [sys.executable, "-m", "statefun", "run", "mail:functions", "--store", "store"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    for records in (2, 0, 1):
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        plural = "" if records == 1 else "s"
        assert done.stderr.startswith(f"done: {records} record{plural}, {records} message{plural},")
        if records == 0:
            (letters / "3").write_text("bob\nagain")
    assert (tmp_path / "answers.txt").read_text().splitlines() == [
        "to bob: thank you for 'hello'",
        "to eve: thank you for 'are you there?'",
        "to bob: thank you for 'again'",
    ]
