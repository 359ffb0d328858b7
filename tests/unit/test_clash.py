"""Importing `statefun` beside another distribution of that import name is refused, and nothing else is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from statefun._clash import refuse_clash
from statefun.errors import PackageClashError

ROOT = Path(__file__).resolve().parents[2]
THEIRS = "statefun/__init__.py,,\nstatefun/request_reply_v3.py,,\n"


def install(
    folder: Path, name: str, version: str = "3.3.0", record: str | None = THEIRS, suffix: str = "dist-info"
) -> None:
    """What pip leaves of a distribution beside its files."""
    metadata = folder / f"{name}-{version}.{suffix}"
    metadata.mkdir(parents=True)
    file = "METADATA" if suffix == "dist-info" else "PKG-INFO"
    (metadata / file).write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    package = folder / "statefun"
    package.mkdir(exist_ok=True)
    (package / "__init__.py").touch()
    (package / "request_reply_v3.py").touch()
    if record is not None:
        (metadata / "RECORD").write_text(record)


def importing(folder: Path, program: str = "import statefun") -> subprocess.CompletedProcess[str]:
    """A process in which ours is the `__init__` that is found, and theirs is installed too."""
    command = [sys.executable, "-c", f"import sys; sys.path.append({str(folder)!r}); {program}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)


@pytest.mark.parametrize("name", ["apache_flink_statefun", "flink_statefun", "apache_flink_statefun_new"])
def test_importing_beside_another_statefun_names_the_clash(tmp_path: Path, name: str) -> None:
    install(tmp_path, name)
    result = importing(tmp_path)
    assert result.returncode == 1
    last = result.stderr.strip().splitlines()[-1]
    other = name.replace("_", "-")
    assert last.startswith("statefun.errors.PackageClashError: [package-clash]")
    for part in (f"{other} 3.3.0", str(tmp_path), f"pip uninstall {other} statefun-typed"):
        assert part in last


def test_the_clash_is_an_import_error_and_is_raised_at_every_import(tmp_path: Path) -> None:
    install(tmp_path, "flink_statefun", "2.2.0")
    program = """
for _ in range(2):
    try:
        import statefun
    except ImportError as error:
        print(error.code, error.hint)
"""
    result = importing(tmp_path, f"exec({program!r})")
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("package-clash") == 2


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("apache_flink_statefun", "dist-info"),
        ("apache_flink_statefun", "egg-info"),
        ("flink_statefun", "dist-info"),
    ],
)
def test_the_other_is_found_as_a_wheel_and_as_an_egg(tmp_path: Path, name: str, suffix: str) -> None:
    install(tmp_path, name, suffix=suffix, record=None if suffix == "egg-info" else THEIRS)
    with pytest.raises(PackageClashError):
        refuse_clash([str(tmp_path)])


def test_the_command_names_the_clash_where_the_other_was_installed_last(tmp_path: Path) -> None:
    """Its script imports `statefun.cli`, which is ours still, from a package whose `__init__` is theirs."""
    shutil.copytree(ROOT / "statefun", tmp_path / "statefun", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "statefun" / "__init__.py").write_text("")
    (tmp_path / "statefun" / "context.py").write_text("")
    install(tmp_path, "flink_statefun")
    command = [sys.executable, "-c", "from statefun.cli import main; main()"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
    assert result.returncode == 1
    assert (
        result.stderr.strip()
        .splitlines()[-1]
        .startswith("statefun.errors.PackageClashError: [package-clash] flink-statefun")
    )


def test_what_is_not_installed_is_no_clash(tmp_path: Path) -> None:
    (tmp_path / "apache_flink_statefun-3.3.0.dist-info").mkdir()  # what an uninstallation left
    (tmp_path / "apache_flink_statefun-2.2.0.dist-info").touch()
    (tmp_path / "apache-flink-statefun").mkdir()  # a checkout of its sources
    install(tmp_path, "statefun_typed", "0.1.0")
    install(tmp_path, "apache_flink_statefun_tools", "1.0")
    install(tmp_path, "flink_statefun", "9.9", record="flink_statefun/__init__.py,,\n")  # another import name by now
    refuse_clash([str(tmp_path), str(tmp_path / "nowhere"), str(tmp_path / "archive.zip"), ""])
    assert importing(tmp_path).returncode == 0


def test_looking_does_without_what_is_slow_to_import() -> None:
    """It is paid at every import of the package."""
    program = "import sys; import statefun; sys.exit('importlib.metadata' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-S", "-c", program], cwd=ROOT, check=False, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert result.returncode == 0
