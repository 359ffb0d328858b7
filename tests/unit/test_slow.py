"""On the pure-Python implementation of protobuf a warning is given, once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("implementation", "warnings"), [("python", 1), ("upb", 0)])
def test_the_pure_python_protobuf_is_warned_of_once(implementation: str, warnings: int) -> None:
    environment = {**os.environ, "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": implementation}
    program = "import statefun, statefun.handler; from statefun import *; import statefun._slow"
    command = [sys.executable, "-W", "always", "-c", program]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", check=True)
    assert result.stderr.count("RuntimeWarning: protobuf runs on its pure-Python implementation") == warnings
    assert ("ten times slower" in result.stderr) == bool(warnings)


def test_bad_input_is_refused_alike_on_the_pure_python_protobuf() -> None:
    """That implementation raises other exceptions than upb, of text that is no UTF-8 for one."""
    environment = {**os.environ, "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"}
    files = ["tests/unit/test_recorded.py", "tests/unit/handler", "tests/unit/test_engine_role.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not million and not huge", *files]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert result.returncode == 0, result.stdout
