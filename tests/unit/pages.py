"""What the pages of the documentation, and the sources, name: links, modules and attributes, options, targets of make, paths.

`untrue` and `broken_links` hold one text to what there is; `test_pages.py` holds the pages and the sources to it, and the checks to mistakes
that they must notice.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import click

from statefun.cli import VERBS

ROOT: Final = Path(__file__).resolve().parents[2]

PAGES: Final = sorted(
    page
    for pattern in ("*.md", "docs/*.md", "examples/*/*.md", "benchmarks/*.md", "tests/*/*.md", "tests/*/*/README.md")
    for page in ROOT.glob(pattern)
)

_CODE: Final = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"\]\((?!\w+:)([^)\s]*)\)")
_HEADING: Final = re.compile(r"^#+ (.*)$", re.MULTILINE)
_NAME: Final = re.compile(r"(?<![\w./@-])statefun(?:\.\w+)+")
_COMMAND: Final = re.compile(rf"(?<![\w.-])statefun ((?:{'|'.join(VERBS)})\b(?!-)[^`\n|&;>),]*)")
_TARGET: Final = re.compile(r"(?:`|^    |^\$ )make ((?:[a-z]+-?)+)", re.MULTILINE)
_PATH: Final = re.compile(r"(?<![\w/.-])(?:statefun|tests|docs|benchmarks|examples|protos|\.ci)/[\w./-]*\w")
_TEST: Final = re.compile(r"`(test_\w+\.py)`")

_MADE: Final = {"benchmarks/results/local"}
"""What only a run writes."""


def broken_links(page: Path, text: str) -> Iterator[str]:
    """The links of a page within this repository that lead nowhere."""
    for link in dict.fromkeys(_LINK.findall(_CODE.sub("", text))):
        file, _, anchor = link.partition("#")
        target = page.parent / file
        if not target.exists():
            yield f"no file: {link}"
        elif anchor and anchor not in anchors(target.read_text(encoding="utf-8") if file else text):
            yield f"no heading: {link}"


def untrue(page: Path, text: str) -> Iterator[str]:
    """What a text names that is not there, links aside."""
    for name in dict.fromkeys(_NAME.findall(text)):
        if not _is_there(name):
            yield f"no name: {name}"
    for words in dict.fromkeys(_COMMAND.findall(text.replace("\\\n", " "))):
        verb, known = _command(words.split())
        for option in re.findall(r"(?<!\S)--[a-z][a-z-]*", words):
            if option not in known:
                yield f"no option: statefun {verb} {option}"
    for target in dict.fromkeys(_TARGET.findall(text)):
        if target not in targets():
            yield f"no target: make {target}"
    for path in dict.fromkeys(_PATH.findall(_LINK.sub("", text))):
        if path not in _MADE and not (ROOT / path).exists() and not (page.parent / path).exists():
            yield f"no path: {path}"
    for test in dict.fromkeys(_TEST.findall(text)):
        if next(ROOT.glob(f"tests/**/{test}"), None) is None:
            yield f"no test: {test}"


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = _HEADING.findall(re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL))
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def _is_there(name: str) -> bool:
    """Whether it is a module, an attribute of one, or a name of another kind (a logger's, a span's, a file's) that the sources hold."""
    module, attributes = name, list[str]()
    while True:
        try:
            found: Any = importlib.import_module(module)
            break
        except ModuleNotFoundError:
            module, _, attribute = module.rpartition(".")
            attributes.insert(0, attribute)
    for attribute in attributes:
        found = getattr(found, attribute, None)
    return found is not None or f'"{name}' in _sources()


@cache
def _sources() -> str:
    return "".join(each.read_text(encoding="utf-8") for each in ROOT.glob("statefun/**/*.py"))


@cache
def targets() -> set[str]:
    """The targets of the Makefile."""
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@cache
def options() -> dict[str, set[str]]:
    """The options of each verb of the command, of its own verbs too: `dead list`."""
    found: dict[str, set[str]] = {}

    def note(name: str, command: click.Command) -> None:
        found[name] = {"--help"}
        for each in command.params:
            if isinstance(each, click.Option):
                found[name].update(each.opts, each.secondary_opts)
        if isinstance(command, click.Group):
            for verb, inner in command.commands.items():
                note(f"{name} {verb}", inner)

    for verb in VERBS:
        note(verb, importlib.import_module(f"statefun.cli.{verb.replace('-', '_')}").command)
    return found


def _command(words: list[str]) -> tuple[str, set[str]]:
    verb = " ".join(words[:2]) if " ".join(words[:2]) in options() else words[0]
    known = options()[verb]
    # Of `dead` and `state` alone a page may name what their verbs have.
    return verb, known.union(*(more for name, more in options().items() if name.startswith(f"{verb} ")))
