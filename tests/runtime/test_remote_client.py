"""What a request looks like; what is told of a refusal; when a request is repeated; and the page about all of it."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from statefun.errors import (
    BindingError,
    EndpointAnswerError,
    EndpointError,
    EndpointTimeoutError,
    EndpointUnavailableError,
)
from statefun.model import AsyncTransport
from statefun.module.load import load as load_module
from statefun.runtime.remote.client import EndpointClient
from statefun.runtime.remote.outcomes import STATUSES, WRONG, fault_of
from tests.runtime.faulty import FaultyServer, Line, Passing, Play, answer, echo, says, unused_port
from tests.runtime.remote_rig import FUNCTION, at, failing, run

# --- requests -----------------------------------------------------------------------------------------------------


def test_a_request_is_what_an_engine_sends() -> None:
    async def test() -> None:
        async with FaultyServer(echo) as server, EndpointClient(at(server.url)) as client:
            assert await client.call(FUNCTION, b"question") == b"question"
        first, *lines = server.heads[0].strip().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        assert first == "POST /call HTTP/1.1"
        assert headers == {
            "Host": f"127.0.0.1:{server.port}",
            "Content-Type": "application/octet-stream",
            "Content-Length": "8",
            "Accept": "application/octet-stream",
            "Accept-Encoding": "identity",
            "User-Agent": "statefun",
        }

    run(test)


@pytest.mark.parametrize(
    ("template", "typename", "path"),
    [
        ("/call", "test/each", "/call"),
        ("/{function.name}", "test/each", "/each"),
        ("/f/{function.name}/x?n={function.name}", "test/say hello", "/f/say%20hello/x?n=say%20hello"),
        ("/{function.name}", "test/ü?#%2F", "/%C3%BC%3F%23%252F"),
        ("/a%2fb/../c", "test/each", "/a%2fb/../c"),
        ("", "test/each", "/"),
    ],
)
def test_a_url_is_sent_as_the_module_says(template: str, typename: str, path: str) -> None:
    async def test() -> None:
        async with (
            FaultyServer(echo) as server,
            EndpointClient(at(f"http://127.0.0.1:{server.port}{template}")) as client,
        ):
            for _ in range(2):
                await client.call(typename, b"question")
        assert {head.split("\r\n")[0] for head in server.heads} == {f"POST {path} HTTP/1.1"}

    run(test)


def test_a_name_that_leads_out_of_the_path_is_refused() -> None:
    async def test() -> None:
        async with EndpointClient(at("http://127.0.0.1:1/a/{function.name}")) as client:
            with pytest.raises(BindingError):
                await client.call("test/..", b"question")

    run(test)


def test_any_number_of_names_takes_bounded_memory() -> None:
    async def test() -> None:
        async with (
            FaultyServer(echo) as server,
            EndpointClient(at(f"http://127.0.0.1:{server.port}/{{function.name}}")) as client,
        ):
            for number in range(10_000):
                client._place(f"test/f{number}")
            assert len(client._places) <= 4096
            await client.call("test/f1", b"question")
        assert server.heads[0].startswith("POST /f1 ")

    run(test)


def test_connections_are_kept_and_no_more_than_the_pool_has() -> None:
    async def test() -> None:
        async with FaultyServer(echo) as server, EndpointClient(at(server.url, pool_size=3)) as client:
            for number in range(100):
                assert await client.call(FUNCTION, b"%d" % number) == b"%d" % number
            assert len(server.lines) == 1
            calls = [client.call(FUNCTION, b"%d" % number) for number in range(100)]
            assert await asyncio.gather(*calls) == [b"%d" % number for number in range(100)]
            assert len(server.lines) <= 3

    run(test)


def test_no_proxy_no_cookie_and_no_password_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.delenv("no_proxy", raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_port()}")

    async def test() -> None:
        play = says(answer(b"done", "200 OK", "Set-Cookie: a=b; Path=/"))
        async with FaultyServer(play) as server, EndpointClient(at(server.url)) as client:
            for _ in range(2):
                assert await client.call(FUNCTION, b"question") == b"done"
        assert len(server.heads) == 2
        for head in server.heads:
            assert "cookie" not in head.lower()
            assert "authorization" not in head.lower()

    run(test)


def test_a_password_in_the_url_is_sent_and_never_shown() -> None:
    async def test() -> None:
        async with FaultyServer(says(answer(b"done"), answer(b"", "404 No"))) as server:
            url = f"http://somebody:hidden@127.0.0.1:{server.port}/call?key=hidden#hidden"
            async with EndpointClient(at(url)) as client:
                await client.call(FUNCTION, b"question")
                error = await failing(client, EndpointAnswerError)
        assert "Authorization: Basic c29tZWJvZHk6aGlkZGVu" in server.heads[0]
        assert server.heads[0].startswith("POST /call?key=hidden HTTP/1.1")
        assert "hidden" not in str(error)
        assert f"http://127.0.0.1:{server.port}/call" in str(error)

    run(test)


def test_a_call_that_is_cancelled_closes_its_connection() -> None:
    async def test() -> None:
        begun, gone = asyncio.Event(), asyncio.Event()

        async def hangs(line: Line) -> None:
            await line.request()
            begun.set()
            await line.gone()
            gone.set()

        async with FaultyServer(hangs, echo) as server, EndpointClient(at(server.url)) as client:
            call = asyncio.ensure_future(client.call(FUNCTION, b"question"))
            await begun.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await gone.wait()
            assert await client.call(FUNCTION, b"next") == b"next"

    run(test)


def test_a_client_that_is_closed_calls_nobody() -> None:
    async def test() -> None:
        begun = asyncio.Event()

        async def hangs(line: Line) -> None:
            await line.request()
            begun.set()
            await line.gone()

        async with FaultyServer(hangs) as server:
            client = EndpointClient(at(server.url))
            call = asyncio.ensure_future(failing(client, EndpointTimeoutError))
            await begun.wait()
            await client.close()
            await call
            await failing(client, EndpointUnavailableError)
            assert len(server.lines) == 1

    run(test)


# --- what is told of a refusal, and when it is repeated -----------------------------------------------------------


def problem(**members: object) -> bytes:
    return answer(json.dumps(members).encode(), "500 No", kind="Content-Type: application/problem+json")


async def refusal(*plays: Play, **transport: object) -> EndpointError:
    async with FaultyServer(*plays) as server, EndpointClient(at(server.url, **transport)) as client:
        return await failing(client, EndpointAnswerError)


def test_a_problem_is_quoted_with_its_code_and_hint() -> None:
    async def test() -> None:
        error = await refusal(says(problem(code="handler-failed", detail="shop/cart failed", hint="see its log")))
        assert error.message.endswith("it answered with status 500: handler-failed: shop/cart failed")
        assert error.hint == "see its log"

    run(test)


def test_what_is_quoted_is_short_and_safe_for_a_terminal() -> None:
    async def test() -> None:
        error = await refusal(says(problem(code="x", detail="\x1b[31m\r\n\u202e" + "\x00" * 500, hint="\x07" * 500)))
        assert r"\x1b[31m\r\n\u202e\x00" in error.message
        assert error.message.isprintable()
        assert error.hint.isprintable()
        assert len(error.hint) == 300
        assert len(error.message.partition("status 500: ")[2]) == 300

    run(test)


@pytest.mark.parametrize(
    "answered",
    [
        answer(b"Traceback: secret", "500 No", kind="Content-Type: text/plain"),
        answer(b"secret", "500 No", kind="Content-Type: application/problem+json"),
        answer(b'["secret"]', "500 No", kind="Content-Type: application/problem+json"),
        answer(b"[" * 5000 + b'"secret"', "500 No", kind="Content-Type: application/problem+json"),
        answer(b'{"code": ["secret"]}', "500 No", kind="Content-Type: application/problem+json"),
        problem(code="", detail="", other="secret"),
        answer(b'{"detail": "' + b"x" * 10_000 + b'secret"}', "500 No", kind="Content-Type: application/problem+json"),
    ],
)
def test_what_is_no_problem_is_not_quoted(answered: bytes) -> None:
    async def test() -> None:
        error = await refusal(says(answered))
        assert error.message.endswith("it answered with status 500")
        assert error.hint == EndpointAnswerError.default_hint

    run(test)


def test_a_refusal_whose_words_do_not_come_is_one_all_the_same() -> None:
    async def test() -> None:
        async def breaks_off(line: Line) -> None:
            await line.request()
            await line.send(answer(b"some words", "500 No")[:-5])

        assert "status 500" in (await refusal(breaks_off)).message

    run(test)


def test_a_refusal_is_not_read_beyond_its_beginning() -> None:
    async def test() -> None:
        async def endless(line: Line) -> None:
            await line.request()
            await line.send(b"HTTP/1.1 500 No\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                await line.send(b"2710\r\n" + b"x" * 10_000 + b"\r\n")

        async with FaultyServer(endless) as server, EndpointClient(at(server.url)) as client:
            await failing(client, EndpointAnswerError)
            await server.lines[0].gone()

    run(test)


def test_what_is_not_http_is_quoted_safely_too() -> None:
    async def test() -> None:
        async def garbage(line: Line) -> None:
            await line.request()
            await line.send(b"HTTP/1.1 2\x1b[31m0 \x07\r\n" + b"x\x1b" * 1000 + b"\r\n\r\n")

        error = await refusal(garbage)
        assert error.message.isprintable()
        assert len(error.message) < 450

    run(test)


def test_repetitions_are_logged_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        clock = Passing()
        seconds = [1.0] * 25

        async def sleep(_asked: float) -> None:
            clock.seconds += seconds.pop()

        play = says(*[answer(b"", "503 Later")] * 25, answer(b"done"))
        async with FaultyServer(play) as server:
            url = f"http://somebody:hidden@127.0.0.1:{server.port}/call?key=hidden"
            async with EndpointClient(at(url), sleep=sleep, clock=clock.clock) as client:
                assert await client.call(FUNCTION, b"question") == b"done"
        line = f"{FUNCTION} at http://127.0.0.1:{server.port}/call: it answered with status 503; requests are repeated"
        assert caplog.messages == [line] * 3

    with caplog.at_level(logging.INFO, "statefun.runtime"):
        run(test)


async def waits(header: str, jitter: float = 0.0) -> tuple[list[float], FaultyServer]:
    """The pauses of a call that is put off twice."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    play = says(*[answer(b"", "503 Later", *([header] if header else []))] * 2, answer(b"done"))
    async with (
        FaultyServer(play) as server,
        EndpointClient(
            at(server.url, call=timedelta(hours=1)), sleep=sleep, jitter=lambda: jitter, now=lambda: 30.0
        ) as client,
    ):
        assert await client.call(FUNCTION, b"question") == b"done"
    return pauses, server


@pytest.mark.parametrize(
    ("header", "jitter", "pauses"),
    [
        ("", 0.0, [0.01, 0.02]),
        ("", 0.5, [0.0075, 0.015]),
        ("Retry-After: 7", 0.5, [7.0, 7.0]),
        ("Retry-After: 0", 0.0, [0.01, 0.02]),
        ("Retry-After: -7", 0.0, [0.01, 0.02]),
        ("Retry-After: nan", 0.0, [0.01, 0.02]),
        ("Retry-After: later", 0.0, [0.01, 0.02]),
        ("Retry-After: Thu, 01 Jan 1970 00:01:30 GMT", 0.0, [60.0, 60.0]),
        ("Retry-After: Thu, 01 Jan 1970 00:00:01 GMT", 0.0, [0.01, 0.02]),
        ("Retry-After: Mon, 01 Jan 0101 00:00:01 -0000", 0.0, [0.01, 0.02]),
        ("Retry-After: Thu, 01 Jan 99999 00:00:01 GMT", 0.0, [0.01, 0.02]),
    ],
)
def test_a_request_is_repeated_after_growing_pauses_or_when_the_server_says(
    header: str, jitter: float, pauses: list[float]
) -> None:
    async def test() -> None:
        found, server = await waits(header, jitter)
        assert found == pytest.approx(pauses)
        assert server.bodies == [b"question"] * 3

    run(test)


@pytest.mark.parametrize("seconds", ["3600", "9" * 400])
def test_a_server_that_wants_more_time_than_the_call_has_is_unavailable_at_once(seconds: str) -> None:
    async def test() -> None:
        play = says(answer(b"", "503 Later", f"Retry-After: {seconds}"))
        async with FaultyServer(play) as server, EndpointClient(at(server.url)) as client:
            await failing(client, EndpointUnavailableError)
            assert len(server.bodies) == 1

    run(test)


def test_a_mistake_of_this_program_is_no_fault_of_the_network() -> None:
    with pytest.raises(KeyError):
        fault_of(KeyError("x"), begun=True)


# --- the page -----------------------------------------------------------------------------------------------------

PAGE = Path(__file__).resolve().parents[2] / "docs" / "remote.md"


def test_the_module_on_the_page_is_one() -> None:
    _, text = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (found,) = load_module(text).endpoints
    assert found.functions == "shop/*"
    assert found.transport == AsyncTransport(call=timedelta(minutes=1), trust_cacerts="/etc/shop/ca.pem")


def test_the_page_says_what_each_status_leads_to() -> None:
    told: dict[int, str] = {}
    for cells in re.findall(r"^\| (.*?) \| (?:yes|no) \| `(endpoint-\w+)` \|$", PAGE.read_text(), re.MULTILINE):
        told |= {int(status): cells[1] for status in re.findall(r"\b[45]\d\d\b", cells[0])}
    known = {status: outcome.error.code for status, outcome in STATUSES.items() if outcome.error is not None}
    assert told == known | {500: WRONG.error.code if WRONG.error else ""}


def test_the_example_on_the_page_does_what_the_page_says(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    words, job = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    module, _ = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "words.py").write_text(words)
    (tmp_path / "job.py").write_text(job)
    (tmp_path / "words.csv").write_text("word\na\nb\na\n")
    command = [sys.executable, "-c", "from statefun.cli import main; main()"]
    settings: dict[str, Any] = {"cwd": tmp_path, "env": {"PYTHONPATH": str(PAGE.parents[1]), "PATH": ""}, "text": True}
    serve = [*command, "serve", "words:functions", "--port", "0"]
    with subprocess.Popen(serve, stderr=subprocess.PIPE, **settings) as server:
        try:
            assert server.stderr is not None
            (port,) = re.findall(r"on 127\.0\.0\.1:(\d+)$", server.stderr.readline())
            (tmp_path / "module.yaml").write_text(module.replace("8000", port))
            run = [*command, "run", "module.yaml", "job:functions", "--store", "store"]
            done = subprocess.run(run, capture_output=True, check=True, timeout=120, **settings)
        finally:
            server.terminate()
            server.communicate()
    assert done.stderr.startswith("done: 3 records, 3 messages, ")
    assert (tmp_path / "seen.txt").read_text() == "a again\n"
