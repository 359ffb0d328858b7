"""The whole runtime with functions behind HTTP: what a function server does wrong delays its messages, and never doubles or loses one.

`make prove` runs the faults on both protocols and many seeds, kills of the function server, and the bugs that they must catch.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from google.protobuf.wrappers_pb2 import Int64Value

from statefun.batch import ProtocolVersion
from statefun.model import OkHttpTransport
from statefun.runtime import Store
from tests.proofs import remote
from tests.runtime.faulty import Line, answer
from tests.runtime.test_kill import check

V3 = ProtocolVersion.V3
TRANSPORT = OkHttpTransport(call=timedelta(minutes=5))


@pytest.mark.parametrize("fault", remote.FAULTS)
def test_a_fault_doubles_nothing_and_loses_nothing(fault: str) -> None:
    remote.case(fault, V3, 7, records=150)


def test_messages_wait_for_a_server_that_has_no_time_and_no_attempt_is_counted(tmp_path: Path) -> None:
    call = remote.handler()
    refused: list[bytes] = []

    async def busy_at_first(line: Line) -> None:
        while True:
            body = await line.request()
            if len(refused) < 200:
                refused.append(body)
                await line.send(answer(b"", "503 Later", "Retry-After: 3600"))
            else:
                await line.send(answer(call(body)))

    with remote.serving(busy_at_first) as url:
        report = remote.work(tmp_path, url, V3, 100, TRANSPORT, attempts=1, backoff=1)
    assert len(refused) == 200
    assert report.dead_letters == 0
    check(tmp_path, V3, 100)


@pytest.mark.parametrize(("status", "code"), [("400 No", "endpoint-rejected"), ("500 No", "endpoint-answer")])
def test_a_message_that_its_server_refuses_is_kept_with_what_the_server_said(
    tmp_path: Path, status: str, code: str
) -> None:
    call = remote.handler()
    poison = Int64Value(value=33).SerializeToString()
    problem = json.dumps({"code": "no-thirties", "detail": "33 is refused", "hint": "send 34"}).encode()

    async def refuses(line: Line) -> None:
        while True:
            body = await line.request()
            if poison in body:
                await line.send(answer(problem, status, kind="Content-Type: application/problem+json"))
            else:
                await line.send(answer(call(body)))

    with remote.serving(refuses) as url:
        report = remote.work(tmp_path, url, V3, 100, TRANSPORT, attempts=3, backoff=1)
    assert report.dead_letters == 1
    with Store(tmp_path / "store") as store:
        (letter,) = store.dead_messages()
    assert letter.code == code
    assert letter.attempts == (1 if status.startswith("400") else 3)
    assert "no-thirties: 33 is refused" in letter.error
