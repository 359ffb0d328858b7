"""Runs both checkers over the negative cases and compares what they report with the marks. `python -m tests.typing.checkers` prints it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT / "tests" / "typing" / "negative"
_MARK = re.compile(r"# E: (?P<mypy>[\w,-]+) \| (?P<pyright>\w+(,\w+)*)$")
_MYPY = re.compile(r"^(?P<file>[^:]+):(?P<line>\d+): error: (?P<text>.*?)  \[(?P<code>[\w-]+)\]$")


@frozen
class Finding:
    """What a checker reports: a file's name, a line, the code of the rule and the message."""

    file: str
    line: int
    code: str
    text: str


@frozen
class Mark:
    """A line that both checkers must report, each under one of its codes."""

    file: str
    line: int
    mypy: frozenset[str]
    pyright: frozenset[str]
    source: str


def marks() -> Iterator[Mark]:
    """All marks of the negative cases."""
    for path in sorted(CASES.glob("*.py")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = _MARK.search(line)
            if found is not None:
                mypy_codes, pyright_rules = (frozenset(found[each].split(",")) for each in ("mypy", "pyright"))
                yield Mark(path.name, number, mypy_codes, pyright_rules, line[: found.start()].strip())


def mypy() -> list[Finding]:
    """What mypy --strict reports."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "mypy.ini", "--no-error-summary"]
    printed = _run([*command, "--no-incremental", *map(str, sorted(CASES.glob("*.py")))])
    found = (_MYPY.match(line) for line in printed.splitlines())
    return [Finding(Path(each["file"]).name, int(each["line"]), each["code"], each["text"]) for each in found if each]


def pyright() -> list[Finding]:
    """What pyright in strict mode reports."""
    settings = ROOT / "tests" / "typing" / "negative" / "pyrightconfig.json"
    printed = _run([sys.executable, "-m", "pyright", "--outputjson", "-p", str(settings)])
    report = json.loads(printed[printed.index("{") :])
    return [
        Finding(
            Path(each["file"]).name,
            each["range"]["start"]["line"] + 1,
            each.get("rule", ""),
            " ".join(each["message"].split()),
        )
        for each in report["generalDiagnostics"]
        if each["severity"] == "error"
    ]


def _run(command: list[str]) -> str:
    # Without these pyright looks for newer versions, and for a node of the machine's.
    environment = {**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1", "PYRIGHT_PYTHON_GLOBAL_NODE": "0"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{command[2]} failed: {done.stdout}{done.stderr}")
    return done.stdout


def main() -> None:
    """Prints each marked line with what both checkers say of it."""
    reports = {"mypy": mypy(), "pyright": pyright()}
    for mark in marks():
        print(f"{mark.file}:{mark.line}: {mark.source}")
        for checker, findings in reports.items():
            for finding in findings:
                if (finding.file, finding.line) == (mark.file, mark.line):
                    print(f"    {checker}: {finding.text[:160]}  [{finding.code}]")


if __name__ == "__main__":
    main()
