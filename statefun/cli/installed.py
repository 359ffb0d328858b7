"""Where an image can get this package from: what is asked for, or whence it was installed here, as pip keeps it (PEP 610)."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from attrs import frozen

from statefun.errors import StatefunError

__all__ = ["InstalledError", "Origin", "installed", "recorded"]

_NAME: Final = "statefun-typed"
_WHEEL: Final = re.compile(r"statefun_typed-([^-]+)(-\d[^-]*)?-[^-]+-[^-]+-[^-]+\.whl")


class InstalledError(StatefunError):
    """An image could not install this package, or not the one that runs here."""

    code = "not-installable"


@frozen
class Origin:
    """Where an image gets this package from; the index, where there is neither a wheel nor a URL.

    Attributes:
        version: Which version.
        wheel: A file of this machine, for the image's build to take along.
        url: What pip installs it from, with its hash where that is known.
    """

    version: str
    wheel: Path | None = None
    url: str | None = None


def installed(*, wheel: str | None, from_index: bool) -> Origin:
    """What an image installs: this wheel, or the index; when neither is asked for, what the installation here came from.

    Raises:
        InstalledError: the wheel is not there or another one, or what is installed here came from where no image finds it.
    """
    try:
        here = distribution(_NAME)
    except PackageNotFoundError as error:
        raise InstalledError(
            f"{_NAME} runs here and is not installed, so its version is not known", hint="install it: `pip install .`"
        ) from error
    if wheel is not None:
        return Origin(here.version, wheel=_checked(Path(wheel), here.version))
    return Origin(here.version) if from_index else recorded(here.version, here.read_text("direct_url.json"))


def recorded(version: str, record: str | None) -> Origin:
    """What the record of an installation tells; there is none of what came from an index.

    Raises:
        InstalledError: it came from a folder, a repository or a file that no image finds.
    """
    if record is None:
        return Origin(version)
    told: dict[str, Any] = json.loads(record)
    url: str = told["url"]
    parts = urlsplit(url)
    path = Path(url2pathname(parts.path)) if parts.scheme == "file" else None
    digest: str | None = told.get("archive_info", {}).get("hashes", {}).get("sha256")
    if "archive_info" in told and path is None:
        return Origin(version, url=url if digest is None else f"{url}#sha256={digest}")
    if "archive_info" in told and path is not None and path.suffix == ".whl":
        if not path.is_file():
            raise InstalledError(f"{_NAME} was installed from {path}, which is gone", hint=_other_ways(version))
        if digest is not None and hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise InstalledError(
                f"{_NAME} was installed from {path}, which has changed since", hint=_other_ways(version)
            )
        return Origin(version, wheel=_checked(path, version))
    source = url if path is None else str(path)
    if "vcs_info" in told:
        source = f"{told['vcs_info']['vcs']}+{url}@{told['vcs_info']['commit_id']}"
    raise InstalledError(
        f"{_NAME} was installed from {source}, which no image finds",
        hint=f"make a wheel of it: `pip wheel --no-deps {shlex.quote(source)}`, and {_other_ways(version)}",
    )


def _other_ways(version: str) -> str:
    return (
        f"name the wheel: `--wheel statefun_typed-{version}-py3-none-any.whl`; "
        "or, where an index has this version, `--from-index`"
    )


def _checked(wheel: Path, version: str) -> Path:
    found = _WHEEL.fullmatch(wheel.name)
    if found is None:
        raise InstalledError(
            f"{wheel} is no wheel of {_NAME}",
            hint=f"pip knows a wheel by the name it was made with, such as statefun_typed-{version}-py3-none-any.whl",
        )
    if not wheel.is_file():
        raise InstalledError(f"{wheel} is not there", hint="name the file of the wheel, as seen from here")
    if found[1] != version:
        raise InstalledError(
            f"{wheel} is of the version {found[1]}, and what runs here of {version}",
            hint="install the wheel here and deploy with it, or name the wheel of what runs here",
        )
    return wheel
