"""A user's functions by their name on the command line, `package.module:functions`."""

from __future__ import annotations

import importlib
import logging
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from statefun.errors import DefinitionError, StatefunError
from statefun.extras import missing_extra
from statefun.functions import StatefulFunctions

__all__ = ["ImportFailedError", "LoadError", "load_functions"]

_LOGGER: Final = logging.getLogger("statefun.serving.loading")
"""Below the logger that `statefun serve --debug` lets tell everything."""

_IMPORTING: Final = (__file__, importlib.__file__)


class LoadError(DefinitionError):
    """The functions that a command line names cannot be found."""

    code = "functions-not-found"
    default_hint = "write `package.module:attribute`, as seen from the directory in which the command runs"


class ImportFailedError(StatefunError):
    """The module that holds the functions raised an error while it was imported.

    Its text ends with the lines of the user's code that led to it; what the import went through before is no help to anybody.
    """

    code = "import-failed"
    default_hint = "mend what the lines below tell of"

    def __init__(self, module: str, error: BaseException) -> None:
        super().__init__(f"the module {module!r} cannot be imported: {type(error).__name__}")
        self.lines = _own_lines(error)

    def __str__(self) -> str:
        return f"{super().__str__()}\n{self.lines}"


def load_functions(target: str) -> StatefulFunctions:
    """The registry that `package.module:attribute` names.

    The working directory comes first on the path of imports, as with `python -m`. An error of this package that the module raises goes through, and so does the
    lack of a package that an extra of it brings.

    Raises:
        LoadError: there is no such module, it has no such attribute, or that is no StatefulFunctions.
        ImportFailedError: the module raises an error of its own.
    """
    name, _, attribute = target.partition(":")
    if not name or not attribute:
        raise LoadError(f"{target!r} names no functions")
    directory = str(Path.cwd())
    if directory not in sys.path:
        sys.path.insert(0, directory)
    found: Any = _imported(name, directory)
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


def _imported(name: str, directory: str) -> Any:
    try:
        return importlib.import_module(name)
    except StatefunError:
        raise
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise LoadError(
                f"there is no module {error.name!r} in {directory} or among the installed packages"
            ) from error
        if missing_extra(error) is not None:
            raise
        failed: BaseException = error  # a module that the user's module imports, which is another mistake
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  whatever a user's code raises, SystemExit too: it is told, and the command ends
        failed = error
    _LOGGER.debug("the module %r cannot be imported", name, exc_info=failed)
    raise ImportFailedError(name, failed) from failed


def _own_lines(error: BaseException) -> str:
    """A traceback from the user's module on; of a SyntaxError in it, only where it is."""
    trace: TracebackType | None = error.__traceback__
    while trace is not None and _is_importing(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    lines = "".join(traceback.TracebackException(type(error), error, trace).format()).splitlines()
    return "\n".join(each for each in lines if not each.startswith("Traceback (most recent call last)"))


def _is_importing(file: str) -> bool:
    return file in _IMPORTING or file.startswith("<frozen importlib")
