"""What the documentation and the docstrings name is there (`pages.py` has the rule), the check notices what is not, and no option is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.pages import PAGES, ROOT, anchors, broken_links, options, targets, untrue


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_what_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [*broken_links(page, text), *untrue(page, text)] == []


def test_the_sources_name_what_is_there() -> None:
    sources = [each for each in ROOT.glob("statefun/**/*.py") if "_generated" not in each.parts]
    assert len(sources) > 100
    found = [f"{each.relative_to(ROOT)}: {what}" for each in sources for what in untrue(each, each.read_text())]
    assert found == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a page](docs/nothing.md)", "no file: docs/nothing.md"),
        ("[a part](docs/runtime.md#nothing)", "no heading: docs/runtime.md#nothing"),
        ("[a part](#nothing)", "no heading: #nothing"),
        ("`statefun.nothing`", "no name: statefun.nothing"),
        ("see `statefun.model.NothingIngress`", "no name: statefun.model.NothingIngress"),
        ("`statefun run shop:functions --nothing`", "no option: statefun run --nothing"),
        ("$ statefun run shop:functions \\\n    --otel --nothing", "no option: statefun run --nothing"),
        ("`statefun dead list --timeout 5`", "no option: statefun dead list --timeout"),
        ("`statefun dead --timeout 5`", "no option: statefun dead --timeout"),
        ("`make nothing`", "no target: make nothing"),
        ("`statefun/nothing.py` has it", "no path: statefun/nothing.py"),
        ("proved by `test_nothing.py`", "no test: test_nothing.py"),
    ],
)
def test_the_check_notices_what_is_not_there(text: str, expected: str) -> None:
    page, text = ROOT / "README.md", f"# A page\n\n{text}\n"
    assert [*broken_links(page, text), *untrue(page, text)] == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "[a page](docs/runtime.md), [a part](#a-page), [elsewhere](https://example.com/nothing)",
        "`FunctionType[int](nothing)`, `[x](nothing)`",
        "`statefun.runtime.Store`, the logger `statefun.serving.loading`, the file `statefun.db`, `io.statefun.nothing`",
        "`statefun run shop:functions --store DIR --otel`, `statefun dead retry --all --store DIR`, `statefun dead --function f`",
        "`statefun serve shop:functions | grep --count x`, `make test` and `make -j 2`",
        "`statefun/runtime/store.py`, `flights/aircraft`, `test_store.py`",
    ],
)
def test_and_nothing_else(text: str) -> None:
    page, text = ROOT / "README.md", f"# A page\n\n{text}\n"
    assert [*broken_links(page, text), *untrue(page, text)] == []


def test_anchors_are_those_of_github() -> None:
    page = "# `statefun check`\n## What it does, and what not\n```sh\n# no heading\n```\n### A_b-c"
    assert anchors(page) == {"statefun-check", "what-it-does-and-what-not", "a_b-c"}


def test_every_option_of_every_verb_is_on_a_page() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text)) | {"--help"}
    left_out = {verb: sorted(known - named) for verb, known in options().items() if known - named}
    assert left_out == {}


def test_contributing_lists_every_target_that_make_help_lists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    documented = set(re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE))
    assert documented <= targets()
    listed = re.findall(r"`make ([a-z-]+)`", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert documented - set(listed) == {"help", "setup"}
