"""`statefun serve` as a user starts it: a process, its options, TLS, how it ends, and what it says of mistakes."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
import uvicorn
from attrs import define
from click.testing import CliRunner

from statefun.cli.serve import command
from tests.serving.client import V3, Connection, batch
from tests.serving.conftest import ROOT

MODULE = """
import os
from statefun import StatefulFunctions

functions = StatefulFunctions()
other = object()

@functions.bind("example/hello")
def hello(context, name: str):
    context.reply("Hello " + name)

@functions.bind("example/slow")
async def slow(context, name: str):
    import asyncio
    await asyncio.to_thread(open("started", "w").close)
    (await asyncio.to_thread(open, "finish")).close()
    context.reply(name)
"""
COMMAND = [sys.executable, "-c", "from statefun.cli import main; main()", "serve"]
GOOD = batch("example/hello", "you")


@define
class Command:
    """A running `statefun serve`; its address is read from the line in which it says where it listens."""

    process: subprocess.Popen[str]
    address: Any
    said: list[str]

    def call(self, body: bytes | None = GOOD, *, tls: ssl.SSLContext | None = None, **named: Any) -> Any:
        with Connection(self.address, tls) as connection:
            return connection.call(body, **named)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "shop" / "served.py").write_text(MODULE)
    (tmp_path / "shop" / "broken.py").write_text("import a_module_that_nobody_has\n")
    return tmp_path


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)}


@pytest.fixture
def serve(directory: Path) -> Iterator[Callable[..., Command]]:
    started: list[subprocess.Popen[str]] = []

    def start(*options: str) -> Command:
        process = subprocess.Popen(
            [*COMMAND, "shop.served:functions", *options],
            cwd=directory,
            env=environment(),
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        said = []
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line)
            found = re.search(r"serving shop\.served:functions on (?:https )?(\S+)$", line)
            if found:
                break
        else:
            pytest.fail("".join(said))
        host, _, port = found[1].rpartition(":")
        return Command(process, (host, int(port)) if host else str(directory / found[1]), said)

    yield start
    for process in started:
        process.kill()
        process.communicate()


def refused(directory: Path, *arguments: str, status: int = 1) -> str:
    """What the command says on stderr when it does not start."""
    result = subprocess.run(
        [*COMMAND, *arguments],
        cwd=directory,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == status, result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr


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


def test_it_serves_on_a_unix_socket_and_removes_it(serve: Callable[..., Command], directory: Path) -> None:
    running = serve("--uds", "functions.sock")
    assert running.call().text(V3) == "Hello you"
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(60) == 0
    assert not (directory / "functions.sock").exists()


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


def until_refused(address: Any) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection(address, timeout=60).close()
        except ConnectionRefusedError:
            return
    pytest.fail("connections are still taken")


# --- TLS ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def certificate(authority: trustme.CA, directory: Path) -> list[str]:
    issued = authority.issue_cert("localhost")
    issued.private_key_pem.write_to_path(directory / "key.pem")
    for index, blob in enumerate(issued.cert_chain_pems):
        blob.write_to_path(directory / "cert.pem", append=index > 0)
    authority.cert_pem.write_to_path(directory / "ca.pem")
    return ["--tls-cert", "cert.pem", "--tls-key", "key.pem"]


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


# --- mistakes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("shop.nowhere:functions", "there is no module 'shop.nowhere'"),
        ("nowhere.served:functions", "there is no module 'nowhere'"),
        ("shop.served:nothing", "the module 'shop.served' has no attribute 'nothing'"),
        ("shop.served:other", "'shop.served:other' is no StatefulFunctions but of the type object"),
        ("shop.served", "'shop.served' names no functions"),
        (":functions", "':functions' names no functions"),
    ],
)
def test_functions_that_cannot_be_found_are_told(directory: Path, target: str, expected: str) -> None:
    said = refused(directory, target)
    assert said.startswith(f"statefun: [functions-not-found] {expected}")
    assert "(hint: " in said


BROKEN = {
    "a module that nobody has": (
        "import a_module_that_nobody_has\n",
        "ModuleNotFoundError",
        ["import a_module_that_nobody_has", "ModuleNotFoundError: No module named 'a_module_that_nobody_has'"],
    ),
    "no Python": ("x = 1\ndef (\n", "SyntaxError", [", line 2", "    def (", "SyntaxError: invalid syntax"]),
    "an error of its own": (
        "def fail():\n    raise RuntimeError('no prices')\n\nfail()\n",
        "RuntimeError",
        [", line 4, in <module>", ", line 2, in fail", "RuntimeError: no prices"],
    ),
    "an error below an error": (
        "try:\n    {}['key']\nexcept KeyError as error:\n    raise ValueError('no key') from error\n",
        "ValueError",
        [", line 2, in <module>", "KeyError: 'key'", ", line 4, in <module>", "ValueError: no key"],
    ),
    "another module that is no Python": (
        "from shop import worse\n",
        "SyntaxError",
        ["from shop import worse", "worse.py", "    1 +", "SyntaxError: invalid syntax"],
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_error_of_the_users_module_is_told_with_the_users_own_lines(directory: Path, name: str) -> None:
    text, kind, expected = BROKEN[name]
    (directory / "shop" / "broken.py").write_text(text)
    (directory / "shop" / "worse.py").write_text("1 +\n")
    said = refused(directory, "shop.broken:functions")
    assert said.startswith(f"statefun: [import-failed] the module 'shop.broken' cannot be imported: {kind} (hint: ")
    assert str(directory / "shop" / "broken.py") in said
    for each in expected:
        assert each in said
    for hidden in ("importlib", "click", "runpy", str(ROOT)):
        assert hidden not in said


def test_the_whole_traceback_is_logged_with_debug(directory: Path) -> None:
    result = subprocess.run(
        [*COMMAND, "shop.broken:functions", "--debug"],
        cwd=directory,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 1
    assert "importlib.import_module(name)" in result.stderr
    assert "statefun: [import-failed]" in result.stderr


def test_an_error_of_this_package_and_a_missing_extra_are_told_as_they_are(directory: Path) -> None:
    (directory / "shop" / "broken.py").write_text("from statefun import FunctionType\nFunctionType('nothing')\n")
    assert refused(directory, "shop.broken:functions").startswith("statefun: [invalid-typename] ")
    (directory / "shop" / "broken.py").write_text("raise ModuleNotFoundError('no aiohttp', name='aiohttp')\n")
    assert refused(directory, "shop.broken:functions").startswith("statefun: [missing-extra] ")


def test_a_port_in_use_is_told(directory: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused(directory, "shop.served:functions", "--port", str(port))
    assert said.startswith(f"statefun: [cannot-bind] cannot listen on 127.0.0.1:{port}: Address already in use")


def test_an_unknown_host_is_told(directory: Path) -> None:
    said = refused(directory, "shop.served:functions", "--host", "192.0.2.1", "--port", "0")
    assert said.startswith("statefun: [cannot-bind] cannot listen on 192.0.2.1:0: ")


def test_a_unix_socket_in_use_is_told_and_left_alone(serve: Callable[..., Command], directory: Path) -> None:
    first = serve("--uds", "functions.sock")
    said = refused(directory, "shop.served:functions", "--uds", "functions.sock")
    assert said.startswith("statefun: [cannot-bind] cannot listen on functions.sock: Address already in use")
    assert first.call().text(V3) == "Hello you"


def test_a_file_that_is_no_socket_is_left_alone(directory: Path) -> None:
    (directory / "notes").write_text("mine")
    said = refused(directory, "shop.served:functions", "--uds", "notes")
    assert "[cannot-bind]" in said
    assert (directory / "notes").read_text() == "mine"


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_unreadable_certificate_is_told(directory: Path, content: str | None) -> None:
    if content is not None:
        (directory / "cert.pem").write_text(content)
    said = refused(directory, "shop.served:functions", "--port", "0", "--tls-cert", "cert.pem")
    assert said.startswith("statefun: [unusable-certificate] cert.pem cannot be used")


def test_a_key_of_another_certificate_is_told(directory: Path, certificate: list[str]) -> None:
    trustme.CA().issue_cert("localhost").private_key_pem.write_to_path(directory / "key.pem")
    assert "[unusable-certificate]" in refused(directory, "shop.served:functions", "--port", "0", *certificate)


@pytest.mark.parametrize("option", ["--tls-cert", "--tls-key", "--client-ca", "--uds"])
def test_an_empty_file_name_is_refused_and_does_not_leave_the_option_out(
    directory: Path, certificate: list[str], option: str
) -> None:
    """As a shell writes it where a variable is not set: it must not turn TLS off."""
    said = refused(directory, "shop.served:functions", "--port", "0", *certificate, option, "", status=2)
    assert f"'{option}'" in said
    assert "the name is empty" in said


def test_a_path_without_its_slash_is_told(directory: Path) -> None:
    said = refused(directory, "shop.served:functions", "--port", "0", "--path", "statefun")
    assert "the path 'statefun' does not begin with a slash" in said


@pytest.mark.parametrize(("package", "extra"), [("uvicorn", "serve"), ("httptools", "serve"), ("click", "cli")])
def test_a_missing_extra_is_named(directory: Path, package: str, extra: str) -> None:
    program = f"import sys; sys.modules[{package!r}] = None; from statefun.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", program, "serve", "shop.served:functions", "--port", "0"],
        cwd=directory,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 1
    assert result.stderr == (
        f"statefun: [missing-extra] this needs the package {package!r}, which is not installed "
        f"(hint: pip install 'statefun-typed[{extra}]')\n"
    )


def test_the_version_and_every_verb_are_told(directory: Path) -> None:
    from statefun.cli import VERBS

    def said(option: str) -> str:
        return subprocess.run(
            [*COMMAND[:-1], option], cwd=directory, env=environment(), capture_output=True, text=True, check=True
        ).stdout

    assert said("--version").startswith("statefun-typed, version ")
    assert all(verb in said("--help") for verb in VERBS)
