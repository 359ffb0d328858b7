"""docs/sources.md and docs/sinks.md: what they say of the code is so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from statefun.model import ColumnKind
from statefun.runtime.egress import postgres, sqlite
from statefun.runtime.ingress.formats import LARGEST_RECORD
from statefun.runtime.ingress.opening import open_source
from statefun.webhooks import sign

DOCS = Path(__file__).resolve().parents[2] / "docs"


def programs(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)


def test_what_the_pages_register_is_registered() -> None:
    names: dict[str, Any] = {}
    exec(programs("sinks.md")[0], names)
    assert len(names["functions"].egresses) == 4
    standard_input, schedules = programs("sources.md")
    for program, count in ((standard_input, 1), (schedules, 2)):
        exec(program, names)
        bound = names["functions"].ingresses
        assert [open_source(each).id for each in bound] == [each.ingress.id for each in bound]
        assert len(bound) == count


def test_the_receiver_takes_a_record_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _, receiver = programs("sinks.md")
    names: dict[str, Any] = {}
    exec(receiver, names)
    monkeypatch.setattr("time.time", lambda: 1000.0)
    headers = {"Webhook-Id": "a", "Webhook-Timestamp": "990", "Webhook-Signature": sign(b"{}", "a", 990, "secret")}
    seen: set[str] = set()
    answers = [names["receive"](headers, body, "secret", seen) for body in (b"{}", b"{}", b"[]")]
    assert answers == [204, 204, 401]
    assert capsys.readouterr().out == "b'{}'\n"


def test_the_table_of_types_has_what_tables_are_made_of() -> None:
    page = (DOCS / "sinks.md").read_text(encoding="utf-8")
    for kind in ColumnKind:
        rows = [line for line in page.splitlines() if line.startswith("| ") and postgres._TYPES[kind] in line]
        assert any(sqlite._TYPES[kind] in row for row in rows), kind
        for other in postgres._OTHERS.get(kind, ()):
            assert any(other in row for row in rows), (kind, other)


def test_the_limits_are_those_that_are_told() -> None:
    page = (DOCS / "sources.md").read_text(encoding="utf-8")
    assert f"at most {LARGEST_RECORD >> 20} MiB" in page
