"""What the image installs: the wheel of this package, a URL, or the index; and what the functions need besides."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import urllib.request
import venv
from pathlib import Path
from typing import Any

import attrs
import dockerfile
import pytest

from statefun.cli.installed import InstalledError, Origin, installed, recorded
from statefun.deploy.docker import docker
from tests.deploy.test_deploy import PLAIN, PROGRAM, ROOT, deploy

WHEEL = "statefun_typed-0.1.0-py3-none-any.whl"


def installs(text: str) -> list[tuple[str, ...]]:
    """The commands of a Dockerfile that pip runs."""
    commands = [each for each in dockerfile.parse_string(text) if each.cmd == "RUN" and "pip" in each.value]
    assert all(each.json for each in commands)  # no shell reads a version, a URL or a name
    return [each.value for each in commands]


def copies(text: str) -> list[tuple[str, ...]]:
    return [each.value for each in dockerfile.parse_string(text) if each.cmd == "COPY"]


PIP = ("pip", "install", "--no-cache-dir")


@pytest.mark.parametrize(
    ("changes", "requirement"),
    [
        ({}, "statefun-typed[cli,serve]==0.1.0"),
        ({"wheel": WHEEL}, f"./{WHEEL}[cli,serve]"),
        (
            {"url": "https://example.org/x.whl#sha256=00"},
            "statefun-typed[cli,serve] @ https://example.org/x.whl#sha256=00",
        ),
    ],
    ids=["index", "wheel", "url"],
)
def test_the_package_is_installed_from_where_it_is(changes: dict[str, Any], requirement: str) -> None:
    text = docker(attrs.evolve(PLAIN, **changes))["Dockerfile"]
    assert installs(text) == [(*PIP, requirement)]
    assert copies(text) == ([(WHEEL, "./")] if "wheel" in changes else []) + [(".", ".")]


def test_what_the_functions_need_is_installed_behind_the_package_and_has_to_fit() -> None:
    files = docker(attrs.evolve(PLAIN, requirements="dist/needs.txt", project=True))
    text = files["Dockerfile"]
    assert installs(text)[1:] == [(*PIP, "-r", "requirements.txt"), (*PIP, "."), ("pip", "check")]
    assert copies(text) == [("dist/needs.txt", "requirements.txt"), (".", ".")]
    assert text.index('"."') < text.index('"check"')
    assert files[".dockerignore"].endswith("\n!dist/needs.txt\n")


def record(**told: Any) -> str:
    return json.dumps(told)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (None, Origin("0.1.0")),
        (
            record(url="https://example.org/x.whl", archive_info={"hashes": {"sha256": "0a"}}),
            Origin("0.1.0", url="https://example.org/x.whl#sha256=0a"),
        ),
        (record(url="https://example.org/x.whl", archive_info={}), Origin("0.1.0", url="https://example.org/x.whl")),
    ],
    ids=["index", "url-with-hash", "url"],
)
def test_an_installation_that_anybody_can_repeat_is_repeated(told: str | None, expected: Origin) -> None:
    assert recorded("0.1.0", told) == expected


@pytest.mark.parametrize(
    ("told", "hint"),
    [
        (record(url="file:///src/state%20fun", dir_info={"editable": True}), "pip wheel --no-deps '/src/state fun'"),
        (record(url="file:///src/fun", dir_info={}), "pip wheel --no-deps /src/fun"),
        (
            record(url="file:///src/statefun_typed-0.1.0.tar.gz", archive_info={}),
            "--no-deps /src/statefun_typed-0.1.0.tar",
        ),
        (
            record(url="https://example.org/fun.git", vcs_info={"vcs": "git", "commit_id": "abc"}),
            "pip wheel --no-deps git+https://example.org/fun.git@abc",
        ),
    ],
    ids=["editable", "folder", "sdist", "git"],
)
def test_an_installation_that_only_this_machine_has_is_refused_with_the_way_out(told: str, hint: str) -> None:
    with pytest.raises(InstalledError) as caught:
        recorded("0.1.0", told)
    assert hint in str(caught.value.hint)
    assert f"--wheel {WHEEL}" in str(caught.value.hint)
    assert "--from-index" in str(caught.value.hint)


def test_a_wheel_that_was_installed_is_taken_while_it_is_what_was_installed(tmp_path: Path) -> None:
    wheel = tmp_path / WHEEL
    wheel.write_bytes(b"first")
    digest = hashlib.sha256(b"first").hexdigest()
    told = record(url=wheel.as_uri(), archive_info={"hashes": {"sha256": digest}})
    assert recorded("0.1.0", told) == Origin("0.1.0", wheel=wheel)
    wheel.write_bytes(b"second")
    with pytest.raises(InstalledError, match="has changed"):
        recorded("0.1.0", told)
    wheel.unlink()
    with pytest.raises(InstalledError, match="is gone"):
        recorded("0.1.0", told)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("other-0.1.0-py3-none-any.whl", "is no wheel of statefun-typed"),
        ("statefun_typed-0.1.0.tar.gz", "is no wheel of statefun-typed"),
        ("statefun_typed-0.0.9-py3-none-any.whl", "is of the version 0.0.9, and what runs here of 0.1.0"),
        ("missing/" + WHEEL, "is not there"),
    ],
)
def test_a_wheel_that_would_not_be_right_is_refused(tmp_path: Path, name: str, error: str) -> None:
    if "/" not in name:
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(InstalledError, match=error):
        installed(wheel=str(tmp_path / name), from_index=False)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(PROGRAM)
    return tmp_path


def test_a_wheel_is_copied_beside_the_dockerfile_and_one_that_is_there_is_left(shop: Path) -> None:
    made = shop / "made" / WHEEL
    made.parent.mkdir()
    made.write_bytes(b"a wheel")
    first = deploy(shop, "docker", "shop:functions", "--wheel", f"made/{WHEEL}")
    assert first.returncode == 0, first.stderr
    assert (shop / WHEEL).read_bytes() == b"a wheel"
    assert first.stdout.splitlines() == [WHEEL, "Dockerfile", ".dockerignore"]
    again = deploy(shop, "docker", "shop:functions", "--wheel", f"made/{WHEEL}")
    assert f". has {WHEEL}, Dockerfile, .dockerignore already" in again.stderr
    there = deploy(shop, "docker", "shop:functions", "--wheel", WHEEL, "--force")
    assert (there.returncode, there.stdout.splitlines()) == (0, ["Dockerfile", ".dockerignore"]), there.stderr
    assert (shop / WHEEL).read_bytes() == b"a wheel"


def test_the_verb_writes_nothing_that_cannot_be_built_unless_the_index_is_asked_for(shop: Path) -> None:
    here = shop / "statefun_typed-0.1.0.dist-info"  # the working directory comes first
    here.mkdir()
    (here / "METADATA").write_text("Metadata-Version: 2.1\nName: statefun-typed\nVersion: 0.1.0\n")
    (here / "direct_url.json").write_text(record(url="file:///src/fun", dir_info={"editable": True}))
    refused = deploy(shop, "docker", "shop:functions")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "[not-installable] statefun-typed was installed from /src/fun, which no image finds" in refused.stderr
    assert "pip wheel --no-deps /src/fun" in refused.stderr
    assert not (shop / "Dockerfile").exists()
    made = deploy(shop, "docker", "shop:functions", "--from-index")
    assert (made.returncode, made.stderr) == (0, "")
    assert installs((shop / "Dockerfile").read_text()) == [(*PIP, "statefun-typed[cli,serve]==0.1.0")]


def test_a_wheel_and_the_index_are_one_too_many(shop: Path) -> None:
    refused = deploy(shop, "docker", "shop:functions", "--wheel", WHEEL, "--from-index")
    assert refused.returncode == 2
    assert not (shop / "Dockerfile").exists()


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("missing.txt", "[requirements] there is no missing.txt in "),
        ("../needs.txt", "[binding] the requirements '../needs.txt' are outside the directory"),
        ("{folder}/needs.txt", "needs.txt' are outside the directory"),
    ],
)
def test_requirements_that_no_build_would_find_are_refused(shop: Path, name: str, error: str) -> None:
    for folder in (shop, shop.parent):
        (folder / "needs.txt").touch()
    refused = deploy(shop, "docker", "shop:functions", "--from-index", "--requirements", name.format(folder=shop))
    assert refused.returncode == 1
    assert error in refused.stderr
    assert not (shop / "Dockerfile").exists()


def test_a_project_without_its_pyproject_is_refused(shop: Path) -> None:
    refused = deploy(shop, "docker", "shop:functions", "--from-index", "--project")
    assert refused.returncode == 1
    assert "pyproject.toml" in refused.stderr


@pytest.mark.parametrize(
    ("name", "option"), [("pyproject.toml", "--project"), ("requirements.txt", "--requirements requirements.txt")]
)
def test_what_the_functions_may_need_and_the_image_leaves_out_is_told(shop: Path, name: str, option: str) -> None:
    (shop / name).touch()
    told = deploy(shop, "docker", "shop:functions", "--from-index")
    assert told.returncode == 0
    assert f"{name} is here, and the image installs nothing of it: {option}" in told.stderr
    told = deploy(shop, "docker", "shop:functions", "--from-index", "--force", *option.split())
    assert (told.returncode, told.stderr) == (0, "")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this repository, as its build makes it."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True)
    [made] = folder.iterdir()
    return made


class Fresh:
    """An environment that has the dependencies of this one and nothing else, so that nothing is downloaded."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder)
        self.python = str(folder / "bin" / "python")
        self.statefun = folder / "bin" / "statefun"
        [packages] = (folder / "lib").glob("python3.*/site-packages")
        # Of a folder that is added like this the .pth files are not read, and the installation of this repository is one.
        (packages / "outer.pth").write_text(sysconfig.get_path("purelib"))

    def pip(self, command: tuple[str, ...], folder: Path) -> str:
        """Runs a command of a Dockerfile, whose first word is pip."""
        done = subprocess.run(
            [sys.executable, "-m", "pip", "--python", self.python, *command[1:]],
            cwd=folder,
            env={**os.environ, "PIP_NO_INDEX": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


def test_the_wheel_of_this_repository_is_installed_as_the_dockerfile_says_and_serves(
    shop: Path, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (shop / "needs.txt").write_text("statefun-typed[cattrs]\n")
    made = deploy(shop, "docker", "shop:functions", "--wheel", str(wheel), "--requirements", "needs.txt")
    assert made.returncode == 0, made.stderr
    shutil.copy(shop / "needs.txt", shop / "requirements.txt")  # what the Dockerfile's COPY does
    fresh = Fresh(tmp_path_factory.mktemp("fresh"))
    package, needs, check = installs((shop / "Dockerfile").read_text())
    told = fresh.pip(package, shop)
    assert "Successfully installed statefun-typed-" in told
    assert "does not provide the extra" not in told
    assert "already satisfied: statefun-typed[cattrs]" in fresh.pip(needs, shop)
    assert check == ("pip", "check")
    served = [fresh.statefun, "serve", "shop:functions", "--port", "0"]
    with subprocess.Popen(served, cwd=shop, env={"BROKERS": ""}, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            port = next(found[1] for line in server.stderr if (found := re.search(r" on 127\.0\.0\.1:(\d+)$", line)))
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=60) as health:
                assert health.read() == b"ok\n"
        finally:
            server.terminate()
    # What was installed from a wheel finds it again by itself.
    (shop / "again").mkdir()
    again = subprocess.run(
        [fresh.statefun, "deploy", "docker", "shop:functions", "--out", "again"],
        cwd=shop,
        env={"BROKERS": "broker:9092"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == 0, again.stderr
    assert (shop / "again" / wheel.name).read_bytes() == wheel.read_bytes()
