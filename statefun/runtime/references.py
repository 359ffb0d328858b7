"""Secrets that a model names instead of holding them: `env:NAME` is what the environment variable NAME holds."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from statefun.errors import BindingError
from statefun.model import references

__all__ = ["dereferenced"]


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
    """
    return references.dereferenced(value, what, os.environ if environment is None else environment, error=error)
