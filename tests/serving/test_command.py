"""`statefun serve` as a user starts it: a process, its options, TLS and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
import uvicorn
from click.testing import CliRunner

from statefun.cli.serve import command
from tests.serving.client import V3, Connection, batch
from tests.serving.commands import GOOD, Command


def test_it_serves_the_functions_of_a_module_in_the_working_directory(serve: Callable[..., Command]) -> None:
    running = serve("--port", "0")
    assert running.address[0] == "127.0.0.1"
    assert running.call().text(V3) == "Hello you"
    assert running.call(None, method="GET", path="/health").body == b"ok\n"
    assert running.call(path="/anywhere").text(V3) == "Hello you"
    assert not any("WARNING" in line for line in running.said)


def test_it_serves_one_path_and_holds_the_limits_that_it_is_given(serve: Callable[..., Command]) -> None:
    running = serve("--port", "0", "--path", "/statefun", "--max-body", "1000", "--max-batch", "2")
    assert running.call(path="/elsewhere").status == 404
    assert running.call(bytes(1001)).problem["code"] == "limit-exceeded"
    assert running.call(batch("example/hello", "a", "b")).status == 200
    assert running.call(batch("example/hello", "a", "b", "c")).problem["code"] == "limit-exceeded"


def test_an_idle_connection_is_kept_for_longer_than_an_engine_keeps_it(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configs: list[uvicorn.Config] = []
    monkeypatch.chdir(directory)
    monkeypatch.syspath_prepend(str(directory))
    monkeypatch.setattr(uvicorn.Server, "run", lambda server, sockets: configs.append(server.config))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    CliRunner().invoke(command, ["shop.served:functions", "--port", "0"], catch_exceptions=False)
    (config,) = configs
    assert config.timeout_keep_alive >= 75


def test_an_answer_is_not_held_back_until_the_client_has_acknowledged_its_head(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_delay: list[int] = []

    def take_one(_server: uvicorn.Server, sockets: list[socket.socket]) -> None:
        with socket.create_connection(sockets[0].getsockname()), sockets[0].accept()[0] as taken:
            without_delay.append(taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.chdir(directory)
    monkeypatch.syspath_prepend(str(directory))
    monkeypatch.setattr(uvicorn.Server, "run", take_one)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    CliRunner().invoke(command, ["shop.served:functions", "--port", "0"], catch_exceptions=False)
    assert without_delay == [1]


def test_it_serves_on_a_unix_socket_and_removes_it(serve: Callable[..., Command], directory: Path) -> None:
    running = serve("--uds", "functions.sock")
    assert running.call().text(V3) == "Hello you"
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(60) == 0
    assert not (directory / "functions.sock").exists()


def test_a_unix_socket_that_the_next_server_has_taken_over_is_left_alone(
    serve: Callable[..., Command], directory: Path
) -> None:
    os.mkfifo(directory / "started")
    os.mkfifo(directory / "finish")
    first = serve("--uds", "functions.sock")
    with Connection(first.address) as busy:
        busy.request("POST", "/", batch("example/slow", "done"), {"Content-Type": "application/octet-stream"})
        (directory / "started").open().close()  # returns when the handler runs
        first.process.send_signal(signal.SIGTERM)
        until_refused(first.address)
        second = serve("--uds", "functions.sock")
        (directory / "finish").open("w").close()  # lets the handler return
        assert busy.receive().text(V3) == "done"
    assert first.process.wait(60) == 0
    assert second.call().text(V3) == "Hello you"


def test_a_unix_socket_that_a_killed_server_left_is_taken_over(serve: Callable[..., Command]) -> None:
    first = serve("--uds", "functions.sock")
    first.process.kill()
    first.process.wait(60)
    assert serve("--uds", "functions.sock").call().text(V3) == "Hello you"


def test_an_access_log_is_written_on_demand_only(serve: Callable[..., Command]) -> None:
    logs = []
    for options in ([], ["--access-log"]):
        running = serve("--port", "0", *options)
        running.call()
        running.process.send_signal(signal.SIGTERM)
        logs.append(running.process.communicate(timeout=60)[1])
    assert "POST" not in logs[0]
    assert '"POST /statefun HTTP/1.1" 200' in logs[1]


def test_sigterm_lets_a_request_in_flight_finish_and_refuses_new_ones(
    serve: Callable[..., Command], directory: Path
) -> None:
    os.mkfifo(directory / "started")
    os.mkfifo(directory / "finish")
    running = serve("--port", "0")
    with Connection(running.address) as busy, Connection(running.address) as idle:
        assert idle.call(GOOD).status == 200
        busy.request("POST", "/", batch("example/slow", "done"), {"Content-Type": "application/octet-stream"})
        (directory / "started").open().close()  # returns when the handler runs
        running.process.send_signal(signal.SIGTERM)
        assert idle.sock.recv(1) == b""  # the idle connection is closed
        until_refused(running.address)
        assert running.process.poll() is None
        (directory / "finish").open("w").close()  # lets the handler return
        assert busy.receive().text(V3) == "done"
    assert running.process.wait(60) == 0


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_cuts_off_what_runs_and_answers_it(
    serve: Callable[..., Command], directory: Path, first: signal.Signals, second: signal.Signals
) -> None:
    os.mkfifo(directory / "started")
    running = serve("--port", "0")
    with Connection(running.address) as busy:
        busy.request("POST", "/", batch("example/waiting", "x"), {"Content-Type": "application/octet-stream"})
        (directory / "started").open().close()  # returns when the handler runs
        for each in (first, second):
            running.process.send_signal(each)
            until_refused(running.address)
        reply = busy.receive()
    assert (reply.status, reply.problem["code"]) == (503, "shutting-down")
    assert running.process.wait(60) == 0
    assert running.process.stderr is not None
    (line,) = running.process.stderr.read().splitlines()
    assert "WARNING statefun.serving: shutting-down (503): " in line


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_the_process_with_a_function_that_cannot_be_cut_off(
    serve: Callable[..., Command], directory: Path, kind: signal.Signals
) -> None:
    os.mkfifo(directory / "started")
    running = serve("--port", "0")
    with Connection(running.address) as busy:
        busy.request("POST", "/", batch("example/stuck", "x"), {"Content-Type": "application/octet-stream"})
        (directory / "started").open().close()  # returns when the handler runs
        while running.process.poll() is None:  # two that come at one time are one
            running.process.send_signal(kind)
            time.sleep(0.05)
    assert running.process.returncode == 128 + kind
    assert running.process.stderr is not None
    (line,) = running.process.stderr.read().splitlines()
    assert line == "ended with a function that still ran: nothing of its batch takes effect, and an engine asks again"


def until_refused(address: Any) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET) as probe:
                probe.connect(address)
        except ConnectionRefusedError:
            return
    pytest.fail("connections are still taken")


# --- TLS ----------------------------------------------------------------------------------------------------------


def trusting(authority: trustme.CA, *, client: bool = False) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    if client:
        authority.issue_cert("engine@example.org").configure_cert(context)
    return context


def test_it_serves_over_tls(serve: Callable[..., Command], authority: trustme.CA, certificate: list[str]) -> None:
    running = serve("--port", "0", *certificate)
    assert running.call(tls=trusting(authority)).text(V3) == "Hello you"


def test_mutual_tls_refuses_a_client_without_a_certificate(
    serve: Callable[..., Command], authority: trustme.CA, certificate: list[str]
) -> None:
    running = serve("--port", "0", *certificate, "--client-ca", "ca.pem")
    stranger = trusting(authority)
    trustme.CA().issue_cert("engine@example.org").configure_cert(stranger)
    for refused_client in (trusting(authority), stranger):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            running.call(tls=refused_client)
    assert running.call(tls=trusting(authority, client=True)).text(V3) == "Hello you"


def test_it_warns_when_others_can_reach_it_without_mutual_tls(
    serve: Callable[..., Command], authority: trustme.CA, certificate: list[str]
) -> None:
    open_to_all = serve("--host", "0.0.0.0", "--port", "0")
    assert any("WARNING" in line and "--client-ca" in line for line in open_to_all.said)
    mutual = serve("--host", "0.0.0.0", "--port", "0", *certificate, "--client-ca", "ca.pem")
    assert not any("WARNING" in line for line in mutual.said)
