"""The programs of docs/http.md, as they stand there."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from statefun import LONG, FunctionType
from statefun.client import HttpClient

ROOT = Path(__file__).resolve().parents[2]


def test_the_programs_of_the_page_do_what_the_page_says(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    page = (ROOT / "docs" / "http.md").read_text(encoding="utf-8").replace("8090", str(port))
    carts, client, *_ = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "carts.py").write_text(carts)
    (tmp_path / "client.py").write_text(client)
    [price] = re.findall(r"^    \$ python -c '(.*)' > price\.bin$", page, re.MULTILINE)
    environment = {"PYTHONPATH": f"{ROOT}:{tmp_path}", "PATH": ""}
    command = "from statefun.cli import main; main()"
    run = subprocess.Popen(
        [sys.executable, "-c", command, "run", "carts:functions", "--store", "store"],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        asyncio.run(_until_it_listens(port))
        made = subprocess.run([sys.executable, "-c", price], env=environment, capture_output=True, check=True)
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/shop/cart/7",
            made.stdout,
            {"Content-Type": "application/vnd.io.statefun.types/long"},
            method="PUT",
        )
        with urllib.request.urlopen(request) as answer:
            assert (answer.status, answer.read()) == (200, b"")
        request.add_header("Prefer", "wait=10")
        with urllib.request.urlopen(request) as answer:
            assert answer.headers["Content-Type"] == "application/vnd.io.statefun.types/long"
            assert answer.headers["Preference-Applied"] == "wait=10"
            assert answer.read() == LONG.v3.encode(500)
        for _ in range(2):
            done = subprocess.run(
                [sys.executable, "client.py"],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert (done.stdout, done.stderr) == ("751\n", "")
        assert "it prints 751," in page
        with pytest.raises(urllib.error.HTTPError) as none:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/receipts")
        assert none.value.code == 404
        none.value.close()
    finally:
        run.send_signal(signal.SIGTERM)
        said = run.communicate(timeout=30)[1]
    assert run.returncode == 0, said
    shown = re.findall(r"^io\..* listens on .*$", page, re.MULTILINE)
    assert sorted(said.splitlines()[:2]) == sorted(shown)


async def _until_it_listens(port: int) -> None:
    async with HttpClient(f"http://127.0.0.1:{port}") as client:
        await client.send(FunctionType[int]("shop/cart").at("another"), 0)


def test_every_answer_of_the_ingress_and_egress_is_on_the_page() -> None:
    page = (ROOT / "docs" / "http.md").read_text(encoding="utf-8")
    sources = [
        *(ROOT / "statefun" / "runtime" / "http").glob("*.py"),
        ROOT / "statefun" / "runtime" / "ingress" / "http.py",
        ROOT / "statefun" / "runtime" / "egress" / "http.py",
    ]
    codes = {
        code
        for path in sources
        for code in re.findall(r"(?:problem\(\s*\d+|unavailable\(),?\s*\"([a-z-]+)\"", path.read_text(encoding="utf-8"))
    }
    assert len(codes) > 25
    told_elsewhere = {"internal", "reply-type"}
    assert sorted(code for code in codes - told_elsewhere if f"`{code}`" not in page) == []
