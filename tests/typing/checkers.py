"""Runs both checkers over files, and reads what the negative modules say that they must report.

In a negative module the comment lines above a line say what is reported on it and nothing else is reported anywhere::

    # mypy error: [assignment] Incompatible types in assignment
    # pyright error: [reportAttributeAccessIssue] "str" is not assignable to "int"
    self.count = "one"

Where one checker sees nothing, a comment says why: `# pyright reports nothing: …`. The rule must be equal and the text be contained in the message, whose lines are joined by one space each. Each checker runs
once, in a process of its own.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from attrs import frozen

ROOT: Final = Path(__file__).resolve().parents[2]
NEGATIVE: Final = ROOT / "tests" / "typing" / "negative"
CHECKERS: Final = ("mypy", "pyright")
MARKER: Final = re.compile(r"\s*# (?P<checker>mypy|pyright) error: \[(?P<rule>[\w-]+)\] (?P<text>.+)")

NOTHING: Final = re.compile(r"\s*# (mypy|pyright) reports nothing: .+")

Place = tuple[str, int]
"""A file's name and a line."""


@frozen(order=True)
class Report:
    """An error: the rule and the message that a checker gave, or the part of it that a marker names."""

    rule: str
    text: str

    def meets(self, expected: Report) -> bool:
        return self.rule == expected.rule and expected.text in self.text

    def __str__(self) -> str:
        return f"[{self.rule}] {self.text}"


Reports = Mapping[Place, Sequence[Report]]


def negative_modules() -> list[Path]:
    return sorted(NEGATIVE.glob("*.py"))


def expected(paths: Iterable[Path], checker: str) -> Reports:
    """What the markers of one checker in the files say."""
    found: defaultdict[Place, list[Report]] = defaultdict(list)
    for path in paths:
        waiting: list[Report] = []
        for number, line in enumerate(path.read_text().splitlines(), 1):
            marker = MARKER.fullmatch(line)
            if marker is not None:
                if marker["checker"] == checker:
                    waiting.append(Report(marker["rule"], marker["text"]))
            elif waiting and not line.lstrip().startswith("#"):
                found[path.name, number] = waiting
                waiting = []
        if waiting:
            raise ValueError(f"{path.name} ends with a marker")
    return found


def seen_by_one(paths: Iterable[Path]) -> set[Place]:
    """The lines of which a comment says that one checker reports nothing on them."""
    found: set[Place] = set()
    for path in paths:
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines):
            if NOTHING.fullmatch(line):
                found.add(
                    (path.name, next(n for n in range(number, len(lines)) if not lines[n].lstrip().startswith("#")) + 1)
                )
    return found


def reported(paths: Sequence[Path], checker: str) -> Reports:
    """What one checker reports on the files, in strict mode."""
    return {"mypy": _mypy, "pyright": _pyright}[checker](paths)


def _run(*command: str) -> str:
    environment = {**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1", "PYRIGHT_PYTHON_GLOBAL_NODE": "0"}
    ran = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if ran.returncode not in (0, 1):  # 1: there were errors
        raise RuntimeError(f"{command[0]} ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}")
    return ran.stdout


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _mypy(paths: Sequence[Path]) -> Reports:
    found: defaultdict[Place, list[Report]] = defaultdict(list)
    relative = [str(path.relative_to(ROOT)) for path in paths]
    for line in _run("mypy", "--strict", "--output=json", *relative).splitlines():
        if not line.startswith("{"):
            continue
        error: dict[str, Any] = json.loads(line)
        if error["severity"] == "error":
            found[Path(error["file"]).name, error["line"]].append(Report(error["code"], _one_line(error["message"])))
    return found


def _pyright(paths: Sequence[Path]) -> Reports:
    found: defaultdict[Place, list[Report]] = defaultdict(list)
    # The project's own settings leave the negative modules out, even where they are named.
    told: dict[str, Any] = json.loads(_run("pyright", "--outputjson", "-p", str(NEGATIVE / "pyrightconfig.json")))
    if told["summary"]["filesAnalyzed"] != len(paths):
        raise RuntimeError(f"pyright looked at {told['summary']['filesAnalyzed']} files, not {len(paths)}")
    for error in told["generalDiagnostics"]:
        if error["severity"] in ("error", "warning"):
            place = Path(error["file"]).name, error["range"]["start"]["line"] + 1
            found[place].append(Report(error.get("rule", "error"), _one_line(error["message"])))
    return found


def differences(wanted: Reports, found: Reports) -> list[str]:
    """Where what was found is not what was wanted, one line each."""
    lines: list[str] = []
    for place in sorted({*wanted, *found}):
        expected_here, left = wanted.get(place, ()), list(found.get(place, ()))
        for each in expected_here:
            meeting = next((report for report in left if report.meets(each)), None)
            if meeting is None:
                lines.append(f"{place[0]}:{place[1]}: not reported: {each}")
            else:
                left.remove(meeting)
        lines += [f"{place[0]}:{place[1]}: not expected: {report}" for report in left]
    return lines
