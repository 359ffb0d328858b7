"""Refuses to be imported beside another distribution that owns the import name `statefun` too.

pip installs two such distributions into one folder without a word, and what is left is a mixture of both. Where their
`__init__.py` is the one that was left, nothing of this runs. Names of folders are compared here, which takes a fraction of a
millisecond; `importlib.metadata`, which takes ten to import, is asked only about what was found by them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from statefun.errors import PackageClashError

if TYPE_CHECKING:
    from importlib.metadata import Distribution

__all__ = ["refuse_clash"]

_OTHERS = ("apache-flink-statefun", "flink-statefun", "apache-flink-statefun-new")
_PREFIXES = tuple(name.replace("-", "_") + "-" for name in _OTHERS)


def refuse_clash(path: Iterable[str]) -> None:
    """Looks for the other distributions on a path such as `sys.path`.

    Raises:
        PackageClashError: one of them is installed there and owns `statefun/__init__.py`.
    """
    for folder in path:
        try:
            names = os.listdir(folder or os.curdir)
        except OSError:  # a zip archive, or a folder that is not there
            continue
        for name in names:
            if name.startswith(_PREFIXES):
                _refuse(folder or os.curdir)


def _refuse(folder: str) -> None:
    from importlib.metadata import distributions

    for other in _OTHERS:
        for found in distributions(name=other, path=[folder]):
            if _is_installed(found):
                raise PackageClashError(
                    f"{other} {found.version}, in {folder}, is imported as `statefun` too: files of one distribution have "
                    "overwritten files of the other",
                    hint=f"pip uninstall {other} statefun-typed, then pip install statefun-typed; or use two environments",
                )


def _is_installed(found: Distribution) -> bool:
    """Whether a folder of metadata is one, and lists the package's `__init__.py`; one that lists no files at all may have it."""
    if not (found.read_text("METADATA") or found.read_text("PKG-INFO")):
        return False
    files = found.files
    return files is None or any(file.as_posix() == "statefun/__init__.py" for file in files)


refuse_clash(sys.path)
