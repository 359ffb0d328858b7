"""The first screen of docs/runtime.md, as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_example_of_the_page_does_what_the_page_says(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "runtime.md").read_text(encoding="utf-8")
    program, second = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
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
    assert done.stderr.startswith("done: 3 records, 3 messages, 1 transactions")
    assert (tmp_path / "seen.txt").read_text() == "a again\n"
    (tmp_path / "words.csv").write_text("word\na\nb\na\nb\n")
    done = subprocess.run(
        [sys.executable, "-c", second], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-2:] == [
        r"a TypedBytes(typename='io.statefun.types/long', value=b'\t\x02\x00\x00\x00\x00\x00\x00\x00')",
        r"b TypedBytes(typename='io.statefun.types/long', value=b'\t\x02\x00\x00\x00\x00\x00\x00\x00')",
    ]
