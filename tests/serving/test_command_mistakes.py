"""What `statefun serve` says of mistakes, instead of starting: one line with a code, no traceback, nothing touched."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner

from statefun.cli.serve import command
from tests.serving.client import V3
from tests.serving.commands import COMMAND, ROOT, Command, ran, refused


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
    "a program that ends itself": ("import sys\n\nsys.exit()\n", "SystemExit", [", line 3, in <module>", "SystemExit"]),
    "an error that is no Exception": (
        "import asyncio\n\nraise asyncio.CancelledError\n",
        "CancelledError",
        [", line 3, in <module>", "CancelledError"],
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
    result = ran(directory, *COMMAND, "shop.broken:functions", "--debug")
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


@pytest.mark.parametrize("host", ["192.0.2.1", "no..name", "n" * 64])
def test_an_unknown_host_is_told(directory: Path, host: str) -> None:
    said = refused(directory, "shop.served:functions", "--host", host, "--port", "0")
    assert said.startswith(f"statefun: [cannot-bind] cannot listen on {host}:0: ")


def test_a_unix_socket_in_use_is_told_and_left_alone(serve: Callable[..., Command], directory: Path) -> None:
    first = serve("--uds", "functions.sock")
    said = refused(directory, "shop.served:functions", "--uds", "functions.sock")
    assert said.startswith("statefun: [cannot-bind] cannot listen on functions.sock: Address already in use")
    assert first.call().text(V3) == "Hello you"


def test_a_file_that_is_no_socket_is_left_alone(directory: Path) -> None:
    (directory / "notes").write_text("mine")
    said = refused(directory, "shop.served:functions", "--uds", "notes")
    assert said.startswith(
        "statefun: [cannot-bind] cannot listen on notes: a file is there that is no socket (hint: name a"
    )
    assert (directory / "notes").read_text() == "mine"


def test_a_path_that_is_too_long_for_a_unix_socket_is_told(directory: Path) -> None:
    path = "s" * 200
    said = refused(directory, "shop.served:functions", "--uds", path)
    assert said.startswith(
        f"statefun: [cannot-bind] cannot listen on {path}: AF_UNIX path too long (hint: name a shorter"
    )


@pytest.mark.parametrize("option", ["--tls-cert", "--tls-key", "--client-ca", "--uds"])
def test_an_empty_file_name_is_refused_and_does_not_leave_the_option_out(option: str) -> None:
    """As a shell writes it where a variable is not set: it must not turn TLS off."""
    options = {"--tls-cert": "cert.pem", "--tls-key": "key.pem", "--client-ca": "ca.pem"} | {option: ""}
    words = [word for pair in options.items() for word in pair]
    result = CliRunner().invoke(command, ["shop.served:functions", "--port", "0", *words])
    assert result.exit_code == 2
    assert f"'{option}': the name is empty" in result.output


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_unreadable_certificate_is_told(directory: Path, content: str | None) -> None:
    if content is not None:
        (directory / "cert.pem").write_text(content)
    said = refused(directory, "shop.served:functions", "--port", "0", "--tls-cert", "cert.pem")
    assert said.startswith("statefun: [unusable-certificate] cert.pem cannot be used")


def test_a_key_of_another_certificate_is_told(directory: Path, certificate: list[str]) -> None:
    trustme.CA().issue_cert("localhost").private_key_pem.write_to_path(directory / "key.pem")
    assert "[unusable-certificate]" in refused(directory, "shop.served:functions", "--port", "0", *certificate)


def test_a_path_without_its_slash_is_told(directory: Path) -> None:
    said = refused(directory, "shop.served:functions", "--port", "0", "--path", "statefun")
    assert "the path 'statefun' does not begin with a slash" in said


@pytest.mark.parametrize(("package", "extra"), [("uvicorn", "serve"), ("httptools", "serve"), ("click", "cli")])
def test_a_missing_extra_is_named(directory: Path, package: str, extra: str) -> None:
    program = f"import sys; sys.modules[{package!r}] = None; from statefun.cli import main; main()"
    result = ran(directory, sys.executable, "-c", program, "serve", "shop.served:functions", "--port", "0")
    assert result.returncode == 1
    assert result.stderr == (
        f"statefun: [missing-extra] this needs the package {package!r}, which is not installed "
        f"(hint: pip install 'statefun-typed[{extra}]')\n"
    )


def test_the_version_and_every_verb_are_told(directory: Path) -> None:
    from statefun.cli import VERBS

    def said(option: str) -> str:
        return ran(directory, *COMMAND[:-1], option).stdout

    assert said("--version").startswith("statefun-typed, version ")
    assert all(verb in said("--help") for verb in VERBS)
