"""`statefun module` and `statefun check` as commands: files, exit statuses, JSON, a real store and a real server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from statefun.module.load import load
from tests.unit.module.test_generate import ENVIRONMENT, GOLDEN, URL

PROGRAM = """
from statefun import LONG, STRING, Context, FileIngress, StatefulFunction, StatefulFunctions, ValueSpec, handles


class Counter(StatefulFunction[str], typename="shop/counter"):
    count = ValueSpec(LONG, default=0)

    @handles
    def on_text(self, context: Context, text: str) -> None:
        self.count += 1


functions = StatefulFunctions()
functions.register(Counter)
functions.ingress(
    FileIngress(id="shop/in", path="in.csv", message=STRING, key="id", convert=lambda row: row["text"], targets=[Counter])
)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(PROGRAM)
    (tmp_path / "in.csv").write_text("id,text\na,b\n")
    return tmp_path


def statefun(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(folder), str(GOLDEN.parents[3]), *filter(None, [os.environ.get("PYTHONPATH")])])
    variables = {name: value for name, value in os.environ.items() if name != "STATEFUN_URL"}
    return subprocess.run(
        [sys.executable, "-m", "statefun", *words],
        cwd=folder,
        env={**variables, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


DECLARED = "tests.unit.module.declared:functions"


@pytest.mark.parametrize(("engine", "golden"), [("3.x", "3.1.yaml"), ("2.2", "2.0.yaml")])
def test_the_module_of_each_engine_is_written_and_checks_clean(folder: Path, engine: str, golden: str) -> None:
    written = statefun(
        folder, "module", DECLARED, "--engine", engine, "--out", "module.yaml", STATEFUN_URL=URL, **ENVIRONMENT
    )
    assert (written.returncode, written.stdout, written.stderr) == (0, "", "")
    assert (folder / "module.yaml").read_text() == (GOLDEN / golden).read_text()
    checked = statefun(folder, "check", "module.yaml", DECLARED, "--against", "module.yaml", "--strict")
    assert (checked.returncode, checked.stdout) == (0, ""), checked.stdout + checked.stderr
    assert checked.stderr == "0 errors, 0 warnings, 0 notes\n"


def test_the_program_on_the_page_writes_what_the_page_shows(folder: Path) -> None:
    page = (GOLDEN.parents[3] / "docs" / "module.md").read_text()
    program, shown = page[page.index("# accounts.py") :].split("```python")[0].split("```console\n")[:2]
    (folder / "accounts.py").write_text(program.partition("```")[0])
    _, command, *lines = shown.partition("```")[0].splitlines()
    written = statefun(folder, *command.removeprefix("$ statefun ").split(), BROKERS="kafka:9092")
    assert written.stdout.splitlines() == lines


def test_what_the_engine_has_nothing_for_is_named_and_refused_when_strict(folder: Path) -> None:
    told = statefun(folder, "module", "shop:functions", "--endpoint", f"shop/counter={URL}")
    assert told.returncode == 0
    assert told.stderr == "statefun: FileIngress 'shop/in' is left out: the embedded runtime alone has it\n"
    assert [each.functions for each in load(told.stdout).endpoints] == ["shop/counter"]
    strict = statefun(folder, "module", "shop:functions", "--url", URL, "--strict", "--out", "module.yaml")
    assert strict.returncode == 1
    assert "[module-inexpressible] FileIngress 'shop/in' is left out" in strict.stderr
    assert not (folder / "module.yaml").exists()


def test_what_is_missing_is_named(folder: Path) -> None:
    assert "the function example/greeter has no URL" in statefun(folder, "module", DECLARED, **ENVIRONMENT).stderr
    assert "environment variable 'BROKERS'" in statefun(folder, "module", DECLARED, "--url", URL).stderr
    assert "is not PATTERN=URL" in statefun(folder, "module", DECLARED, "--endpoint", "example/*").stderr
    unwritable = statefun(folder, "module", "shop:functions", "--url", URL, "--out", "none/module.yaml")
    assert "none/module.yaml cannot be written: No such file or directory" in unwritable.stderr
    unread = statefun(folder, "check", "none.yaml", "shop:functions")
    assert (unread.returncode, "none.yaml cannot be read" in unread.stderr) == (1, True)


def test_mistakes_of_the_text_are_findings_with_their_places(folder: Path) -> None:
    (folder / "module.yaml").write_text(
        "kind: io.statefun.endpoints.v2/http\nspec:\n  functions: shop\n  urlPathTemplate: x\n"
    )
    checked = statefun(folder, "check", "module.yaml", "shop:functions", "--json")
    found = [json.loads(line) for line in checked.stdout.splitlines()]
    assert checked.returncode == 1
    statefun(folder, "module", "shop:functions", "--url", URL, "--out", "sound.yaml")
    against = statefun(folder, "check", "sound.yaml", "shop:functions", "--against", "module.yaml", "--json")
    assert (against.returncode, against.stdout) == (1, checked.stdout)
    assert [(each["file"], each["line"], each["column"], each["severity"], each["code"]) for each in found] == [
        ("module.yaml", 3, 14, "error", "module-value")
    ]
    assert "shop" in found[0]["message"]
    assert found[0]["hint"]


def test_warnings_alone_are_an_error_only_when_strict(folder: Path) -> None:
    statefun(folder, "module", "shop:functions", "--engine", "2.2", "--url", URL, "--out", "module.yaml")
    text = (folder / "module.yaml").read_text()
    (folder / "module.yaml").write_text(text.replace("- name: count", "- name: count\n              - name: gone"))
    checked = statefun(folder, "check", "module.yaml", "shop:functions")
    assert (checked.returncode, checked.stderr) == (0, "0 errors, 1 warning, 0 notes\n")
    assert checked.stdout.startswith("module.yaml:15:17: warning [state-undeclared]"), checked.stdout
    assert statefun(folder, "check", "module.yaml", "shop:functions", "--strict").returncode == 1


def test_the_types_in_a_store_are_held_against_the_states(folder: Path) -> None:
    assert statefun(folder, "run", "shop:functions", "--store", "store").returncode == 0
    statefun(folder, "module", "shop:functions", "--url", URL, "--out", "module.yaml")
    words = ("check", "module.yaml", "shop:functions", "--store", "store")
    assert statefun(folder, *words).stdout == ""
    (folder / "shop.py").write_text(PROGRAM.replace("(LONG, default=0)", "(STRING)"))
    changed = statefun(folder, *words)
    assert changed.returncode == 1
    assert (
        "error [stored-state-type] the state 'count' of shop/counter is of io.statefun.types/string" in changed.stdout
    )
    mortal = PROGRAM.replace("default=0", "default=0, expire=after_write(timedelta(days=1))")
    imports = "from datetime import timedelta\nfrom statefun import after_write\n"
    (folder / "shop.py").write_text(imports + mortal)
    assert statefun(folder, *words).stdout.startswith(
        "warning [stored-state-expiration] the state 'count' of shop/counter is declared to expire 1 day, 0:00:00 after-write,"
        " and was without expiration"
    )
    assert statefun(folder, "run", "shop:functions", "--store", "store").returncode == 0
    (folder / "in.csv").write_text("id,text\na,b\na,c\n")
    assert statefun(folder, "run", "shop:functions", "--store", "store").returncode == 0
    assert statefun(folder, *words).stdout == ""
    (folder / "shop.py").write_text(PROGRAM.replace("count = ", "total = ").replace("self.count", "self.total"))
    renamed = statefun(folder, *words)
    assert (renamed.returncode, "warning [stored-state-missing]" in renamed.stdout) == (0, True)


class _NotFound(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), _NotFound) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def test_an_endpoint_is_asked_only_when_that_is_asked_for(folder: Path, server: HTTPServer) -> None:
    port = server.server_address[1]
    statefun(folder, "module", "shop:functions", "--url", f"http://127.0.0.1:{port}/statefun", "--out", "module.yaml")
    assert statefun(folder, "check", "module.yaml", "shop:functions", "--probe").returncode == 0
    server.socket.close()
    assert statefun(folder, "check", "module.yaml", "shop:functions").returncode == 0
    gone = statefun(folder, "check", "module.yaml", "shop:functions", "--probe")
    assert gone.returncode == 1
    assert gone.stdout.startswith("module.yaml:1:1: error [endpoint-unreachable] shop/* at http://127.0.0.1"), (
        gone.stdout
    )


def test_a_socket_is_not_probed(folder: Path) -> None:
    url = "http+unix:///run/functions.sock/statefun"
    statefun(folder, "module", "shop:functions", "--url", url, "--out", "module.yaml")
    told = statefun(folder, "check", "module.yaml", "shop:functions", "--probe", "--strict")
    assert (told.returncode, "note [endpoint-unprobed]" in told.stdout) == (0, True)
