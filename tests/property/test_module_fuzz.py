"""Whatever a file holds, the loader answers with a module or with a ModuleError whose places are in the file, and in time."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statefun.errors import ModuleError
from statefun.module.load import load
from statefun.module.render import render
from tests.unit.module.examples import GOLDEN, WRITTEN
from tests.unit.module.mistakes.every import CASES
from tests.unit.module.test_unsafe_yaml import CASES as UNSAFE

pytestmark = pytest.mark.fuzz

# The parser is Python: a module takes a hundred times what a request takes. The three tests have 100,000 inputs together.
fewer = settings(max_examples=max(100, settings().max_examples // 3))

SEEDS = [
    *(path.read_text(encoding="utf-8") for path in sorted(WRITTEN.glob("*.yaml"))),
    *(
        "---\n".join(path.read_text(encoding="utf-8").split("---\n")[:3])[:1500]
        for path in sorted(GOLDEN.glob("*.yaml"))
    ),
    *(case[0] for case in CASES.values()),
    *(case[0] for case in UNSAFE.values() if isinstance(case[0], str)),
]
PIECES = [
    *(
        "&a ",
        "*a",
        "!!str ",
        "! ",
        "<<: ",
        "? ",
        ": ",
        "- ",
        "---\n",
        "...\n",
        "%TAG ! x\n",
        "\t",
        "\x00",
        "\ufeff",
        "\x85",
        "\u2028",
    ),
    *(
        "no",
        "~",
        "010",
        "1.0",
        "{}",
        "[]",
        '"',
        "'",
        "|\n",
        ">-\n",
        "# ",
        "\\ud83d",
        "{function.name}",
        "9" * 30,
        "a/b",
        "/",
    ),
    *("kind", "spec", "version", "module", "null", "\n", "  ", "\r\n", "😀", "\ud800"),
]


def survives(text: str | bytes) -> None:
    refused: ModuleError | None = None
    try:
        module = load(text, "fuzzed.yaml")
    except ModuleError as error:
        refused = error
    else:
        assert load(render(module)) == module
    if refused is not None:
        lines = (text.decode("utf-8", "replace") if isinstance(text, bytes) else text).splitlines()
        assert refused.hint
        assert 1 <= len(refused.problems) <= 50
        for problem in refused.problems:
            assert problem.hint
            assert problem.file == "fuzzed.yaml"
            assert 0 <= problem.line <= len(lines) + 1
            assert len(str(problem)) < 1000


@fewer
@given(st.one_of(st.text(max_size=60), st.binary(max_size=60)))
def test_any_text_is_a_module_or_a_typed_error(text: str | bytes) -> None:
    survives(text)


@fewer
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_any_pieces_of_yaml_are_a_module_or_a_typed_error(text: str) -> None:
    survives(text)


@fewer
@given(st.sampled_from(SEEDS), st.integers(0, 2**32), st.integers(1, 6))
def test_a_mutated_module_is_a_module_or_a_typed_error(seed: str, number: int, times: int) -> None:
    # The mutations are drawn by a generator of their own: shrinkable draws would cost more than what they try.
    chance = random.Random(number)
    text = seed
    for _ in range(times):
        at = chance.randrange(len(text) + 1)
        kind = chance.randrange(6)
        if kind == 0:
            text = text[:at] + text[at + chance.randrange(1, 9) :]
        elif kind == 1:
            text = text[:at] + chance.choice(PIECES) + text[at:]
        elif kind == 2:
            text = text[:at] + chr(chance.choice((0x20, 0x0A, 0x3A, 0x2D, chance.randrange(0x110000)))) + text[at + 1 :]
        elif kind == 3:
            other = chance.choice(SEEDS)
            text = text[:at] + other[chance.randrange(len(other)) :][: chance.randrange(200)] + text[at:]
        else:
            # A line twice, or somewhere else: the mistakes that people make.
            lines = text.splitlines(keepends=True)
            if lines:
                line = chance.choice(lines)
                if kind == 4:
                    lines.remove(line)
                lines.insert(chance.randrange(len(lines) + 1), line)
                text = "".join(lines)
    survives(text)
