"""The PostgreSQL table as an egress without a server: what is told, and what is never shown. tests/services has the server."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from statefun.binding.egresses import bind_egress
from statefun.errors import BindingError, EgressError, EgressUnavailableError
from statefun.model import PostgresEgress
from statefun.runtime.egress.postgres import PostgresSink
from tests.runtime.outside import Alert, alert, outgoing, wait


def sink(dsn: str, **settings: Any) -> PostgresSink:
    return PostgresSink(bind_egress(PostgresEgress(id="test/out", dsn=dsn, table="alerts", message=Alert, **settings)))


@pytest.mark.parametrize(
    ("dsn", "told"),
    [
        ("postgresql://me:pass-word@127.0.0.1:{port}/db", "Connection refused"),
        ("host=127.0.0.1 port={port} user=me password=pass-word", "Connection refused"),
        ("host=/nowhere/at/all password=pass-word", "No such file"),
        # The @ in the password is not encoded, so that half of it stands where the host should.
        ("postgresql://me:half@pass-word@127.0.0.1:{port}/db", ""),
    ],
)
def test_without_a_server_a_delivery_is_for_later(dsn: str, told: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    made = sink(dsn.format(port=port))

    async def run() -> None:
        await made.open("store", None)  # a runtime starts without it
        try:
            await made.deliver(outgoing(made, [alert("a")]))
        finally:
            await made.close()

    with pytest.raises(EgressUnavailableError, match=r"'test/out' has no database now") as caught:
        wait(run())
    assert told in str(caught.value)
    assert "pass-word" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("dsn", ["pass-word", "postgresql://h:pass-word/db?a=b", "host=h pass-word=b"])
def test_a_dsn_that_cannot_be_read_is_not_shown(dsn: str) -> None:
    made = sink(dsn)
    with pytest.raises(EgressError, match="cannot be read") as caught:
        wait(made.open("store", None))
    assert "pass-word" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_there_is_named(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if value is None:
        monkeypatch.delenv("REPORTS_DSN", raising=False)
    else:
        monkeypatch.setenv("REPORTS_DSN", value)
    with pytest.raises(EgressError, match=r"'REPORTS_DSN', which is (not set|empty)"):
        wait(sink("env:REPORTS_DSN").open("store", None))


def test_a_repr_shows_no_dsn() -> None:
    assert "pass-word" not in repr(PostgresEgress(id="a/b", dsn="password=pass-word", table="t"))
    with pytest.raises(BindingError, match="has dsn=''"):
        PostgresEgress(id="a/b", dsn="", table="t")


@pytest.mark.parametrize(
    ("name", "tags", "refused"),
    [("a\0", [], True), ("a", ["\\\0"], True), ("\\u0000", [], False), ("\\\\", ["\\\\u0000"], False)],
)
def test_a_zero_byte_fails_the_message_that_sent_it(name: str, tags: list[str], refused: bool) -> None:
    record = alert(name, tags=tags)
    if refused:
        with pytest.raises(EgressError, match="zero byte"):
            sink("host=x").encode(*record)
    else:
        assert sink("host=x").encode(*record)
