"""README.md: its program runs as its console shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()
_TIMED = re.compile(r"in [0-9.]+ s \([0-9,]+ records/s\)")


def test_the_first_program_runs_as_its_console_shows(tmp_path: Path) -> None:
    [program] = re.findall(r"```python\n# greeter\.py\n(.*?)```", README, re.DOTALL)
    [console] = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    (tmp_path / "greeter.py").write_text(program)
    expected: list[str] = []
    printed: list[str] = []
    for part in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        done = subprocess.run(
            ["/bin/sh", "-c", command.replace("statefun run", f"{sys.executable} -m statefun run")],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        expected.append(_TIMED.sub("in …", output))
        printed.append(_TIMED.sub("in …", done.stdout + done.stderr))
    assert printed == expected
