"""Secrets that a model names instead of holding them: `env:NAME` is what the environment variable NAME holds."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Final

from statefun.errors import BindingError

__all__ = ["dereferenced"]

_PREFIX: Final = "env:"


def dereferenced(
    value: str,
    what: str,
    *,
    environment: Mapping[str, str] | None = None,
    error: Callable[..., Exception] = BindingError,
) -> str:
    """A value, or what the environment variable holds that it names.

    Args:
        value: The value, or `env:NAME`.
        what: Whose it is, for the error: the value itself is never shown.
        environment: The environment variables; those of this process when omitted.
        error: The class of the error.

    Raises:
        BindingError: there is no such variable, or it is empty; or an `error` of another class.

    >>> dereferenced("env:DSN", "the dsn of 'a/b'", environment={"DSN": "host=db"})
    'host=db'
    >>> dereferenced("host=db", "the dsn of 'a/b'")
    'host=db'
    """
    if not value.startswith(_PREFIX):
        return value
    name = value.removeprefix(_PREFIX)
    found = (os.environ if environment is None else environment).get(name)
    if not found:
        raise error(
            f"{what} is in the environment variable {name!r}, which is {'not set' if found is None else 'empty'}",
            hint="set it for the process that runs the functions",
        )
    return found
