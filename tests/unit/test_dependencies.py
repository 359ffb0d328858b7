"""The oldest versions that are tested are the oldest that are allowed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OWN = {"demo", "bench", "test", "dev"}  # of the project itself


def test_each_dependency_is_tested_at_the_oldest_version_that_is_allowed() -> None:
    allowed: dict[str, str] = {}
    extras = PROJECT["optional-dependencies"]
    users = [PROJECT["dependencies"], *(extras[name] for name in extras if name not in OWN)]
    for requirement in (each for requirements in users for each in requirements):
        found = re.fullmatch(r"([\w-]+)(?:\[\w+\])?>=([\d.]+)", requirement)
        assert found is not None, requirement
        assert allowed.setdefault(found[1], found[2]) == found[2], f"{found[1]} has two oldest versions"
    pins = dict(re.findall(r"^([\w-]+)==([\d.]+)$", (ROOT / ".ci" / "oldest.txt").read_text(), re.MULTILINE))
    assert pins.keys() == allowed.keys()
    for name, oldest in allowed.items():
        assert f"{pins[name]}.".startswith(f"{oldest}."), f"{name} is tested at {pins[name]}, and {oldest} is allowed"
