"""The virtual environments of the contenders: pinned, each of its own, under .venvs/bench-* of the repository.

The peers never share one with this repository's SDK: both are imported as `statefun`.
"""

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONSTRAINTS = ROOT / ".ci" / "constraints.txt"
PROTOBUF_7 = "protobuf==7.36.2"


@dataclass(frozen=True)
class Environment:
    """One virtual environment.

    `steps` are the arguments of one `pip install` each, in order. `implementation` is the protobuf that it must end up with:
    "upb" or "python".
    """

    name: str
    steps: tuple[tuple[str, ...], ...]
    implementation: str

    @property
    def folder(self) -> Path:
        return ROOT / ".venvs" / f"bench-{self.name}"

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"


ENVIRONMENTS = {
    environment.name: environment
    for environment in (
        # What `pip install apache-flink-statefun==3.3.0` gives: its metadata asks for protobuf below 4, whose newest release
        # has no binary for Python 3.11 and runs in pure Python.
        Environment("official-3.3", (("apache-flink-statefun==3.3.0", "protobuf==3.20.3"),), "python"),
        # The same SDK on the protobuf that this repository uses. Its metadata forbids that; its generated code, which protoc 3.20
        # wrote, runs there unchanged.
        Environment(
            "official-3.3-upb", (("--no-deps", "apache-flink-statefun==3.3.0"), ("--no-deps", PROTOBUF_7)), "upb"
        ),
        # What `pip install apache-flink-statefun==2.2.2` gives. Its generated code is older still and needs protobuf 3.
        Environment("official-2.2", (("apache-flink-statefun==2.2.2", "protobuf==3.20.3"),), "python"),
        Environment(
            "ours",
            (
                ("-c", str(CONSTRAINTS), "hatchling", "editables"),
                ("-c", str(CONSTRAINTS), "--no-build-isolation", "-e", str(ROOT), PROTOBUF_7),
            ),
            "upb",
        ),
    )
}


def prepare(environment: Environment) -> None:
    """Make the environment unless it is there already, with these very pins and this Python.

    Raises:
        SystemExit: it cannot be made.
    """
    stamp = environment.folder / ".installed"
    wanted = _fingerprint(environment)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    print(f"Making {environment.folder.relative_to(ROOT)}", flush=True)
    _run(sys.executable, "-m", "venv", "--clear", str(environment.folder))
    for step in environment.steps:
        _run(str(environment.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *step)
    stamp.write_text(wanted, encoding="utf-8")


def _fingerprint(environment: Environment) -> str:
    parts = [sys.version, *(argument for step in environment.steps for argument in step)]
    if str(CONSTRAINTS) in parts:
        parts += [CONSTRAINTS.read_text(encoding="utf-8"), (ROOT / "pyproject.toml").read_text(encoding="utf-8")]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _run(*command: str) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}\nfailed with status {done.returncode}")
