"""statefun's imports point the right way (`imports.py` has the rule), the check notices what it must, and the package needs no extra."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.unit.imports import CORE_DEPENDENCIES, ROOT, statefun_sources, violations


def test_imports_point_the_right_way_and_only_the_edges_do_io() -> None:
    sources = statefun_sources()
    assert len(sources) > 5
    found = violations(sources)
    assert not found, "\n".join(found)


# A small statefun without fault, which the seeded mistakes are written into.
SOUND = {
    "__init__.py": "from statefun.handler import RequestReplyHandler",
    "errors.py": "from typing import ClassVar",
    "address.py": "import attrs\nfrom statefun.errors import StatefunError",
    "model.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from os import PathLike",
    "types.py": "from google.protobuf.message import Message\nfrom statefun import address",
    "jsontypes.py": "from statefun.types import ValueType\ndef make():\n    import cattrs",
    "function.py": "from statefun.types import ValueType",
    "routing.py": "from statefun.function import StatefulFunction",
    "binding/ingresses.py": "from statefun.types import ValueType",
    "binding/handled.py": "from statefun.routing import Router",
    "functions.py": "from statefun.routing import Router",
    "handler.py": "from statefun.functions import StatefulFunctions\nfrom statefun.protocol import v3",
    "protocol/__init__.py": "",
    "protocol/v3.py": "from statefun.protocol._generated import v3\nfrom statefun.types import ValueType",
    "protocol/_generated/__init__.py": "",
    "protocol/_generated/v3.py": "from google.protobuf import descriptor_pool",
    "module/load.py": "from statefun.model import Module",
    "module/generate.py": "from statefun.functions import StatefulFunctions",
    "serving/asgi.py": "import asyncio\nfrom statefun.handler import RequestReplyHandler",
    "runtime/__init__.py": "",
    "runtime/core.py": "from statefun.protocol import v3\nfrom statefun.module.load import load",
    "runtime/store.py": "import apsw\nfrom statefun.runtime import core",
    "cli/__init__.py": "from statefun.runtime.store import Store\nfrom statefun.serving.asgi import asgi_app",
}


def test_the_sound_example_has_no_violation() -> None:
    assert violations(SOUND) == []


@pytest.mark.parametrize(
    ("path", "line", "expected"),
    [
        ("errors.py", "from statefun.types import ValueType", "errors must not import types"),
        ("address.py", "import statefun.handler", "address must not import handler"),
        ("types.py", "from statefun.routing import Router", "types must not import routing"),
        ("types.py", "from . import routing", "types must not import routing"),
        ("types.py", "def late():\n    from statefun.routing import Router", "types must not import routing"),
        ("function.py", "from statefun.handler import RequestReplyHandler", "function must not import handler"),
        ("routing.py", "from statefun.protocol import v3", "routing must not import protocol"),
        ("protocol/v3.py", "from statefun.routing import Router", "protocol must not import routing"),
        ("protocol/v3.py", "from statefun.jsontypes import json_type", "protocol must not import jsontypes"),
        ("handler.py", "from statefun.protocol._generated import v3", "only protocol imports its generated code"),
        ("binding/rows_to_messages.py", "import statefun.routing", "binding/rows_to_messages must not import routing"),
        ("binding/ingresses.py", "import statefun.binding.handled", "ingresses must not import binding/handled"),
        ("binding/handled.py", "from statefun.handler import Handler", "binding/handled must not import handler"),
        ("binding/egresses.py", "from statefun.protocol import v3", "binding/egresses must not import protocol"),
        ("binding/other.py", "", "binding/other has no place in MAY_IMPORT"),
        ("binding/rows_to_messages.py", "import cattrs", "the core imports cattrs"),
        ("runtime/core.py", "import statefun.binding.ingresses", "runtime must not import binding/ingresses"),
        ("module/load.py", "from statefun.functions import StatefulFunctions", "module/load must not import functions"),
        ("module/generate.py", "from statefun.handler import Handler", "module/generate must not import handler"),
        ("serving/asgi.py", "from statefun.routing import Router", "serving must not import routing"),
        ("serving/asgi.py", "from statefun.protocol import v3", "serving must not import protocol"),
        ("runtime/core.py", "from statefun.functions import StatefulFunctions", "runtime must not import functions"),
        ("runtime/core.py", "from statefun.handler import RequestReplyHandler", "runtime must not import handler"),
        ("handler.py", "from statefun.runtime.core import Core", "handler must not import runtime"),
        ("runtime/store.py", "from statefun.cli import main", "runtime must not import cli"),
        ("types.py", "from statefun import RequestReplyHandler", "types must not import __init__"),
        ("types.py", "if TYPE_CHECKING:\n    from statefun.routing import Router", "types must not import routing"),
        ("types.py", "from statefun.nowhere import thing", "statefun.nowhere, which does not exist"),
        ("helpers.py", "", "helpers has no place in MAY_IMPORT"),
        ("handler.py", "import socket", "but imports socket"),
        ("handler.py", "import asyncio", "but imports asyncio"),
        ("module/load.py", "from pathlib import Path", "but imports pathlib"),
        ("functions.py", "def late():\n    import os.path", "but imports os"),
        ("functions.py", "import time", "but imports time"),
        ("functions.py", "text = open('a').read()", "but calls open()"),
        ("functions.py", "import datetime\nnow = datetime.datetime.now()", "but calls datetime.datetime.now()"),
        ("types.py", "import cattrs", "the core imports cattrs"),
        ("types.py", "try:\n    import numpy\nexcept ImportError:\n    pass", "the core imports numpy"),
        ("protocol/v3.py", "import yaml", "the core imports yaml"),
    ],
)
def test_a_seeded_violation_is_noticed(path: str, line: str, expected: str) -> None:
    found = violations({**SOUND, path: f"{SOUND.get(path, '')}\n{line}\n"})
    assert any(expected in violation for violation in found), found


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"function.py": "from statefun.routing import Router"},
            "cycle: function.py -> routing.py -> function.py",
        ),
        (
            {"runtime/core.py": "def late():\n    from statefun.runtime.store import Store"},
            "cycle: runtime/core.py -> runtime/store.py -> runtime/core.py",
        ),
        (
            {"errors.py": "from statefun.model import Module", "model.py": "import statefun.address"},
            "cycle: address.py -> errors.py -> model.py -> address.py",
        ),
    ],
)
def test_a_seeded_cycle_is_noticed(changes: dict[str, str], expected: str) -> None:
    assert expected in violations({**SOUND, **changes})


# Runs `import statefun` where nothing beyond the standard library and the core's dependencies can be found.
WITHOUT_EXTRAS = """
import sys

allowed = sys.stdlib_module_names | {allowed!r} | {{"statefun"}}

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in allowed:
            raise ModuleNotFoundError(f"import statefun needs {{name}}", name=name)

sys.meta_path.insert(0, Refuse())
import statefun

for name in statefun.__all__:
    getattr(statefun, name)
"""


def test_importing_statefun_needs_no_extra() -> None:
    program = WITHOUT_EXTRAS.format(allowed=CORE_DEPENDENCIES)
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )
    assert result.returncode == 0, result.stderr
