"""The page's Python blocks, and every repair of them: all that differs between the page and the files in `blocks/`, whitespace aside."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from attrs import frozen


@frozen
class Repair:
    """One place where a block differs from the page.

    Attributes:
        page: The lines of the page; none where lines are added.
        repaired: The lines that stand in their place.
        why: What is wrong or missing on the page.
    """

    page: tuple[str, ...]
    repaired: tuple[str, ...]
    why: str


@frozen
class Block:
    """A Python block of the page.

    Attributes:
        number: Its place among the page's Python blocks, from 1.
        file: The repaired block in `blocks/`.
        repairs: All of its repairs, from top to bottom.
    """

    number: int
    file: str
    repairs: tuple[Repair, ...]


def _added(why: str, *lines: str) -> Repair:
    return Repair((), lines, why)


def _messages(names: str) -> Repair:
    return _added("the page never shows its message classes", f"from tests.conformance.messages import {names}")


_COUNT_1: Final = Repair(
    ("state.Pack(Count(1))",),
    ("state.Pack(Count(value=1))",),
    "a protobuf class takes no positional argument",
)
_PLUS_COUNT: Final = Repair(
    ('return "Hello for the " + count + "th time"',),
    ('return "Hello for the " + str(count) + "th time"',),
    "a str and an int cannot be added",
)

BLOCKS: Final = (
    Block(1, "b01_hello.py", (_messages("User"),)),
    Block(
        2,
        "b02_type_hints.py",
        (
            _messages("Admin, User"),
            Repair(
                ('@function.bind("example/goodbye")',),
                ('@functions.bind("example/goodbye")',),
                "the registry is called `functions`",
            ),
        ),
    ),
    Block(3, "b03_messaging.py", (_messages("User"),)),
    Block(
        4,
        "b04_register.py",
        (
            _added(
                "the block goes on from block 3, where the decorator has taken the name already: a registry of its own",
                "from tests.conformance.seed.blocks.b03_messaging import caller_function",
                "from statefun import StatefulFunctions",
                "functions = StatefulFunctions()",
            ),
        ),
    ),
    Block(5, "b05_delay.py", (_messages("Response"),)),
    Block(6, "b06_persistence.py", (_messages("Count, User"), _COUNT_1, _PLUS_COUNT)),
    Block(
        6,
        "b06_persistence_declared.py",
        (
            _messages("Count, User"),
            Repair(
                ("from statefun import StatefulFunctions",),
                ("from statefun import StatefulFunctions, ValueSpec",),
                "the import for the next line",
            ),
            Repair(
                ('@functions.bind("example/count")',),
                ('@functions.bind("example/count", specs=[ValueSpec(Any, name="count")])',),
                "a 3.x engine learns states from the function, not from module.yaml",
            ),
            _COUNT_1,
            _PLUS_COUNT,
        ),
    ),
    Block(
        7,
        "b07_clear.py",
        (
            _added(
                "the statement stands outside of any function; `specs=` as in block 6",
                "from google.protobuf.any_pb2 import Any",
                "from statefun import StatefulFunctions, ValueSpec",
                "functions = StatefulFunctions()",
                '@functions.bind("example/forget", specs=[ValueSpec(Any, name="count")])',
                "def forget(context, message):",
            ),
        ),
    ),
    Block(
        8,
        "b08_handler.py",
        (
            _added(
                "the block goes on from the ones before it",
                "from tests.conformance.seed.blocks.b03_messaging import functions",
            ),
            Repair(
                ("handler RequestReplyHandler(functions)",),
                ("handler = RequestReplyHandler(functions)",),
                "an equals sign is missing",
            ),
        ),
    ),
    Block(
        9,
        "b09_flask.py",
        (
            _added(
                "the page shows neither the imports nor the application, and goes on from block 8",
                "from flask import Flask, make_response, request",
                "from tests.conformance.seed.blocks.b08_handler import handler",
                "app = Flask(__name__)",
            ),
        ),
    ),
    Block(
        10,
        "b10_asynchronous.py",
        (
            _added(
                "the page shows neither the imports of the first lines nor the registry nor `compute_greeting`",
                "from statefun import AsyncRequestReplyHandler, StatefulFunctions",
                "from tests.conformance.messages import compute_greeting",
                "functions = StatefulFunctions()",
            ),
        ),
    ),
)


def lines(text: str) -> list[str]:
    """The lines of a text without indentation and empty lines."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def page_blocks() -> list[list[str]]:
    """The lines of each Python block of the page."""
    page = Path(__file__).with_name("page.md").read_text()
    return [lines(block) for block in re.findall(r"{% highlight python %}\n(.*?){% endhighlight %}", page, re.DOTALL)]


def table() -> str:
    """All repairs as a Markdown table, as README.md shows it."""
    rows = (
        f"| {block.file} | {_cell(repair.page)} | {_cell(repair.repaired)} | {repair.why} |"
        for block in BLOCKS
        for repair in block.repairs
    )
    return "\n".join(["| block | on the page | repaired | why |", "|---|---|---|---|", *rows])


def _cell(lines: tuple[str, ...]) -> str:
    return "<br>".join(f"`{line}`" for line in lines) or "—"
