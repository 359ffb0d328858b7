"""What every verb shares: finding a user's functions by `package.module:functions`, and naming an extra that is missing."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any, Final

from statefun.errors import DefinitionError, StatefunError
from statefun.functions import StatefulFunctions

__all__ = ["LoadError", "MissingExtraError", "load_functions", "missing_extra"]

_EXTRAS: Final = {
    "aiobotocore": "kinesis",
    "aiohttp": "aiohttp",
    "apsw": "runtime",
    "botocore": "kinesis",
    "click": "cli",
    "confluent_kafka": "kafka",
    "cronsim": "schedule",
    "httptools": "serve",
    "opentelemetry": "otel",
    "prometheus_client": "prometheus",
    "psycopg": "postgres",
    "rich": "cli",
    "uvicorn": "serve",
    "yaml": "module",
}


class LoadError(DefinitionError):
    """The functions that a command line names cannot be found."""

    code = "functions-not-found"
    default_hint = "write `package.module:attribute`, as seen from the directory in which the command runs"


class MissingExtraError(StatefunError):
    """A verb needs a package that only an extra installs."""

    code = "missing-extra"


def load_functions(target: str) -> StatefulFunctions:
    """The registry that `package.module:attribute` names.

    The working directory comes first on the path of imports, as with `python -m`. What the module itself raises goes through.

    Raises:
        LoadError: there is no such module, it has no such attribute, or that is no StatefulFunctions.
    """
    name, _, attribute = target.partition(":")
    if not name or not attribute:
        raise LoadError(f"{target!r} names no functions")
    directory = str(Path.cwd())
    if directory not in sys.path:
        sys.path.insert(0, directory)
    try:
        found: Any = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # a module that the user's module imports, which is another mistake
        raise LoadError(f"there is no module {error.name!r} in {directory} or among the installed packages") from error
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            raise LoadError(f"the module {name!r} has no attribute {attribute!r}") from error
    if not isinstance(found, StatefulFunctions):
        raise LoadError(
            f"{target!r} is no StatefulFunctions but of the type {type(found).__qualname__}",
            hint="name the registry: `functions = StatefulFunctions()` is `package.module:functions`",
        )
    return found


def missing_extra(error: ModuleNotFoundError) -> MissingExtraError | None:
    """The error that tells which extra to install, if one of them brings the missing module."""
    module = (error.name or "").partition(".")[0]
    if module not in _EXTRAS:
        return None
    return MissingExtraError(
        f"this needs the package {module!r}, which is not installed",
        hint=f"pip install 'statefun-typed[{_EXTRAS[module]}]'",
    )
