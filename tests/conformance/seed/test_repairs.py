"""Each block in `blocks/` is the page's block but for the listed repairs, indentation and empty lines aside."""

from __future__ import annotations

from difflib import SequenceMatcher
from pathlib import Path

import pytest

from tests.conformance.seed.repairs import BLOCKS, Block, lines, page_blocks, table

HERE = Path(__file__).parent


def differences(page: list[str], repaired: list[str]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    matcher = SequenceMatcher(None, page, repaired, autojunk=False)
    return [
        (tuple(page[i1:i2]), tuple(repaired[j1:j2])) for tag, i1, i2, j1, j2 in matcher.get_opcodes() if tag != "equal"
    ]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.file)
def test_a_block_differs_from_the_page_in_the_listed_repairs_and_nothing_else(block: Block) -> None:
    repaired = lines((HERE / "blocks" / block.file).read_text())
    assert differences(page_blocks()[block.number - 1], repaired) == [
        (each.page, each.repaired) for each in block.repairs
    ]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.file)
def test_any_other_change_of_a_block_would_be_noticed(block: Block) -> None:
    repaired = lines((HERE / "blocks" / block.file).read_text())
    listed = [(each.page, each.repaired) for each in block.repairs]
    page = page_blocks()[block.number - 1]
    for index in range(len(repaired)):
        assert differences(page, repaired[:index] + repaired[index + 1 :]) != listed
        assert differences(page, [*repaired[:index], repaired[index] + "#", *repaired[index + 1 :]]) != listed


def test_every_python_block_of_the_page_is_here() -> None:
    assert {block.number for block in BLOCKS} == set(range(1, len(page_blocks()) + 1))
    assert {block.file for block in BLOCKS} == {path.name for path in (HERE / "blocks").glob("*.py")}


def test_the_readme_shows_the_repairs() -> None:
    assert table() in (HERE / "README.md").read_text()
