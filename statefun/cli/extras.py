"""Which extra brings a package that is not installed."""

from __future__ import annotations

from typing import Final

from statefun.errors import StatefunError

__all__ = ["MissingExtraError", "missing_extra"]

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


class MissingExtraError(StatefunError):
    """A verb needs a package that only an extra installs."""

    code = "missing-extra"


def missing_extra(error: ModuleNotFoundError) -> MissingExtraError | None:
    """The error that tells which extra to install, if one of them brings the missing module."""
    module = (error.name or "").partition(".")[0]
    if module not in _EXTRAS:
        return None
    return MissingExtraError(
        f"this needs the package {module!r}, which is not installed",
        hint=f"pip install 'statefun-typed[{_EXTRAS[module]}]'",
    )
