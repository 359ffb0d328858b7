"""What only an extra of this package installs: `extra` names it where something of it is missing."""

from __future__ import annotations

from types import TracebackType
from typing import Final

from statefun.errors import MissingExtraError

__all__ = ["extra", "missing_extra"]

_BRINGING: Final = {
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
"""For each package an extra that brings it."""


class extra:  # noqa: N801  it stands before a block as a word of the language does
    """Around imports of what an extra brings: where that is not installed, the error names the extra.

    Args:
        name: The extra.

    Raises:
        MissingExtraError: a package is not installed.

    >>> with extra("kafka"):
    ...     import a_client_of_kafka
    Traceback (most recent call last):
    statefun.errors.MissingExtraError: [missing-extra] this needs the package 'a_client_of_kafka', which is not installed (hint: pip install 'statefun-typed[kafka]')
    """

    def __init__(self, name: str) -> None:
        self._name: Final = name

    def __enter__(self) -> None:
        """Begins the imports."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends them."""
        if isinstance(error, ModuleNotFoundError) and not isinstance(error, MissingExtraError):
            package = _package(error)
            if package not in ("", "statefun"):
                raise _missing(package, self._name) from error


def missing_extra(error: ModuleNotFoundError) -> MissingExtraError | None:
    """The error that tells which extra to install, if one of them brings the missing module."""
    package = _package(error)
    return _missing(package, _BRINGING[package]) if package in _BRINGING else None


def _package(error: ModuleNotFoundError) -> str:
    return (error.name or "").partition(".")[0]


def _missing(package: str, name: str) -> MissingExtraError:
    return MissingExtraError(
        f"this needs the package {package!r}, which is not installed", hint=f"pip install 'statefun-typed[{name}]'"
    )
