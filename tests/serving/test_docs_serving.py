"""docs/serving.md: its Python blocks run one after the other as one program, and what they make serves."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import pytest

from statefun import StatefunError, errors
from tests.serving.client import V3, batch
from tests.serving.commands import ROOT
from tests.serving.test_applications import asgi_reply, wsgi_reply

PAGE = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
BODY = batch("shop/cart", "soap", states={"items": b""})


@pytest.fixture(scope="module")
def steps() -> list[dict[str, Any]]:
    """The names that exist after each block."""
    names: dict[str, Any] = {"__name__": "shop.served"}
    after = []
    for block in re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE):
        exec(compile(block, "docs/serving.md", "exec"), names)
        after.append(dict(names))
    return after


def test_the_asgi_and_wsgi_blocks_serve(steps: list[dict[str, Any]]) -> None:
    asgi, wsgi = (step["app"] for step in steps[1:3])
    assert asgi_reply(asgi, BODY, path="/statefun").text(V3) == "soap is number 1"
    assert wsgi_reply(wsgi, BODY, PATH_INFO="/statefun").text(V3) == "soap is number 1"


def test_the_aiohttp_block_routes_the_functions_and_their_health(steps: list[dict[str, Any]]) -> None:
    paths = {resource.canonical for resource in steps[3]["application"].router.resources()}
    assert paths == {"/statefun", "/health"}


def test_the_flask_block_serves(steps: list[dict[str, Any]]) -> None:
    client = steps[4]["flask_app"].test_client()
    response = client.post("/statefun", data=BODY)
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.data == wsgi_reply(steps[2]["app"], BODY, PATH_INFO="/statefun").body


def test_no_block_is_left_out(steps: list[dict[str, Any]]) -> None:
    assert len(steps) == PAGE.count("```python") == 5


def test_the_page_lists_each_code_under_the_status_that_it_has() -> None:
    told = {
        code: int(row[1])
        for row in re.finditer(r"^\| (\d{3}) \| (.*?) \|", PAGE, re.MULTILINE)
        for code in re.findall(r"`([a-z-]+)`", row[2])
    }
    assert all(status in set(HTTPStatus) for status in told.values())
    declared = {
        cls.code: cls.status
        for cls in vars(errors).values()
        if isinstance(cls, type) and issubclass(cls, StatefunError)
    }
    ours = {
        "not-found": 404,
        "method-not-allowed": 405,
        "unsupported-media-type": 415,
        "internal": 500,
        "shutting-down": 503,
    }
    assert {code: (declared | ours)[code] for code in told} == told


def test_every_option_of_the_command_is_on_the_page() -> None:
    from statefun.cli.serve import command

    options = {name for parameter in command.params for name in parameter.opts if name.startswith("--")}
    assert set(re.findall(r"`(--[a-z-]+)`(?=[^\n]* \|)", PAGE)) >= options
