"""What `statefun run` runs: a module.yaml, a registry of functions, or both as one program."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from statefun.cli.loading import load_functions
from statefun.errors import BindingError, ModuleError
from statefun.functions import StatefulFunctions
from statefun.model import Module
from statefun.model.references import with_environment

__all__ = ["load_module", "load_program"]

_SUFFIXES = (".yaml", ".yml")


def load_program(targets: Sequence[str]) -> tuple[Module | None, StatefulFunctions]:
    """The module that the words of a command line name, and the functions, with the ingresses and egresses of both.

    Args:
        targets: The path of a module.yaml, `package.module:functions`, or the one and then the other.

    Raises:
        ModuleError: the module cannot be read.
        LoadError: there are no such functions.
        BindingError: both have an ingress or egress of the same id that differs.
    """
    files = [each for each in targets if each.lower().endswith(_SUFFIXES)]
    named = [each for each in targets if each not in files]
    if len(files) > 1 or len(named) > 1:
        raise click.UsageError(f"name one module.yaml and one registry at most, not {' '.join(targets)}")
    module = load_module(files[0]) if files else None
    functions = load_functions(named[0]) if named else StatefulFunctions()
    if module is not None:
        for ingress in module.ingresses:
            if not _is_there(ingress, [each.for_protocol(module.protocol).ingress for each in functions.ingresses]):
                functions.ingress(ingress)
        for egress in module.egresses:
            if not _is_there(egress, [each.egress for each in functions.egresses]):
                functions.egress(egress)
    return module, functions


def load_module(path: str) -> Module:
    """The module in a file.

    Raises:
        ModuleError: it cannot be read.
    """
    from statefun.module.load import load  # here, so that a registry alone needs no YAML

    try:
        return load(Path(path).read_bytes(), file=path)
    except OSError as error:
        raise ModuleError(
            f"{path} cannot be read: {error.strerror or error}", hint="name the module.yaml, as seen from here"
        ) from error


def _is_there(made: Any, others: Sequence[Any]) -> bool:
    for other in others:
        if other.id == made.id:
            if with_environment(other, os.environ) == with_environment(made, os.environ):
                return True
            raise BindingError(
                f"{made.id!r} is declared in the code and in the module ({made.source}), and they differ",
                hint="remove one of the two, or make them equal",
            )
    return False
