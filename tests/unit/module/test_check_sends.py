"""What `check` follows of a context: handlers of all kinds, methods, other names; and what it does not take for one."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest

from statefun import Context, StatefulFunctions
from statefun.model import HttpEndpoint, KafkaEgress, KinesisEgress, Module, PlaygroundEgress
from statefun.module.check import Finding
from statefun.module.check.sends import sends
from tests.unit.module import followed

MODULE = Module(
    endpoints=[HttpEndpoint(functions="ex/*", url="http://functions:8000/statefun")],
    egresses=[
        KafkaEgress(id="ex/out", address="kafka:9092"),
        KinesisEgress(id="ex/stream"),
        PlaygroundEgress(id="ex/play", port=8090, topics=["t"]),
    ],
)
MARK = re.compile(r"  # ((?:egress|target|source)-[a-z]+)$")
LINES = Path(followed.__file__).read_text().splitlines()
PARTS = [index for index, line in enumerate(LINES, 1) if line.startswith("# --- ")] + [len(LINES) + 1]


def found(functions: StatefulFunctions) -> list[Finding]:
    return list(sends(MODULE, functions))


@pytest.mark.parametrize(("first", "last"), list(itertools.pairwise(PARTS)))
def test_what_is_found_stands_at_the_marked_lines_and_at_no_others(first: int, last: int) -> None:
    marked = [(match[1], number) for number, line in enumerate(LINES, 1) if (match := MARK.search(line))]
    here = [(each.code, each.source.line) for each in found(followed.functions) if each.source is not None]
    wanted = [(code, line) for code, line in marked if first <= line < last]
    assert wanted
    assert sorted(each for each in here if first <= each[1] < last) == sorted(wanted)


def test_all_that_is_found_has_a_place_and_says_something() -> None:
    for each in found(followed.functions):
        assert each.source is not None
        assert re.search(r" \S+ ", each.message)


def test_a_column_is_counted_in_characters_of_the_file() -> None:
    def handler(context: Context, message: Any) -> None:
        if message:
            "ééé"; context.send_egress("ex/lost", message)  # fmt: skip # noqa: E702

    functions = StatefulFunctions()
    functions.register("ex/columns", handler)
    [lost] = found(functions)
    assert lost.source is not None
    line = Path(__file__).read_text().splitlines()[lost.source.line - 1]
    assert line[lost.source.column - 1 :].startswith("context.send_egress(")


def test_an_argument_that_is_not_there_is_told_with_its_call() -> None:
    messages = {each.message for each in found(followed.functions)}
    assert "where `context.send(*message)` leads is not known before it runs" in messages


def test_a_handler_of_no_source_is_told_whatever_it_is() -> None:
    functions = StatefulFunctions()
    functions.register("ex/opaque", isinstance)
    [note] = found(functions)
    assert (note.code, note.source) == ("source-unseen", None)
    assert "ex/opaque, <built-in function isinstance>" in note.message
