"""`statefun check module.yaml package.module:functions`: what would restart a job for ever, before it does."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import click

from statefun.cli.loading import load_functions
from statefun.cli.program import load_module
from statefun.cli.showing import counted, escaped, print_json
from statefun.errors import ModuleError
from statefun.model import HttpEndpoint, Module, SourcePosition
from statefun.module.check import Finding, Severity, Stored, check, finding, in_order

__all__ = ["command"]


@click.command("check")
@click.argument("module", metavar="MODULE.YAML", type=click.Path(dir_okay=False))
@click.argument("functions", metavar="PACKAGE.MODULE:FUNCTIONS")
@click.option("--against", type=click.Path(dir_okay=False), help="An earlier version of the module.")
@click.option(
    "--store", type=click.Path(file_okay=False), help="A store of the embedded runtime that the functions go on with."
)
@click.option("--probe", is_flag=True, help="Ask each endpoint whether it is there; nothing else uses the network.")
@click.option(
    "--probe-timeout", default=5.0, show_default=True, type=click.FloatRange(0.1, 60), help="Seconds for each."
)
@click.option("--strict", is_flag=True, help="Exit with 1 after warnings too.")
@click.option("--json", "as_json", is_flag=True, help="JSON, an object for each finding.")
def command(
    module: str,
    functions: str,
    against: str | None,
    store: str | None,
    probe: bool,
    probe_timeout: float,
    strict: bool,
    as_json: bool,
) -> None:
    """Finds mistakes of MODULE.YAML and of the functions that it leads to, each with its file and line.

    Exits with 0 when there is no error, with 1 when there is one. docs/check.md lists what is looked for.
    """
    registry = load_functions(functions)
    try:
        earlier = None if against is None else load_module(against)
        read = load_module(module)
    except ModuleError as error:
        found = in_order(_of_reading(error))
    else:
        found = check(read, registry, earlier=earlier, kept=None if store is None else _stored(store))
        if probe:
            found = in_order([*found, *_probed(read, probe_timeout)])
    for each in found:
        if as_json:
            _print_json(each)
        else:
            print(escaped(_text(each)))
    weights = [each.severity for each in found]
    errors, warnings = weights.count(Severity.ERROR), weights.count(Severity.WARNING)
    if not as_json:
        told = counted(errors, "error"), counted(warnings, "warning"), counted(weights.count(Severity.NOTE), "note")
        print(", ".join(told), file=sys.stderr)
    sys.exit(1 if errors or (strict and warnings) else 0)


def _of_reading(error: ModuleError) -> Iterator[Finding]:
    if all(not each.line for each in error.problems):
        raise error  # no mistake of the text, but a file that cannot be read
    for each in error.problems:
        place = SourcePosition(each.file, each.line, each.column)
        yield Finding(each.code, Severity.ERROR, each.message, each.hint or "", place)


def _stored(store: str) -> Stored:
    from statefun.cli.stored import read_stored  # here, so that a check of a module needs no driver of a store

    return read_stored(Path(store))


def _probed(module: Module, seconds: float) -> Iterator[Finding]:
    seen: set[str] = set()
    for endpoint in module.endpoints:
        if endpoint.url in seen:
            continue
        seen.add(endpoint.url)
        if "+unix" in endpoint.url.partition(":")[0].lower():
            yield finding("endpoint-unprobed", f"{endpoint.functions} is at {endpoint.url}", endpoint.source)
            continue
        why = _answer(endpoint, seconds)
        if why is not None:
            yield finding("endpoint-unreachable", f"{endpoint.functions} at {endpoint.url}: {why}", endpoint.source)


def _answer(endpoint: HttpEndpoint, seconds: float) -> str | None:
    """Why nobody answers; None where somebody does, whatever the answer: other servers may have no /health."""
    parts = urlsplit(endpoint.url)
    if "{function.name}" in parts.netloc:
        return "its host is each function's own"
    request = Request(  # noqa: S310  the model takes http and https alone
        f"{parts.scheme}://{parts.netloc}/health"
    )
    try:
        # Without the proxies of the environment, which are for other hosts than an engine's functions.
        with build_opener(ProxyHandler({})).open(request, timeout=seconds):
            return None
    except HTTPError as error:
        error.close()
        return None
    except (OSError, HTTPException, ValueError) as error:
        return str(getattr(error, "reason", error)) or type(error).__name__


def _text(found: Finding) -> str:
    where = _where(found)
    return f"{where}{': ' if where else ''}{found.severity.value} [{found.code}] {found.message} (hint: {found.hint})"


def _where(found: Finding) -> str:
    return "" if found.source is None else f"{_file(found.source)}:{found.source.line}:{found.source.column}"


def _file(source: SourcePosition) -> str:
    """As seen from here, where it is below."""
    relative = os.path.relpath(source.file)
    return source.file if relative.startswith("..") else relative


def _print_json(found: Finding) -> None:
    source = found.source
    place = (
        {"file": None, "line": None, "column": None}
        if source is None
        else {"file": _file(source), "line": source.line, "column": source.column}
    )
    print_json(
        {
            **place,
            "severity": found.severity.value,
            "code": found.code,
            "message": found.message,
            "hint": found.hint,
        }
    )
