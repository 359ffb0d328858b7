"""Runs a page of the documentation: every Python block in order, in one namespace, as a reader would type it.

What a reader does not see stands in comments of the page:

- `<!-- run … -->` is executed for each registry that the blocks since the last one called `functions`: the decorated form, the class. `engine` is a rig
  around it. All must print the same, which is the `text` block that follows, where there is one.
- `<!-- check … -->` is executed once, in the names of the page.

A `text` block behind a Python block is what that block prints. A `proto` block whose first line is `// name.proto` can be imported as `name_pb2`.
"""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest
from attrs import Factory, define, frozen

from statefun import StatefulFunctions
from statefun.batch import ProtocolVersion, TypedBytes
from statefun.protocol._generated import egress_v2, egress_v3
from tests.conformance import rig
from tests.conformance.messages import compile_proto

_PART: Final = re.compile(
    r"^```(?P<language>\w+)\n(?P<block>.*?)^```$|^<!-- (?P<kind>run|check)\n(?P<comment>.*?)^-->$",
    re.MULTILINE | re.DOTALL,
)
_HELPERS: Final = {
    "V2": rig.V2,
    "V3": rig.V3,
    "TypedBytes": TypedBytes,
    "egress_v2": egress_v2,
    "egress_v3": egress_v3,
    "json": json,
    "packed": rig.packed,
    "pytest": pytest,
    "re": re,
    "to": rig.to,
    "typed": rig.typed,
    "unpacked": rig.unpacked,
}


@frozen
class Part:
    """A block of the page, or a comment that is executed.

    Attributes:
        kind: The block's language, or `run` or `check`.
        text: What is in it.
        line: The number of its first line on the page.
    """

    kind: str
    text: str
    line: int


def parts(page: str) -> list[Part]:
    """All blocks and executed comments of a page, in order."""
    found = []
    for match in _PART.finditer(page):
        name = "block" if match["language"] else "comment"
        line = page.count("\n", 0, match.start(name)) + 1
        found.append(Part(match["language"] or match["kind"], match[name], line))
    return found


def run_page(path: Path, protocol: ProtocolVersion) -> int:
    """Runs a page on one protocol; returns how many blocks and comments were executed.

    Raises:
        AssertionError: a block prints something else than the page shows, or the forms of an example differ.
    """
    page = path.read_text()
    run = _Run(path, page, protocol, ModuleType(f"page_{path.stem}"))
    run.module.__dict__.update(blocks=run.blocks, page=page, blocks_of=run.section, request_of=run.request)
    with _importable(run.modules):
        run.modules[run.module.__name__] = run.module
        sys.modules[run.module.__name__] = run.module
        for part in parts(page):
            run.execute(part)
    assert run.printed.strip() == "", f"{path.name} does not show that it prints {run.printed!r}"
    return run.executed


@contextmanager
def _importable(modules: dict[str, ModuleType]) -> Iterator[None]:
    before = dict(sys.modules)
    try:
        yield
    finally:
        for name in modules:
            sys.modules.pop(name, None)
            if name in before:
                sys.modules[name] = before[name]


@define
class _Run:
    path: Path
    page: str
    protocol: ProtocolVersion
    module: ModuleType
    modules: dict[str, ModuleType] = Factory(dict)
    blocks: dict[str, list[str]] = Factory(dict)
    registries: list[StatefulFunctions] = Factory(list)
    last: StatefulFunctions | None = None
    printed: str = ""
    executed: int = 0

    def execute(self, part: Part) -> None:
        where = f"{self.path.name}, line {part.line}"
        self.blocks.setdefault(part.kind, []).append(part.text)
        if part.kind == "text":
            assert self.printed == part.text, f"{where}: printed was {self.printed!r}"
            self.printed = ""
            return
        assert self.printed == "" or part.kind == "check", (
            f"{where}: nothing shows that this was printed: {self.printed!r}"
        )
        if part.kind == "proto":
            name = re.match(r"// (\w+)\.proto\n", part.text)
            assert name is not None, f"{where}: the first line names no file"
            module = compile_proto(part.text, f"{name[1]}_pb2")
            sys.modules[module.__name__] = self.modules[module.__name__] = module
        elif part.kind == "python":
            self.printed = self._python(part, self.module.__dict__)
            registry = self.module.__dict__.get("functions")
            if registry is not self.last:
                self.last = registry
                self.registries.append(registry)
        elif part.kind == "run":
            outputs = [self._python(part, self._names(registry)) for registry in self.registries]
            assert outputs, f"{where}: there is nothing to run"
            assert len(set(outputs)) == 1, f"{where}: the forms differ: {outputs}"
            self.registries.clear()
            self.printed = outputs[0] if self._shows(part) else ""
        elif part.kind == "check":
            self._python(part, {**_HELPERS, "protocol": self.protocol, **self.module.__dict__})
        else:
            assert part.kind == "yaml", f"{where}: nothing is known of {part.kind!r}"

    def request(self, target: str, *messages: Any, caller: str | None = None) -> bytes:
        """The request of an engine that knows the states of the last registry."""
        assert self.last is not None
        engine = self._engine(self.last)
        engine.declared.update(self.last.specs())
        return engine.request(target, *messages, caller=caller)

    def section(self, heading: str) -> str:
        """The text of a section of the page."""
        return self.page.partition(f"\n{heading}\n")[2].partition("\n## ")[0]

    def _shows(self, part: Part) -> bool:
        following = self.page.splitlines()[part.line + part.text.count("\n") :]
        return next((line for line in following if line.strip()), "") == "```text"

    def _names(self, registry: StatefulFunctions) -> dict[str, Any]:
        engine = self._engine(registry)
        return {**self.module.__dict__, **_HELPERS, "protocol": self.protocol, "engine": engine, "functions": registry}

    def _engine(self, registry: StatefulFunctions) -> rig.Rig:
        asynchronous = registry.asynchronous
        states = {name: [state.name for state in states] for name, states in registry.specs().items()}
        return rig.Rig(registry, self.protocol, states, asynchronous)

    def _python(self, part: Part, names: dict[str, Any]) -> str:
        out = io.StringIO()
        source = "\n" * (part.line - 1) + part.text  # so that a traceback names the line of the page
        with redirect_stdout(out):
            exec(compile(source, str(self.path), "exec"), names)
        self.executed += 1
        return out.getvalue()
