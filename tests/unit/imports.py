"""The direction of imports inside statefun: who may know of whom, who may do I/O, what the core may need.

The tables below are the rule, and `violations` holds a set of sources to it; `test_imports.py` holds statefun to it, and the check to mistakes that
it must notice. A new module or room has no place until it gets one in `MAY_IMPORT`.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]

# The values in the middle. They import each other and nothing else.
VALUES = {
    "errors",
    "arguments",
    "extras",
    "address",
    "expiration",
    "records",
    "model",
    "batch",
    "wire",
    "memo",
    "outgoing",
    "webhooks",
}
# How values are named and encoded, kept and sent.
TYPED = {
    "types",
    "primitives",
    "jsontypes",
    "hints",
    "encoding",
    "state",
    "activation",
    "statehandle",
    "statesbyname",
    "context",
    "egress",
    "binding/ingresses",
    "binding/egresses",
    "binding/rows_to_messages",
    "binding/messages_to_text",
    "binding/messages_to_tables",
    "binding/own",
}
# How a module.yaml spells what the model says.
SPELLING = {"module/kinds", "module/dumping", "module/durations", "module/scalars"}
# From a user's class to a table of handlers.
ROUTED = {"function", "routing", "registered", "binding/handled", "functions"}

# For each room, the rooms that it may import besides itself. A room is a module of statefun/, a package in it, or, in module/ and
# binding/, a file.
MAY_IMPORT: dict[str, set[str]] = {
    **dict.fromkeys(VALUES, VALUES),
    **dict.fromkeys(TYPED, VALUES | TYPED),
    **dict.fromkeys(ROUTED, VALUES | TYPED | ROUTED),
    "protocol": VALUES | {"types"},
    # Told by the handler of what it does, whom it does not know.
    "observing": VALUES | TYPED | {"protocol"},
    "handler": VALUES | TYPED | ROUTED | {"protocol", "observing"},
    # The public names, and nothing else.
    "__init__": VALUES | TYPED | ROUTED | {"handler", "_clash", "_slow"},
    # Run when the package is imported: whether another one of its name is there, and which protobuf.
    "_clash": {"errors"},
    "_slow": set(),
    "binding/__init__": set(),
    "module/__init__": set(),
    # What load and render have in common: the spelling of kinds, durations and texts.
    **dict.fromkeys(SPELLING, VALUES | SPELLING),
    "module/load": VALUES | SPELLING,
    "module/render": VALUES | SPELLING,
    "module/generate": VALUES | {"functions"},
    "deploy": VALUES | {"module/dumping", "module/render"},
    "module/check": VALUES | TYPED | ROUTED,
    "serving": VALUES | {"handler", "functions"},
    "client": VALUES | TYPED | {"handler", "functions"},
    # It calls a function as bytes -> bytes: nothing of routing, function, functions or handler.
    "runtime": VALUES | {"protocol", "module/load"},
    # The runtime, the functions and a client in one program.
    "embedded": VALUES | {"client", "functions", "handler", "observing", "runtime"},
}
# The packages whose files are rooms of their own.
BY_FILE = {"module", "binding"}
# They put the pieces together, and nothing imports them.
ON_TOP = {"cli", "__main__"}

DO_IO = {"observing", "serving", "client", "embedded", "runtime", "_clash", *ON_TOP}
# What reaches the world outside the process, or reads its clock or its randomness. (A type alone, imported under TYPE_CHECKING, does not.)
IO_MODULES = {
    *(
        "asyncio",
        "concurrent",
        "dbm",
        "fcntl",
        "fileinput",
        "ftplib",
        "getpass",
        "glob",
        "http",
        "imaplib",
        "io",
        "mmap",
    ),
    *(
        "multiprocessing",
        "os",
        "pathlib",
        "poplib",
        "pty",
        "random",
        "sched",
        "secrets",
        "select",
        "selectors",
        "shelve",
    ),
    *("shutil", "signal", "smtplib", "socket", "socketserver", "sqlite3", "ssl", "subprocess", "tempfile", "termios"),
    *("time", "tty", "urllib", "uuid", "webbrowser", "wsgiref", "xmlrpc"),
    *("aiohttp", "apsw", "flask", "gunicorn", "httptools", "httpx", "uvicorn", "uvloop", "werkzeug"),
}
IO_CALLS = {"open", "input", "print"}
CLOCK_CALLS = {"now", "today", "utcnow"}

# The dependencies of the core. google stands for google.protobuf.
CORE_DEPENDENCIES = {"attr", "attrs", "google", "typing_extensions"}
CORE = VALUES | TYPED | ROUTED | {"handler", "protocol", "__init__", "_clash", "_slow", "binding/__init__"}


class Import(NamedTuple):
    """One import statement's target: a dotted name, its line, and when it is imported."""

    target: str
    line: int
    at_import_time: bool
    for_types_only: bool


def violations(sources: Mapping[str, str]) -> list[str]:
    """Give what is wrong with the imports of a set of sources.

    Args:
        sources: The text of each module, by its path inside statefun, such as `protocol/v2.py`.
    """
    found: list[str] = []
    graph: dict[str, set[str]] = {}
    modules = {_dotted(path): path for path in sources}
    for path, source in sorted(sources.items()):
        tree = ast.parse(source, path)
        room = _room(path)
        if room not in MAY_IMPORT and room not in ON_TOP:
            found.append(f"{path}: {room} has no place in MAY_IMPORT")
            continue
        edges = graph.setdefault(path, set())
        for entry in _imports(tree, path, modules):
            place = f"{path}:{entry.line}"
            first = entry.target.partition(".")[0]
            if first == "statefun":
                if entry.target in modules:
                    edges.add(modules[entry.target])
                found += _direction(room, path, entry, modules, place)
                continue
            if first in IO_MODULES and room not in DO_IO and not entry.for_types_only:
                found.append(
                    f"{place}: {room} does no I/O and takes clock and randomness as parameters, but imports {first}"
                )
            if (
                room in CORE
                and entry.at_import_time
                and first not in sys.stdlib_module_names
                and first not in CORE_DEPENDENCIES
            ):
                found.append(f"{place}: the core imports {first}, which is no dependency of statefun")
        if room not in DO_IO:
            found += [
                f"{path}:{line}: {room} does no I/O and reads no clock, but calls {name}" for name, line in _calls(tree)
            ]
    return found + [f"cycle: {' -> '.join(cycle)}" for cycle in _cycles(graph)]


def _direction(room: str, path: str, entry: Import, modules: Mapping[str, str], place: str) -> Iterator[str]:
    target_path = modules.get(entry.target)
    if target_path is None:
        yield f"{place}: imports {entry.target}, which does not exist"
        return
    target = _room(target_path)
    if target == room or room in ON_TOP:
        return
    if target not in MAY_IMPORT[room]:
        yield f"{place}: {room} must not import {target}"
    elif target_path.startswith("protocol/_generated/") and not path.startswith("protocol/"):
        yield f"{place}: only protocol imports its generated code"


def _imports(tree: ast.Module, path: str, modules: Mapping[str, str]) -> Iterator[Import]:
    package = _dotted(path) if path.endswith("__init__.py") else _dotted(path).rpartition(".")[0]

    def visit(node: ast.AST, at_import_time: bool, for_types_only: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, at_import_time, for_types_only)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, *([node.module] if node.module else [])])
            # `from package import module` is an arrow to the module, not to the package.
            inside = [f"{base}.{alias.name}" for alias in node.names]
            for target in dict.fromkeys(target if target in modules else base for target in inside):
                yield Import(target, node.lineno, at_import_time, for_types_only)
        elif isinstance(node, ast.If) and _is_type_checking(node.test):
            for statement in node.body:
                yield from visit(statement, at_import_time=False, for_types_only=True)
            for statement in node.orelse:
                yield from visit(statement, at_import_time, for_types_only)
        else:
            deferred = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            for child in ast.iter_child_nodes(node):
                yield from visit(child, at_import_time and not deferred, for_types_only)

    yield from visit(tree, at_import_time=True, for_types_only=False)


def _is_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _calls(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in IO_CALLS:
            yield f"{node.func.id}()", node.lineno
        elif (
            isinstance(node.func, ast.Attribute)
            and node.func.attr in CLOCK_CALLS
            and ast.unparse(node.func.value).rpartition(".")[2] in {"date", "datetime"}
        ):
            yield f"{ast.unparse(node.func)}()", node.lineno


def _cycles(graph: Mapping[str, set[str]]) -> Iterator[list[str]]:
    """Give each cycle that a walk in depth meets first, as the modules along it."""
    done: set[str] = set()

    def walk(module: str, path: list[str]) -> Iterator[list[str]]:
        if module in path:
            cycle = path[path.index(module) :]
            first = cycle.index(min(cycle))
            yield [*cycle[first:], *cycle[: first + 1]]
            return
        if module in done:
            return
        for target in sorted(graph.get(module, ())):
            yield from walk(target, [*path, module])
        done.add(module)

    for module in sorted(graph):
        yield from walk(module, [])


def _dotted(path: str) -> str:
    parts = ["statefun", *path.removesuffix(".py").split("/")]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _room(path: str) -> str:
    parts = path.removesuffix(".py").split("/")
    if parts[0] in BY_FILE and len(parts) > 1:
        # The package itself holds nothing; what may be imported depends on the file.
        return "/".join(parts[:2])
    return parts[0]


def statefun_sources() -> dict[str, str]:
    package = ROOT / "statefun"
    return {path.relative_to(package).as_posix(): path.read_text(encoding="utf-8") for path in package.rglob("*.py")}
